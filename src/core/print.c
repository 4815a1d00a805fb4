/* print.c: tensors as text, laid out as PyTorch does it.
 *
 * Past 1000 elements only the first and last 3 along each dim are shown. What is shown decides the
 * format of all: integers get a dot ("2."), else 4 digits after it, or the scientific form when
 * magnitudes lie far apart. */
#include "core/access.h"
#include "core/core.h"

#include <math.h>
#include <string.h>

enum { THRESHOLD = 1000, EDGE = 3, LINE_WIDTH = 80, DIGITS = 4, PREFIX_WIDTH = 7 };

const char *(*hone__node_name)(const hone_context *node);

/* ---- where text goes: a buffer or a stream ------------------------------------------------ */

typedef struct {
    char *buffer;
    size_t size;
    FILE *stream;
    int64_t length;     /* so far, also what didn't fit */
    int64_t line_start; /* where the last line begins */
    bool failed;
} sink;

static void put(sink *out, const char *text)
{
    const size_t n = strlen(text);
    if (out->stream) {
        out->failed |= fwrite(text, 1, n, out->stream) != n;
    } else if ((size_t)out->length < out->size) {
        const size_t room = out->size - (size_t)out->length - 1;
        memcpy(out->buffer + out->length, text, n < room ? n : room);
        out->buffer[out->length + (int64_t)(n < room ? n : room)] = 0;
    }
    const char *newline = strrchr(text, '\n');
    if (newline)
        out->line_start = out->length + (newline - text) + 1;
    out->length += (int64_t)n;
}

static void put_spaces(sink *out, int n)
{
    for (; n > 0; n--)
        put(out, " ");
}

/* ---- one element -------------------------------------------------------------------------- */

typedef struct {
    hone_dtype dtype;
    bool integers;   /* of a float dtype, all shown are whole */
    bool scientific; /* 1.0000e-05 */
    bool any;        /* a finite value other than 0 was seen */
    double min, max; /* of their magnitudes */
    int width;
} format;

static int write_element(const format *f, const char *p, char *text, size_t size)
{
    if (f->dtype == HONE_BOOL)
        return hone__format(text, size, "%s", *p ? "True" : "False");
    if (!hone_dtype_is_float(f->dtype))
        return hone__format(text, size, "%lld", (long long)hone__element_i64(f->dtype, p));
    const double value = hone__element(f->dtype, p);
    if (!isfinite(value))
        return hone__format(text, size, "%s", value != value ? "nan" : value > 0 ? "inf" : "-inf");
    if (f->scientific)
        return hone__format(text, size, "%.*e", DIGITS, value);
    return f->integers ? hone__format(text, size, "%.0f.", value)
                       : hone__format(text, size, "%.*f", DIGITS, value);
}

static void put_element(sink *out, const format *f, const char *p)
{
    char text[400]; /* the largest double has 309 digits */
    const int n = write_element(f, p, text, sizeof text);
    put_spaces(out, f->width - n);
    put(out, text);
}

/* ---- which format ------------------------------------------------------------------------- */

/* Calls see(f, element) for all that will be shown. */
static void see_shown(const hone_tensor *t, int dim, const char *p, bool summary,
                      void (*see)(format *f, const char *p), format *f)
{
    if (dim == t->ndim) {
        see(f, p);
        return;
    }
    const int64_t n = t->shape[dim];
    const int64_t step = t->stride[dim] * (int64_t)hone_dtype_size((hone_dtype)t->dtype);
    for (int64_t i = 0; i < n; i++) {
        if (summary && n > 2 * EDGE && i == EDGE)
            i = n - EDGE;
        see_shown(t, dim + 1, p + i * step, summary, see, f);
    }
}

static void see_range(format *f, const char *p)
{
    const double value = hone__element(f->dtype, p), magnitude = fabs(value);
    if (!isfinite(value) || magnitude == 0)
        return;
    f->integers &= value == ceil(value);
    f->min = f->any && f->min < magnitude ? f->min : magnitude;
    f->max = f->any && f->max > magnitude ? f->max : magnitude;
    f->any = true;
}

/* As in PyTorch, zeros and what isn't finite have no say in the width of floats. */
static void see_width(format *f, const char *p)
{
    if (hone_dtype_is_float(f->dtype)) {
        const double value = hone__element(f->dtype, p);
        if (!isfinite(value) || value == 0)
            return;
    }
    char text[400];
    const int n = write_element(f, p, text, sizeof text);
    f->width = f->width > n ? f->width : n;
}

static format choose_format(const hone_tensor *t, bool summary)
{
    format f = { .dtype = (hone_dtype)t->dtype, .integers = true, .width = 1 };
    if (hone_dtype_is_float(f.dtype)) {
        see_shown(t, 0, hone__data(t), summary, see_range, &f);
        f.scientific =
            f.any && (f.max / f.min > 1000.0 || f.max > 1e8 || (!f.integers && f.min < 1e-4));
    }
    see_shown(t, 0, hone__data(t), summary, see_width, &f);
    return f;
}

/* ---- all elements ------------------------------------------------------------------------- */

typedef struct {
    sink *out;
    const hone_tensor *t;
    format f;
    bool summary;
} printer;

