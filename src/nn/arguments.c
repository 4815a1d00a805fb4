/* arguments.c: the arguments of a layer that is made by name: from text as Python would write it,
 * and to text. */
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text in parts */

typedef struct {
    const char *at; /* n characters */
    size_t n;
} part;

enum { DEEPEST = 32 }; /* brackets in brackets */

static part trimmed(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    while (at < end && strchr(" \t\r\n", end[-1]))
        end--;
    return (part){ at, (size_t)(end - at) };
}

static bool is(part p, const char *word)
{
    return strlen(word) == p.n && memcmp(word, p.at, p.n) == 0;
}

/* The first comma outside of brackets and quotes, or the end; NULL: these don't match. */
static const char *part_end(const char *at, const char *end)
{
    char open[DEEPEST];
    int depth = 0;
    for (; at < end; at++) {
        if (*at == '\'' || *at == '"') {
            at = memchr(at + 1, *at, (size_t)(end - at - 1));
            if (!at)
                return NULL;
        } else if (*at == '(' || *at == '[') {
            if (depth == DEEPEST)
                return NULL;
            open[depth++] = *at == '(' ? ')' : ']';
        } else if (*at == ')' || *at == ']') {
            if (depth == 0 || open[--depth] != *at)
                return NULL;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return depth == 0 ? end : NULL;
}

/* How much of a text a message shows. */
static int shown(part p)
{
    return (int)(p.n < 60 ? p.n : 60);
}

/* ---- one value */

typedef struct {
    const hone__layer *layer;
    const hone__parameter *p;
    part text;
} place;

static void list_choices(const hone__parameter *p, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; p->choices && p->choices[i] && used < size; i++)
        used += (size_t)hone__format(text + used, size - used, "%s'%s'",
                                     i == 0              ? ""
                                     : p->choices[i + 1] ? ", "
                                                         : " or ",
                                     p->choices[i]);
}

static bool wrong_value(const place *w)
{
    char wanted[200] = "", choices[160] = "";
    list_choices(w->p, choices, sizeof choices);
    const char *or_none = w->p->none ? " or None" : "";
    static const char *const texts[] = { [HONE__WHOLE] = "a whole number",
                                         [HONE__REAL] = "a number",
                                         [HONE__TRUTH] = "True or False",
                                         [HONE__WHOLES] = "a whole number or a tuple of them",
                                         [HONE__REALS] = "a tuple of numbers",
                                         [HONE__CHOICE] = "",
                                         [HONE__DTYPE] = "f32 or f64",
                                         [HONE__LAYER] = "a layer, such as ReLU(),",
                                         [HONE__LAYERS] = "a layer, such as ReLU()," };
    if (w->p->kind == HONE__WHOLES && w->p->count > 1)
        hone__format(wanted, sizeof wanted, "a whole number or %d in brackets", w->p->count);
    else if (w->p->kind == HONE__WHOLES && w->p->count == 1)
        hone__format(wanted, sizeof wanted, "a whole number");
    else if (w->p->kind == HONE__REALS && w->p->count > 0)
        hone__format(wanted, sizeof wanted, "a number or up to %d in brackets", w->p->count);
    hone_error_set(HONE_E_VALUE, "%s: %s is %.*s, but %s%s%s%s is wanted", w->layer->name,
                   w->p->name, shown(w->text), w->text.at, *wanted ? wanted : texts[w->p->kind],
                   *choices && w->p->kind != HONE__CHOICE ? " or " : "", choices, or_none);
    return false;
}

static bool in_range(const place *w, double value)
{
    if ((w->p->min == 0 && w->p->max == 0) || (value >= w->p->min && value <= w->p->max))
        return true;
    char most[48] = "";
    if (!isinf(w->p->max))
        hone__format(most, sizeof most, " to %.9g", w->p->max);
    hone_error_set(HONE_E_VALUE, "%s: %s is %.*s, but %.9g%s is wanted", w->layer->name, w->p->name,
                   shown(w->text), w->text.at, w->p->min, *most ? most : " or more");
    return false;
}

static bool read_real(part p, double *value)
{
    return p.n > 0 && hone__read_f64(p.at, p.n, value) && isfinite(*value);
}

/* What is between the brackets of a tuple or list; false: it is none. */
static bool in_brackets(part *p)
{
    if (p->n < 2 || !((p->at[0] == '(' && p->at[p->n - 1] == ')') ||
                      (p->at[0] == '[' && p->at[p->n - 1] == ']')))
        return false;
    *p = trimmed(p->at + 1, p->at + p->n - 1);
    return true;
}

/* "(2, 3)", "[2]" or "2"; where None may be, it is -1. */
static bool read_wholes(const place *w, hone__argument *a)
{
    part list = w->text;
    const bool several = in_brackets(&list);
    const char *end = list.at + list.n;
    for (const char *at = list.at; at < end; a->n++) {
        const char *comma = several ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const part one = trimmed(at, comma ? comma : end);
        if (a->n == HONE_MAX_DIMS)
            return wrong_value(w);
        const bool none = several && w->p->none && is(one, "None");
        if (none)
            a->at[a->n] = -1;
        else if (!hone__read_i64(one.at, one.n, &a->at[a->n]))
            return wrong_value(w);
        else if (!in_range(w, (double)a->at[a->n]))
            return false;
        at = comma ? comma + 1 : end;
    }
    a->single = !several && !w->p->spread;
    if (several && w->p->count > 0 && a->n != w->p->count)
        return wrong_value(w);
    for (; !several && a->n > 0 && a->n < w->p->count; a->n++)
        a->at[a->n] = a->at[0];
    const bool may_be_none = several && w->p->standard && strcmp(w->p->standard, "()") == 0;
    return a->n > 0 || may_be_none || wrong_value(w);
}

static int count_reals(part list)
{
    int n = 0;
    const char *end = list.at + list.n;
    for (const char *at = list.at; at < end; n++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        double value;
        if (!read_real(trimmed(at, comma ? comma : end), &value))
            return -1;
        at = comma ? comma + 1 : end;
    }
    return n;
}

static bool read_reals(const place *w, hone__argument *a)
{
    part list = w->text;
    const bool several = in_brackets(&list);
    a->single = !several;
    a->n = several || w->p->count > 0 ? count_reals(list) : -1;
    return (a->n > 0 && (!several || w->p->count == 0 || a->n <= w->p->count)) || wrong_value(w);
}

static bool read_choice(const place *w, hone__argument *a)
{
    const part p = w->text;
    if (p.n < 2 || (p.at[0] != '\'' && p.at[0] != '"') || p.at[p.n - 1] != p.at[0])
        return false;
    for (int i = 0; w->p->choices && w->p->choices[i]; i++) {
        if (!is((part){ p.at + 1, p.n - 2 }, w->p->choices[i]))
            continue;
        a->choice = i;
        return true;
    }
    return false;
}

static bool read_dtype(part p, hone_dtype *dtype)
{
    static const struct {
        const char *name;
        hone_dtype dtype;
    } names[] = {
        { "f32", HONE_F32 },           { "torch.float32", HONE_F32 },
        { "torch.float", HONE_F32 },   { "f64", HONE_F64 },
        { "torch.float64", HONE_F64 }, { "torch.double", HONE_F64 },
        { "bf16", HONE_BF16 },         { "torch.bfloat16", HONE_BF16 },
        { "f16", HONE_F16 },           { "torch.float16", HONE_F16 },
        { "torch.half", HONE_F16 },
    };
    if (p.n >= 2 && (p.at[0] == '\'' || p.at[0] == '"') && p.at[p.n - 1] == p.at[0])
        p = (part){ p.at + 1, p.n - 2 };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!is(p, names[i].name))
            continue;
        *dtype = names[i].dtype;
        return true;
    }
    return false;
}

