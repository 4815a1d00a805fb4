/* transpose.h: small transposes in registers, in the compiler's own vectors: they need no more than
 * every ISA has. (fragment)
 *
 * square  16 bytes a side.
 * strip   16 bytes of 64 bytes' worth of rows: it stores whole cache lines, because lines that lie
 *         a power of two apart push each other out of the cache before a second half could come.
 *         `past`: the stores go past the caches, y is a multiple of 64 bytes then.
 *
 * Everything happens in lanes of 16 bytes. A vector of two holds in them the pieces of rows that
 * are a square apart, so that what transposes a square in each lane gives columns as they are
 * stored. BOTH_n repeats a shuffle of n elements (ROW_n + i: i of the second vector). Vectors of 64
 * bytes have nothing to add: the stores of 32 are the bound. */

#ifdef __AVX2__ /* in the scalar ISA too, if everything is compiled for such a CPU */
#include <immintrin.h>
#endif

typedef uint8_t lane_of_16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint16_t lane_of_8 __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint32_t lane_of_4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint64_t lane_of_2 __attribute__((vector_size(16), aligned(8), may_alias));

#ifdef __AVX2__
#define ROW_BYTES          32
#define BOTH_4(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4
#define BOTH_2(a, b)       a, b, a + 2, b + 2
#else
#define ROW_BYTES          16
#define BOTH_4(a, b, c, d) a, b, c, d
#define BOTH_2(a, b)       a, b
#endif
#define ROW_4 (ROW_BYTES / 4)
#define ROW_2 (ROW_BYTES / 8)

typedef uint32_t row_of_4 __attribute__((vector_size(ROW_BYTES), aligned(4), may_alias));
typedef uint64_t row_of_2 __attribute__((vector_size(ROW_BYTES), aligned(8), may_alias));

/* The 16 bytes at x, x + step, ... as lanes. */
HONE__INLINE row_of_4 size4_lanes(const uint32_t *x, int64_t step)
{
    const lane_of_4 low = *(const lane_of_4 *)x;
#if ROW_BYTES == 16
    (void)step;
    return low;
#else
    return (row_of_4)_mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)low),
                                             _mm_loadu_si128((const void *)(x + step)), 1);
#endif
}

HONE__INLINE row_of_2 size8_lanes(const uint64_t *x, int64_t step)
{
    const lane_of_2 low = *(const lane_of_2 *)x;
#if ROW_BYTES == 16
    (void)step;
    return low;
#else
    return (row_of_2)_mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)low),
                                             _mm_loadu_si128((const void *)(x + step)), 1);
#endif
}

/* The pieces of rows x, x + sx, ... as the columns of which they are made: four, ROW_4 rows each. */
HONE__INLINE void size4_turn(row_of_4 *column, const uint32_t *x, int64_t sx)
{
    row_of_4 r[4];
    for (int i = 0; i < 4; i++)
        r[i] = size4_lanes(x + i * sx, 4 * sx);
    const row_of_2 lo01 = (row_of_2)__builtin_shufflevector(r[0], r[1],
                                                            BOTH_4(0, ROW_4, 1, ROW_4 + 1)),
                   hi01 = (row_of_2)__builtin_shufflevector(r[0], r[1],
                                                            BOTH_4(2, ROW_4 + 2, 3, ROW_4 + 3)),
                   lo23 = (row_of_2)__builtin_shufflevector(r[2], r[3],
                                                            BOTH_4(0, ROW_4, 1, ROW_4 + 1)),
                   hi23 = (row_of_2)__builtin_shufflevector(r[2], r[3],
                                                            BOTH_4(2, ROW_4 + 2, 3, ROW_4 + 3));
    column[0] = (row_of_4)__builtin_shufflevector(lo01, lo23, BOTH_2(0, ROW_2));
    column[1] = (row_of_4)__builtin_shufflevector(lo01, lo23, BOTH_2(1, ROW_2 + 1));
    column[2] = (row_of_4)__builtin_shufflevector(hi01, hi23, BOTH_2(0, ROW_2));
    column[3] = (row_of_4)__builtin_shufflevector(hi01, hi23, BOTH_2(1, ROW_2 + 1));
}

