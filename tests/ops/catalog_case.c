/* catalog_case.c: turns a case's text into filled tensors with the memory layout it asks for. */
#include "catalog.h"
#include "../support/element.h"

#include "core/access.h"

#include <stdlib.h>
#include <string.h>

const char *const catalog_cases_unary[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                            "1x4x1", ".", "0",     "2x0x3",   NULL };

const char *const catalog_cases_binary[] = {
    "3x4 3x4", "3x4:t 3x4", "3x4 3x4:s",     "3x4:t 3x4:t", "2x3x4 4", "3x1 1x4",
    "4 3x1:s", "3x4:e 3x1", "2x1x4:t 3x1:e", "3x4 .",       ". 2x3",   ". .",
    "1x1 1",   "0x4 1x4",   "2x0 .",         "70 70:s",     NULL
};

/* ---- values */

uint64_t catalog_random(uint64_t *random)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double catalog_uniform(uint64_t *random)
{
    return (double)(catalog_random(random) >> 11) * 0x1p-53;
}

void catalog_any(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++) {
        uint64_t bits = catalog_random(random);
        double size = 0.1 + 1.9 * catalog_uniform(random);
        switch (in[i].dtype) {
        case HONE_F32:
        case HONE_F64:
        case HONE_BF16:
        case HONE_F16:
            in[i].at[k] = bits & 1 ? -size : size;
            break;
        case HONE_I64:
        case HONE_I32:
            in[i].at[k] = (double)(bits % 11) - 5;
            break;
        case HONE_U8:
            in[i].at[k] = (double)(bits % 11);
            break;
        case HONE_BOOL:
            in[i].at[k] = (double)(bits % 2);
            break;
        }
    }
}

void catalog_positive(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++) {
        in[i].at[k] = hone_dtype_is_float(in[i].dtype) ? 0.5 + 2 * catalog_uniform(random)
                                                       : (double)(1 + catalog_random(random) % 5);
    }
}

void catalog_apart(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    if (!hone_dtype_is_float(in[i].dtype)) {
        catalog_any(row, in, i, random);
        return;
    }
    int64_t n = in[i].numel;
    for (int64_t k = 0; k < n; k++) {
        in[i].at[k] = ((double)(k - n / 2) + 0.26 * i + 0.1) * 0.125;
    }
    for (int64_t k = n - 1; k > 0; k--) {
        int64_t other = (int64_t)(catalog_random(random) % (uint64_t)(k + 1));
        double value = in[i].at[k];
        in[i].at[k] = in[i].at[other];
        in[i].at[other] = value;
    }
}

void catalog_mask(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++) {
        in[i].at[k] = (double)(catalog_random(random) & 1);
    }
}

/* ---- cases */

void catalog_shape(catalog_array *a, hone_dtype dtype, int ndim, const int64_t *shape)
{
    a->dtype = dtype;
    a->ndim = ndim;
    a->numel = 1;
    for (int d = 0; d < ndim; d++) {
        a->shape[d] = shape[d];
        a->numel *= shape[d];
    }
    free(a->at);
    a->at = calloc((size_t)a->numel + 1, sizeof *a->at);
    if (!a->at) {
        abort(); /* a test's machine without memory */
    }
}

/* Reads "3x4:t" at *text and moves past it; layout is 'c', 't', 's' or 'e'. */
static bool parse_input(const char **text, int *ndim, int64_t *shape, char *layout, bool *none)
{
    const char *p = *text + strspn(*text, " ");
    *ndim = 0;
    *layout = 'c';
    *none = *p == '-';
    if (*p == '-' || *p == '.') {
        p++;
    } else {
        for (bool more = true; more; more = *p == 'x', p += more) {
            char *end;
            if (*ndim == HONE_MAX_DIMS) {
                return false;
            }
            shape[(*ndim)++] = strtoll(p, &end, 10);
            if (end == p) {
                return false;
            }
            p = end;
        }
    }
    if (*p == ':' && p[1]) {
        *layout = p[1];
        p += 2;
    }
    *text = p + strspn(p, " ");
    return strchr("ctse", *layout) && (p == *text ? *p == 0 : true);
}

/* Repeats the first index of dim 0 over all others. */
static void repeat_dim0(catalog_array *a)
{
    int64_t inner = a->shape[0] > 0 ? a->numel / a->shape[0] : 0;
    for (int64_t k = inner; k < a->numel; k++) {
        a->at[k] = a->at[k % inner];
    }
}

