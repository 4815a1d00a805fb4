/* transpose.h: small square transposes in registers, in the compiler's own vectors: they need no
 * more than every ISA has. (fragment)
 *
 * Rows that are h apart exchange their off-diagonal h x h blocks, for h = half the side, a quarter,
 * ..., 1. */

typedef uint32_t row_of_8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint64_t row_of_4 __attribute__((vector_size(32), aligned(8), may_alias));

HONE__INLINE void size4_micro_tile(uint32_t *y, int64_t sy, const uint32_t *x, int64_t sx)
{
    row_of_8 r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = *(const row_of_8 *)(x + i * sx);
    for (int i = 0; i < 4; i++) {
        s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int k = 0; k < 4; k++) {
        const int i = k / 2 * 4 + k % 2;
        r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        r[i + 2] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 8; i += 2) {
        *(row_of_8 *)(y + i * sy) =
            __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        *(row_of_8 *)(y + (i + 1) * sy) =
            __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
}

HONE__INLINE void size8_micro_tile(uint64_t *y, int64_t sy, const uint64_t *x, int64_t sx)
{
    row_of_4 r[4], s[4];
    for (int i = 0; i < 4; i++)
        r[i] = *(const row_of_4 *)(x + i * sx);
    for (int i = 0; i < 2; i++) {
        s[i] = __builtin_shufflevector(r[i], r[i + 2], 0, 1, 4, 5);
        s[i + 2] = __builtin_shufflevector(r[i], r[i + 2], 2, 3, 6, 7);
    }
    for (int i = 0; i < 4; i += 2) {
        *(row_of_4 *)(y + i * sy) = __builtin_shufflevector(s[i], s[i + 1], 0, 4, 2, 6);
        *(row_of_4 *)(y + (i + 1) * sy) = __builtin_shufflevector(s[i], s[i + 1], 1, 5, 3, 7);
    }
}

/* Bytes one at a time: rare enough. */
HONE__INLINE void size1_micro_tile(uint8_t *y, int64_t sy, const uint8_t *x, int64_t sx)
{
    (void)sy, (void)sx;
    *y = *x;
}
