/* kernels.h: the types of all kernels but GEMM's, with what each promises.
 *
 * For every kernel:
 * - A kernel is reached through the table of the chosen ISA (isa.h):
 * hone__k->unary[HONE__K_EXP][HONE__F32](n, y, 1, x, 1). An entry is NULL where the dtype makes no
 * sense for it; the comment at each list says where.
 * - Strides are in ELEMENTS and may be 0 (an input only), negative or anything else. Stride 1 is
 * the fast case.
 * - Alignment: that of the element, never more. n, rows, cols may be 0 (nothing is written, unless
 * said otherwise).
 * - Tails are masked: no byte outside the operands is read or written.
 * - Aliasing: an output may be EXACTLY one of the inputs (same start, same strides). Any other
 * overlap is not allowed.
 * - Same bits on every ISA, for every alignment and stride (but not the sign and payload of a NaN).
 * - Kernels are pure, take no locks, use no memory but the stack, and can't fail: the caller has
 * checked everything.
 * - bool operands hold 0 or 1.
 */
#ifndef HONE_KERNELS_KERNELS_H
#define HONE_KERNELS_KERNELS_H

#include "core/dtypes.h"
#include "core/half.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Same values as the public hone_dtype. */
#define NUMBER_OF_DTYPE(NAME, ...) HONE__##NAME,
enum { HONE__EACH_STORED(NUMBER_OF_DTYPE, ) HONE__N_DTYPES };
#undef NUMBER_OF_DTYPE

/* The numbers of the kernels, HONE__K_NAME: a row of kernels.def each. */
#define UNARY_KERNEL(NAME, ...) HONE__K_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_UNARY,
};
#define BINARY_KERNEL(NAME, ...) HONE__K_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_BINARY,
};
#define COMPARE_KERNEL(NAME, ...) HONE__K_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_COMPARE,
};
#define FORMULA_KERNEL(NAME, ...) HONE__K_FORMULA_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_FORMULA,
};
#define REDUCE_KERNEL(NAME, ...) HONE__K_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_REDUCE,
};
#define STEP_KERNEL(NAME, ...) HONE__K_##NAME,
enum {
#include "kernels/kernels.def"
    HONE__K_N_STEP,
};

/* ---- elementwise ---- */

/** y[i] = f(x[i]), for the dtypes that kernels.def names (integers wrap), with the error bounds
 * that it gives. Special values as in C99's annex F. */
typedef void (*hone__unary_fn)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx);

/** out[i] = f(a[i], b[i]), for the dtypes that kernels.def names.
 *  Integers wrap; DIV truncates, the caller has refused a zero divisor (the kernel gives 0 and
 * doesn't trap), INT_MIN / -1 wraps; POW with a negative exponent is 0 unless the base is 1 or -1.
 * bool: ADD MAXIMUM are or, MUL MINIMUM and. MAXIMUM = (b > a or b is NaN) ? b : a, so a NaN on
 * either side is kept and a tie takes a (+0 and -0 tie); MINIMUM likewise with <. POW: f32 <= 2
 * ulp, f64 <= 2 ulp, special values as in C99's annex F. The BACKWARD ones are derivatives, f32 and
 * f64 only: a is the incoming gradient, b the function's output (RELU, SIGMOID, TANH) or input (the
 * others, finite at infinities). */
typedef void (*hone__binary_fn)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,
                                const void *b, int64_t sb);

/** out[i] = a[i] OP b[i] as a bool (one byte, 0 or 1). All dtypes. Out aliases an input only for u8
 * and bool. */
typedef void (*hone__compare_fn)(int64_t n, uint8_t *out, int64_t so, const void *a, int64_t sa,
                                 const void *b, int64_t sb);

/** out[i] = cond[i] ? a[i] : b[i]. All dtypes. Out may be a or b (and cond, if it has their element
 * size). */
typedef void (*hone__where_fn)(int64_t n, void *out, int64_t so, const uint8_t *cond, int64_t sc,
                               const void *a, int64_t sa, const void *b, int64_t sb);

/** at[0][i] = f(at[1][i], at[2][i], ...; numbers), as many operands as kernels.def says; the numbers,
 * three of them, are rounded to the dtype first. f32, f64. */