/* Strides and storage size of a layout. */
static int64_t lay_out(const catalog_array *a, char layout, const int64_t *shape, int64_t *stride)
{
    int64_t size = 1;
    for (int k = 0; k < a->ndim; k++) {
        int d = layout == 't' ? k : a->ndim - 1 - k;
        stride[d] = layout == 's' ? 2 * size : size;
        const int64_t extent = shape[d] > 1 ? shape[d] : 1;
        size *= layout == 's' ? 2 * extent : extent;
    }
    if (layout == 'e') {
        stride[0] = shape[0] == 1 ? stride[0] : 0;
    }
    return layout == 's' ? size + 3 : size;
}

static hone_tensor *make_tensor(const catalog_array *a, char layout, bool leaves)
{
    int64_t shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS];
    memcpy(shape, a->shape, sizeof shape);
    if (layout == 'e' && leaves && shape[0] > 1) {
        shape[0] = 1;
    }
    int64_t storage = lay_out(a, layout, shape, stride);
    hone_tensor *base = hone__new("catalog", a->dtype, 1, &storage);
    if (!base) {
        return NULL;
    }
    size_t size = hone_dtype_size(a->dtype);
    char *data = hone__data(base);
    for (int64_t k = 0; k < storage; k++) { /* what lies in gaps must not be read */
        test_store(a->dtype, data + (size_t)k * size, 99);
    }
    int64_t offset = layout == 's' ? 3 : 0, numel = 1;
    for (int d = 0; d < a->ndim; d++) {
        numel *= shape[d];
    }
    for (int64_t k = 0; k < numel; k++) {
        int64_t rest = k, at = offset;
        for (int d = a->ndim - 1; d >= 0; d--) {
            at += rest % shape[d] * stride[d];
            rest /= shape[d];
        }
        test_store(a->dtype, data + (size_t)at * size, a->at[k]);
    }
    hone_tensor *t = hone__alias(base, a->ndim, shape, stride, offset);
    hone_release(base);
    return hone__own(t);
}

/* Row-wide facts of input i: those past the last filled one are like that one. */
static const catalog_input *input_of(const catalog_row *row, int i)
{
    while (i > 0 && !row->in[i].fill) {
        i--;
    }
    return &row->in[i];
}

static bool make_input(const catalog_row *row, catalog_case *c, const char **text, hone_dtype dtype,
                       bool leaves, uint64_t *random)
{
    int i = c->n++, ndim;
    int64_t shape[HONE_MAX_DIMS];
    char layout;
    catalog_array *a = &c->array[i];
    if (!parse_input(text, &ndim, shape, &layout, &a->none)) {
        return false;
    }
    if (a->none) {
        c->tensor[i] = HONE_NONE;
        return true;
    }
    const catalog_input *input = input_of(row, i);
    catalog_shape(a, input->fixed ? (hone_dtype)(input->fixed - 1) : dtype, ndim, shape);
    (input->fill ? input->fill : catalog_any)(row, c->array, i, random);
    if (layout == 'e') {
        repeat_dim0(a);
    }
    for (int64_t k = 0; k < a->numel; k++) {
        char element[8];
        test_store(a->dtype, element, a->at[k]);
        a->at[k] = hone__element(a->dtype, element);
    }
    c->expanded[i] = layout == 'e' && shape[0] > 1;
    c->tensor[i] = make_tensor(a, layout, leaves);
    return c->tensor[i] != NULL;
}

bool catalog_make(const catalog_row *row, const char *text, hone_dtype dtype, bool leaves,
                  catalog_case *out)
{
    uint64_t random = 12345;
    *out = (catalog_case){ 0 };
    snprintf(out->text, sizeof out->text, "%s%s%s%s %s case \"%s\"", row->op, row->note ? " (" : "",
             row->note ? row->note : "", row->note ? ")" : "", hone_dtype_name(dtype), text);
    while (*text) {
        if (out->n == CATALOG_INPUTS || !make_input(row, out, &text, dtype, leaves, &random)) {
            return false;
        }
    }
    return true;
}

void catalog_free(catalog_case *c)
{
    for (int i = 0; i < c->n; i++) {
        free(c->array[i].at);
    }
}
