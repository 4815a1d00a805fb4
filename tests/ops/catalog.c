/* catalog.c: finds rows, calls ops, judges results. */
#include "catalog.h"
#include "../support/element.h"

#include "core/access.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CATALOG_REFERENCE(family) &catalog_family_##family,
static const catalog_family *const families[] = { CATALOG_FAMILIES(CATALOG_REFERENCE) };
#undef CATALOG_REFERENCE
#define N_FAMILIES ((int)(sizeof families / sizeof *families))

int catalog_count(void)
{
    int n = 0;
    for (int i = 0; i < N_FAMILIES; i++) {
        n += families[i]->n;
    }
    return n;
}

const catalog_row *catalog_at(int i)
{
    for (int f = 0; f < N_FAMILIES; f++) {
        if (i < families[f]->n) {
            return families[f]->rows + i;
        }
        i -= families[f]->n;
    }
    return NULL;
}

unsigned catalog_dtypes(const catalog_row *row)
{
    return row->dtypes ? row->dtypes : CATALOG_FLOATS;
}

/* ---- calls: the public functions, from the header (entries.awk), and by name */

catalog_tensors_end catalog_tensors(hone_tensor *const *in, int n)
{
    catalog_tensors_end t;
    memcpy(t.at, in, (size_t)n * sizeof *in);
    t.at[n] = HONE_END_TENSOR;
    return t;
}

/* The value's text in the row's attributes; NULL: it isn't there. */
static const char *attribute_text(const catalog_row *row, const char *attribute)
{
    const size_t length = strlen(attribute);
    for (const char *at = row->attributes; at && (at = strstr(at, attribute)); at += length)
        if ((at == row->attributes || at[-1] == ' ') && at[length] == '=')
            return at + length + 1;
    return NULL;
}

catalog_dims_end catalog_dims(const catalog_row *row, const char *attribute)
{
    const char *text = attribute_text(row, attribute);
    catalog_dims_end d;
    int n = 0;
    for (char *end; text && n < HONE_MAX_DIMS && *text && *text != ' '; text = end + (*end == ','))
        d.at[n++] = strtoll(text, &end, 10);
    for (; !row->attributes && n < row->n_dims; n++)
        d.at[n] = row->dims[n];
    d.at[n] = HONE_END_DIM;
    return d;
}

bool catalog_bool(const catalog_row *row, const char *attribute)
{
    const char *text = attribute_text(row, attribute);
    return row->attributes ? text && strncmp(text, "true", 4) == 0 : row->flag;
}

double catalog_float(const catalog_row *row, const char *attribute)
{
    const char *text = attribute_text(row, attribute);
    return !row->attributes ? row->s : text ? strtod(text, NULL) : 0;
}

double catalog_option(const catalog_row *row, const char *attribute)
{
    const double value = catalog_float(row, attribute);
    return value == 0 && attribute_text(row, attribute) ? HONE_ZERO : value;
}

catalog_words catalog_text(const catalog_row *row, const char *attribute)
{
    const char *text = attribute_text(row, attribute);
    catalog_words words;
    snprintf(words.at, sizeof words.at, "%.*s", (int)(text ? strcspn(text, " ") : 0),
             text ? text : "");
    return words;
}

int catalog_choice(const catalog_row *row, const char *attribute, const char *names)
{
    catalog_words words = catalog_text(row, attribute);
    const size_t length = strlen(words.at);
    int i = 0;
    for (char *dash; (dash = strchr(words.at, '-'));) /* "nearest-exact" */
        *dash = '_';
    for (const char *at = names; length > 0; at += 2, i++) {
        const size_t end = strcspn(at, ",");
        if (end >= length && strncasecmp(at + end - length, words.at, length) == 0)
            return i;
        if (!*(at += end))
            break;
    }
    return 0;
}

/* One number stands for all n; the others that aren't there are 0. */
static void numbers(const catalog_row *row, const char *attribute, int n, double *to)
{
    const char *text = attribute_text(row, attribute);
    char *end = NULL;
    int i = 0;
    for (int k = 0; k < n; k++)
        to[k] = 0;
    while (text && i < n && (i == 0 || *end == ',')) {
        to[i] = strtod(i == 0 ? text : end + 1, &end);
        i++;
    }
    for (int k = 1; i == 1 && k < n; k++)
        to[k] = to[0];
}

static void whole_numbers(const catalog_row *row, const char *attribute, int n, int64_t *to)
{
    double at[3];
    numbers(row, attribute, n, at);
    for (int i = 0; i < n; i++)
        to[i] = (int64_t)at[i];
}

void catalog_pair(const catalog_row *row, const char *attribute, int64_t *pair)
{
    whole_numbers(row, attribute, 2, pair);
}