enum { HONE__FORMULA_NUMBERS = 3 };
typedef void (*hone__formula_fn)(const void *numbers, int64_t n, char *const *at,
                                 const int64_t *stride);

/** out[i] = fma(s, b[i], a[i]), s rounded to the dtype first. f32, f64. */
typedef void (*hone__add_scaled_fn)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,
                                    const void *b, int64_t sb, double s);

/** y[i] = (type)x[i]. Float to integer truncates and saturates, NaN gives 0; integer to integer
 * wraps; to bool is x != 0; to float rounds to nearest, once, and to bf16 and f16 as core/half.h says.
 * cast[from][to]; y must not alias x unless the sizes are equal. */
typedef void (*hone__cast_fn)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx);

/** y[i] = x[i]. */
typedef void (*hone__copy_fn)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx);

/** y[i] = *value (one element of the dtype). */
typedef void (*hone__fill_fn)(int64_t n, void *y, int64_t sy, const void *value);

/** y[j * sy + i] = x[i * sx + j] for i < rows, j < cols: the contiguous direction changes. No
 * aliasing. `transpose_past` is for what is larger than the caches: where the ISA can, it writes
 * past them. */
typedef void (*hone__transpose_fn)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                                   int64_t sx);

/** y = x, whole cache lines past the caches; they don't overlap. Other threads see it after the
 * table's past_end. */
typedef void (*hone__write_past_fn)(int64_t bytes, void *y, const void *x);

/** Kernels of the lists `..._past` have the arguments of those without: the result is contiguous
 * and goes past the caches as above, inputs have stride 1 or (one of two numbers) 0. No aliasing. */

/* ---- reductions ---- */

/** SUM        f32, f64 -> same; i64, i32, u8, bool -> i64 (wrapping). Nothing to sum: +0.
 *  SUM_SQUARES f32, f64 -> same (each step acc = fma(x, x, acc)). Nothing to sum: +0.
 *  M2          f32, f64 -> same: the sum of (x - mean)^2. With a block's sum divided by its count
 *              as base, steps acc = fma(d, d, acc) and acc = acc + d of d = x - base; then
 *              corrected, and blocks joined pairwise, as moments.h says. Nothing to sum: +0.
 *  MAX MIN     f32, f64, i64, i32, u8, bool -> same; NaN wins; which of +0 and -0 comes out
 *              depends on their places alone. cols (rows for columns) > 0.
 *  ARGMAX ARGMIN  those dtypes -> i64: the first place of the extreme value (+0 and -0 are one),
 * or of the first NaN.
 * cols (rows) > 0. */

/** Along the innermost, contiguous axis: out[r * so] = reduce(x[r * sx + 0 .. cols-1]) for r <
 * rows.
 *
 *  The order of a sum is fixed (contract 1). A row is cut into blocks of hone__reduce_block(dtype)
 * elements (16 KiB). Inside a block, 256 bytes of virtual lanes (L = 64 f32, 32 f64): element i
 * goes to lane i mod L, each lane is one chain that starts at its first element. The fold: lane j
 * += lane j + L/2, then L/4 ... 1, where an absent lane counts as -0.0. Blocks are combined
 *  pairwise in order: neighbours (0,1) (2,3) ..., an odd last one is carried up, until one is left.
 */
typedef void (*hone__reduce_rows_fn)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                     void *out, int64_t so);

/** One block's result; the member is the output's dtype (value and index for ARGMAX and ARGMIN,
 * value, mean = base + shift, and the count as index for M2). */
typedef struct {
    union {
        float f32;
        double f64;
        int64_t i64;
        int32_t i32;
        uint8_t u8;
    } value;
    union {
        float f32;
        double f64;
    } base, shift;
    int64_t index;
} hone__partial;

#define BLOCK_OF_DTYPE(NAME, name, type, size, ...) [HONE__##NAME] = 16384 / size,
static inline int64_t hone__reduce_block(int dtype)
{
    static const int16_t blocks[HONE__N_DTYPES] = { HONE__EACH_DTYPE(BLOCK_OF_DTYPE, ) };
    return blocks[dtype];
}
#undef BLOCK_OF_DTYPE

