/* products.h: products of f32 and f64 in f64, in the order that kernels.h fixes. Of AVX vectors of 32
 * bytes are taken: a row's eight chains are two of them, and AVX-512 turns f32 into f64 no faster.
 * Elsewhere the compiler has its way. Rows of f32: eights.h. (fragment: real_begin.h) */

#ifndef PRODUCT_CHAINS
#define PRODUCT_CHAINS 8
#define PRODUCT_ROWS   4 /* that don't wait for each other's products */
#ifdef __AVX2__          /* in the scalar ISA too, if everything is compiled for such a CPU */
#include <immintrin.h>
#endif
#endif
#if HONE__REAL_IS_F64
#define FOUR_AT(p) _mm256_loadu_pd(p)
#else
#define FOUR_AT(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#endif

#if !HONE__REAL_IS_F64
#include "kernels/eights.h"
#endif

/* What is left of a row from element i on goes into its chains, which are joined. */
HONE__INLINE double R(product_end)(double *chain, int64_t i, int64_t cols, const REAL *x)
{
    for (int c = 0; i + c < cols; c++)
        chain[c] *= (double)x[i + c];
    return ((chain[0] * chain[1]) * (chain[2] * chain[3])) *
           ((chain[4] * chain[5]) * (chain[6] * chain[7]));
}

#ifdef __AVX2__
/* `n` rows, a constant. */
HONE__INLINE void R(products_together)(int n, int64_t cols, const REAL *x, int64_t sx, double *out)
{
    __m256d chain[PRODUCT_ROWS][2];
    int64_t i = 0;
    for (int r = 0; r < n; r++)
        chain[r][0] = chain[r][1] = _mm256_set1_pd(1);
    for (; i + PRODUCT_CHAINS <= cols; i += PRODUCT_CHAINS)
        for (int r = 0; r < n; r++) {
            chain[r][0] = _mm256_mul_pd(chain[r][0], FOUR_AT(x + r * sx + i));
            chain[r][1] = _mm256_mul_pd(chain[r][1], FOUR_AT(x + r * sx + i + 4));
        }
    for (int r = 0; r < n; r++) {
        double c[PRODUCT_CHAINS];
        _mm256_storeu_pd(c, chain[r][0]);
        _mm256_storeu_pd(c + 4, chain[r][1]);
        out[r] = R(product_end)(c, i, cols, x + r * sx);
    }
}
#else
HONE__INLINE void R(products_together)(int n, int64_t cols, const REAL *x, int64_t sx, double *out)
{
    for (int r = 0; r < n; r++, x += sx) {
        double chain[PRODUCT_CHAINS];
        int64_t i = 0;
        for (int c = 0; c < PRODUCT_CHAINS; c++)
            chain[c] = 1;
        for (; i + PRODUCT_CHAINS <= cols; i += PRODUCT_CHAINS)
            for (int c = 0; c < PRODUCT_CHAINS; c++)
                chain[c] *= (double)x[i + c];
        out[r] = R(product_end)(chain, i, cols, x);
    }
}
#endif

#if !HONE__REAL_IS_F64
/* A row of one run or more. */
HONE__INLINE double product_in_eights(int64_t cols, const float *x)
{
    double chain[PRODUCT_CHAINS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t i = eights_of_row(cols, x, chain);
    for (; i + PRODUCT_CHAINS <= cols; i += PRODUCT_CHAINS)
        for (int c = 0; c < PRODUCT_CHAINS; c++)
            chain[c] *= (double)x[i + c];
    return f32_product_end(chain, i, cols, x);
}
#endif

static void R(k_product_rows)(int64_t rows, int64_t cols, const void *xv, int64_t sx, void *outv)
{
    const REAL *x = xv;
    double *out = outv;
    int64_t r = 0;
#if !HONE__REAL_IS_F64
    for (; r < rows && cols >= EIGHTS_RUN; r++)
        out[r] = product_in_eights(cols, x + r * sx);
#endif
    for (; r + PRODUCT_ROWS <= rows; r += PRODUCT_ROWS)
        R(products_together)(PRODUCT_ROWS, cols, x + r * sx, sx, out + r);
    for (; r < rows; r++)
        R(products_together)(1, cols, x + r * sx, sx, out + r);
}

/* n rows into as many columns. */
HONE__INLINE void R(products_down)(int64_t n, int64_t cols, const REAL *x, int64_t sx, double *out)
{
    int64_t j = 0;
#ifdef __AVX2__
    for (; j + 4 <= cols; j += 4) {
        __m256d chain = _mm256_loadu_pd(out + j);
        for (int64_t r = 0; r < n; r++)
            chain = _mm256_mul_pd(chain, FOUR_AT(x + r * sx + j));
        _mm256_storeu_pd(out + j, chain);
    }
#endif
    for (; j < cols; j++)
        for (int64_t r = 0; r < n; r++)
            out[j] *= (double)x[r * sx + j];
}

static void R(k_product_cols)(int64_t rows, int64_t cols, const void *xv, int64_t sx, void *out)
{
    const REAL *x = xv;
    for (; rows >= 2 * PRODUCT_ROWS || rows == PRODUCT_ROWS; rows -= PRODUCT_ROWS) {
        R(products_down)(PRODUCT_ROWS, cols, x, sx, out);
        x += PRODUCT_ROWS * sx;
    }
    if (rows > 0) /* in one pass over the columns */
        R(products_down)(rows, cols, x, sx, out);
}

#undef FOUR_AT
