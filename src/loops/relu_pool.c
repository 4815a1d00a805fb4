/* relu_pool.c: see relu_pool.h. */
#include "loops/relu_pool.h"

#include "isa/images.h"
#include "isa/isa.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ELEMENT 0.15

/* Results of a range that a kernel may read or write behind those that it is called for. */
enum { BEHIND = 32 };

static void pool_plane(const hone__relu_pooling *p, int64_t rows, const float *x, float *y,
                       uint8_t *which, bool more)
{
    hone__images()->positive_pairs(rows, p->width / 2, x, p->width, y, which, more);
}

static void pool_plane_back(const hone__relu_pooling *p, int64_t rows, float *dx, const float *dy,
                            const uint8_t *which, bool more)
{
    hone__images()->positive_pairs_back(rows, p->width / 2, dy, which, p->width, dx, more);
}

/* A plane's last row, if no window reaches it. */
static void clear_last_row(const hone__relu_pooling *p, float *dx)
{
    if (p->height % 2)
        memset(dx + (p->height - 1) * p->width, 0, (size_t)p->width * sizeof *dx);
}

/* ---- f32: planes in order, so that what is written too far the next plane writes again */

static void pool_planes(void *ctx, int64_t begin, int64_t end)
{
    const hone__relu_pooling *p = ctx;
    const int64_t rows = p->height / 2, each = rows * (p->width / 2);
    for (int64_t i = begin; i < end; i++)
        pool_plane(p, rows, (const float *)p->x + i * p->height * p->width,
                   (float *)p->y + i * each, p->which + i * each, (end - i - 1) * each >= BEHIND);
}

static void back_planes(void *ctx, int64_t begin, int64_t end)
{
    const hone__relu_pooling *p = ctx;
    const int64_t rows = p->height / 2, each = rows * (p->width / 2);
    for (int64_t i = begin; i < end; i++) {
        float *dx = (float *)p->x + i * p->height * p->width;
        pool_plane_back(p, rows, dx, (const float *)p->y + i * each, p->which + i * each,
                        (end - i - 1) * each >= BEHIND);
        clear_last_row(p, dx);
    }
}

/* ---- 16 bits: some rows of a plane at a time as f32, in the caches */

enum { ROOM = 2 * HONE__RELU_POOL_WIDTH };

/* `rows` rows of windows from `row` on of plane i. */
typedef struct {
    int64_t rows, n, of_x, of_y; /* elements, and where they begin */
} piece;

static piece piece_of(const hone__relu_pooling *p, int64_t i, int64_t row)
{
    const int64_t all = p->height / 2, most = ROOM / (2 * p->width), n = p->width / 2;
    const int64_t rows = all - row < most ? all - row : most;
    return (piece){ rows, rows * n, (i * p->height + 2 * row) * p->width, (i * all + row) * n };
}

static void pool_halves(void *ctx, int64_t begin, int64_t end)
{
    const hone__relu_pooling *p = ctx;
    float x[ROOM], y[ROOM / 4];
    for (int64_t i = begin; i < end; i++)
        for (int64_t row = 0; row < p->height / 2;) {
            const piece k = piece_of(p, i, row);
            hone__k->cast[p->dtype][HONE_F32](2 * k.rows * p->width, x, 1,
                                              (const uint16_t *)p->x + k.of_x, 1);
            pool_plane(p, k.rows, x, y, p->which + k.of_y, false);
            hone__k->cast[HONE_F32][p->dtype](k.n, (uint16_t *)p->y + k.of_y, 1, y, 1);
            row += k.rows;
        }
}

static void back_halves(void *ctx, int64_t begin, int64_t end)
{
    const hone__relu_pooling *p = ctx;
    float dx[ROOM], dy[ROOM / 4];
    for (int64_t i = begin; i < end; i++) {
        for (int64_t row = 0; row < p->height / 2;) {
            const piece k = piece_of(p, i, row);
            hone__k->cast[p->dtype][HONE_F32](k.n, dy, 1, (const uint16_t *)p->y + k.of_y, 1);
            pool_plane_back(p, k.rows, dx, dy, p->which + k.of_y, false);
            hone__k->cast[HONE_F32][p->dtype](2 * k.rows * p->width, (uint16_t *)p->x + k.of_x, 1,
                                              dx, 1);
            row += k.rows;
        }
        if (p->height % 2)
            memset((uint16_t *)p->x + ((i + 1) * p->height - 1) * p->width, 0,
                   (size_t)p->width * sizeof(uint16_t));
    }
}

static double plane_ns(const hone__relu_pooling *p)
{
    return NS_PER_ELEMENT * (double)(p->height * p->width);
}

void hone__relu_max_pool(const hone__relu_pooling *p)
{
    hone__parallel_for(p->planes, 1, plane_ns(p), p->dtype == HONE_F32 ? pool_planes : pool_halves,
                       (void *)(uintptr_t)p);
}

void hone__relu_max_pool_back(const hone__relu_pooling *p)
{
    hone__parallel_for(p->planes, 1, plane_ns(p), p->dtype == HONE_F32 ? back_planes : back_halves,
                       (void *)(uintptr_t)p);
}