/** Blocks [begin, end) of one contiguous row of `cols` elements at x (its start, not the block's):
 * out[b - begin]. So one long row can be cut over threads. There are (cols + block - 1) / block
 * blocks. */
typedef void (*hone__reduce_blocks_fn)(int64_t cols, const void *x, int64_t begin, int64_t end,
                                       hone__partial *out);

/** One block, 0 < n <= hone__reduce_block elements, of each of `rows` rows that lie in pieces of
 * `run` elements: from element `at` <= run of the piece at x on; pieces begin `apart`, rows
 * `row_stride`. Row r's result goes to out[r * so]. */
typedef struct {
    int64_t rows, row_stride;
    int64_t n;
    const void *x;
    int64_t at, run, apart;
} hone__pieces;
typedef void (*hone__reduce_pieces_fn)(const hone__pieces *p, hone__partial *out, int64_t so);

/** All n > 0 blocks' results, in order -> *out; same bits as reduce_rows on the whole row.
 * Overwrites `partials`; of M2 the first one is then the whole row's. */
typedef void (*hone__reduce_combine_fn)(int64_t n, hone__partial *partials, void *out);

/** Along the rows: out[j] = reduce over r < rows of x[r * sx + j], j < cols (cols contiguous, out
 * contiguous). The order of a sum: one chain an output, from its first element on, in blocks of
 * HONE__COLS_BLOCK rows; blocks pairwise in order. All kinds but ARGMAX/ARGMIN have the split form
 * below; those and every kind can also be cut by columns freely. A middle axis [outer, rows, cols]
 * is a loop over outer; strided columns: copy first or use stride tricks of your own. */
#define HONE__COLS_BLOCK 128
static inline int64_t hone__cols_blocks(int64_t rows)
{
    return (rows + HONE__COLS_BLOCK - 1) / HONE__COLS_BLOCK;
}
typedef void (*hone__reduce_cols_fn)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                     void *out);

/** The split form, for few columns and many rows: block b of [begin, end) gives out[(b - begin) *
 * cols + j] in the OUTPUT's dtype (x is the start of row 0); of M2 it gives three such rows:
 * values, bases and shifts ... */
typedef void (*hone__reduce_cols_blocks_fn)(int64_t rows, int64_t cols, const void *x, int64_t sx,
                                            int64_t begin, int64_t end, void *out);
/** ... and this combines those of all `rows` > 0, in order, -> out [cols]; `partials` is
 * overwritten, out may be partials. Of M2 the first three rows of `partials` are then those of the
 * whole columns. */
typedef void (*hone__reduce_cols_combine_fn)(int64_t rows, int64_t cols, void *partials, void *out);

/** Products of f32 and f64, in f64. product_rows: out[r] of row r (contiguous, sx the row stride), no more
 * than a piece of it: 8 chains from 1, element i in chain i modulo 8, multiplied as a tree of neighbours.
 * Of f32, whole runs of 64 elements go into the chains as the products of each one's eight in the run, a
 * tree of neighbours in f32, or in f64 if the f32 product of any of the four pairs isn't at least 2^-15 and
 * less than 2^17 in size. product_cols: out[j] times x[r * sx + j], one r < rows after the other.
 * product_eights: of f32, times such products of rows 8 r to 8 r + 7. */
typedef void (*hone__product_fn)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out);
#define HONE__PRODUCT_RUN 64

/** SUM of f32 along at most HONE__COLS_BLOCK rows, as reduce_cols, of columns that lie along memory:
 * element [r, j] is x[j * sc + r]. */
typedef void (*hone__sum_across_fn)(int64_t rows, int64_t cols, const float *x, int64_t sc,
                                    float *out);

/** SUM of f32 along at most HONE__FOURS_BLOCK rows, of at most HONE__FOURS_COLS columns, four chains an
 * output: row r goes to chain r modulo 4, from -0; they are joined as (0 + 2) + (1 + 3). Element [r, j] is
 * x[r * stride + j], and of sum_fours_across x[j * stride + r]. */