void catalog_triple(const catalog_row *row, const char *attribute, int64_t *triple)
{
    whole_numbers(row, attribute, 3, triple);
}

void catalog_floats(const catalog_row *row, const char *attribute, double *floats)
{
    numbers(row, attribute, 3, floats);
}

int64_t catalog_int(const catalog_row *row, const char *attribute)
{
    const char *text = attribute_text(row, attribute);
    if (row->attributes)
        return text ? strtoll(text, NULL, 10) : 0;
    const struct {
        const char *name;
        int64_t value;
    } fields[] = { { "dim", row->dim },   { "dim0", row->dim },    { "n_dims", row->dim },
                   { "dim1", row->dim2 }, { "start", row->start }, { "index", row->start },
                   { "end", row->end },   { "step", row->step } };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, attribute) == 0)
            return fields[i].value;
    fprintf(stderr, "catalog: no field of a row is called %s\n", attribute);
    abort();
}

/* The part of a signature between the inputs and the outputs: ", dim: int". */
static void declared_attributes(const char *op, char *text, size_t size)
{
    char signature[1200];
    hone_op_signature(op, signature, sizeof signature);
    const char *from = strstr(signature, ", *, ");
    *text = 0;
    if (from)
        snprintf(text, size, ", %.*s", (int)(strstr(signature, ") -> ") - from - 5), from + 5);
}

/* "dim=1 keepdim=true", from ", dim: int, keepdim: bool = false". */
void catalog_attributes(const catalog_row *row, char *text, size_t size)
{
    size_t used = 0;
    char declared[1200];
    snprintf(text, size, "%s", row->attributes ? row->attributes : "");
    if (row->attributes)
        return;
    declared_attributes(row->op, declared, sizeof declared);
    for (const char *at = declared; (at = strstr(at, ": ")); at += 2) {
        const char *name = at;
        while (name > declared && name[-1] != ' ')
            name--;
        char option[40], value[160] = "";
        snprintf(option, sizeof option, "%.*s", (int)(at - name), name);
        const char *kind = at + 2;
        if (strncmp(kind, "dims", 4) == 0)
            for (int d = 0, n = 0; d < row->n_dims; d++)
                n += snprintf(value + n, sizeof value - (size_t)n, "%s%lld", d ? "," : "",
                              (long long)row->dims[d]);
        else if (strncmp(kind, "float", 5) == 0)
            snprintf(value, sizeof value, "%.17g", row->s);
        else if (strncmp(kind, "bool", 4) == 0)
            snprintf(value, sizeof value, "%s", row->flag ? "true" : "false");
        else if (strncmp(kind, "dtype", 5) == 0)
            snprintf(value, sizeof value, "%s", hone_dtype_name(row->dtype));
        else
            snprintf(value, sizeof value, "%lld", (long long)catalog_int(row, option));
        used += (size_t)snprintf(text + used, size - used, "%s=%s ", option, value);
    }
}

const catalog_entry *catalog_entry_of(const char *op, bool in_place, int output)
{
    for (const catalog_entry *e = catalog_entries; e->op; e++)
        if (strcmp(e->op, op) == 0 && e->in_place == in_place && output < e->n_outputs)
            return e;
    return NULL;
}

bool catalog_is_op(const char *name)
{
    for (int i = 0; i < hone_op_count(); i++)
        if (strcmp(hone_op_name(i), name) == 0)
            return true;
    return false;
}

catalog_call catalog_function(const catalog_row *row)
{
    const catalog_entry *entry = catalog_entry_of(row->op, false, row->output);
    return row->call ? row->call : entry ? entry->call : NULL;
}

catalog_call catalog_function_in_place(const catalog_row *row)
{
    const catalog_entry *entry = catalog_entry_of(row->op, true, row->output);
    const bool is_op = catalog_is_op(row->op);
    return entry && is_op && hone_op_has_form(row->op, false) ? entry->call : NULL;
}

const char *catalog_missing(void)
{
    for (int i = 0; i < hone_op_count(); i++) {
        const char *op = hone_op_name(i);
        bool found = !hone_op_has_form(op, false) && !hone_op_has_form(op, true); /* hone's own */
        for (int r = 0; r < catalog_count() && !found; r++)
            found = strcmp(catalog_at(r)->op, op) == 0;
        if (!found)
            return op;
    }
    return NULL;
}

bool catalog_differentiable(const catalog_row *row, const catalog_case *c, int i)
{
    const catalog_input *input = &row->in[i];
    for (int k = i; k > 0 && !input->fill; k--) {
        input = &row->in[k - 1];
    }
    return !row->no_gradient && !input->constant && !c->array[i].none &&
           hone_dtype_is_float(c->array[i].dtype);
}

