/* images.h: kernels of convolutions that are more or less than products, one table for each instruction set,
 * in units of their own (images_<isa>.c), since those of isa.h take minutes to compile.
 *
 * f32 only. Pixels are runs of `channels`, a multiple of HONE__IMAGE_CHANNELS, that lie side by side; every
 * step is rounded, in the order that is written down, so the bits are the same on every ISA.
 *
 * Winograd's F(2x2, 3x3): a tile of 2 x 2 outputs y of a 3 x 3 convolution of 4 x 4 pixels d with
 * weights g is y = A^T [(G g G^T) . (B^T d B)] A: 16 products instead of 36. Along one axis:
 *
 *      B^T d    d0 - d2, d1 + d2, d2 - d1, d1 - d3
 *      G g      g0, ((g0 + g2) + g1) / 2, ((g0 + g2) - g1) / 2, g2
 *      A^T m    (m0 + m1) + m2, (m1 - m2) - m3
 *
 * and for the weights' gradient, G^T [(A dy A^T) . (B^T d B)] G:
 *
 *      A y      y0, y0 + y1, y0 - y1, -y1
 *      G^T u    u0 + (u1 + u2) / 2, (u1 - u2) / 2, (u1 + u2) / 2 + u3
 *
 * always first along y, then along x. Point 4 i + j of 16 is of row i and column j.
 *
 * F(4x4, 3x3): tiles of 4 x 4 outputs, 6 x 6 pixels, 36 products instead of 144, of the points 0, a = 5/8, -a,
 * b = 3/2, -b and infinity, which err less than 1 and 2. Steps in the order written, * before what is added to
 * it being one fma:
 *
 *      B^T d    d0 a^2 b^2 + d4 - d2 (a^2 + b^2),  u +- a v,  s +- b t,  d5 - d3 (a^2 + b^2) + d1 a^2 b^2
 *               with u = d4 - b^2 d2, v = d3 - b^2 d1, s = d4 - a^2 d2, t = d3 - a^2 d1
 *      G g      g0 / (a^2 b^2),  (g0 + a^2 g2 +- a g1) / (2 a^2 (a^2 - b^2)),
 *               (g0 + b^2 g2 +- b g1) / (2 b^2 (b^2 - a^2)),  g2;  divisions are products by the rounded inverse
 *      A^T m    (m0 + e) + f,  b h + a g,  b^2 f + a^2 e,  m5 + b^3 h + a^3 g
 *               with e = m1 + m2, g = m1 - m2, f = m3 + m4, h = m3 - m4
 *      A y      y0,  (y0 + a^2 y2) +- a (y1 + a^2 y3),  (y0 + b^2 y2) +- b (y1 + b^2 y3),  y3
 *      G^T u    (e + f) + u0 / (a^2 b^2),  b h + a g,  (u5 + b^2 f) + a^2 e
 *               with e, g, f, h of u1 .. u4 as above, each divided as G says */
#ifndef HONE_ISA_IMAGES_H
#define HONE_ISA_IMAGES_H

#include "isa/isa.h"

enum { HONE__IMAGE_CHANNELS = 16 };
enum { HONE__POOL_BELOW = 4 }; /* no element of a window of 2 x 2 is more than 0 */

/** Rows of an image; step 0 and one pixel of zeros: a row outside of it. */
typedef struct {
    const float *row;
    int64_t step; /* from pixel to pixel */
} hone__pixels;

/** Tiles side by side. Tile t reads columns x + 2 t .. x + 2 t + 3 (`of_dy`: the two first; F(4x4): x + 4 t
 * .. x + 4 t + 5, the four first) of the rows, those outside [0, width) being +0, and writes points[p * point + t * tile + c]. */
typedef struct {
    int64_t channels, tiles, x, width;
    hone__pixels rows[6]; /* 4 of F(2x2); of_dy as many as outputs */
    float *points;
    int64_t point, tile;
} hone__winograd_in;

/** The reverse: y columns 2 t and 2 t + 1 of two rows (F(4x4): four and four), as far as they are less
 * than width; rows but the first may be NULL. bias: [channels] or NULL, added last. */
typedef struct {
    int64_t channels, tiles, width;
    const float *points;
    int64_t point, tile;
    float *row[4];
    int64_t step;
    const float *bias;
} hone__winograd_out;

