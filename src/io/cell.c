/* cell.c: each value by integers, exactly: whether the CPU flushes denormals doesn't matter.
 * Sources: IEEE 754; the OCP 8-bit floating point and microscaling specifications for E4M3, E5M2 and
 * E8M0, https://arxiv.org/abs/2206.02915 for the FNUZ ones; ggml's gguf description for Q8_0 and
 * Q4_0. */
#include "io/cell.h"

#include "core/core.h"
#include "core/half.h"

#include <string.h>

/* ---- floats of 16 bits and less -> f32 */

#define WIDEN(name, from, to, value)                                                               \
    static bool name(void *out, const void *in, int64_t n)                                         \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            from x;                                                                                \
            memcpy(&x, (const char *)in + i * (int64_t)sizeof x, sizeof x);                        \
            const to y = value;                                                                    \
            memcpy((char *)out + i * (int64_t)sizeof y, &y, sizeof y);                             \
        }                                                                                          \
        return true;                                                                               \
    }

/* The bits of the float (-1)^sign fraction 2^exponent, of a fraction below 2^23. */
static uint32_t f32_bits(uint32_t sign, uint32_t fraction, int exponent)
{
    if (fraction == 0)
        return sign << 31;
    const int top = 31 - __builtin_clz(fraction); /* its first 1 */
    const int biased = exponent + top + 127;
    if (biased > 0)
        return sign << 31 | (uint32_t)biased << 23 | (fraction << (23 - top) & 0x7FFFFF);
    return sign << 31 | fraction << (exponent + 149); /* denormal: counted in 2^-149 */
}

enum { QUIET_NAN = 0x7FC00000, INFINITE = 0x7F800000 };

/* A byte of sign, exponent and `digits` of fraction. fnuz: no infinity, and -0 is the NaN. */
static uint32_t f8_bits(uint8_t x, int digits, int bias, bool infinities, bool fnuz)
{
    const uint32_t sign = x >> 7, fraction = x & ((1u << digits) - 1);
    const int exponent = (x & 0x7F) >> digits, most = (1 << (7 - digits)) - 1;
    if (fnuz && x == 0x80)
        return QUIET_NAN;
    if (!fnuz && infinities && exponent == most)
        return sign << 31 | (fraction ? QUIET_NAN : INFINITE);
    if (!fnuz && !infinities && (x & 0x7F) == 0x7F)
        return sign << 31 | QUIET_NAN;
    return exponent ? f32_bits(sign, fraction | 1u << digits, exponent - bias - digits)
                    : f32_bits(sign, fraction, 1 - bias - digits);
}

WIDEN(widen_f16, uint16_t, uint32_t, hone__f16_bits(x))
WIDEN(widen_bf16, uint16_t, uint32_t, hone__bf16_bits(x))
WIDEN(widen_e4m3, uint8_t, uint32_t, f8_bits(x, 3, 7, false, false))
WIDEN(widen_e5m2, uint8_t, uint32_t, f8_bits(x, 2, 15, true, false))
WIDEN(widen_e4m3fnuz, uint8_t, uint32_t, f8_bits(x, 3, 8, false, true))
WIDEN(widen_e5m2fnuz, uint8_t, uint32_t, f8_bits(x, 2, 16, false, true))
WIDEN(widen_e8m0, uint8_t, uint32_t, x == 0xFF ? (uint32_t)QUIET_NAN : f32_bits(0, 1, x - 127))

/* ---- integers */

WIDEN(widen_i8, int8_t, int32_t, x)
WIDEN(widen_i16, int16_t, int32_t, x)
WIDEN(widen_u16, uint16_t, int32_t, x)
WIDEN(widen_u32, uint32_t, int64_t, x)

static bool widen_u64(void *out, const void *in, int64_t n)
{
    uint64_t all = 0;
    memmove(out, in, (size_t)n * 8);
    for (int64_t i = 0; i < n; i++) {
        uint64_t x;
        memcpy(&x, (const char *)out + 8 * i, 8);
        all |= x;
    }
    return all >> 63 == 0;
}

/* ---- blocks of 32 that share a scale, an f16 */

enum { BLOCK = 32 };

static float scale_of(const uint8_t *block)
{
    uint16_t half;
    memcpy(&half, block, 2);
    const uint32_t bits = hone__f16_bits(half);
    float scale;
    memcpy(&scale, &bits, 4);
    return scale;
}

static bool widen_q8_0(void *out, const void *in, int64_t n)
{
    for (int64_t i = 0; i < n / BLOCK; i++) {
        uint8_t block[34];
        memcpy(block, (const char *)in + i * 34, 34);
        const float scale = scale_of(block);
        float values[BLOCK];
        for (int k = 0; k < BLOCK; k++)
            values[k] = scale * (float)(int8_t)block[2 + k];
        memcpy((char *)out + i * (int64_t)sizeof values, values, sizeof values);
    }
    return true;
}

