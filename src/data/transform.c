/* transform.c: lists of steps, from text. A step is NAME or NAME:VALUE,name=VALUE; steps are joined by
 * '+'. A value is a number, several joined by '/', or a word. */
#include "data/transform.h"

#include "core/core.h"

#include <stdio.h>
#include <string.h>

#define WORDS    "bilinear|bicubic|nearest" /* in the order of hone__filter */
#define REQUIRED (-1e300)

typedef struct {
    const char *name, *words;
    double fallback, least, most;
    int most_values;
} parameter;

static const struct {
    const char *name;
    bool on_floats;
    parameter at[HONE__STEP_PARAMETERS];
} kinds[HONE__STEPS] = {
    [HONE__STEP_RESIZE] = { "resize",
                            false,
                            { { "size", NULL, REQUIRED, 1, 65500, 1 },
                              { "width", NULL, 0, 1, 65500, 1 },
                              { "filter", WORDS, 0, 0, 0, 1 } } },
    [HONE__STEP_CENTER_CROP] = { "center_crop",
                                 false,
                                 { { "size", NULL, REQUIRED, 1, 65500, 1 },
                                   { "width", NULL, 0, 1, 65500, 1 } } },
    [HONE__STEP_CROP] = { "crop",
                          false,
                          { { "size", NULL, REQUIRED, 1, 65500, 1 },
                            { "width", NULL, 0, 1, 65500, 1 },
                            { "padding", NULL, 0, 0, 65500, 1 },
                            { "fill", NULL, 0, 0, 255, 1 } } },
    [HONE__STEP_RESIZED_CROP] = { "resized_crop",
                                  false,
                                  { { "size", NULL, REQUIRED, 1, 65500, 1 },
                                    { "width", NULL, 0, 1, 65500, 1 },
                                    { "scale", NULL, 0, 1e-4, 1, 2 },
                                    { "ratio", NULL, 0, 0.01, 100, 2 },
                                    { "filter", WORDS, 0, 0, 0, 1 } } },
    [HONE__STEP_FLIP] = { "flip", false, { { "p", NULL, 0.5, 0, 1, 1 } } },
    [HONE__STEP_VFLIP] = { "vflip", false, { { "p", NULL, 0.5, 0, 1, 1 } } },
    [HONE__STEP_ROTATE] = { "rotate",
                            false,
                            { { "degrees", NULL, REQUIRED, 0, 180, 1 },
                              { "fill", NULL, 0, 0, 255, 1 } } },
    [HONE__STEP_AFFINE] = { "affine",
                            false,
                            { { "degrees", NULL, REQUIRED, 0, 180, 1 },
                              { "translate", NULL, 0, 0, 1, 2 },
                              { "scale", NULL, 1, 0.01, 100, 2 },
                              { "shear", NULL, 0, 0, 80, 1 },
                              { "fill", NULL, 0, 0, 255, 1 } } },
    [HONE__STEP_JITTER] = { "jitter",
                            false,
                            { { "brightness", NULL, 0, 0, 100, 1 },
                              { "contrast", NULL, 0, 0, 100, 1 },
                              { "saturation", NULL, 0, 0, 100, 1 },
                              { "hue", NULL, 0, 0, 0.5, 1 } } },
    [HONE__STEP_CUTOUT] = { "cutout",
                            false, /* either side: see hone__transform_read */
                            { { "size", NULL, REQUIRED, 1, 65500, 1 },
                              { "fill", NULL, 0, -1e6, 1e6, 1 },
                              { "p", NULL, 1, 0, 1, 1 } } },
    [HONE__STEP_GREY] = { "grey", false, { { 0 } } },
    [HONE__STEP_FLOAT] = { "float", true, { { 0 } } },
    [HONE__STEP_NORMALIZE] = { "normalize",
                               true,
                               { { "mean", NULL, REQUIRED, -1e6, 1e6, HONE__STEP_VALUES },
                                 { "std", NULL, REQUIRED, 1e-6, 1e6, HONE__STEP_VALUES } } },
    [HONE__STEP_MIXUP] = { "mixup", true, { { "alpha", NULL, 0.2, 1e-3, 2, 1 } } },
};

/* ---- reading */

typedef struct {
    const char *where, *text; /* the step's */
    hone__step *step;
} reading;

