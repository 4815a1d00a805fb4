/* prod.c: products of all elements, or along a dim: see scan.h. Rows that lie along memory are taken
 * several at a time, those that lie across it as columns of each of their chains. */
#include "loops/scan.h"

#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ELEMENT 0.2

enum { CHAINS = 8, PIECE = 4096, COLUMNS = 1024, FEW_ACROSS = 16, SHORT_ROW = 64, WIDE = 8 };
_Static_assert(sizeof(double) == WIDE && sizeof(int64_t) == WIDE, "products of either");

typedef struct {
    hone__rows v; /* an output a row */
    hone__product_fn rows, cols;
    int64_t row_stride, pieces; /* of rows that lie along memory; of a row */
    int64_t panel;              /* rows that lie across it, or columns, taken together */
    int64_t outer, chunks;      /* products down columns: [outer][chunk of columns] */
    char *products;             /* f64, or i64: of pieces, [row][piece]; of outputs */
} job;

/* ---- integers wrap: any order gives the same */

static void i64_rows(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t *row = (const int64_t *)x + r * sx;
        int64_t chain[CHAINS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
        for (int64_t i = 0; i < cols; i++)
            chain[i % CHAINS] *= row[i];
        for (int c = 1; c < CHAINS; c++)
            chain[0] *= chain[c];
        ((int64_t *)out)[r] = chain[0];
    }
}

static void i64_cols(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            ((int64_t *)out)[c] *= ((const int64_t *)x)[r * sx + c];
}

/* ---- pieces of rows */

static void along_memory(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t i = begin, n; i < end; i += n) {
        const int64_t row = i / j->pieces, at = i % j->pieces * PIECE, rest = j->v.cols - at;
        const char *x = j->v.data + (row * j->row_stride + at) * j->v.size;
        n = j->pieces == 1 ? end - i : rest < PIECE ? 1 : hone__min(end - i, rest / PIECE);
        j->rows(n, hone__min(PIECE, rest), x, j->pieces == 1 ? j->row_stride : PIECE,
                j->products + i * WIDE);
    }
}

/* m rows' chains, chain c of each side by side, of n columns at x. Chains begin, and are joined as pairs of
 * neighbours, while L1 holds them; of whole runs memory is read as it lies but for the chains' turns. */
static void chains_across(const job *j, int64_t n, int64_t m, const char *x,
                          double (*chain)[COLUMNS])
{
    const int64_t apart = j->v.col_stride[0] * j->v.size;
    const int64_t whole = j->v.dtype == HONE_F32 ? n / HONE__PRODUCT_RUN : 0;
    const double one = 1;
    for (int64_t k = 0; k < whole; k += 2)
        for (int64_t c = 0; c < CHAINS; c++) {
            if (k == 0)
                hone__k->fill[HONE_F64](m, chain[c], 1, &one);
            hone__k->product_eights(hone__min(2, whole - k), m,
                                    x + (k * HONE__PRODUCT_RUN + c) * apart,
                                    CHAINS * j->v.col_stride[0], chain[c]);
        }
    const int64_t done = whole * HONE__PRODUCT_RUN;
    for (int64_t c = 0; c < CHAINS; c++) {
        if (!done)
            hone__k->fill[HONE_F64](m, chain[c], 1, &one);
        if (done + c < n)
            j->cols((n - done - c + CHAINS - 1) / CHAINS, m, x + (done + c) * apart,
                    CHAINS * j->v.col_stride[0], chain[c]);
        for (int64_t step = 1; (c + 1) % (2 * step) == 0; step *= 2) {
            double *first = chain[c + 1 - 2 * step];
            hone__k->binary[HONE__K_MUL][HONE_F64](m, first, 1, first, 1, chain[c + 1 - step], 1);
        }
    }
}

/* Floats alone. Units are counted [panel][piece]. */
static void across_memory(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__rows *v = &j->v;
    const int64_t run = v->row_shape[v->n_row_dims - 1];
    double chain[CHAINS][COLUMNS];
    for (int64_t u = begin; u < end; u++) {
        const int64_t piece = u % j->pieces, at = piece * PIECE, n = hone__min(PIECE, v->cols - at);
        const int64_t row_end = hone__min(v->rows, (u / j->pieces + 1) * j->panel);
        for (int64_t row = u / j->pieces * j->panel, m; row < row_end; row += m) {
            m = hone__min(row_end - row, run - row % run);
            chains_across(j, n, m, v->data + hone__rows_offset(v, row, at) * v->size, chain);
            hone__k->copy[HONE_F64](m, j->products + (row * j->pieces + piece) * WIDE, j->pieces,
                                    chain[0], 1);
        }
    }
}

#define JOIN(name, type)                                                                           \
    static void name##_join(int64_t rows, int64_t pieces, const type *part, type *out)             \
    {                                                                                              \
        for (int64_t row = 0; row < rows; row++) {                                                 \
            type product = *part++;                                                                \
            for (int64_t p = 1; p < pieces; p++)                                                   \
                product *= *part++;                                                                \
            out[row] = product;                                                                    \
        }                                                                                          \
    }
JOIN(f64, double)
JOIN(i64, int64_t)

/* So many of n are taken together, as there are threads. */
static int64_t panel_of(int64_t n)
{
    const int64_t team = hone__team_size();
    return hone__min(COLUMNS, (n + team - 1) / team);
}