HONE__INLINE void size4_strip(uint32_t *y, int64_t sy, const uint32_t *x, int64_t sx, bool past)
{
    row_of_4 column[64 / ROW_BYTES][4];
    for (int k = 0; k < 64 / ROW_BYTES; k++)
        size4_turn(column[k], x + k * ROW_4 * sx, sx);
    for (int j = 0; j < 4; j++)
        for (int k = 0; k < 64 / ROW_BYTES; k++)
            if (past)
                STORE_PAST(y + j * sy + k * ROW_4, column[k][j]);
            else
                *(row_of_4 *)(y + j * sy + k * ROW_4) = column[k][j];
}

HONE__INLINE void size8_strip(uint64_t *y, int64_t sy, const uint64_t *x, int64_t sx, bool past)
{
    row_of_2 column[2][64 / ROW_BYTES];
    for (int k = 0; k < 64 / ROW_BYTES; k++, x += ROW_2 * sx) {
        const row_of_2 even = size8_lanes(x, 2 * sx), odd = size8_lanes(x + sx, 2 * sx);
        column[0][k] = __builtin_shufflevector(even, odd, BOTH_2(0, ROW_2));
        column[1][k] = __builtin_shufflevector(even, odd, BOTH_2(1, ROW_2 + 1));
    }
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 64 / ROW_BYTES; k++)
            if (past)
                STORE_PAST(y + j * sy + k * ROW_2, column[j][k]);
            else
                *(row_of_2 *)(y + j * sy + k * ROW_2) = column[j][k];
}

HONE__INLINE void size4_square(uint32_t *y, int64_t sy, const uint32_t *x, int64_t sx)
{
    lane_of_4 r[4];
    for (int i = 0; i < 4; i++)
        r[i] = *(const lane_of_4 *)(x + i * sx);
    const lane_of_4 lo01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5),
                    hi01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7),
                    lo23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5),
                    hi23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    *(lane_of_4 *)y = __builtin_shufflevector(lo01, lo23, 0, 1, 4, 5);
    *(lane_of_4 *)(y + sy) = __builtin_shufflevector(lo01, lo23, 2, 3, 6, 7);
    *(lane_of_4 *)(y + 2 * sy) = __builtin_shufflevector(hi01, hi23, 0, 1, 4, 5);
    *(lane_of_4 *)(y + 3 * sy) = __builtin_shufflevector(hi01, hi23, 2, 3, 6, 7);
}

HONE__INLINE void size8_square(uint64_t *y, int64_t sy, const uint64_t *x, int64_t sx)
{
    const lane_of_2 r0 = *(const lane_of_2 *)x, r1 = *(const lane_of_2 *)(x + sx);
    *(lane_of_2 *)y = __builtin_shufflevector(r0, r1, 0, 2);
    *(lane_of_2 *)(y + sy) = __builtin_shufflevector(r0, r1, 1, 3);
}

/* Four times the first half of the rows is interleaved with the second. */
HONE__INLINE void size1_square(uint8_t *y, int64_t sy, const uint8_t *x, int64_t sx)
{
    lane_of_16 r[16], s[16];
    for (int i = 0; i < 16; i++)
        r[i] = *(const lane_of_16 *)(x + i * sx);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 8; i++) {
            s[2 * i] = __builtin_shufflevector(r[i], r[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                               21, 6, 22, 7, 23);
            s[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                                   28, 13, 29, 14, 30, 15, 31);
        }
        for (int i = 0; i < 16; i++)
            r[i] = s[i];
    }
    for (int i = 0; i < 16; i++)
        *(lane_of_16 *)(y + i * sy) = r[i];
}

HONE__INLINE void size1_strip(uint8_t *y, int64_t sy, const uint8_t *x, int64_t sx, bool past)
{
    (void)past;
    for (int k = 0; k < 64; k += 16)
        size1_square(y + k, sy, x + k * sx, sx);
}

/* Three times, as above. */
HONE__INLINE void size2_square(uint16_t *y, int64_t sy, const uint16_t *x, int64_t sx)
{
    lane_of_8 r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = *(const lane_of_8 *)(x + i * sx);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            s[2 * i] = __builtin_shufflevector(r[i], r[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            s[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        for (int i = 0; i < 8; i++)
            r[i] = s[i];
    }
    for (int i = 0; i < 8; i++)
        *(lane_of_8 *)(y + i * sy) = r[i];
}

HONE__INLINE void size2_strip(uint16_t *y, int64_t sy, const uint16_t *x, int64_t sx, bool past)
{
    (void)past;
    for (int k = 0; k < 32; k += 8)
        size2_square(y + k, sy, x + k * sx, sx);
}

#undef ROW_BYTES
#undef ROW_4
#undef ROW_2
#undef BOTH_4
#undef BOTH_2