static bool refuse(const reading *r, const char *format, ...) HONE_PRINTF(2, 3);
static bool refuse(const reading *r, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    hone__vformat(why, sizeof why, format, args);
    va_end(args);
    hone_error_set(HONE_E_VALUE, "%s: %.80s: %s", r->where, r->text, why);
    return false;
}

/* The number of a word in "a|b|c"; -1: it isn't there. */
static int word_of(const char *words, const char *text, size_t n)
{
    for (int i = 0;; i++) {
        const size_t length = strcspn(words, "|");
        if (length == n && memcmp(words, text, n) == 0)
            return i;
        if (!words[length])
            return -1;
        words += length + 1;
    }
}

static bool read_value(const reading *r, int p, const char *text, size_t n)
{
    const parameter *par = &kinds[r->step->kind].at[p];
    int *count = &r->step->n_values[p];
    if (*count > 0)
        return refuse(r, "%s is given twice", par->name);
    if (par->words) {
        const int word = word_of(par->words, text, n);
        if (word < 0)
            return refuse(r, "%s %.*s (%s is wanted)", par->name, (int)n, text, par->words);
        r->step->value[p][(*count)++] = word;
        return true;
    }
    for (const char *end = text + n; text < end || *count == 0;) {
        size_t length = 0;
        while (text + length < end && text[length] != '/')
            length++;
        double value;
        if (!hone__read_f64(text, length, &value) || !(value >= par->least && value <= par->most))
            return refuse(r, "%s %.*s (%g to %g is wanted)", par->name, (int)length, text,
                          par->least, par->most);
        if (*count == par->most_values)
            return refuse(r, "%s has more than %d value%s", par->name, par->most_values,
                          par->most_values > 1 ? "s" : "");
        r->step->value[p][(*count)++] = value;
        text += length + 1;
    }
    return true;
}

static int parameter_named(hone__step_kind kind, const char *name, size_t n)
{
    for (int p = 0; p < HONE__STEP_PARAMETERS && kinds[kind].at[p].name; p++)
        if (strlen(kinds[kind].at[p].name) == n && memcmp(kinds[kind].at[p].name, name, n) == 0)
            return p;
    return -1;
}

static bool read_parameters(const reading *r, const char *at)
{
    int place = 0;
    while (*at) {
        const size_t n = strcspn(at, ","), equals = strcspn(at, "=");
        const bool named = equals < n;
        const int p = named ? parameter_named(r->step->kind, at, equals) : place++;
        if (p < 0)
            return refuse(r, "it has no '%.*s'", (int)equals, at);
        if (p >= HONE__STEP_PARAMETERS || !kinds[r->step->kind].at[p].name)
            return refuse(r, "%.*s is one value too many", (int)n, at);
        const size_t skip = named ? equals + 1 : 0;
        if (!read_value(r, p, at + skip, n - skip))
            return false;
        at += n + (at[n] == ',');
    }
    for (int p = 0; p < HONE__STEP_PARAMETERS && kinds[r->step->kind].at[p].name; p++) {
        const parameter *par = &kinds[r->step->kind].at[p];
        if (r->step->n_values[p] == 0 && par->fallback == REQUIRED)
            return refuse(r, "its %s is missing", par->name);
        if (r->step->n_values[p] == 0)
            r->step->value[p][0] = par->fallback;
    }
    return true;
}

/* Two values are from and to; what else is 0 by default has its default here. */
static bool settle(const reading *r)
{
    hone__step *s = r->step;
    for (int p = 0; p < HONE__STEP_PARAMETERS && kinds[s->kind].at[p].name; p++)
        if (strcmp(kinds[s->kind].at[p].name, "scale") == 0 ||
            strcmp(kinds[s->kind].at[p].name, "ratio") == 0) {
            if (s->kind == HONE__STEP_RESIZED_CROP && s->n_values[p] == 0) {
                s->value[p][0] = p == 2 ? 0.08 : 3.0 / 4.0;
                s->value[p][1] = p == 2 ? 1.0 : 4.0 / 3.0;
            } else if (s->n_values[p] < 2) {
                s->value[p][1] = s->value[p][0];
            }
            if (s->value[p][0] > s->value[p][1])
                return refuse(r, "%s goes from %g down to %g", kinds[s->kind].at[p].name,
                              s->value[p][0], s->value[p][1]);
        }
    if (s->kind == HONE__STEP_AFFINE && s->n_values[1] < 2)
        s->value[1][1] = s->value[1][0];
    if (s->kind == HONE__STEP_NORMALIZE && s->n_values[0] != s->n_values[1])
        return refuse(r, "%d means, but %d deviations", s->n_values[0], s->n_values[1]);
    return true;
}

