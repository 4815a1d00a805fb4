/* The random streams: Philox's published words, the layout in kernels.h, any range on its own,
 * moments, same bits on every ISA. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Philox4x32-10 as its paper writes it. */
static void philox(const uint32_t counter[4], uint32_t k0, uint32_t k1, uint32_t out[4])
{
    uint32_t c[4];
    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
        const uint64_t a = (uint64_t)0xd2511f53u * c[0], b = (uint64_t)0xcd9e8d57u * c[2];
        const uint32_t next[4] = { (uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b,
                                   (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a };
        memcpy(c, next, sizeof c);
    }
    memcpy(out, c, sizeof c);
}

Test(kernels_random, words_are_philox)
{
    const uint32_t pi[4] = { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 };
    const uint32_t published[4] = { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 };
    uint32_t want[4], words[4];
    philox(pi, 0xa4093822, 0x299f31d0, want);
    cr_assert_eq(memcmp(want, published, sizeof want), 0, "the test's own copy");
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (uint64_t t = 0; t < 50; t++) {
            const uint64_t seed = test_bits(t), stream = test_bits(t + 50),
                           block = test_bits(t + 100) >> 2;
            const uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32),
                                          (uint32_t)stream, (uint32_t)(stream >> 32) };
            philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32), want);
            isa->random_u32(4, words, seed, stream, 4 * block);
            cr_assert_eq(memcmp(words, want, sizeof want), 0, "%s", isa->name);
        }
    }
}

typedef hone__random_fn (*pick)(const hone__isa *isa);
static hone__random_fn pick_u32(const hone__isa *isa)
{
    return isa->random_u32;
}
static hone__random_fn pick_uniform_f32(const hone__isa *isa)
{
    return isa->uniform[HONE__F32];
}
static hone__random_fn pick_uniform_f64(const hone__isa *isa)
{
    return isa->uniform[HONE__F64];
}
static hone__random_fn pick_normal_f32(const hone__isa *isa)
{
    return isa->normal[HONE__F32];
}
static hone__random_fn pick_normal_f64(const hone__isa *isa)
{
    return isa->normal[HONE__F64];
}
static const struct {
    pick pick;
    size_t size;
} makers[] = { { pick_u32, 4 },
               { pick_uniform_f32, 4 },
               { pick_uniform_f64, 8 },
               { pick_normal_f32, 4 },
               { pick_normal_f64, 8 } };

Test(kernels_random, any_range_is_a_piece_of_the_stream_on_every_isa)
{
    enum { WHOLE = 2000 };
    for (int m = 0; m < 5; m++) {
        const size_t size = makers[m].size;
        unsigned char *whole = malloc(WHOLE * size);
        const uint64_t base = 0xfffffffful * 4 - 700; /* a block index passes 2^32 */
        makers[m].pick(hone__isa_available(0))(WHOLE, whole, 1234567890123u, 77, base);
        const hone__isa *isa;
        for (int i = 0; (isa = hone__isa_available(i)); i++) {
            for (uint64_t t = 0; t < 200; t++) {
                const uint64_t first = test_bits(t) % 1000,
                               n = t < 20 ? t : test_bits(t + 1000) % 1000;
                guard out = guard_new(n * size);
                makers[m].pick(isa)((int64_t)n, out.data, 1234567890123u, 77, base + first);
                cr_assert_eq(memcmp(out.data, whole + first * size, n * size), 0,
                             "%s maker %d first %d n %d", isa->name, m, (int)first, (int)n);
                cr_assert(guard_intact(&out));
                guard_free(&out);
            }
        }
        free(whole);
    }
}

Test(kernels_random, elements_are_made_of_the_words_that_the_header_names)
{
    enum { N = 64 };
    const hone__isa *isa = hone__isa_best();
    uint32_t words[2 * N];
    float uniform[N], normal[N];
    double wide[N], wide_normal[N];
    isa->random_u32(2 * N, words, 5, 6, 0);
    isa->uniform[HONE__F32](N, uniform, 5, 6, 0);
    isa->uniform[HONE__F64](N, wide, 5, 6, 0);
    isa->normal[HONE__F32](N, normal, 5, 6, 0);
    isa->normal[HONE__F64](N, wide_normal, 5, 6, 0);
    const double two_pi = 6.283185307179586;
    for (int e = 0; e < N; e++) {
        cr_assert_eq(uniform[e], (float)(words[e] >> 8) * 0x1p-24f);
        const uint64_t pair = (uint64_t)words[2 * e + 1] << 32 | words[2 * e];
        cr_assert_eq(wide[e], (double)(pair >> 11) * 0x1p-53);
        const uint32_t *w = words + e / 2 * 2;
        const double radius = sqrt(-2 * log((w[0] + 0.5) * 0x1p-32)),
                     angle = two_pi * (w[1] >> 8) * 0x1p-24;
        cr_assert_float_eq(normal[e], radius * (e % 2 ? sin(angle) : cos(angle)), 2e-6);
        const uint32_t *d = words + e / 2 * 4;
        const double u = ((double)(((uint64_t)d[1] << 32 | d[0]) >> 11) + 0.5) * 0x1p-53;
        const double v = (double)(((uint64_t)d[3] << 32 | d[2]) >> 11) * 0x1p-53;
        const double want = sqrt(-2 * log(u)) * (e % 2 ? sin(two_pi * v) : cos(two_pi * v));
        cr_assert_float_eq(wide_normal[e], want, 1e-14);
    }
}

Test(kernels_random, moments_and_range)
{
    enum { N = 1 << 18 };
    float *x = malloc(N * sizeof *x);
    const hone__isa *isa = hone__isa_best();
    isa->uniform[HONE__F32](N, x, 1, 0, 0);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        cr_assert(x[i] >= 0 && x[i] < 1);
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    cr_assert_float_eq(sum / N, 0.5, 0.003);
    cr_assert_float_eq(squares / N, 1.0 / 3, 0.003);
    isa->normal[HONE__F32](N, x, 1, 1, 0);
    sum = squares = 0;
    for (int i = 0; i < N; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
        fourth += pow((double)x[i], 4);
    }
    cr_assert_float_eq(sum / N, 0, 0.01);
    cr_assert_float_eq(squares / N, 1, 0.015);
    cr_assert_float_eq(fourth / N, 3, 0.1);
    free(x);
}