#define HONE__FOURS_BLOCK 512
#define HONE__FOURS_COLS  1024
typedef void (*hone__sum_fours_fn)(int64_t rows, int64_t cols, const float *x, int64_t stride,
                                   float *out);

/* ---- rows of f32, f64: softmax and what belongs to it (elements contiguous, sx, sy ... row
 * strides) ---- */

/** y = softmax(x) or log_softmax(x), row by row. The sum has the order of reduce_rows. */
typedef void (*hone__softmax_fn)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                                 int64_t sx);

/** out[r * so] = log(sum_j exp(x[r, j])); -inf for a row of -inf (also for cols == 0), inf if any
 * is inf. */
typedef void (*hone__logsumexp_fn)(int64_t rows, int64_t cols, void *out, int64_t so, const void *x,
                                   int64_t sx);

/** From the saved OUTPUT y: softmax dx = y * (dy - sum_j dy * y); log_softmax dx = dy - exp(y) *
 * sum_j dy. */
typedef void (*hone__softmax_backward_fn)(int64_t rows, int64_t cols, void *dx, int64_t sdx,
                                          const void *dy, int64_t sdy, const void *y, int64_t sy);

/** The same along the rows of matrices whose columns are contiguous: the sums by the rule of
 * reduce_cols, so that blocks of rows can be cut over threads. `begin` for every block of 128 rows,
 * then `combine` once, then `end` for every block (LOGSUMEXP: none; its out is one row).
 *
 * A block's exponentials are taken relative to the block's own max, so that memory is read once
 * for max and sum: s_b = sum exp(x - m_b). With M the max of all m_b, S is the sum of s_b exp(m_b
 * - M); SOFTMAX keeps exp(x - m_b) in out and multiplies it by exp(m_b - M) / S, LOG_SOFTMAX is (x
 * - M) - log S, LOGSUMEXP M + log S (M taken as 0 if it is not finite). The backward ones have a =
 * dy and b = y. out may be a or b. For `begin` and `end` out, a and b are at the block's first row;
 * `combine` looks at out alone, and only LOGSUMEXP's. */
typedef enum {
    HONE__SOFTMAX,
    HONE__LOG_SOFTMAX,
    HONE__LOGSUMEXP,
    HONE__SOFTMAX_BACKWARD,
    HONE__LOG_SOFTMAX_BACKWARD,
} hone__softmax_kind;

typedef struct {
    hone__softmax_kind kind;
    int64_t rows, cols; /* rows > 0; a row's columns are at most HONE__SOFTMAX_COLS_BYTES */
    void *out;
    const void *a, *b; /* b: NULL if the kind has none */
    int64_t so, sa, sb;
    void *stats; /* 2 * hone__cols_blocks(rows) * cols elements, from begin to end */
    bool past;   /* out is larger than the caches: write past them where that is possible */
} hone__softmax_cols;
#define HONE__SOFTMAX_COLS_BYTES 16384
typedef void (*hone__softmax_cols_block_fn)(const hone__softmax_cols *m, int64_t block);
typedef void (*hone__softmax_cols_combine_fn)(const hone__softmax_cols *m);

/** A variance of at least this much is not blurred by squares that have underflowed, nor by squares
 * that were flushed to zero. */
static inline double hone__least_variance(int dtype)
{
    return dtype == HONE__F32 ? 0x1p-100 : 0x1p-960;
}

/** M2 of a row of any finite numbers, also where squares over- or underflow: *m2 is that of
 * x * unit, *unit the power of two that brings the largest |x| to [2, 4), or as near as a factor
 * can (a constant row: 1, and 0 for M2). False, and *m2 as it was: x holds a NaN or an infinity.
 * cols > 0. */
typedef bool (*hone__moments_fn)(int64_t cols, const void *x, void *m2, void *unit);

/** What rows are normalised by, [rows] each: v = fma(x * unit - base, scale, offset) with the mean
 * base + shift and M2 as above, scale = 1 / sqrt(M2 / cols + eps), offset = -shift * scale. unit is
 * 1, unless M2 / cols + eps is infinite or less than hone__least_variance: then all of this is of
 * x * unit (and eps * unit^2) with the unit above, or of sqrt(eps) if that is larger than |x|. */
