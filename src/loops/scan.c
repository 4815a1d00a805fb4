/* scan.c: see scan.h. A tensor is [outer][n][inner]; up to COLUMNS inner places are walked together, and of
 * lines that lie along memory up to LINES, as a chain alone waits for each of its sums. */
#include "loops/scan.h"

#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 1.5
#define ALWAYS_INLINE  inline __attribute__((always_inline)) /* for constants in loops */

enum { COLUMNS = 64, LINES = 8, PIECE = 4096, CHAINS = 8 };

typedef struct {
    hone__scan_kind kind;
    int64_t outer, n, inner, chunks; /* chunks of columns */
    bool reverse;
    const void *x, *a;
    void *out;
    double *products;
} job;

static job job_of(const hone_tensor *x, int dim)
{
    job j = { .outer = 1, .n = x->ndim ? x->shape[dim] : 1, .inner = 1, .x = hone__data(x) };
    for (int d = 0; d < x->ndim; d++)
        *(d < dim ? &j.outer : &j.inner) *= d == dim ? 1 : x->shape[d];
    j.chunks = (j.inner - 1) / COLUMNS + 1;
    return j;
}

/* Columns [column, column + m) of one outer place: kind is a constant. */
#define SCAN(name, type, wide)                                                                     \
    static ALWAYS_INLINE void name##_columns(const job *j, hone__scan_kind kind, int64_t column,   \
                                             int64_t m)                                            \
    {                                                                                              \
        wide acc[COLUMNS];                                                                         \
        for (int64_t c = 0; c < m; c++)                                                            \
            acc[c] = kind == HONE__SCAN_PROD;                                                      \
        for (int64_t i = 0; i < j->n; i++) {                                                       \
            const int64_t at = column + (j->reverse ? j->n - 1 - i : i) * j->inner;                \
            const type *x = (const type *)j->x + at, *a = (const type *)j->a;                      \
            type *out = (type *)j->out + at;                                                       \
            a = kind == HONE__SCAN_LINEAR ? a + at : x;                                            \
            for (int64_t c = 0; c < m; c++) {                                                      \
                acc[c] = kind == HONE__SCAN_SUM    ? acc[c] + (wide)x[c]                           \
                         : kind == HONE__SCAN_PROD ? acc[c] * (wide)x[c]                           \
                                                   : (wide)a[c] * acc[c] + (wide)x[c];             \
                out[c] = (type)acc[c];                                                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    /* m lines that lie one behind the other: m and kind are constants. */                         \
    static ALWAYS_INLINE void name##_lines(const job *j, hone__scan_kind kind, int64_t line,       \
                                           int64_t m)                                              \
    {                                                                                              \
        wide acc[LINES];                                                                           \
        for (int64_t c = 0; c < m; c++)                                                            \
            acc[c] = kind == HONE__SCAN_PROD;                                                      \
        for (int64_t i = 0; i < j->n; i++) {                                                       \
            const int64_t at = line * j->n + (j->reverse ? j->n - 1 - i : i);                      \
            const type *x = (const type *)j->x + at, *a = (const type *)j->a;                      \
            type *out = (type *)j->out + at;                                                       \
            a = kind == HONE__SCAN_LINEAR ? a + at : x;                                            \
            for (int64_t c = 0; c < m; c++) {                                                      \
                const wide v = (wide)x[c * j->n];                                                  \
                acc[c] = kind == HONE__SCAN_SUM    ? acc[c] + v                                    \
                         : kind == HONE__SCAN_PROD ? acc[c] * v                                    \
                                                   : (wide)a[c * j->n] * acc[c] + v;               \
                out[c * j->n] = (type)acc[c];                                                      \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static ALWAYS_INLINE void name##_kind(const job *j, hone__scan_kind kind, int64_t begin,       \
                                          int64_t end)                                             \
    {                                                                                              \
        for (; j->inner == 1 && begin + LINES <= end; begin += LINES)                              \
            name##_lines(j, kind, begin, LINES);                                                   \
        for (; j->inner == 1 && begin < end; begin++)                                              \
            name##_lines(j, kind, begin, 1);                                                       \
        for (; begin < end; begin++) {                                                             \
            const int64_t c = begin % j->chunks * COLUMNS, m = hone__min(COLUMNS, j->inner - c);   \
            name##_columns(j, kind, begin / j->chunks * j->n * j->inner + c, m);                   \
        }                                                                                          \
    }                                                                                              \
    static void name##_range(void *ctx, int64_t begin, int64_t end)                                \
    {                                                                                              \
        const job *j = ctx;                                                                        \
        if (j->kind == HONE__SCAN_SUM)                                                             \
            name##_kind(j, HONE__SCAN_SUM, begin, end);                                            \
        else if (j->kind == HONE__SCAN_PROD)                                                       \
            name##_kind(j, HONE__SCAN_PROD, begin, end);                                           \
        else                                                                                       \
            name##_kind(j, HONE__SCAN_LINEAR, begin, end);                                         \
    }
SCAN(f32, float, double)
SCAN(f64, double, double)
SCAN(i64, int64_t, int64_t)

void hone__scan(hone__scan_kind kind, const hone_tensor *x, const hone_tensor *a, int dim,
                bool reverse, hone_tensor *out)
{
    if (x->numel == 0)
        return;
    job j = job_of(x, dim);
    j.kind = kind;
    j.reverse = reverse;
    j.a = a ? hone__data(a) : NULL;
    j.out = hone__data(out);
    hone__parallel_for(j.outer * j.chunks, 1,
                       NS_PER_ELEMENT * (double)(j.n * hone__min(COLUMNS, j.inner)),
                       x->dtype == HONE_F32   ? f32_range
                       : x->dtype == HONE_F64 ? f64_range
                                              : i64_range,
                       &j);
}

/* ---- products */

/* One row's piece; and, of columns, a chunk of them. */
#define PROD(name, type, wide)                                                                     \
    static wide name##_piece(const type *x, int64_t n)                                             \
    {                                                                                              \
        wide chain[CHAINS];                                                                        \
        int64_t i = 0;                                                                             \
        for (int c = 0; c < CHAINS; c++)                                                           \
            chain[c] = 1;                                                                          \
        for (; i + CHAINS <= n; i += CHAINS)                                                       \
            for (int c = 0; c < CHAINS; c++)                                                       \
                chain[c] *= (wide)x[i + c];                                                        \
        for (int c = 0; i + c < n; c++)                                                            \
            chain[c] *= (wide)x[i + c];                                                            \
        for (int apart = 1; apart < CHAINS; apart *= 2)                                            \
            for (int c = 0; c < CHAINS; c += 2 * apart)                                            \
                chain[c] *= chain[c + apart];                                                      \
        return chain[0];                                                                           \
    }                                                                                              \
    static void name##_pieces(void *ctx, int64_t begin, int64_t end)                               \
    {                                                                                              \
        const job *j = ctx;                                                                        \
        const int64_t pieces = (j->n - 1) / PIECE + 1;                                             \
        for (int64_t i = begin; i < end; i++) {                                                    \
            const int64_t row = i / pieces, at = i % pieces * PIECE;                               \
            const type *x = (const type *)j->x + row * j->n + at;                                  \
            ((wide *)(void *)j->products)[i] = name##_piece(x, hone__min(PIECE, j->n - at));       \
        }                                                                                          \
    }                                                                                              \
    static void name##_join(const job *j)                                                          \
    {                                                                                              \
        const int64_t pieces = (j->n - 1) / PIECE + 1;                                             \
        const wide *part = (const wide *)(const void *)j->products;                                \
        for (int64_t row = 0; row < j->outer; row++) {                                             \
            wide product = *part++;                                                                \
            for (int64_t p = 1; p < pieces; p++)                                                   \
                product *= *part++;                                                                \
            ((type *)j->out)[row] = (type)product;                                                 \
        }                                                                                          \
    }                                                                                              \
    static void name##_chunks(void *ctx, int64_t begin, int64_t end)                               \
    {                                                                                              \
        const job *j = ctx;                                                                        \
        for (int64_t k = begin; k < end; k++) {                                                    \
            const int64_t outer = k / j->chunks, c0 = k % j->chunks * COLUMNS;                     \
            const int64_t m = hone__min(COLUMNS, j->inner - c0);                                   \
            const type *x = (const type *)j->x + outer * j->n * j->inner + c0;                     \
            wide acc[COLUMNS];                                                                     \
            for (int64_t c = 0; c < m; c++)                                                        \
                acc[c] = 1;                                                                        \
            for (int64_t i = 0; i < j->n; i++)                                                     \
                for (int64_t c = 0; c < m; c++)                                                    \
                    acc[c] *= (wide)x[i * j->inner + c];                                           \
            for (int64_t c = 0; c < m; c++)                                                        \
                ((type *)j->out)[outer * j->inner + c0 + c] = (type)acc[c];                        \
        }                                                                                          \
    }
PROD(f32, float, double)
PROD(f64, double, double)
PROD(i64, int64_t, int64_t)

bool hone__prod(const hone_tensor *x, int dim, hone_tensor *out)
{
    job j = job_of(x, dim);
    j.out = hone__data(out);
    const bool is_f32 = x->dtype == HONE_F32, is_f64 = x->dtype == HONE_F64;
    if (j.inner > 1) {
        hone__parallel_for(j.outer * j.chunks, 1,
                           NS_PER_ELEMENT * (double)(j.n * hone__min(COLUMNS, j.inner)),
                           is_f32   ? f32_chunks
                           : is_f64 ? f64_chunks
                                    : i64_chunks,
                           &j);
        return true;
    }
    const int64_t parts = j.outer * ((j.n - 1) / PIECE + 1);
    const size_t bytes = hone__bytes(parts, sizeof *j.products);
    _Static_assert(sizeof *j.products == sizeof(int64_t), "room for either");
    j.products = hone__pool_alloc(bytes);
    if (!j.products)
        return false;
    hone__parallel_for(parts, 1, NS_PER_ELEMENT * (double)hone__min(PIECE, j.n),
                       is_f32   ? f32_pieces
                       : is_f64 ? f64_pieces
                                : i64_pieces,
                       &j);
    is_f32 ? f32_join(&j) : is_f64 ? f64_join(&j) : i64_join(&j);
    hone__pool_free(j.products, bytes);
    return true;
}
