/* catalog.c: finds rows, calls ops by the list in ops.def, judges results. */
#include "catalog.h"
#include "../support/element.h"

#include "core/access.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- calls: one function for each line of ops.def, by its signature */

/* The row's dims with the end that the `_v` functions want. */
typedef struct {
    int64_t at[HONE_MAX_DIMS + 1];
} dims_end;

static dims_end dims(const catalog_row *row)
{
    dims_end d;
    memcpy(d.at, row->dims, sizeof row->dims);
    d.at[row->n_dims] = HONE_END_DIM;
    return d;
}

typedef struct {
    hone_tensor *at[CATALOG_INPUTS + 1];
} tensors_end;

static tensors_end tensors(hone_tensor *const *in, int n)
{
    tensors_end t;
    memcpy(t.at, in, (size_t)n * sizeof *in);
    t.at[n] = HONE_END_TENSOR;
    return t;
}

#define CALL_X(fn)      fn(in[0])
#define CALL_XX(fn)     fn(in[0], in[1])
#define CALL_XXX(fn)    fn(in[0], in[1], in[2])
#define CALL_XS(fn)     fn(in[0], row->s)
#define CALL_XT(fn)     fn(in[0], row->dtype)
#define CALL_XD(fn)     fn(in[0], row->dim)
#define CALL_XXD(fn)    fn(in[0], in[1], row->dim)
#define CALL_XDK(fn)    fn(in[0], row->dim, row->flag)
#define CALL_XDD(fn)    fn(in[0], row->dim, row->dim2)
#define CALL_XN(fn)     fn##_v(in[0], dims(row).at)
#define CALL_XKN(fn)    fn##_v(in[0], row->flag, dims(row).at)
#define CALL_XDSK(fn)   fn(in[0], row->dim, row->s, row->flag)
#define CALL_XSKN(fn)   fn##_v(in[0], row->s, row->flag, dims(row).at)
#define CALL_XXDS(fn)   fn(in[0], in[1], row->dim, row->s)
#define CALL_XXXDS(fn)  fn(in[0], in[1], in[2], row->dim, row->s)
#define CALL_XDI(fn)    fn(in[0], row->dim, row->start)
#define CALL_XDIII(fn)  fn(in[0], row->dim, row->start, row->end, row->step)
#define CALL_XDX(fn)    fn(in[0], row->dim, in[1])
#define CALL_XDXX(fn)   fn(in[0], row->dim, in[1], in[2])
#define CALL_LD(fn)     fn(hone_list_n(in, n_in), row->dim)
#define CALL_XL(fn)     fn##_v(in[0], tensors(in + 1, n_in - 1).at)
#define CALL_XNDIII(fn) fn##_v(in[0], dims(row).at, row->dim, row->start, row->end, row->step)
#define CALL_XNL(fn)    fn##_v(in[0], dims(row).at, tensors(in + 1, n_in - 1).at)
#define CALL_NONE(fn)   NULL

#define OUT_OF_PLACE_0(name, signature) CALL_##signature(hone_##name)
#define OUT_OF_PLACE_1(name, signature) CALL_##signature(hone_##name)
#define OUT_OF_PLACE_2(name, signature) NULL
#define IN_PLACE_0(name, signature)     NULL
#define IN_PLACE_1(name, signature)     CALL_##signature(hone_##name##_)
#define IN_PLACE_2(name, signature)     CALL_##signature(hone_##name##_)

#define HONE_OP(name, signature, in_place)                                                         \
    static hone_tensor *call_##name(const catalog_row *row, hone_tensor *const *in, int n_in)      \
    {                                                                                              \
        (void)row, (void)in, (void)n_in;                                                           \
        return OUT_OF_PLACE_##in_place(name, signature);                                           \
    }                                                                                              \
    static hone_tensor *call_in_place_##name(const catalog_row *row, hone_tensor *const *in,       \
                                             int n_in)                                             \
    {                                                                                              \
        (void)row, (void)in, (void)n_in;                                                           \
        return IN_PLACE_##in_place(name, signature);                                               \
    }
#include "ops/ops.def"
#undef HONE_OP

static const struct {
    const char *name, *signature;
    catalog_call out_of_place, in_place;
} calls[] = {
#define HONE_OP(name, signature, in_place)                                                         \
    { #name, #signature, in_place == 2 ? NULL : call_##name,                                       \
      in_place == 0 ? NULL : call_in_place_##name },
#include "ops/ops.def"
#undef HONE_OP
};
#define N_CALLS ((int)(sizeof calls / sizeof *calls))

static int find_call(const char *op)
{
    for (int i = 0; i < N_CALLS; i++) {
        if (strcmp(calls[i].name, op) == 0) {
            return i;
        }
    }
    return -1;
}

catalog_call catalog_function(const catalog_row *row)
{
    int i = find_call(row->op);
    return row->call ? row->call : i < 0 ? NULL : calls[i].out_of_place;
}

catalog_call catalog_function_in_place(const catalog_row *row)
{
    int i = find_call(row->op);
    return i < 0 ? NULL : calls[i].in_place;
}

const char *catalog_missing(void)
{
    for (int i = 0; i < N_CALLS; i++) {
        bool found = strcmp(calls[i].signature, "NONE") == 0;
        for (int r = 0; r < catalog_count() && !found; r++) {
            found = strcmp(catalog_at(r)->op, calls[i].name) == 0;
        }
        if (!found) {
            return calls[i].name;
        }
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
    static const int rank[HONE_DTYPES] = { [HONE_BOOL] = 0, [HONE_U8] = 1,  [HONE_I32] = 2,
                                           [HONE_I64] = 3,  [HONE_F32] = 4, [HONE_F64] = 5 };
    if (row->result == CATALOG_BOOL || row->result == CATALOG_ROW) {
        return row->result == CATALOG_BOOL ? HONE_BOOL : row->dtype;
    }
    hone_dtype dtype = HONE_BOOL;
    for (int i = 0; i < n_in; i++) {
        dtype = rank[in[i].dtype] > rank[dtype] ? in[i].dtype : dtype;
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
            values[i] = in[i].at[broadcast_index(&in[i], ndim, shape, k)];
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
    if (!row->view && !hone_is_contiguous(t)) {
        return "is not contiguous";
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
