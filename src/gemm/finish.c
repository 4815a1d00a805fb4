/* finish.c: sums that wait beside C: what C holds brought to them, and C's elements made of them.
 * Where C's columns are contiguous and its rows are not, blocks are turned on the way. */
#include "gemm/finish.h"

#include <string.h>

void hone__gemm_add(hone__gemm_dtype dtype, int64_t n, void *sums, const void *more)
{
    if (dtype == HONE__GEMM_F32) {
        float *to = sums;
        const float *from = more;
        for (int64_t i = 0; i < n; i++) {
            to[i] = to[i] + from[i];
        }
    } else {
        double *to = sums;
        const double *from = more;
        for (int64_t i = 0; i < n; i++) {
            to[i] = to[i] + from[i];
        }
    }
}

/* ---- before the sums ---- */

static void move_row(int64_t size, int64_t n, char *to, const char *from, int64_t from_cs)
{
    if (from_cs == 1) {
        memcpy(to, from, (size_t)(n * size));
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        memcpy(to + j * size, from + j * from_cs * size, (size_t)size);
    }
}

static bool lies_across(const hone__gemm_region *region)
{
    return region->c_rs == 1 && region->c_cs != 1;
}

void hone__gemm_fetch(const hone__gemm_plan *plan, const hone__gemm_region *region, char *sums,
                      int64_t sums_rs)
{
    const int64_t size = plan->size, rows = region->m1 - region->m0, n = region->n1 - region->n0;
    const char *c = region->c + (region->m0 * region->c_rs + region->n0 * region->c_cs) * size;
    if (lies_across(region)) {
        plan->kernel->transpose(rows, n, sums, sums_rs, c, region->c_cs);
        return;
    }
    for (int64_t i = 0; i < rows; i++) {
        move_row(size, n, sums + i * sums_rs * size, c + i * region->c_rs * size, region->c_cs);
    }
}

/* ---- after them ---- */

void hone__gemm_activate(const hone__gemm_plan *plan, const hone__gemm_region *region, char *c,
                         int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++, c += region->c_rs * plan->size) {
        region->activate(n, region->activated + (c - region->c), region->c_cs, c, region->c_cs);
    }
}

static bool is_plain(const hone__gemm_epilogue *e)
{
    return e->alpha == 1.0 && !e->accumulate && !e->relu;
}

/* A run of elements of C. */
typedef struct {
    void *c;
    int64_t cs;
    const void *sums;
    const void *bias; /* or NULL */
    int64_t bias_cs;
} run;

static void finish_f32(const hone__gemm_epilogue *e, int64_t n, const run *r)
{
    float *c = r->c;
    const float *sums = r->sums, *bias = r->bias;
    if (r->cs == 1 && !bias && is_plain(e)) {
        memcpy(c, sums, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        float v = (float)e->alpha * sums[j];
        if (e->accumulate) {
            v = c[j * r->cs] + v;
        }
        if (bias) {
            v = v + bias[j * r->bias_cs];
        }
        c[j * r->cs] = e->relu && !(v > 0) && v == v ? 0 : v;
    }
}

static void finish_f64(const hone__gemm_epilogue *e, int64_t n, const run *r)
{
    double *c = r->c;
    const double *sums = r->sums, *bias = r->bias;
    if (r->cs == 1 && !bias && is_plain(e)) {
        memcpy(c, sums, (size_t)n * sizeof(double));
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        double v = e->alpha * sums[j];
        if (e->accumulate) {
            v = c[j * r->cs] + v;
        }
        if (bias) {
            v = v + bias[j * r->bias_cs];
        }
        c[j * r->cs] = e->relu && !(v > 0) && v == v ? 0 : v;
    }
}

static void finish_run(const hone__gemm_plan *plan, const hone__gemm_epilogue *e, int64_t n,
                       const run *r)
{
    (plan->x.dtype == HONE__GEMM_F32 ? finish_f32 : finish_f64)(e, n, r);
}

/* What is at row i and column j of a region. */
static char *c_at(const hone__gemm_plan *plan, const hone__gemm_region *r, int64_t i, int64_t j)
{
    return r->c + ((r->m0 + i) * r->c_rs + (r->n0 + j) * r->c_cs) * plan->size;
}

static const char *bias_at(const hone__gemm_plan *plan, const hone__gemm_region *r, int64_t i,
                           int64_t j)
{
    const hone__gemm_epilogue *e = r->epilogue;
    const int64_t at = (r->m0 + i) * e->bias_rs + (r->n0 + j) * e->bias_cs;
    return r->bias ? r->bias + at * plan->size : NULL;
}

/* Blocks of sums, turned: a run is a part of a column of C. */
static void finish_across(const hone__gemm_plan *plan, const hone__gemm_region *region,
                          const char *sums, int64_t sums_rs)
{
    enum { COLUMNS = 16, ROWS = 64 };
    _Alignas(64) char block[COLUMNS * ROWS * sizeof(double)];
    const hone__gemm_epilogue *e = region->epilogue;
    const int64_t size = plan->size, m = region->m1 - region->m0, n = region->n1 - region->n0;
    if (!region->bias && is_plain(e)) {
        plan->kernel->transpose(n, m, c_at(plan, region, 0, 0), region->c_cs, sums, sums_rs);
        return;
    }
    for (int64_t i = 0; i < m; i += ROWS) {
        const int64_t rows = min64(ROWS, m - i);
        for (int64_t j = 0; j < n; j += COLUMNS) {
            const int64_t columns = min64(COLUMNS, n - j);
            plan->kernel->transpose(columns, rows, block, ROWS, sums + (i * sums_rs + j) * size,
                                    sums_rs);
            for (int64_t l = 0; l < columns; l++) {
                finish_run(plan, e, rows,
                           &(run){ c_at(plan, region, i, j + l), 1, block + l * ROWS * size,
                                   bias_at(plan, region, i, j + l), e->bias_rs });
            }
        }
    }
}

void hone__gemm_finish(const hone__gemm_plan *plan, const hone__gemm_region *region,
                       const void *sums, int64_t sums_rs)
{
    const int64_t rows = region->m1 - region->m0, n = region->n1 - region->n0;
    const bool across = lies_across(region) && !region->activate;
    if (across) {
        finish_across(plan, region, sums, sums_rs);
        return;
    }
    for (int64_t i = 0; i < rows; i++) {
        char *c = c_at(plan, region, i, 0);
        finish_run(plan, region->epilogue, n,
                   &(run){ c, region->c_cs, (const char *)sums + i * sums_rs * plan->size,
                           bias_at(plan, region, i, 0), region->epilogue->bias_cs });
        if (region->activate) {
            hone__gemm_activate(plan, region, c, 1, n);
        }
    }
}