static void put_vector(const printer *p, const char *at, int indent)
{
    const hone_tensor *t = p->t;
    const int64_t n = t->shape[t->ndim - 1];
    const int64_t step = t->stride[t->ndim - 1] * (int64_t)hone_dtype_size(p->f.dtype);
    const bool cut = p->summary && n > 2 * EDGE;
    int per_line = (LINE_WIDTH - indent) / (p->f.width + 2);
    per_line = per_line > 1 ? per_line : 1;
    int64_t shown = 0; /* "..." counts as one */
    put(p->out, "[");
    for (int64_t i = 0; i < n; i++, shown++) {
        if (shown > 0 && shown % per_line == 0) {
            put(p->out, ",\n");
            put_spaces(p->out, indent + 1);
        } else if (shown > 0) {
            put(p->out, ", ");
        }
        if (cut && i == EDGE) {
            put(p->out, " ...");
            i = n - EDGE - 1;
        } else {
            put_element(p->out, &p->f, at + i * step);
        }
    }
    put(p->out, "]");
}

static void put_block(const printer *p, int dim, const char *at, int indent)
{
    const hone_tensor *t = p->t;
    if (dim == t->ndim) {
        put_element(p->out, &p->f, at);
        return;
    }
    if (dim == t->ndim - 1) {
        put_vector(p, at, indent);
        return;
    }
    const int64_t n = t->shape[dim];
    const int64_t step = t->stride[dim] * (int64_t)hone_dtype_size(p->f.dtype);
    const bool cut = p->summary && n > 2 * EDGE;
    put(p->out, "[");
    for (int64_t i = 0; i < n; i++) {
        if (i > 0) {
            put(p->out, ",");
            for (int d = dim; d < t->ndim - 1; d++)
                put(p->out, "\n");
            put_spaces(p->out, indent + 1);
        }
        if (cut && i == EDGE) {
            put(p->out, "...");
            i = n - EDGE - 1;
        } else {
            put_block(p, dim + 1, at + i * step, indent + 1);
        }
    }
    put(p->out, "]");
}

/* ---- what follows the elements ------------------------------------------------------------ */

static void put_suffix(sink *out, int64_t *line, const char *suffix)
{
    const int64_t n = (int64_t)strlen(suffix);
    if (*line + n + 2 > LINE_WIDTH) {
        put(out, ",\n");
        put_spaces(out, PREFIX_WIDTH);
        *line = PREFIX_WIDTH + n;
    } else {
        put(out, ", ");
        *line += n + 2;
    }
    put(out, suffix);
}

static void put_suffixes(sink *out, const hone_tensor *t)
{
    int64_t line = out->length - out->line_start + 2; /* as PyTorch counts it */
    const hone_dtype dtype = (hone_dtype)t->dtype;
    char text[200];
    if (t->numel == 0 && t->ndim != 1) {
        int at = hone__format(text, sizeof text, "size=(");
        for (int d = 0; d < t->ndim; d++)
            at += hone__format(text + at, sizeof text - (size_t)at, "%s%lld", d ? ", " : "",
                               (long long)t->shape[d]);
        hone__format(text + at, sizeof text - (size_t)at, ")");
        put_suffix(out, &line, text);
    }
    const bool implied = t->numel > 0 && (dtype == HONE_I64 || dtype == HONE_BOOL);
    if (dtype != HONE_F32 && !implied) {
        hone__format(text, sizeof text, "dtype=torch.%s", hone__dtypes[dtype].torch_name);
        put_suffix(out, &line, text);
    }
    const char *node = t->node && hone__node_name ? hone__node_name(t->node) : NULL;
    if (node) {
        hone__format(text, sizeof text, "grad_fn=<%s>", node);
        put_suffix(out, &line, text);
    } else if (t->requires_grad) {
        put_suffix(out, &line, "requires_grad=True");
    }
}

static void put_tensor(sink *out, const hone_tensor *t)
{
    put(out, "tensor(");
    if (t->numel == 0) {
        put(out, "[]");
    } else {
        const bool summary = t->numel > THRESHOLD;
        const printer p = { out, t, choose_format(t, summary), summary };
        put_block(&p, 0, hone__data(t), PREFIX_WIDTH);
    }
    put_suffixes(out, t);
    put(out, ")");
}

/* ---- what users call ---------------------------------------------------------------------- */

hone_status hone_fprint(FILE *stream, hone_tensor *t)
{
    if (!hone__needs_tensor("print", t))
        return hone__error_last();
    if (!stream)
        return hone__error_missing("print", "a stream");
    sink out = { .stream = stream };
    put_tensor(&out, t);
    put(&out, "\n");
    return out.failed ? hone_error_set(HONE_E_IO, "print: the stream can't be written") : HONE_OK;
}

hone_status hone_print(hone_tensor *t)
{
    return hone_fprint(stdout, t);
}

int64_t hone_sprint(char *buffer, size_t bytes, hone_tensor *t)
{
    if (!hone__needs_tensor("print", t))
        return -1;
    if (!buffer && bytes > 0) {
        hone__error_missing("print", "a buffer");
        return -1;
    }
    sink out = { .buffer = buffer, .size = bytes };
    put_tensor(&out, t);
    return out.length;
}