typedef struct {
    void *base, *scale, *offset, *unit;
} hone__norms;

/** y = v * weight + bias, row by row, with weight and bias as fma(v, weight, bias). weight, bias:
 * [cols] contiguous or NULL; eps is rounded to the dtype. y may be x. What rows were normalised by
 * goes to *keep, if that isn't NULL. `past`: y is larger than the caches, write past them where
 * that is possible. */
typedef void (*hone__layer_norm_fn)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                                    int64_t sx, const void *weight, const void *bias, double eps,
                                    const hone__norms *keep, bool past);

/** dx = (g - mean(g) - v * mean(g * v)) * scale * unit with g = dy * weight. kept: what the forward
 * kept; NULL: it is computed again. `past` as above. */
typedef void (*hone__layer_norm_backward_fn)(int64_t rows, int64_t cols, void *dx, int64_t sdx,
                                             const void *dy, int64_t sdy, const void *x, int64_t sx,
                                             const void *weight, double eps,
                                             const hone__norms *kept, bool past);

/** The sum over rows of dy * v for blocks [begin, end) of 128 rows, -> out[(b - begin) * cols + j];
 * reduce_cols_combine of SUM joins them. kept as above; with it the columns may be a part of the
 * rows. */
typedef void (*hone__layer_norm_weight_backward_fn)(int64_t rows, int64_t cols, const void *dy,
                                                    int64_t sdy, const void *x, int64_t sx,
                                                    double eps, const hone__norms *kept,
                                                    int64_t begin, int64_t end, void *out);

/** y = (x - mean) * g[r], row by row; by_std: y = v * g[r] of eps 0, and 0 where M2 is 0. g: [rows]
 * or NULL (1). y may be x. */
typedef void (*hone__deviation_fn)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                                   int64_t sx, const void *g, bool by_std);

/** Numbers of the channels that elements belong to: element i's are at place i * step (0 or 1). */
typedef struct {
    const void *base, *scale, *offset; /* as in hone__norms, unit 1 */
    const void *weight;                /* or NULL: 1 */
    const void *bias;                  /* of batch_norm; or NULL: 0 */
    const void *mean_g, *mean_gv;      /* of batch_norm_dx; both NULL: 0 */
    int64_t step;
} hone__channels;

/** With v = fma(x - base, scale, offset), all contiguous: y = v * weight + bias, rounded once where
 * there are both; y may be x. */
typedef void (*hone__batch_norm_fn)(int64_t n, void *y, const void *x, const hone__channels *c);
/** dx = (dy * weight - mean_g - v * mean_gv) * scale; dx may be dy or x. */
typedef void (*hone__batch_norm_dx_fn)(int64_t n, void *dx, const void *dy, const void *x,
                                       const hone__channels *c);
/** step 0: *g = the sum of n dy and *gv that of dy * v (steps acc = fma(dy, v, acc)), in the order
 * of reduce_rows. step 1: the elements are those sums of a channel each. n > 0. */
typedef void (*hone__batch_norm_sums_fn)(int64_t n, void *g, void *gv, const void *dy,
                                         const void *x, const hone__channels *c);

/** max[r] = max_j x[r, j] (0 if that is not finite), log_sum[r] = log(sum_j exp(x[r, j] - max[r])),
 *  loss[r] = log_sum[r] - (x[r, target[r]] - max[r]). 0 <= target < cols. loss, max, log_sum:
 * [rows] contiguous, all needed (two numbers a row, not their sum, because the sum would round away
 * what the backward needs). */
typedef void (*hone__cross_entropy_fn)(int64_t rows, int64_t cols, void *loss, void *max,
                                       void *log_sum, const void *x, int64_t sx,
                                       const int64_t *target);

/** dx[r, j] = (exp((x[r, j] - max[r]) - log_sum[r]) - (j == target[r])) * scale[r * ss]. ss is 0
 * for one scale for all rows. dx may be x. */
typedef void (*hone__cross_entropy_backward_fn)(int64_t rows, int64_t cols, void *dx, int64_t sdx,
                                                const void *x, int64_t sx, const void *max,
                                                const void *log_sum, const int64_t *target,
                                                const void *scale, int64_t ss);

