/* bf16_model.h: the orders `pairs` and `tiles` of products of bf16, from their descriptions alone and
 * in integers alone: no addition, multiplication or rounding of floats.
 *
 * A step: acc becomes a * b + acc, rounded once to nearest even at 24 bits. Denormal operands are
 * zeros of their sign. A result that comes to less than 2^-126 (rounded as if exponents had no end)
 * is a zero of its sign, one of 2^128 or more infinity. A sum of zero is +0, or -0 if both addends
 * are. A chain, `pairs`, is a step for each k, in order.
 *
 * `tiles` is what Intel's manual says of TDPBF16PS, on tiles of 32 k, the last one maybe shorter: of
 * each, elements 0, 2, 4 ... are a chain from +0 and 1, 3, 5 ... another; the sum of the two is added
 * to C. Sums of two floats follow the same rules as a step. */
#ifndef TESTS_BF16_MODEL_H
#define TESTS_BF16_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_NAN = 0x7FC00000, MODEL_INFINITY = 0x7F800000 };

/* (-1)^negative * whole * 2^exponent, a whole one being at most 24 bits; or special. */
typedef struct {
    bool negative, nan, infinite;
    uint32_t whole;
    int exponent;
} model_number;

static inline model_number model_take(uint32_t bits)
{
    model_number x = { .negative = bits >> 31 };
    const uint32_t exponent = bits >> 23 & 0xFF, fraction = bits & 0x7FFFFF;
    x.nan = exponent == 255 && fraction != 0;
    x.infinite = exponent == 255 && fraction == 0;
    if (exponent > 0 && exponent < 255) {
        x.whole = fraction | 1 << 23;
        x.exponent = (int)exponent - 127 - 23;
    }
    return x;
}

static inline uint32_t model_zero(bool negative)
{
    return (uint32_t)negative << 31;
}

/* magnitude > 0. */
static inline uint32_t model_round(bool negative, unsigned __int128 magnitude, int exponent)
{
    int top = 127;
    while (!(magnitude >> top)) {
        top--;
    }
    const int drop = top - 23;
    unsigned __int128 kept = drop > 0 ? magnitude >> drop : magnitude << -drop;
    if (drop > 0) {
        const unsigned __int128 rest = magnitude - (kept << drop);
        const unsigned __int128 half = (unsigned __int128)1 << (drop - 1);
        kept += rest > half || (rest == half && (kept & 1));
    }
    exponent += drop + 23; /* of the first of 24 bits */
    if (kept >> 24) {
        kept >>= 1;
        exponent++;
    }
    if (exponent < -126) {
        return model_zero(negative);
    }
    return model_zero(negative) |
           (exponent > 127 ? (uint32_t)MODEL_INFINITY
                           : (uint32_t)(exponent + 127) << 23 | ((uint32_t)kept & 0x7FFFFF));
}

/* The sum of two numbers other than 0: (-1)^s w 2^e each. Beyond 75 places the smaller one only
 * says on which side of the larger the sum is. */
static inline uint32_t model_sum(bool s, uint64_t w, int e, bool t, uint64_t v, int f)
{
    if (e < f) {
        return model_sum(t, v, f, s, w, e);
    }
    __int128 large = w, small = v;
    if (e - f > 75) {
        small = 1;
        f = e - 75;
    }
    large <<= e - f;
    const __int128 sum = (s ? -large : large) + (t ? -small : small);
    return sum == 0  ? 0
           : sum < 0 ? model_round(true, (unsigned __int128)-sum, f)
                     : model_round(false, (unsigned __int128)sum, f);
}

/** Bits of f32 and bf16; every NaN is MODEL_NAN. */
static inline uint32_t model_step(uint16_t a_bits, uint16_t b_bits, uint32_t acc_bits)
{
    const model_number a = model_take((uint32_t)a_bits << 16);
    const model_number b = model_take((uint32_t)b_bits << 16), acc = model_take(acc_bits);
    const bool negative = a.negative != b.negative, infinite = a.infinite || b.infinite;
    const bool a_zero = a.whole == 0 && !a.infinite, b_zero = b.whole == 0 && !b.infinite;
    if (a.nan || b.nan || acc.nan || (a.infinite && b_zero) || (b.infinite && a_zero) ||
        (infinite && acc.infinite && negative != acc.negative)) {
        return MODEL_NAN;
    }
    if (infinite || acc.infinite) {
        return model_zero(infinite ? negative : acc.negative) | MODEL_INFINITY;
    }
    const uint64_t product = (uint64_t)a.whole * b.whole;
    if (product == 0 && acc.whole == 0) {
        return model_zero(negative && acc.negative);
    }
    if (product == 0) {
        return acc_bits;
    }
    if (acc.whole == 0) {
        return model_round(negative, product, a.exponent + b.exponent);
    }
    return model_sum(negative, product, a.exponent + b.exponent, acc.negative, acc.whole,
                     acc.exponent);
}

/** The sum of two f32. */
static inline uint32_t model_add(uint32_t x_bits, uint32_t y_bits)
{
    const model_number x = model_take(x_bits), y = model_take(y_bits);
    if (x.nan || y.nan || (x.infinite && y.infinite && x.negative != y.negative)) {
        return MODEL_NAN;
    }
    if (x.infinite || y.infinite) {
        return model_zero(x.infinite ? x.negative : y.negative) | MODEL_INFINITY;
    }
    if (x.whole == 0 && y.whole == 0) {
        return model_zero(x.negative && y.negative);
    }
    if (x.whole == 0 || y.whole == 0) {
        return x.whole == 0 ? y_bits : x_bits;
    }
    return model_sum(x.negative, x.whole, x.exponent, y.negative, y.whole, y.exponent);
}

/** The chain of every `step`-th of k elements, from `acc` on. */
static inline uint32_t model_chain(int64_t k, const uint16_t *a, int64_t a_cs, const uint16_t *b,
                                   int64_t b_rs, int64_t step, uint32_t acc)
{
    for (int64_t p = 0; p < k; p += step) {
        acc = model_step(a[p * a_cs], b[p * b_rs], acc);
    }
    return acc;
}

/** A sum over k that begins with acc. */
static inline uint32_t model_product(bool tiles, int64_t k, const uint16_t *a, int64_t a_cs,
                                     const uint16_t *b, int64_t b_rs, uint32_t acc)
{
    if (!tiles) {
        return model_chain(k, a, a_cs, b, b_rs, 1, acc);
    }
    for (int64_t p = 0; p < k; p += 32) {
        const int64_t n = k - p < 32 ? k - p : 32;
        const uint16_t *x = a + p * a_cs, *y = b + p * b_rs;
        const uint32_t even = model_chain(n, x, a_cs, y, b_rs, 2, 0);
        const uint32_t odd = n > 1 ? model_chain(n - 1, x + a_cs, a_cs, y + b_rs, b_rs, 2, 0) : 0;
        acc = model_add(acc, model_add(even, odd));
    }
    return acc;
}

#endif
