/* scan.c: see scan.h. A tensor is [outer][n][inner]; up to COLUMNS inner places are walked together, and of
 * lines that lie along memory up to LINES, as a chain alone waits for each of its sums. */
#include "loops/scan.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 1.5
#define ALWAYS_INLINE  inline __attribute__((always_inline)) /* for constants in loops */

enum { COLUMNS = 64, LINES = 8 };

typedef struct {
    hone__scan_kind kind;
    int64_t outer, n, inner, chunks; /* chunks of columns */
    bool reverse;
    const void *x, *a;
    void *out;
} job;

static job job_of(const hone_tensor *x, int dim)
{
    job j = { .outer = 1, .n = x->ndim ? x->shape[dim] : 1, .inner = 1, .x = hone__data(x) };
    for (int d = 0; d < x->ndim; d++)
        *(d < dim ? &j.outer : &j.inner) *= d == dim ? 1 : x->shape[d];
    j.chunks = (j.inner - 1) / COLUMNS + 1;
    return j;
}

/* m chains, `apart` from each other, whose elements are `step` apart: kind and apart, or m, are constants. */
#define SCAN(name, type, wide)                                                                          \
    static ALWAYS_INLINE void name##_chains(const job *j, hone__scan_kind kind, int64_t first,          \
                                            int64_t step, int64_t apart, int64_t m)                     \
    {                                                                                                   \
        wide acc[COLUMNS];                                                                              \
        for (int64_t c = 0; c < m; c++)                                                                 \
            acc[c] = kind == HONE__SCAN_PROD;                                                           \
        for (int64_t i = 0; i < j->n; i++) {                                                            \
            const int64_t at = first + (j->reverse ? j->n - 1 - i : i) * step;                          \
            const type *x = (const type *)j->x + at, *a = (const type *)j->a;                           \
            type *out = (type *)j->out + at;                                                            \
            a = kind == HONE__SCAN_LINEAR ? a + at : x;                                                 \
            for (int64_t c = 0; c < m; c++) {                                                           \
                const wide v = (wide)x[c * apart];                                                      \
                acc[c] = kind == HONE__SCAN_SUM    ? acc[c] + v                                         \
                         : kind == HONE__SCAN_PROD ? acc[c] * v                                         \
                                                   : (wide)a[c * apart] * acc[c] + v;                   \
                out[c * apart] = (type)acc[c];                                                          \
            }                                                                                           \
        }                                                                                               \
    }                                                                                                   \
    /* The chain of one line, four elements of which are turned into the wide type and back at once. */ \
    typedef type name##_four                                                                            \
        __attribute__((vector_size(4 * sizeof(type)), aligned(sizeof(type)), may_alias));               \
    typedef wide name##_wide __attribute__((vector_size(4 * sizeof(wide))));                            \
    static ALWAYS_INLINE void name##_line(const job *j, hone__scan_kind kind, int64_t line)             \
    {                                                                                                   \
        const type *x = (const type *)j->x + line * j->n;                                               \
        type *out = (type *)j->out + line * j->n;                                                       \
        wide acc = kind == HONE__SCAN_PROD;                                                             \
        int64_t i = 0;                                                                                  \
        for (; i + 4 <= j->n; i += 4) {                                                                 \
            const name##_wide v =                                                                       \
                __builtin_convertvector(*(const name##_four *)(x + i), name##_wide);                    \
            name##_wide y;                                                                              \
            for (int k = 0; k < 4; k++)                                                                 \
                y[k] = acc = kind == HONE__SCAN_SUM ? acc + v[k] : acc * v[k];                          \
            *(name##_four *)(out + i) = __builtin_convertvector(y, name##_four);                        \
        }                                                                                               \
        for (; i < j->n; i++) {                                                                         \
            acc = kind == HONE__SCAN_SUM ? acc + (wide)x[i] : acc * (wide)x[i];                         \
            out[i] = (type)acc;                                                                         \
        }                                                                                               \
    }                                                                                                   \
    static ALWAYS_INLINE void name##_kind(const job *j, hone__scan_kind kind, int64_t begin,            \
                                          int64_t end)                                                  \
    {                                                                                                   \
        for (; j->inner == 1 && begin + LINES <= end; begin += LINES)                                   \
            name##_chains(j, kind, begin * j->n, 1, j->n, LINES);                                       \
        for (; j->inner == 1 && begin < end; begin++)                                                   \
            if (kind == HONE__SCAN_LINEAR || j->reverse)                                                \
                name##_chains(j, kind, begin * j->n, 1, j->n, 1);                                       \
            else                                                                                        \
                name##_line(j, kind, begin);                                                            \
        for (; begin < end; begin++) {                                                                  \
            const int64_t c = begin % j->chunks * COLUMNS, m = hone__min(COLUMNS, j->inner - c);        \
            name##_chains(j, kind, begin / j->chunks * j->n * j->inner + c, j->inner, 1, m);            \
        }                                                                                               \
    }                                                                                                   \
    static void name##_range(void *ctx, int64_t begin, int64_t end)                                     \
    {                                                                                                   \
        const job *j = ctx;                                                                             \
        if (j->kind == HONE__SCAN_SUM)                                                                  \
            name##_kind(j, HONE__SCAN_SUM, begin, end);                                                 \
        else if (j->kind == HONE__SCAN_PROD)                                                            \
            name##_kind(j, HONE__SCAN_PROD, begin, end);                                                \
        else                                                                                            \
            name##_kind(j, HONE__SCAN_LINEAR, begin, end);                                              \
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