/* ---- attention of f32, f64: rows are queries, columns a block of keys ---- */

/** Softmax goes on with a block of keys: scores *= scale; with the new max M of row r, m its old one,
 *    scores = exp(scores - M), in place; sum = sum * exp(m - M) + their sum (by the rule of rows);
 *    out[r] *= exp(m - M); max = M
 * over the keys that row r sees, the first min(cols, seen + r), not others. M counts as 0 where it
 * is not finite; nothing is multiplied where M is m. max begins as -inf, sum and out as 0. */
typedef struct {
    int64_t rows, cols, seen;
    void *scores;
    int64_t ss;
    const void *scale; /* of a REAL; NULL: 1 */
    void *max, *sum;   /* [rows] */
    void *out;         /* [rows, width] */
    int64_t so, width;
} hone__attend;
typedef void (*hone__attend_fn)(const hone__attend *block);
/** out[r] /= sum[r]. */
typedef void (*hone__attend_end_fn)(int64_t rows, int64_t width, void *out, int64_t so,
                                    const void *sum);
/** out[r] = the sum of a[r] * b[r], by the rule of rows with fma. */
typedef void (*hone__attend_dots_fn)(int64_t rows, int64_t width, const void *a, int64_t sa,
                                     const void *b, int64_t sb, void *out);
/** scores = exp(scores * scale - max) * (1 / sum), then dp = scores * (dp - delta), over the keys that a row
 * sees. */
typedef struct {
    int64_t rows, cols, seen;
    void *scores;
    int64_t ss;
    const void *scale; /* NULL: 1 */
    void *dp;
    int64_t sdp;
    const void *max, *sum, *delta; /* [rows] */
} hone__attend_back;
typedef void (*hone__attend_back_fn)(const hone__attend_back *block);

/* ---- steps of recurrences of f32, f64 ---- */

typedef enum { HONE__RNN_TANH, HONE__RNN_RELU, HONE__GRU, HONE__LSTM } hone__recurrence;

/** Rows of contiguous elements, rs apart. */
typedef struct {
    void *p;
    int64_t rs;
} hone__step_rows;

/** A step, with x and product what the gates (one, 3: r z n, 4: i f g o; side by side, `hidden` wide
 * each) get from the input and from the state, h the state after it:
 *  RNN   h = tanh(x + product) or relu of it
 *  GRU   r, z = sigmoid(x + product), n = tanh(x_n + r * product_n), h = n + z * (before - n);
 *        keep: r, z, n, product_n
 *  LSTM  i, f, o = sigmoid, g = tanh of x + product, c = f * before + i * g, h = o * tanh(c);
 *        keep: i, f, g, o
 * before: the state h, of an LSTM c, before the step; c may be before. keep.p may be NULL. */
typedef struct {
    hone__recurrence kind;
    int64_t hidden;
    hone__step_rows x, product, before, h, c, keep;
} hone__recurrent_step;
typedef void (*hone__recurrent_step_fn)(const hone__recurrent_step *step, int64_t begin,
                                        int64_t end);

/** Its gradient. dy is that of h by all but the next step, `carried` (or NULL) by that one; dc that
 * of c, on return that of c before. dx and dproduct (of a GRU alone; else it is dx) are those of x
 * and product, direct (GRU) that of the state before but for what product brings; direct may be
 * carried. h: of an RNN. */
typedef struct {
    hone__recurrence kind;
    int64_t hidden;
    hone__step_rows dy, carried, h, keep, before, c, dc, dx, dproduct, direct;
} hone__recurrent_back;
typedef void (*hone__recurrent_back_fn)(const hone__recurrent_back *back, int64_t begin,
                                        int64_t end);

/* ---- optimizer steps of f32, f64 (everything contiguous) ---- */

/** One pass over parameter, gradient and state. args: the row's own numbers, a hone__<name>_args;
 * they are rounded to the dtype first. state: as many as the row says for these args, others aren't
 * looked at. */
typedef void (*hone__step_fn)(int64_t n, void *p, const void *grad, void *const *state,
                              const void *args);