static bool read_kind(const reading *r, size_t n)
{
    const char *names[HONE__STEPS];
    char word[40], all[200] = "";
    for (int k = 0; k < HONE__STEPS; k++) {
        names[k] = kinds[k].name;
        if (strlen(names[k]) == n && memcmp(names[k], r->text, n) == 0) {
            r->step->kind = (hone__step_kind)k;
            return true;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "", names[k]);
    }
    snprintf(word, sizeof word, "%.*s", (int)n, r->text);
    const char *nearest = hone__nearest(word, names, HONE__STEPS);
    return nearest ? refuse(r, "there is no such step; did you mean %s?", nearest)
                   : refuse(r, "there is no such step, but %s", all);
}

/* Whether the list may go on with this step; notes what it means for the whole. */
static bool add(const reading *r, hone__transform *t)
{
    const hone__step_kind kind = r->step->kind;
    if (t->mixup >= 0)
        return refuse(r, "mixup is the last step");
    if (t->floats &&
        (kind == HONE__STEP_FLOAT || (!kinds[kind].on_floats && kind != HONE__STEP_CUTOUT)))
        return refuse(r, "it changes bytes, so it comes before float and normalize");
    if (!t->floats && kind == HONE__STEP_CUTOUT &&
        (r->step->value[1][0] < 0 || r->step->value[1][0] > 255))
        return refuse(r, "a fill of %g among bytes", r->step->value[1][0]);
    t->floats |= kinds[kind].on_floats;
    if (kind == HONE__STEP_MIXUP)
        t->mixup = t->n;
    t->n++;
    return true;
}

/* How far a step goes: to a '+' before a name, so that 1e+5 is none. */
static size_t length_of(const char *text)
{
    size_t n = 0;
    while (text[n] && !(text[n] == '+' && (n == 0 || (text[n + 1] | 32) >= 'a')))
        n++;
    return n;
}

bool hone__transform_read(const char *where, const char *text, bool still, hone__transform *t)
{
    *t = (hone__transform){ .still = still, .mixup = -1 };
    for (const char *at = text; *at;) {
        char step[200];
        const size_t n = length_of(at);
        snprintf(step, sizeof step, "%.*s", (int)n, at);
        hone__step room;
        const bool full = t->n == HONE__TRANSFORM_STEPS;
        const reading r = { where, step, full ? &room : &t->step[t->n] };
        *r.step = (hone__step){ 0 };
        const size_t name = strcspn(step, ":");
        if (full)
            return refuse(&r, "a list has at most %d steps", HONE__TRANSFORM_STEPS);
        if (n >= sizeof step)
            return refuse(&r, "a step of %zu letters", n);
        if (!read_kind(&r, name) || !read_parameters(&r, step + name + (step[name] == ':')) ||
            !settle(&r) || !add(&r, t))
            return false;
        at += n + (at[n] == '+');
    }
    return true;
}

/* ---- shapes */

static int64_t height_of(const hone__step *s)
{
    return (int64_t)s->value[0][0];
}

static int64_t width_of(const hone__step *s)
{
    return (int64_t)(s->value[1][0] > 0 ? s->value[1][0] : s->value[0][0]);
}

hone__picture_shape hone__transform_shape(const hone__transform *t, hone__picture_shape in)
{
    for (int i = 0; i < t->n; i++) {
        const hone__step *s = &t->step[i];
        const bool aspect = s->kind == HONE__STEP_RESIZE && s->value[1][0] == 0;
        if (s->kind == HONE__STEP_GREY) {
            in.channels = 1;
        } else if (aspect && (in.height < 0 || in.width < 0)) {
            in.height = in.width = -1;
        } else if (aspect) {
            const int64_t size = height_of(s), h = in.height, w = in.width;
            in.height = h <= w ? size : size * h / w;
            in.width = h <= w ? size * w / h : size;
        } else if (s->kind <= HONE__STEP_RESIZED_CROP) {
            in.height = height_of(s);
            in.width = width_of(s);
        }
    }
    return in;
}
