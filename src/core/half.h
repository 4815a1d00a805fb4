/* half.h: floats of 16 bits, bf16 and f16 (IEEE binary16), and how they become f32 and f32 becomes
 * them: by integers alone, so that the CPU's rounding mode and flushing of denormals don't matter,
 * and without branches, so that compilers make vector code of a loop.
 *
 * To 16 bits: to nearest, ties to even; what is too large becomes infinity, a NaN stays one (a
 * quiet one, with the upper bits of what it carried), denormals are kept, on both sides. From 16
 * bits: exact. */
#ifndef HONE_CORE_HALF_H
#define HONE_CORE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t hone__bits_of_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float hone__f32_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/** bfloat16: the upper half of a float. */
static inline uint32_t hone__bf16_bits(uint16_t half)
{
    return (uint32_t)half << 16;
}

/** The bits of a float as bfloat16. */
static inline uint16_t hone__bf16_of(uint32_t bits)
{
    const uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

/** binary16 (5 bits of exponent, 10 of fraction) as the bits of a float. */
static inline uint32_t hone__f16_bits(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7FFFu;
    /* its denormals are whole numbers of 2^-24, and normal as floats */
    const uint32_t small = hone__bits_of_f32((float)(int32_t)(rest & 0x3FF) * 0x1p-24f);
    const uint32_t normal = (rest << 13) + (112u << 23);
    const uint32_t special = rest << 13 | 0x7F800000u; /* infinity, NaN */
    return sign | (rest < 0x400 ? small : rest < 0x7C00 ? normal : special);
}

/** The bits of a float as binary16. */
static inline uint16_t hone__f16_of(uint32_t bits)
{
    const uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    const uint32_t normal = (rest - (112u << 23) + 0xFFF + (rest >> 13 & 1)) >> 13;
    /* denormal there: whole numbers of 2^-24, which its fraction is shifted to */
    const uint32_t exponent = rest >> 23, fraction = (rest & 0x7FFFFF) | 0x800000;
    const uint32_t shift = exponent < 102 ? 25 : exponent > 112 ? 14 : 126 - exponent;
    const uint32_t half = (1u << (shift - 1)) - 1 + (fraction >> shift & 1);
    const uint32_t small = exponent < 102 ? 0 : (fraction + half) >> shift;
    const uint32_t quiet = (rest >> 13 & 0x3FF) | 0x7E00;
    const uint32_t to = rest > 0x7F800000    ? quiet
                        : rest >= 0x477FF000 ? 0x7C00 /* 65520 and more */
                        : rest >= 0x38800000 ? normal
                                             : small;
    return (uint16_t)(sign | to);
}

/** A double as a float rounded to odd: so that a second rounding, to fewer digits, gives what one
 * from the double would give. */
static inline uint32_t hone__odd_bits_of_f64(double x)
{
    const float near = (float)x;
    const uint32_t bits = hone__bits_of_f32(near);
    const double back = (double)near;
    const int exact = back == x || x != x || (bits & 1);
    const int away = (back < 0 ? -back : back) > (x < 0 ? -x : x);
    return exact ? bits : away ? bits - 1 : bits + 1;
}

/** The same of an integer. */
static inline uint32_t hone__odd_bits_of_i64(int64_t x)
{
    const uint64_t size = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    /* 2^53 and more: what is cut off is told by the last bit that is kept */
    const uint64_t kept =
        size >> 53 ? (size & ~UINT64_C(0xFFF)) | ((size & 0xFFF) != 0) << 12 : size;
    const uint32_t bits = hone__odd_bits_of_f64((double)kept);
    return x < 0 ? bits | 0x80000000u : bits;
}

#endif