static hone_module *read_module(const place *w)
{
    const part p = w->text;
    const char *open = memchr(p.at, '(', p.n);
    if (!open || p.at[p.n - 1] != ')') {
        wrong_value(w);
        return NULL;
    }
    const part name = trimmed(p.at, open), inside = { open + 1, (size_t)(p.at + p.n - open - 2) };
    return hone__layer_from(name.at, name.n, inside.at, inside.n);
}

/* One more at the end of the list. */
static bool read_one_of_modules(const place *w, hone__argument *a)
{
    if ((a->n & (a->n - 1)) == 0) { /* it has room for a power of two */
        hone_module **more = hone_module_array(a->n > 0 ? 2 * a->n : 1);
        if (!more)
            return false;
        for (int i = 0; i < a->n; i++)
            more[i] = a->modules[i];
        hone__free(a->modules);
        a->modules = more;
    }
    a->modules[a->n] = read_module(w);
    return a->modules[a->n] && ++a->n;
}

static bool read_value(const place *w, hone__argument *a)
{
    const part p = w->text;
    if (w->p->kind != HONE__LAYERS) /* that goes on */
        *a = (hone__argument){ .choice = -1, .text = p.at, .length = p.n };
    a->none = w->p->none && is(p, "None");
    if (a->none)
        return true;
    switch (w->p->kind) {
    case HONE__WHOLE:
        a->n = 1;
        return hone__read_i64(p.at, p.n, &a->at[0]) ? in_range(w, (double)a->at[0])
                                                    : wrong_value(w);
    case HONE__REAL:
        a->whole = hone__read_i64(p.at, p.n, &a->at[0]);
        return read_real(p, &a->number) ? in_range(w, a->number) : wrong_value(w);
    case HONE__TRUTH:
        a->truth = is(p, "True") || is(p, "true");
        return a->truth || is(p, "False") || is(p, "false") || wrong_value(w);
    case HONE__WHOLES:
        return read_choice(w, a) || read_wholes(w, a);
    case HONE__REALS:
        return read_reals(w, a);
    case HONE__CHOICE:
        return read_choice(w, a) || wrong_value(w);
    case HONE__DTYPE:
        return read_dtype(p, &a->dtype) || wrong_value(w);
    case HONE__LAYER:
    case HONE__LAYERS:
        return read_one_of_modules(w, a);
    }
    return false;
}

