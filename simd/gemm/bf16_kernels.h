/* bf16_kernels.h: what products of bf16 need from an ISA (src/gemm/pairs.c runs them).
 *
 * The order of the sums, `pairs`: one chain an output over all of k, in its order,
 *
 *      acc = step(a[i,k], b[k,j], acc)                     bf16_step.h says what a step is
 *
 * from +0 or from what C holds. It is that of x86's vdpbf16ps, which does two steps: first of the
 * odd halves of its operands, then of the even ones. So the earlier of two k is laid into the odd
 * half, and neither an odd k nor a cut of k between any two calls shows in a bit. A k that is
 * missing in a pair is -0 times +0: acc - 0 is acc, whatever it is.
 *
 * The other order, `tiles`, is that of AMX's TDPBF16PS on tiles of 32 k (fewer in the last): in each
 * a chain of its even elements and one of its odd ones, both from +0; then
 *
 *      C = add(C, add(even, odd))                          bf16_step.h says what add is
 *
 * C being +0, or what it holds, at first. Elements count from where the sum begins.
 *
 * Panels are those of gemm_kernels.h, k-major and as wide as the tile, but of 32-bit elements:
 *
 *      paired    x[2q] << 16 | x[2q + 1], a panel's row holding two k
 *      else      x[k] widened to f32: FMAs do a step where the CPU flushes denormals
 *
 * For `tiles` a paired panel is regrouped: x[4q] << 16 | x[4q + 2] in the one of two rows, x[4q + 1]
 * << 16 | x[4q + 3] in the other, so that a pair is of one chain.
 *
 * Panels of TDPBF16PS (`tiled`) are of 16-bit elements in blocks of 32 k, the last one filled up with
 * -0 in A and +0 in B, in which a block is
 *
 *      A         mr rows of 32 elements each, in k's order
 *      B         16 rows of nr pairs x[2q], x[2q + 1] each
 *
 * Any alignment is right; at multiples of 64 bytes they are three times as fast. `pack` knows by the pad
 * which of both is wanted. An A that lies along k may be read in place, too, by tiles with a_cs 1 of 16
 * or 32 rows over whole blocks. A tile may be as wide as wanted, over panels of B that lie one after
 * another: then A stays in L1, B passes by, and the errand's rows, of k elements each, are asked for. */
#ifndef HONE_GEMM_BF16_KERNELS_H
#define HONE_GEMM_BF16_KERNELS_H

#include "gemm/gemm_kernels.h"

/** What the missing half of a last pair holds: of A (its panels are `mr` wide), of B. */
enum { HONE__BF16_PAD_A = 0x8000, HONE__BF16_PAD_B = 0 };

/** k of a tile of the order `tiles`. */
enum { HONE__BF16_TILE_K = 32 };

/** Rows of C that `rows` takes at most. */
enum { HONE__BF16_ROWS = 4 };

/** function(r, ...) for r rows, a number that the compiler knows in each. */
#define HONE__BF16_BY_ROWS(r, function, ...)                                                       \
    do {                                                                                           \
        switch (r) {                                                                               \
        case 1:                                                                                    \
            function(1, __VA_ARGS__);                                                              \
            break;                                                                                 \
        case 2:                                                                                    \
            function(2, __VA_ARGS__);                                                              \
            break;                                                                                 \
        case 3:                                                                                    \
            function(3, __VA_ARGS__);                                                              \
            break;                                                                                 \
        default:                                                                                   \
            function(HONE__BF16_ROWS, __VA_ARGS__);                                                \
        }                                                                                          \
    } while (0)

/** Columns that `rows` takes at most. */
enum { HONE__BF16_RUN = 4096 };

/** Neighbours: of what is read, and of what becomes of them. */
typedef struct {
    int64_t from, to, n;
} hone__bf16_run;

typedef struct {
    const char *name; /* of the instructions: "avx512_bf16" */
    const char *isa;  /* the table (isa.h) it belongs to: "avx512" */
    bool paired;
    bool tiled; /* knows only the order `tiles`: `tile`, `rows`, `regroup` are NULL */
    /* mr, nr, vl, flops_per_ns (split.c); vl is nr, since regions end where panels do */
    hone__gemm_kernel shape;

    /** As hone__gemm_kernel's pack: element j of k is x[j * ps + k * ks]. Columns from `valid` on
     * are +0. Writes width * k (paired: (k + 1) / 2; tiled: 16 for each 32 of k begun) elements of 32
     * bits. */
    void (*pack)(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x, int64_t ps,
                 int64_t ks, uint16_t pad);

    /** As hone__gemm_kernel's tile on packed panels (a_rs 1, a_cs mr, b_rs nr): C is f32, `finish`
     * is NULL, only a wide tile (above) has an errand. k counts single elements. Of panels that aren't paired A may be
     * widened elements of any strides, and a tile any that the ISA's f32 kernel has. */
    void (*tile)(const hone__gemm_tile *t);

    /** The same (of `tiled` ones `tiles`) over k > 0, but what it comes to is rounded as by `narrow`
     * and goes to rows of `to`, not to C, which is only read to resume. Of `tiled` ones `finish` may be set: then the bias, whose
     * bias_cs is 0 or 1, and relu as `follow` has them come before. NULL: there is none. */
    void (*tile_narrow)(const hone__gemm_tile *t, uint16_t *to, int64_t to_rs);

    /** Up to HONE__BF16_ROWS rows and HONE__BF16_RUN columns with B where it lies: c[i * c_rs + j] =
     * chain over p < k of a[i * a_rs + p * a_cs] * b[p * b_rs + j], from +0 or with `resume` from c.
     */
    void (*rows)(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                 const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs, bool resume);

    /** The same (of `tiled` ones `tiles_rows`) with a B that lies along k: b[j * b_cs + p]. NULL: it is packed. */
    void (*few)(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                const uint16_t *b, int64_t b_cs, float *c, int64_t c_rs, bool resume);

    /** In the order `tiles`: `tile` and `rows`, and what makes of a packed panel over k a regrouped
     * one, of (k + 3) / 4 * 2 rows; NULL: panels aren't paired. */
    void (*tiles)(const hone__gemm_tile *t);
    void (*tiles_rows)(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                       bool resume);
    void (*regroup)(int64_t k, int width, uint32_t *panel, uint16_t pad);

    /** Rows of a `tiled` panel of B, nr wide, from pairs that lie apart: each of to[0 .. nr), to[nr ..
     * 2 nr) .. is what `runs` have of from[0], from[step] .. side by side, then +0. NULL: there is
     * none. */
    void (*lay)(const uint32_t *from, int64_t step, int64_t rows, int n_runs,
                const hone__bf16_run *runs, uint32_t *to);

    /** Around many calls of `tiles` on one thread, which spare each of them to begin and end by
     * itself; they nest. NULL: nothing is to be done. */
    void (*begin)(void);
    void (*end)(void);

    /** to[i, j] = from[i, j] rounded to nearest even, NaN to a quiet one; denormals are kept. */
    void (*narrow)(int64_t rows, int64_t n, uint16_t *to, int64_t to_rs, const float *from,
                   int64_t from_rs);

    /** v[i, j] = v[i, j] + bias[i * bias_rs + j * bias_cs] (bias NULL: as it is), rounded; then, with
     * relu, 0 where that is 0 or less. One of bias_rs and bias_cs is 0. */
    void (*follow)(int64_t rows, int64_t n, float *v, int64_t v_rs, const float *bias,
                   int64_t bias_rs, int64_t bias_cs, bool relu);
} hone__bf16_kernel;

#endif
