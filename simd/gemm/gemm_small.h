/* gemm_small.h: bodies of the `small` tiles (contract: gemm_kernels.h), for f32 and f64
 * (real_begin.h): of products that take no longer than the description of a tile does. Each is a
 * function of its own, reached by one jump, and takes what it needs in registers. Part of
 * gemm_tile.h where the kernel's file defines
 *
 *   SMALL_TAIL(p, n)   loads n <= LANES elements, reads no other
 *   SMALL_STORE(p, v, n)  if R(store_n) is slow
 *   SMALL_TILES(each)  each(rows, vectors, half) for the tiles there are, SMALL_16(each, vectors,
 *                      half) for heights up to 16 and so on; half: the last vector is at most half
 *                      full (TILE_HALF_FMA)
 *   SMALL_WIDTH(nv, half)  where the table has them: how many 32 bytes a row of C has at most
 *
 * (fragment) */

#ifndef SMALL_STORE
#define SMALL_STORE(p, v, n) R(store_n)(p, v, n)
#endif

#define SMALL_6(each, nv, half)                                                                    \
    each(1, nv, half) each(2, nv, half) each(3, nv, half) each(4, nv, half) each(5, nv, half)      \
        each(6, nv, half)
#define SMALL_8(each, nv, half) SMALL_6(each, nv, half) each(7, nv, half) each(8, nv, half)
#define SMALL_12(each, nv, half)                                                                   \
    SMALL_8(each, nv, half)                                                                        \
    each(9, nv, half) each(10, nv, half) each(11, nv, half) each(12, nv, half)
#define SMALL_16(each, nv, half)                                                                   \
    SMALL_12(each, nv, half)                                                                       \
    each(13, nv, half) each(14, nv, half) each(15, nv, half) each(16, nv, half)

static HONE__GEMM_INLINE void TILE_FN(small_tile)(const int mr, const int nv, const int half,
                                                  int64_t k, const REAL *first, int64_t a_rs,
                                                  int64_t a_cs, const REAL *b, int64_t b_rs,
                                                  REAL *c, int64_t c_rs, int columns)
{
    VREAL acc[TILE_MAX_ROWS][HONE__GEMM_MAX_VECTORS];
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            acc[i][j] = R(set)(0);
        }
    }
    const int last = columns - (nv - 1) * LANES;
    const REAL *a[(TILE_MAX_ROWS + 3) / 4]; /* of every fourth row, as in TILE_FN(multiply) */
    HONE__GEMM_UNROLL
    for (int i = 0; i < (mr + 3) / 4; i++) {
        a[i] = first + 4 * i * a_rs;
    }
    HONE__GEMM_UNROLL_2
    for (int64_t p = k; p > 0; p--) {
        VREAL bv[HONE__GEMM_MAX_VECTORS];
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            bv[j] = j < nv - 1 ? R(load)(b + j * LANES)
                    : half     ? TILE_HALF_TAIL(b + j * LANES, last)
                               : SMALL_TAIL(b + j * LANES, last);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            const REAL x = a[i / 4][(i % 4) * a_rs];
            const VREAL av = half && nv == 1 ? TILE_HALF_SET(x) : R(set)(x);
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                acc[i][j] = half && j == nv - 1 ? TILE_HALF_FMA(av, bv[j], acc[i][j])
                                                : R(fma)(av, bv[j], acc[i][j]);
            }
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < (mr + 3) / 4; i++) {
            a[i] += a_cs;
        }
        b += b_rs;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv - 1; j++) {
            R(store)(c + j * LANES, acc[i][j]);
        }
        if (!half && last == LANES) {
            R(store)(c + (nv - 1) * LANES, acc[i][nv - 1]);
        } else {
            SMALL_STORE(c + (nv - 1) * LANES, acc[i][nv - 1], last);
        }
        c += c_rs;
    }
}

#define SMALL_TILE(mr, nv, half)                                                                   \
    static void TILE_FN(small_##mr##_##nv##_##half)(int64_t k, const void *a, int64_t a_rs,        \
                                                    int64_t a_cs, const void *b, int64_t b_rs,     \
                                                    void *c, int64_t c_rs, int columns)            \
    {                                                                                              \
        TILE_FN(small_tile)(mr, nv, half, k, a, a_rs, a_cs, b, b_rs, c, c_rs, columns);            \
    }
SMALL_TILES(SMALL_TILE)
#undef SMALL_TILE

#define SMALL_ENTRY(mr, nv, half) [SMALL_WIDTH(nv, half)][mr] = TILE_FN(small_##mr##_##nv##_##half),
static const hone__gemm_small_tile
    TILE_FN(small)[][HONE__GEMM_SMALL_ROWS] = { SMALL_TILES(SMALL_ENTRY) };
#undef SMALL_ENTRY

#undef SMALL_16
#undef SMALL_12
#undef SMALL_8
#undef SMALL_6
#undef SMALL_TAIL
#undef SMALL_STORE
#undef SMALL_TILES
#undef SMALL_WIDTH
