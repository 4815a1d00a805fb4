/* Planes of 3 x 3 taps (isa/images.h) on every ISA: the same bits, and nothing outside of them is touched. */
#include "../support/guard.h"
#include "../support/support.h"

#include "isa/images.h"

#include <string.h>

SUITE(kernels_planes);

enum { PLANES = 3, HEIGHT = 5 };

static guard floats(int64_t n, uint64_t seed)
{
    guard g = guard_new((size_t)n * sizeof(float));
    for (int64_t i = 0; i < n; i++) {
        const float x = (float)(2 * test_uniform(seed + (uint64_t)i) - 1);
        memcpy(g.data + i * (int64_t)sizeof x, &x, sizeof x);
    }
    return g;
}

/* Outputs, their gradients by the image, of stride 2, and by the weight, and by the image, of stride 1. */
typedef struct {
    int64_t width, mul, across, n;
} row;

/* All that see the image, of stride 1 and the gradient of stride 2 by the image. */
static int64_t rows_of(const row *r, int kind)
{
    return kind == 1 ? 2 * HEIGHT - r->width % 2 : r->mul == 2 ? (HEIGHT + 1) / 2 : HEIGHT;
}

static void run(const hone__image_kernels *images, int kind, hone__plane_3x3 *d)
{
    if (kind == 0 || kind == 3)
        images->plane_3x3(d);
    else if (kind == 1)
        images->plane_3x3_up(d);
    else
        images->plane_weight_3x3(d);
}

/* What the ISA in use makes of it: outputs, `gap` elements between rows of these, or sums. */
static void results(const row *r, int kind, int64_t gap, guard *got)
{
    const int64_t rows = rows_of(r, kind), size = PLANES * rows * (r->n + gap);
    guard a = floats(PLANES * HEIGHT * r->width, 1), w = floats(9 * PLANES, 1000);
    guard bias = floats(PLANES, 500);
    guard out = kind == 2 ? floats(size, 2000) : *got;
    hone__plane_3x3 d = { .n = r->n,
                          .rows = rows,
                          .planes = PLANES,
                          .height = HEIGHT,
                          .width = r->width,
                          .mul = r->mul,
                          .first = kind == 1 && r->width % 3 ? 1 : -1,
                          .back = kind == 3,
                          .across = r->across,
                          .a = (const float *)(void *)a.data,
                          .down = r->width,
                          .a_plane = HEIGHT * r->width,
                          .out = (float *)(void *)out.data,
                          .out_row = r->n + gap,
                          .out_plane = rows * (r->n + gap),
                          .w = (const float *)(void *)w.data,
                          .bias = kind == 0 ? (const float *)(void *)bias.data : NULL,
                          .bias_step = 1,
                          .sum = (float *)(void *)got->data,
                          .ask = r->width % 2 * 64 };
    run(hone__images(), kind, &d);
    cr_expect(guard_intact(&a) && guard_intact(&w) && guard_intact(&bias) && guard_intact(&out) &&
              guard_intact(got));
    guard_free(&a);
    guard_free(&w);
    guard_free(&bias);
    if (kind == 2)
        guard_free(&out);
}

static void check(const row *r, int kind)
{
    const size_t bytes = kind == 2 ? 9 * PLANES * sizeof(float)
                                   : (size_t)(PLANES * rows_of(r, kind) * r->n) * sizeof(float);
    guard want = guard_new(bytes);
    memset(want.data, 0, bytes);
    for (int i = 0; hone__isa_available(i); i++) {
        guard got = guard_new(bytes);
        memset(got.data, 0, bytes);
        hone__isa_use(hone__isa_available(i));
        results(r, kind, 0, i ? &got : &want);
        cr_expect(!i || memcmp(got.data, want.data, bytes) == 0,
                  "kind %d, width %d, n %d, mul %d, across %d: other bits on %s", kind,
                  (int)r->width, (int)r->n, (int)r->mul, (int)r->across,
                  hone__isa_available(i)->name);
        guard_free(&got);
    }
    hone__isa_use(hone__isa_best());
    guard_free(&want);
}

/* Rows that don't follow each other: what is between them stays. */
static void check_gaps(const row *r, int kind)
{
    enum { GAP = 3 };
    const int64_t all = PLANES * rows_of(r, kind), apart = r->n + GAP;
    guard want = guard_new((size_t)(all * r->n) * sizeof(float));
    guard got = guard_new((size_t)(all * apart) * sizeof(float));
    memset(want.data, 0, (size_t)(all * r->n) * sizeof(float));
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        results(r, kind, 0, &want);
        memset(got.data, 0xff, (size_t)(all * apart) * sizeof(float));
        results(r, kind, GAP, &got);
        unsigned char filled[GAP * sizeof(float)];
        memset(filled, 0xff, sizeof filled);
        for (int64_t y = 0; y < all; y++) {
            const unsigned char *line = got.data + y * apart * (int64_t)sizeof(float);
            const size_t bytes = (size_t)r->n * sizeof(float);
            cr_expect(memcmp(line, want.data + y * (int64_t)bytes, bytes) == 0);
            cr_expect(memcmp(line + bytes, filled, sizeof filled) == 0,
                      "kind %d, n %d: written between rows on %s", kind, (int)r->n,
                      hone__isa_available(i)->name);
        }
    }
    hone__isa_use(hone__isa_best());
    guard_free(&want);
    guard_free(&got);
}

Test(kernels_planes, rows_apart)
{
    for (int64_t n = 2; n < 20; n++) {
        const row plain = { n, 1, -1, n }, up = { n / 2, 1, 1, n };
        check_gaps(&plain, 0);
        check_gaps(&plain, 3);
        check_gaps(&up, 1);
    }
}

Test(kernels_planes, bits_and_bounds)
{
    static const int64_t across[] = { 0, -1, -2, -5, -20 };
    for (int64_t width = 1; width < 72; width += width < 36 ? 1 : 5)
        for (size_t i = 0; i < sizeof across / sizeof *across; i++)
            for (int64_t mul = 1; mul <= 2; mul++) {
                const int64_t last = (width - 3 - 2 * across[i]) / mul;
                const row r = { width, mul, across[i], last + 1 };
                if (last < 0)
                    continue;
                check(&r, 0);
                check(&r, 2);
                if (mul == 1)
                    check(&r, 3);
                /* the reverse: of pairs that see columns before and behind */
                const row up = { width, 1, 1 - across[i] % 3, 2 * width + 1 };
                if (mul == 2)
                    check(&up, 1);
            }
}
