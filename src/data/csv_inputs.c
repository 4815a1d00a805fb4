/* csv_inputs.c: that text: JSON, numbers as texts of 17 digits, which give the same double back. */
#include "data/csv_inputs.h"

#include "core/core.h"
#include "core/text.h"
#include "data/kinds.h"
#include "io/json.h"
#include "io/writer.h"

#include <math.h>
#include <string.h>

/* ---- writing */

static void put_texts(hone__writer *w, const char *key, const char *const *texts, int64_t n)
{
    hone__write_text(w, key);
    for (int64_t i = 0; i < n; i++) {
        hone__write_text(w, i ? ", " : "");
        hone__write_json(w, texts[i]);
    }
    hone__write_text(w, "]");
}

static void put_real(hone__writer *w, const char *key, double value)
{
    char text[40];
    hone__format(text, sizeof text, "\"%.17g\"", value);
    hone__write_text(w, key);
    hone__write_text(w, text);
}

static void put_all(hone__writer *w, const hone__csv_inputs *inputs)
{
    hone__write_text(w, "{\"inputs\": [");
    for (int64_t i = 0; i < inputs->n; i++) {
        const hone__csv_input *in = &inputs->at[i];
        hone__write_text(w, i ? ", {\"name\": " : "{\"name\": ");
        hone__write_json(w, in->name);
        if (in->is_text) {
            put_texts(w, ", \"texts\": [", in->texts, in->n_texts);
        } else {
            put_real(w, ", \"fill\": ", in->fill);
            put_real(w, ", \"minus\": ", in->minus);
            put_real(w, ", \"over\": ", in->over);
        }
        hone__write_text(w, "}");
    }
    hone__write_text(w, "]");
    if (inputs->target) {
        hone__write_text(w, ", \"target\": ");
        hone__write_json(w, inputs->target);
    }
    if (inputs->classes)
        put_texts(w, ", \"classes\": [", inputs->classes, inputs->n_classes);
    hone__write_text(w, "}");
}

const char *hone__csv_inputs_text(hone_source *data, const hone__csv_inputs *inputs)
{
    hone__writer w = { NULL, 0 };
    put_all(&w, inputs);
    char *text = w.bytes = hone__data_take(data, w.n + 1);
    w.n = 0;
    if (text)
        put_all(&w, inputs);
    return text;
}

/* ---- reading */

typedef struct {
    hone_source *data;
    hone__json j;
    bool failed; /* no memory */
} reader;

/* Room for one more than n; each time it is full, twice as much. */
static void *grown(reader *r, const void *at, int64_t n, size_t size)
{
    if (n > 0 && (n & (n - 1)) != 0) /* room is the next power of two */
        return (void *)(uintptr_t)at;
    void *more = hone__data_take(r->data, (size_t)(n ? 2 * n : 1) * size);
    r->failed |= !more;
    if (more && n)
        memcpy(more, at, (size_t)n * size);
    return more;
}

static const char *const *read_texts(reader *r, int64_t *n)
{
    const char **at = NULL;
    bool first = true;
    hone__json_take(&r->j, '[');
    for (*n = 0; !r->failed && hone__json_more(&r->j, ']', &first); ++*n) {
        at = grown(r, at, *n, sizeof *at);
        const char *text = hone__json_string(&r->j);
        if (at)
            at[*n] = text;
    }
    return at;
}

static double read_real(reader *r)
{
    double value = 0;
    const char *text = hone__json_string(&r->j);
    if (text && (!hone__read_f64(text, strlen(text), &value) || !isfinite(value)))
        r->j.problem = "a number is wanted";
    return value;
}

static hone__csv_input read_input(reader *r)
{
    hone__csv_input in = { .over = 1 };
    bool first = true;
    hone__json_take(&r->j, '{');
    while (!r->failed && hone__json_more(&r->j, '}', &first)) {
        const char *key = hone__json_string(&r->j);
        hone__json_take(&r->j, ':');
        if (!key)
            break;
        if (strcmp(key, "name") == 0)
            in.name = hone__json_string(&r->j);
        else if (strcmp(key, "texts") == 0)
            in.texts = read_texts(r, &in.n_texts), in.is_text = true;
        else if (strcmp(key, "fill") == 0)
            in.fill = read_real(r);
        else if (strcmp(key, "minus") == 0)
            in.minus = read_real(r);
        else if (strcmp(key, "over") == 0)
            in.over = read_real(r);
        else
            hone__json_skip(&r->j);
    }
    if (!r->j.problem && (!in.name || in.over == 0))
        r->j.problem = "an input has no name, or no scale";
    return in;
}

static void read_inputs(reader *r, hone__csv_inputs *to)
{
    bool first = true;
    hone__json_take(&r->j, '[');
    for (; !r->failed && hone__json_more(&r->j, ']', &first); to->n++) {
        to->at = grown(r, to->at, to->n, sizeof *to->at);
        const hone__csv_input in = read_input(r);
        if (to->at)
            to->at[to->n] = in;
    }
}

bool hone__csv_inputs_read(const char *where, hone_source *data, const char *text,
                           hone__csv_inputs *inputs)
{
    const size_t n = strlen(text);
    char *copy = hone__data_copy(data, text, n);
    reader r = { .data = data, .j = { .at = copy, .end = copy ? copy + n : NULL } };
    bool first = true;
    *inputs = (hone__csv_inputs){ 0 };
    if (!copy)
        return false;
    hone__json_take(&r.j, '{');
    while (!r.failed && hone__json_more(&r.j, '}', &first)) {
        const char *key = hone__json_string(&r.j);
        hone__json_take(&r.j, ':');
        if (!key)
            break;
        if (strcmp(key, "inputs") == 0)
            read_inputs(&r, inputs);
        else if (strcmp(key, "target") == 0)
            inputs->target = hone__json_string(&r.j);
        else if (strcmp(key, "classes") == 0)
            inputs->classes = read_texts(&r, &inputs->n_classes);
        else
            hone__json_skip(&r.j);
    }
    if (!r.failed && !r.j.problem)
        hone__json_ends(&r.j);
    if (!r.failed && !r.j.problem && inputs->n == 0)
        r.j.problem = "there is no input";
    if (r.j.problem)
        hone_error_set(HONE_E_FORMAT, "%s: the columns that the model was trained with: %s", where,
                       r.j.problem);
    return !r.failed && !r.j.problem;
}