#define STEP_KERNEL(NAME, name, states, ...)                                                       \
    typedef struct {                                                                               \
        __VA_ARGS__;                                                                               \
    } hone__##name##_args;                                                                         \
    static inline int hone__##name##_states(const hone__##name##_args *args)                       \
    {                                                                                              \
        (void)args;                                                                                \
        return states;                                                                             \
    }
#include "kernels/kernels.def"

/* SGD is PyTorch's:
 *    g = maximize ? -grad : grad
 *    g = fma(weight_decay, p, g)                                         if weight_decay != 0
 *    buf = first ? g : fma(momentum, buf, (1 - dampening) * g)           if momentum != 0
 *    g = nesterov ? fma(momentum, buf, g) : buf                          if momentum != 0
 *    p = p - lr * g
 * first: buf holds nothing yet. The product of the last line is rounded before the difference: a
 * plain step has the bits of the two ops it replaces.
 *
 * The others, each after g = maximize ? -grad : grad and g = fma(weight_decay, p, g) as above;
 * mean(b, s, x) = fma(b, s, (1 - b) x), square(b, s, x) = fma(b, s, ((1 - b) x) x), 1 - b from
 * double:
 * ADAM      p = p * shrink                                    if shrink != 1 (decoupled decay)
 *           m = mean(beta1, m, g); v = square(beta2, v, g)
 *           w = amsgrad ? (w = max(w, v)) : v
 *           up = fma(grad_rate, g, rate m), or rate m if grad_rate is 0
 *           p = p - (plain ? up : up / fma(sqrt(w), root, eps))
 *           Adam: rate = lr / (1 - beta1^t), root = 1 / sqrt(1 - beta2^t). NAdam and RAdam differ in
 *           these numbers alone.
 * ADAMAX    m = mean(beta1, m, g); u = max(beta2 u, |g| + eps); p = p - (rate m) / u
 * RMSPROP   v = square(alpha, v, g); d = sqrt(v) + eps; centered: a = mean(alpha, a, g) and d =
 *           sqrt(max(fma(-a, a, v), 0)) + eps; p = p - (lr g) / d, or with momentum b =
 *           fma(momentum, b, g / d), p = p - lr b. States: v, b, a, as far as they are used.
 * ADAGRAD   s = fma(g, g, s); p = p - (rate g) / (sqrt(s) + eps)
 * ADADELTA  v = square(rho, v, g); d = (sqrt(a + eps) / sqrt(v + eps)) g; a = square(rho, a, d);
 *           p = p - lr d
 * LION      (no weight_decay) c = mean(beta1, m, g); m = mean(beta2, m, g); p = p shrink - lr
 *           sign(c), of which sign(NaN) is NaN
 * MUON      (neither) b = mean(momentum, b, g); p = nesterov ? mean(momentum, b, g) : b. p is the
 *           direction of a step, whose old values don't matter. */

/* ---- random numbers ---- */

/** out[i], i < n, is element first + i of the stream: it depends on (seed, stream, first + i)
 * alone, so any thread can make any range. Philox4x32-10, key = seed, counter = (block: low, high
 * word; stream: low, high word); a block gives the words w0..w3. U32          element e: word e % 4
 * of block e / 4. out: uint32_t. UNIFORM f32  element e: the same word's upper 24 bits * 2^-24.
 * f64: block e / 2, words (2h, 2h + 1), h = e % 2, as low and high half of 64 bits, their upper 53
 * * 2^-53. In [0, 1). NORMAL       Box-Muller on pairs (2p, 2p + 1): r = sqrt(-2 log u), elements r
 * cos(2 pi v), r sin(2 pi v). f32: words (2h, 2h + 1) of block p / 2, h = p % 2; u = (first + 1/2)
 * * 2^-32, v = second's upper 24 bits * 2^-24. f64: block p: u = (upper 53 bits of w1:w0 + 1/2) *
 * 2^-53, v = upper 53 bits of w3:w2 * 2^-53. */
typedef void (*hone__random_fn)(int64_t n, void *out, uint64_t seed, uint64_t stream,
                                uint64_t first);

#endif
