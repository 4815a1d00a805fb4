/* bf16_model.h: the order `pairs` of products of bf16, from its description alone and in integers
 * alone: no addition, multiplication or rounding of floats.
 *
 * A step: acc becomes a * b + acc, rounded once to nearest even at 24 bits. Denormal operands are
 * zeros of their sign. A result that comes to less than 2^-126 (rounded as if exponents had no end)
 * is a zero of its sign, one of 2^128 or more infinity. A sum of zero is +0, or -0 if both addends
 * are. A chain is a step for each k, in order. */
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

#endif
