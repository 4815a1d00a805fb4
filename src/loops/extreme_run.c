/* extreme_run.c: windows are too short for a walk each: where their elements lie is the same for
 * all, and is found once. */
#include "loops/extreme_run.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#include <math.h>

#define NS_PER_ELEMENT 1.0

typedef struct {
    hone__rows x, dx; /* a window a row */
    const char *y, *dy;
    int64_t x_at[HONE__WINDOW], dx_at[HONE__WINDOW]; /* of a window's elements, from its first */
} job;

/* `n` windows that lie one stride apart. */
typedef struct {
    int64_t n, x_step, dx_step;
    const char *x, *y, *dy;
    char *dx;
} run;

#define RUN(name, type)                                                                            \
    static void name(const job *j, const run *r)                                                   \
    {                                                                                              \
        const type *x = (const type *)r->x, *y = (const type *)r->y, *dy = (const type *)r->dy;    \
        type *dx = (type *)r->dx;                                                                  \
        for (int64_t i = 0; i < r->n; i++, x += r->x_step, dx += r->dx_step) {                     \
            const type most = y[i], lost = most != most ? (type)NAN : 0;                           \
            int ties = 0;                                                                          \
            for (int64_t c = 0; c < j->x.cols; c++)                                                \
                ties += x[j->x_at[c]] == most;                                                     \
            const type share = dy[i] / (type)ties; /* nobody's where most is NaN */                \
            for (int64_t c = 0; c < j->x.cols; c++)                                                \
                dx[j->dx_at[c]] = x[j->x_at[c]] == most ? share : lost;                            \
        }                                                                                          \
    }
RUN(run_f32, float)
RUN(run_f64, double)

/* Rows from `row` on that lie one stride apart. */
static int64_t in_step(const hone__rows *v, int64_t row, int64_t *step)
{
    const int last = v->n_row_dims - 1;
    *step = last >= 0 ? v->row_stride[last] : 0;
    return last >= 0 ? v->row_shape[last] - row % v->row_shape[last] : 1;
}

static void run_windows(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    run r;
    for (int64_t row = begin; row < end; row += r.n) {
        r.n = hone__min(in_step(&j->x, row, &r.x_step), in_step(&j->dx, row, &r.dx_step));
        r.n = hone__min(r.n, end - row);
        r.x = j->x.data + hone__rows_offset(&j->x, row, 0) * j->x.size;
        r.dx = j->dx.data + hone__rows_offset(&j->dx, row, 0) * j->x.size;
        r.y = j->y + row * j->x.size;
        r.dy = j->dy + row * j->x.size;
        (j->x.dtype == HONE_F32 ? run_f32 : run_f64)(j, &r);
    }
}

void hone__extreme_backward_run(hone_tensor *dx, const hone_tensor *x, const hone_tensor *y,
                                const hone_tensor *dy, uint32_t dims)
{
    if (dx->numel == 0)
        return;
    job j = { .y = hone__data(y), .dy = hone__data(dy) };
    hone__rows_of(&j.x, x, dims);
    hone__rows_of(&j.dx, dx, dims);
    HONE_ASSERT(j.x.cols <= HONE__WINDOW);
    for (int64_t c = 0; c < j.x.cols; c++) {
        j.x_at[c] = hone__rows_offset(&j.x, 0, c);
        j.dx_at[c] = hone__rows_offset(&j.dx, 0, c);
    }
    hone__parallel_for(j.x.rows, 16, NS_PER_ELEMENT * (double)j.x.cols, run_windows, &j);
}