/* The lower halves of the bytes are the first 16. */
static bool widen_q4_0(void *out, const void *in, int64_t n)
{
    for (int64_t i = 0; i < n / BLOCK; i++) {
        uint8_t block[18];
        memcpy(block, (const char *)in + i * 18, 18);
        const float scale = scale_of(block);
        float values[BLOCK];
        for (int k = 0; k < BLOCK / 2; k++) {
            values[k] = scale * (float)((block[2 + k] & 15) - 8);
            values[k + BLOCK / 2] = scale * (float)((block[2 + k] >> 4) - 8);
        }
        memcpy((char *)out + i * (int64_t)sizeof values, values, sizeof values);
    }
    return true;
}

/* ---- the list */

#define COMPLEX "hone has no complex numbers"
#define PACKED  "hone has no dtype for it, and no library says how its bits are packed"
#define GGML    "hone reads F32, F16, BF16, Q8_0 and Q4_0"
/* clang-format off */
#define SAME(NAME, name, type, size, kind, rank, least, most, file, ...)                           \
    [HONE_##NAME] = { file, 8 * (size), 1, HONE__AS_IT_IS, HONE_##NAME, NULL, NULL },
static const hone__cell cells[] = {
    HONE__EACH_STORED(SAME, )
    /* what the last two become in files that nobody asks to keep them of */
    { "F16", 16, 1, HONE__WIDENED, HONE_F32, NULL, widen_f16 },
    { "BF16", 16, 1, HONE__WIDENED, HONE_F32, NULL, widen_bf16 },
    { "F8_E4M3", 8, 1, HONE__WIDENED, HONE_F32, NULL, widen_e4m3 },
    { "F8_E5M2", 8, 1, HONE__WIDENED, HONE_F32, NULL, widen_e5m2 },
    { "F8_E4M3FNUZ", 8, 1, HONE__WIDENED, HONE_F32, NULL, widen_e4m3fnuz },
    { "F8_E5M2FNUZ", 8, 1, HONE__WIDENED, HONE_F32, NULL, widen_e5m2fnuz },
    { "F8_E8M0", 8, 1, HONE__WIDENED, HONE_F32, NULL, widen_e8m0 },
    { "I8", 8, 1, HONE__WIDENED, HONE_I32, NULL, widen_i8 },
    { "I16", 16, 1, HONE__WIDENED, HONE_I32, NULL, widen_i16 },
    { "U16", 16, 1, HONE__WIDENED, HONE_I32, NULL, widen_u16 },
    { "U32", 32, 1, HONE__WIDENED, HONE_I64, NULL, widen_u32 },
    { "U64", 64, 1, HONE__WIDENED, HONE_I64, NULL, widen_u64 },
    { "Q8_0", 34 * 8, BLOCK, HONE__WIDENED, HONE_F32, NULL, widen_q8_0 },
    { "Q4_0", 18 * 8, BLOCK, HONE__WIDENED, HONE_F32, NULL, widen_q4_0 },
    { "C64", 64, 1, HONE__REFUSED, HONE_F32, COMPLEX, NULL },
    { "C128", 128, 1, HONE__REFUSED, HONE_F32, COMPLEX, NULL },
    { "F6_E2M3", 6, 1, HONE__REFUSED, HONE_F32, PACKED, NULL },
    { "F6_E3M2", 6, 1, HONE__REFUSED, HONE_F32, PACKED, NULL },
    { "F4", 4, 1, HONE__REFUSED, HONE_F32, PACKED, NULL },
};
/* clang-format on */

enum { N_CELLS = sizeof cells / sizeof *cells };

const hone__cell *hone__cell_named(const char *name)
{
    for (int i = 0; i < N_CELLS; i++)
        if (strcmp(name, cells[i].name) == 0 && !hone__is_half(cells[i].dtype))
            return &cells[i];
    return NULL;
}

const hone__cell *hone__cell_kept(const hone__cell *cell)
{
    for (int half = HONE_BF16; cell && half <= (int)HONE_F16; half++)
        if (strcmp(cell->name, cells[half].name) == 0)
            return &cells[half];
    return cell;
}

const hone__cell *hone__cell_of(hone_dtype dtype)
{
    return &cells[dtype];
}

int64_t hone__cell_bytes(const hone__cell *e, int64_t n)
{
    int64_t bits;
    if (n % e->block != 0 || __builtin_mul_overflow(n / e->block, e->bits, &bits) || bits % 8 != 0)
        return -1;
    return bits / 8;
}

void hone__cell_swap(const hone__cell *e, void *data, int64_t n)
{
    const int bytes = e->bits / 8;
    unsigned char *at = data;
    for (int64_t i = 0; bytes > 1 && i < n; i++, at += bytes)
        for (int k = 0; k < bytes / 2; k++) {
            const unsigned char byte = at[k];
            at[k] = at[bytes - 1 - k];
            at[bytes - 1 - k] = byte;
        }
}
