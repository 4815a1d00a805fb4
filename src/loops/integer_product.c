/* integer_product.c: see integer_product.h. Sums of integers that wrap don't depend on their order. A row of C is
 * the sum of the rows of B, each times an element of A, which the compiler makes vectors of. */
#include "loops/integer_product.h"

#include "runtime/parallel.h"

#define NS_PER_STEP 0.5

typedef struct {
    hone_dtype dtype;
    const hone__gemm_args *g;
} job;

/* One row of C; b begins its matrix. */
#define ROW(TYPE, name)                                                                            \
    static void name(const hone__gemm_args *g, const void *a_row, const void *b, void *c_row)      \
    {                                                                                              \
        const TYPE *x = a_row, *y = b;                                                             \
        TYPE *restrict c = c_row;                                                                  \
        for (int64_t j = 0; j < g->n && g->accumulate == HONE__GEMM_OVERWRITE; j++)                \
            c[j * g->c_cs] = 0;                                                                    \
        for (int64_t k = 0; k < g->k; k++) {                                                       \
            const TYPE *row = y + k * g->b_rs, v = x[k * g->a_cs];                                 \
            if (g->b_cs == 1 && g->c_cs == 1)                                                      \
                for (int64_t j = 0; j < g->n; j++)                                                 \
                    c[j] = (TYPE)(c[j] + v * row[j]);                                              \
            else                                                                                   \
                for (int64_t j = 0; j < g->n; j++)                                                 \
                    c[j * g->c_cs] = (TYPE)(c[j * g->c_cs] + v * row[j * g->b_cs]);                \
        }                                                                                          \
    }
ROW(int64_t, row_i64)
ROW(int32_t, row_i32)
ROW(uint8_t, row_u8)
#undef ROW

/* Rows counted through all matrices. */
static void rows(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__gemm_args *g = j->g;
    const int64_t size = (int64_t)hone_dtype_size(j->dtype);
    for (int64_t r = begin; r < end; r++) {
        int64_t matrix = r / g->m, i = r % g->m;
        int64_t a = i * g->a_rs, b = 0, c = i * g->c_rs;
        for (int d = g->n_batch_dims - 1; d >= 0; d--) {
            const int64_t at = matrix % g->batch[d];
            matrix /= g->batch[d];
            a += at * g->a_batch[d];
            b += at * g->b_batch[d];
            c += at * g->c_batch[d];
        }
        const char *a_row = (const char *)g->a + a * size, *from = (const char *)g->b + b * size;
        char *c_row = (char *)g->c + c * size;
        if (j->dtype == HONE_I64)
            row_i64(g, a_row, from, c_row);
        else if (j->dtype == HONE_I32)
            row_i32(g, a_row, from, c_row);
        else
            row_u8(g, a_row, from, c_row);
    }
}

void hone__integer_product(hone_dtype dtype, const hone__gemm_args *g)
{
    int64_t n = g->m;
    for (int d = 0; d < g->n_batch_dims; d++)
        n *= g->batch[d];
    hone__parallel_for(n, 1, NS_PER_STEP * (double)(g->n * (g->k + 1)), rows, &(job){ dtype, g });
}