/** Rows of n outputs of some planes of a convolution whose channels don't meet. What tap tap[t] sees
 * of output i of row r of plane p is at a + at[t] + p * a_plane + r * a_row + i, which can be read as
 * far as i < padded, the next multiple of HONE__IMAGE_CHANNELS of n, or of 8 up to 8. */
typedef struct {
    int64_t n, padded, rows, planes;
    int taps; /* at most 64 */
    const uint8_t *tap;
    const int64_t *at;
    const float *a;
    int64_t a_row, a_plane;
    float *out; /* of the weight's gradient: dy */
    int64_t out_row, out_plane;
    const float *w;    /* w[p * w_plane + tap] */
    const float *bias; /* bias[p * bias_step], or NULL */
    int64_t w_plane, bias_step;
    float *lanes; /* of the weight's gradient: [p * w_plane + tap][HONE__IMAGE_CHANNELS] */
} hone__plane;

/** The same of 3 x 3 taps without gaps, read where they lie: output i of row r sees with tap (ky, kx) row
 * y = r * mul + first + ky, column x = i * mul + across + kx (back: 2 - ky for ky, 2 - kx for kx) of plane p,
 * at a + p * a_plane + y * down + x. Rows outside [0, height) are left out, columns outside [0, width) are +0. */
typedef struct {
    int64_t n, rows, planes;
    int64_t height, width;
    int64_t mul, first, across; /* mul: 1, or 2 where not `back` */
    bool back;                  /* not of the weight's gradient */
    const float *a;
    int64_t down, a_plane;
    float *out; /* of the weight's gradient: dy */
    int64_t out_row, out_plane;
    const float *w, *bias; /* w[9 * p + 3 * ky + kx], bias[p * bias_step] or NULL */
    int64_t bias_step;
    float *sum;  /* of the weight's gradient: [9 * p + tap] */
    int64_t ask; /* elements ahead of those in work, whose lines may be asked for; 0: none */
} hone__plane_3x3;

/** If a vector of 16 lanes holds a row of two planes' outputs (of pairs: the gradient by an image of stride 2), and
 * rows begin in the padding, as AVX-512's kernels read them. */
static inline bool hone__are_twins(const hone__plane_3x3 *d, bool up)
{
    const int64_t half = HONE__IMAGE_CHANNELS / 2;
    if (up)
        return d->n <= 2 * half && d->width <= half && d->first == 1 && d->across == 1;
    return d->n <= half && d->width <= d->mul * half && d->first == -1 && d->across == -1;
}

/** A plane's rows of n windows of 3 x 3, 2 apart, the first beginning `top` rows above it and `left`
 * columns before it, 0 or 1; each holds something. best, at: [rows, n], as hone__max_pool (pool.h) takes them. */
typedef struct {
    int64_t rows, n, height, width, top, left;
    const float *x;
    float *best;
    int64_t *at;
} hone__pool_threes;

/** Batch norm of planes of n elements that follow each other; plane p's numbers are at place p. As
 * hone__channels (kernels.h) says: v = fma(x - base, scale, offset), y = v * weight + bias. relu: of
 * y, and dy counts as +0 where y <= 0. NULL: weight 1, bias 0, mean_g and mean_gv 0. */
typedef struct {
    int64_t planes, n;
    const void *x, *dy; /* f32, narrow: bf16, and so is out */
    void *out;
    float *g, *gv;
    const float *base, *scale, *offset, *weight, *bias, *mean_g, *mean_gv;
    bool relu, narrow; /* narrow: not of norm_pass_planes */
} hone__norm_planes;
enum { HONE__NORM_LANES = 64 }; /* virtual lanes of a sum of f32 */

typedef struct {
    int outputs; /* of a tile, along an axis */
    /** B^T d B, A dy A^T, A^T m A. */
    void (*in)(const hone__winograd_in *t);
    void (*dy)(const hone__winograd_in *t);
    void (*out)(const hone__winograd_out *t);
    /** G g G^T of `lanes` weights side by side, n times: points[p * point + i * to_step] from w[tap *
     * w_tap + i * from_step]. lanes: a vector of gemm's kernel. past: points are larger than the
     * caches, and begin on multiples of a vector. */
    void (*weights)(int64_t n, const float *w, int64_t w_tap, int64_t from_step, float *points,
                    int64_t point, int64_t to_step, bool past);
    /** w[tap * w_tap + i], first: from +0, += G^T points G for i < n, a multiple of HONE__IMAGE_CHANNELS. */
    void (*weights_back)(int64_t n, const float *points, int64_t point, float *w, int64_t w_tap,
                         bool first);
} hone__winograd_form;