static job job_of(const hone_tensor *x, uint32_t cols)
{
    job j;
    const bool is_float = hone_dtype_is_float((hone_dtype)x->dtype);
    hone__rows_of(&j.v, x, cols);
    j.rows = is_float ? hone__k->product_rows[x->dtype] : i64_rows;
    j.cols = is_float ? hone__k->product_cols[x->dtype] : i64_cols;
    j.pieces = (j.v.cols - 1) / PIECE + 1;
    return j;
}

static hone_tensor *contiguous(hone_tensor *x)
{
    return hone__contiguous(x) ? x : hone__copy_as(x, (hone_dtype)x->dtype);
}

/* The products of x's rows, whose columns are those dims, into out, 8 bytes each. */
static bool products_of_rows(hone_tensor *x, uint32_t cols, char *out)
{
    job j = job_of(x, cols);
    const hone__rows *v = &j.v;
    const int last = v->n_row_dims - 1;
    const bool across = hone_dtype_is_float((hone_dtype)x->dtype) && v->n_col_dims == 1 &&
                        last >= 0 && v->row_stride[last] == 1 && v->row_shape[last] >= FEW_ACROSS;
    if (!hone__rows_direct(v, &j.row_stride) && !across) {
        x = contiguous(x);
        return x && products_of_rows(x, cols, out);
    }
    const size_t bytes = hone__bytes(v->rows, hone__bytes(j.pieces, WIDE));
    j.products = j.pieces == 1 ? out : hone__pool_alloc(bytes);
    if (!j.products)
        return false;
    const int64_t n = hone__min(PIECE, v->cols);
    j.panel = panel_of(v->rows);
    if (hone__rows_direct(v, &j.row_stride))
        hone__parallel_for(v->rows * j.pieces, 1, NS_PER_ELEMENT * (double)n, along_memory, &j);
    else
        hone__parallel_for(((v->rows - 1) / j.panel + 1) * j.pieces, 1,
                           NS_PER_ELEMENT * (double)(n * j.panel), across_memory, &j);
    if (j.pieces == 1)
        return true;
    if (x->dtype == HONE_I64)
        i64_join(v->rows, j.pieces, (const int64_t *)(void *)j.products, (int64_t *)(void *)out);
    else
        f64_join(v->rows, j.pieces, (const double *)(void *)j.products, (double *)(void *)out);
    hone__pool_free(j.products, bytes);
    return true;
}

/* ---- columns: one chain each */

static void down_columns(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t inner = j->v.rows / j->outer, n = j->v.cols;
    for (int64_t k = begin; k < end; k++) {
        const int64_t outer = k / j->chunks, c = k % j->chunks * j->panel;
        const int64_t m = hone__min(j->panel, inner - c);
        char *out = j->products + (outer * inner + c) * WIDE;
        const double one = 1;
        const int64_t whole = 1;
        for (int64_t i = 0; i < m; i++)
            memcpy(out + i * WIDE, j->v.dtype == HONE_I64 ? (const void *)&whole : &one, WIDE);
        j->cols(n, m, j->v.data + (outer * n * inner + c) * j->v.size, inner, out);
    }
}

static bool products_of_columns(hone_tensor *x, int dim, char *out)
{
    x = contiguous(x);
    if (!x)
        return false;
    job j = job_of(x, 1U << dim);
    j.outer = 1;
    for (int d = 0; d < dim; d++)
        j.outer *= x->shape[d];
    const int64_t inner = j.v.rows / j.outer;
    j.panel = panel_of(inner);
    j.chunks = (inner - 1) / j.panel + 1;
    j.products = out;
    hone__parallel_for(j.outer * j.chunks, 1, NS_PER_ELEMENT * (double)(j.v.cols * j.panel),
                       down_columns, &j);
    return true;
}

/* ---- the two */

/* The products of x's rows are one more row. */
static bool product_of_all(hone_tensor *x, char *out)
{
    int last = x->ndim - 1;
    while (last > 0 && x->shape[last] == 1)
        last--;
    const uint32_t all = (1U << x->ndim) - 1;
    if (x->ndim == 0 || x->shape[last] < SHORT_ROW || x->shape[last] == x->numel) {
        x = contiguous(x);
        return x && products_of_rows(x, all, out);
    }
    const int64_t rows = x->numel / x->shape[last];
    const hone_dtype wide = x->dtype == HONE_I64 ? HONE_I64 : HONE_F64;
    hone_tensor *each = hone__own(hone__new("prod", wide, 1, &rows));
    return each && products_of_rows(x, 1U << last, hone__data(each)) &&
           products_of_rows(each, 1, out);
}

bool hone__prod(hone_tensor *x, int dim, hone_tensor *out)
{
    const size_t bytes = hone__bytes(out->numel, WIDE);
    char *wide = out->dtype == HONE_F32 ? hone__pool_alloc(bytes) : hone__data(out);
    const bool done = wide && (dim < 0                      ? product_of_all(x, wide)
                               : hone__is_innermost(x, dim) ? products_of_rows(x, 1U << dim, wide)
                                                            : products_of_columns(x, dim, wide));
    if (done && out->dtype == HONE_F32)
        hone__k->cast[HONE_F64][HONE_F32](out->numel, hone__data(out), 1, wide, 1);
    if (wide && out->dtype == HONE_F32)
        hone__pool_free(wide, bytes);
    return done;
}