/* ---- all of them */

static int table_length(const hone__layer *layer)
{
    int n = 0;
    while (layer->arguments && layer->arguments[n].name)
        n++;
    return n;
}

/* Where in the table the i-th argument by place is; -1: there are fewer. */
static int place_at(const hone__layer *layer, int i)
{
    const int n = table_length(layer);
    for (int at = 0; at < n; at++)
        if (!layer->arguments[at].named && i-- == 0)
            return at;
    return -1;
}

static int places(const hone__layer *layer)
{
    int n = 0;
    while (place_at(layer, n) >= 0)
        n++;
    return n;
}

/* "bias=False" -> bias, and the text behind the sign; empty where the argument has no name. */
static part take_name(part *item)
{
    size_t n = 0;
    while (n < item->n &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", item->at[n]))
        n++;
    const part name = { item->at, n };
    part rest = trimmed(item->at + n, item->at + item->n);
    if (n == 0 || rest.n == 0 || rest.at[0] != '=')
        return (part){ NULL, 0 };
    *item = trimmed(rest.at + 1, rest.at + rest.n);
    return name;
}

static int find_name(const hone__layer *layer, part name)
{
    const int n = table_length(layer);
    const char *names[HONE__ARGUMENTS];
    for (int i = 0; i < n; i++) {
        names[i] = layer->arguments[i].name;
        if (is(name, names[i]))
            return i;
    }
    char word[64], signature[600];
    hone__format(word, sizeof word, "%.*s", shown(name), name.at);
    hone__arguments_print(layer, signature, sizeof signature);
    const char *nearest = hone__nearest(word, names, n);
    hone_error_set(HONE_E_VALUE, "%s: it has no argument %s%s%s%s; it has %s", layer->name, word,
                   nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
                   n > 0 ? signature : "none");
    return -1;
}

/* The line of the table that the next argument by place belongs to; -1 + error. */
static int next_place(const hone__layer *layer, part item, int at, bool after_named)
{
    const int most = places(layer);
    if (most > 0 && at >= most && layer->arguments[place_at(layer, most - 1)].kind == HONE__LAYERS)
        at = most - 1;
    if (after_named)
        hone_error_set(HONE_E_VALUE, "%s: %.*s comes without a name after arguments with one",
                       layer->name, shown(item), item.at);
    else if (at >= most && most == 0)
        hone_error_set(HONE_E_VALUE, "%s: it takes no argument without a name, but got %.*s",
                       layer->name, shown(item), item.at);
    else if (at >= most)
        hone_error_set(HONE_E_VALUE,
                       "%s: %d arguments at most can be given without a name, and %.*s is one more",
                       layer->name, most, shown(item), item.at);
    else
        return place_at(layer, at);
    return -1;
}

static bool read_defaults(const hone__layer *layer, const bool *seen, hone__argument *a)
{
    const int n = table_length(layer);
    for (int i = 0; i < n; i++) {
        const hone__parameter *p = &layer->arguments[i];
        if (seen[i] || p->kind == HONE__LAYERS)
            continue;
        if (!p->standard) {
            hone_error_set(HONE_E_VALUE, "%s: argument %s is missing", layer->name, p->name);
            return false;
        }
        /* A default may be outside the range of what can be given. */
        const hone__parameter any = { .name = p->name,
                                      .kind = p->kind,
                                      .standard = p->standard,
                                      .count = p->count,
                                      .none = true,
                                      .spread = p->spread,
                                      .choices = p->choices };
        const place w = { layer, &any, { p->standard, strlen(p->standard) } };
        if (!read_value(&w, &a[i]))
            return false;
        a[i].standard = true;
    }
    return true;
}

static bool read_all(const hone__layer *layer, const char *at, const char *end, hone__argument *a)
{
    bool seen[HONE__ARGUMENTS] = { false }, named = false;
    for (int taken = 0; trimmed(at, end).n > 0;) {
        const char *stop = part_end(at, end);
        if (!stop) {
            const part p = trimmed(at, end);
            hone_error_set(HONE_E_VALUE,
                           "%s: brackets or quotes don't match, or are too deep: %.*s", layer->name,
                           shown(p), p.at);
            return false;
        }
        part item = trimmed(at, stop);
        const part name = take_name(&item);
        named = named || name.n > 0;
        const int i = name.n > 0 ? find_name(layer, name) : next_place(layer, item, taken++, named);
        if (i < 0)
            return false;
        if (item.n == 0) {
            hone_error_set(HONE_E_VALUE, "%s: argument %s is empty", layer->name,
                           layer->arguments[i].name);
            return false;
        }
        if (seen[i] && layer->arguments[i].kind != HONE__LAYERS) {
            hone_error_set(HONE_E_VALUE, "%s: argument %s is given twice", layer->name,
                           layer->arguments[i].name);
            return false;
        }
        seen[i] = true;
        const place w = { layer, &layer->arguments[i], item };
        if (!read_value(&w, &a[i]))
            return false;
        at = stop < end ? stop + 1 : end;
    }
    return read_defaults(layer, seen, a);
}

bool hone__arguments_read(const hone__layer *layer, const char *text, size_t length,
                          hone__argument *a)
{
    memset(a, 0, HONE__ARGUMENTS * sizeof *a);
    if (read_all(layer, text, text + length, a))
        return true;
    hone__arguments_free(a);
    return false;
}

void hone__arguments_free(hone__argument *a)
{
    for (int i = 0; i < HONE__ARGUMENTS; i++) {
        for (int m = 0; a[i].modules && m < a[i].n; m++)
            hone_module_free(a[i].modules[m]);
        hone__free(a[i].modules);
    }
}

hone_tensor *hone__argument_tensor(const hone__argument *a, hone_dtype dtype)
{
    hone_tensor *t = hone_empty(HONE_F64, a->n);
    part list = { a->text, a->length };
    if (!t)
        return NULL;
    in_brackets(&list);
    double *to = hone__data(t);
    const char *end = list.at + list.n, *at = list.at;
    for (int i = 0; i < a->n; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        read_real(trimmed(at, comma ? comma : end), &to[i]);
        at = comma ? comma + 1 : end;
    }
    return hone_to(t, dtype);
}

/* ---- to text */

int hone__format_real(char *text, size_t size, double value)
{
    char digits[40];
    for (int n = 1; n <= 17; n++) { /* the fewest that give the number back */
        double back;
        hone__format(digits, sizeof digits, "%.*e", n - 1, value);
        if (hone__read_f64(digits, strlen(digits), &back) && back == value)
            break;
    }
    const char *e = strchr(digits, 'e');
    const int exponent = e ? atoi(e + 1) : 0;
    if (!e || exponent < -4 || exponent >= 16)
        return hone__format(text, size, "%s", digits);
    const int n = (int)(e - digits) - (digits[0] == '-') - (strchr(digits, '.') != NULL);
    const int places = n - 1 - exponent;
    return hone__format(text, size, "%.*f", places > 1 ? places : 1, value);
}

typedef struct {
    char *text;
    size_t size, used;
} writer;

static void put(writer *w, const char *format, ...) HONE_PRINTF(2, 3);
static void put(writer *w, const char *format, ...)
{
    const size_t at = w->used < w->size ? w->used : w->size;
    va_list args;
    va_start(args, format);
    const int n = hone__vformat(w->text + at, w->size - at, format, args);
    va_end(args);
    w->used += n > 0 ? (size_t)n : 0;
}

static void put_kind(writer *w, const hone__parameter *p)
{
    static const char *const texts[] = {
        [HONE__WHOLE] = "int",   [HONE__REAL] = "float",   [HONE__TRUTH] = "bool",
        [HONE__WHOLES] = "ints", [HONE__REALS] = "floats", [HONE__CHOICE] = "",
        [HONE__DTYPE] = "dtype", [HONE__LAYER] = "layer",  [HONE__LAYERS] = "layers"
    };
    char choices[160] = "";
    list_choices(p, choices, sizeof choices);
    if (p->kind == HONE__WHOLES && p->count > 0)
        put(w, p->count == 1 ? "int" : "int or %d ints", p->count);
    else if (p->kind == HONE__REALS && p->count > 0)
        put(w, "float or floats");
    else
        put(w, "%s", texts[p->kind]);
    put(w, "%s%s%s", *choices && p->kind != HONE__CHOICE ? " or " : "", choices,
        p->none ? " or None" : "");
}

int hone__arguments_print(const hone__layer *layer, char *text, size_t size)
{
    writer w = { text, size, 0 };
    if (size > 0)
        *text = 0;
    for (int named = 0; named < 2; named++) {
        bool first = true;
        for (const hone__parameter *p = layer->arguments; p && p->name; p++) {
            if (p->named != named)
                continue;
            put(&w, "%s%s%s%s: ", w.used > 0 ? ", " : "", named && first ? "*, " : "",
                p->kind == HONE__LAYERS ? "*" : "", p->name);
            first = false;
            put_kind(&w, p);
            if (p->standard)
                put(&w, " = %s", p->standard);
        }
    }
    return (int)w.used;
}

static void put_wholes(writer *w, const hone__parameter *p, const hone__argument *a)
{
    if (a->single) {
        put(w, "%lld", (long long)a->at[0]);
        return;
    }
    for (int i = 0; i < a->n; i++) {
        put(w, i == 0 ? "(" : ", ");
        if (a->at[i] == -1 && p->none)
            put(w, "None");
        else
            put(w, "%lld", (long long)a->at[i]);
    }
    put(w, a->n == 1 ? ",)" : ")");
}

static void put_value(writer *w, const hone__parameter *p, const hone__argument *a)
{
    char real[40];
    if (a->none) {
        put(w, "None");
    } else if (a->choice >= 0) {
        put(w, "'%s'", p->choices[a->choice]);
    } else if (p->kind == HONE__TRUTH) {
        put(w, "%s", a->truth ? "True" : "False");
    } else if (p->kind == HONE__WHOLES) {
        put_wholes(w, p, a);
    } else if (p->kind == HONE__WHOLE || a->whole) {
        put(w, "%lld", (long long)a->at[0]);
    } else {
        hone__format_real(real, sizeof real, a->number);
        put(w, "%s", real);
    }
}

static bool same_as_standard(const hone__parameter *p, const hone__argument *a)
{
    return a->standard || (p->kind == HONE__TRUTH &&
                           a->truth == (p->standard && strcmp(p->standard, "True") == 0));
}

int hone__plain_print(const hone_module *self, char *text, size_t size)
{
    const hone__plain *l = (const hone__plain *)self;
    writer w = { text, size, 0 };
    if (size > 0)
        *text = 0;
    for (int i = 0; l->layer->arguments && l->layer->arguments[i].name; i++) {
        const hone__parameter *p = &l->layer->arguments[i];
        if (p->shown == HONE__HIDDEN_ARGUMENT ||
            (p->shown == HONE__CHANGED && same_as_standard(p, &l->at[i])))
            continue;
        put(&w, "%s", w.used > 0 ? ", " : "");
        if (p->shown != HONE__ALONE)
            put(&w, "%s=", p->name);
        put_value(&w, p, &l->at[i]);
    }
    return (int)w.used;
}