typedef struct {
    hone__winograd_form winograd[2]; /* F(2x2, 3x3), F(4x4, 3x3) */
    /** Outputs: one chain of fma(a, w, acc) over the taps from +0; then the bias is added. */
    void (*plane)(const hone__plane *d);
    /** lanes[..][i mod HONE__IMAGE_CHANNELS] goes on with fma(dy, a, acc) over i < n, row by row. */
    void (*plane_weight)(const hone__plane *d);
    void (*plane_3x3)(const hone__plane_3x3 *d);
    /** The gradient by the image of one of stride 2: what output i of row r sees with tap (ky, kx) is at
     * y = (r + first - ky) / 2, x = (i + across - kx) / 2, if these are whole. No mul, back, bias. */
    void (*plane_3x3_up)(const hone__plane_3x3 *d);
    /** sum += lanes as those of plane_weight, from +0, folded by halves. */
    void (*plane_weight_3x3)(const hone__plane_3x3 *d);
    /** sum[i] += lanes[i] folded by halves, for i < n; the lanes become +0. */
    void (*plane_fold)(int64_t n, float *lanes, float *sum);
    /** Rows of n elements, and +0 behind them as far as the next multiple of HONE__IMAGE_CHANNELS at
     * most. */
    void (*plane_copy)(int64_t rows, int64_t n, const float *from, int64_t from_row, float *to,
                       int64_t to_row);
    /** to[p * part + j] = from[j * parts + p] of rows of n elements, `parts` parts apart; and back,
     * of one. */
    void (*plane_split)(int64_t rows, int64_t n, int64_t parts, const float *from, int64_t from_row,
                        float *to, int64_t part);
    void (*plane_join)(int64_t n, int64_t parts, const float *from, int64_t part, float *to);
    /** Of a plane with rows of `down` elements rows of n windows of 2 x 2, side by side: the largest
     * element as hone__max_pool (pool.h) takes it, and its place. more: 32 elements behind those of x
     * that are seen can be read, and 16 results behind the last be written, of which nothing stays. */
    void (*pool_pairs)(int64_t rows, int64_t n, const float *x, int64_t down, float *best,
                       int64_t *at, bool more);
    /** The same of relu(x), and which of the window's four elements it is: HONE__POOL_BELOW where that
     * is +0. more: as above. */
    void (*positive_pairs)(int64_t rows, int64_t n, const float *x, int64_t down, float *best,
                           uint8_t *which, bool more);
    /** The 2 * rows rows of dx: 0 + dy where a window had its largest element, else +0. more: 16 elements
     * behind those of dy and `which` can be read, and 32 behind those of dx be written, of which nothing
     * stays. */
    void (*positive_pairs_back)(int64_t rows, int64_t n, const float *dy, const uint8_t *which,
                                int64_t down, float *dx, bool more);
    void (*pool_threes)(const hone__pool_threes *p);
    /** out = y; what counts of dy; dx. out may be dy. */
    void (*norm_planes)(const hone__norm_planes *d);
    void (*norm_pass_planes)(const hone__norm_planes *d);
    void (*norm_dx_planes)(const hone__norm_planes *d);
    /** g and gv [planes]: the sums of what counts of dy, and of that times v, in the order of
     * reduce_rows; n is at most a block of these. */
    void (*norm_sums_planes)(const hone__norm_planes *d);
} hone__image_kernels;

/** Those of hone__k's ISA. */
const hone__image_kernels *hone__images(void);
/** The same for rows of n elements: of vectors that n fills better, where the machine has them. */
const hone__image_kernels *hone__images_for(int64_t n);

extern const hone__image_kernels hone__images_scalar;
#if defined(__x86_64__)
extern const hone__image_kernels hone__images_avx2, hone__images_avx512;
#elif defined(__aarch64__)
extern const hone__image_kernels hone__images_neon;
#endif

#endif