/* ---- the oracle of elementwise ops */

static hone_dtype result_dtype(const catalog_row *row, const catalog_array *in, int n_in)
{
    static const int rank[HONE_DTYPES] = {
        [HONE_BOOL] = 0, [HONE_U8] = 1,  [HONE_I32] = 2, [HONE_I64] = 3,
        [HONE_BF16] = 4, [HONE_F16] = 4, [HONE_F32] = 5, [HONE_F64] = 6
    };
    if (row->result == CATALOG_BOOL || row->result == CATALOG_ROW) {
        return row->result == CATALOG_BOOL ? HONE_BOOL : row->dtype;
    }
    hone_dtype dtype = HONE_BOOL;
    for (int i = 0; i < n_in; i++) {
        dtype = !in[i].none && rank[in[i].dtype] > rank[dtype] ? in[i].dtype : dtype;
    }
    return row->result == CATALOG_FLOAT && rank[dtype] < rank[HONE_F32] ? HONE_F32 : dtype;
}

/* Where element `flat` of the broadcast shape lies in a. */
static int64_t broadcast_index(const catalog_array *a, int ndim, const int64_t *shape, int64_t flat)
{
    int64_t index = 0, size = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        int own = d - (ndim - a->ndim);
        if (own >= 0) {
            index += (a->shape[own] == 1 ? 0 : flat % shape[d]) * size;
            size *= a->shape[own];
        }
        flat /= shape[d];
    }
    return index;
}

void catalog_elementwise(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    int ndim = 0;
    for (int i = 0; i < n_in; i++) {
        ndim = in[i].ndim > ndim ? in[i].ndim : ndim;
    }
    int64_t shape[HONE_MAX_DIMS];
    for (int d = 0; d < ndim; d++) {
        shape[d] = 1;
        for (int i = 0; i < n_in; i++) {
            int own = d - (ndim - in[i].ndim);
            shape[d] = own >= 0 && in[i].shape[own] != 1 ? in[i].shape[own] : shape[d];
        }
    }
    catalog_shape(out, result_dtype(row, in, n_in), ndim, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        double values[CATALOG_INPUTS];
        for (int i = 0; i < n_in; i++) {
            values[i] =
                in[i].none ? (double)NAN : in[i].at[broadcast_index(&in[i], ndim, shape, k)];
        }
        out->at[k] = row->f(row, values);
    }
}

/* ---- judging */

static bool close_enough(const catalog_row *row, hone_dtype dtype, double got, double want)
{
    if (isnan(want) || isnan(got)) {
        return isnan(want) && isnan(got);
    }
    if (got == want || !hone_dtype_is_float(dtype)) {
        return got == want;
    }
    double epsilon = dtype == HONE_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    return fabs(got - want) <=
           (row->ulps > 0 ? row->ulps : 4) * epsilon * (fabs(want) + row->scale);
}

static bool has_gaps(const hone_tensor *t)
{
    int64_t last = 0;
    for (int d = 0; d < t->ndim; d++)
        last += (t->shape[d] - 1) * t->stride[d];
    return t->numel > 0 && last + 1 != t->numel;
}

const char *catalog_compare(const catalog_row *row, hone_tensor *t, const catalog_array *want)
{
    static char text[400];
    hone__text is = hone__tensor_text(t), shape = hone__shape_text(want->ndim, want->shape);
    if (hone_dtype_of(t) != want->dtype || hone_dim(t) != want->ndim ||
        memcmp(hone_shape(t), want->shape, (size_t)want->ndim * sizeof(int64_t)) != 0) {
        snprintf(text, sizeof text, "is %s, not %s %s", is.s, hone_dtype_name(want->dtype),
                 shape.s);
        return text;
    }
    if (!row->view && has_gaps(t)) {
        return "has gaps";
    }
    size_t size = hone_dtype_size(want->dtype);
    char *values = malloc((size_t)want->numel * size + 1);
    if (!values || hone_copy_out(t, values, (size_t)want->numel * size) != HONE_OK) {
        free(values);
        return "can't be copied out";
    }
    const char *problem = "";
    for (int64_t k = 0; k < want->numel && !*problem; k++) {
        char rounded[8];
        test_store(want->dtype, rounded, want->at[k]);
        double got = hone__element(want->dtype, values + (size_t)k * size);
        double wanted =
            hone_dtype_is_float(want->dtype) ? want->at[k] : hone__element(want->dtype, rounded);
        if (!close_enough(row, want->dtype, got, wanted)) {
            snprintf(text, sizeof text, "element %lld is %.17g, not %.17g", (long long)k, got,
                     wanted);
            problem = text;
        }
    }
    free(values);
    return problem;
}
