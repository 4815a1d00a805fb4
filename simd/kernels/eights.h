/* eights.h: products of f32, eight elements at a time, as kernels.h fixes them: half of what products in f64
 * cost is turning f32 into f64. (fragment: products.h) */

enum { EIGHT = 8, EIGHTS_RUN = 64, EIGHTS_STRETCH = 256, EIGHTS_WIDTH = 16 };
/* A pair's product stands in f32 if its size is 2^-15 or more and less than 2^17: no product of four such
 * is beyond f32's normal numbers. */
#define PAIR_LEAST  (112U << 23)
#define PAIR_BEYOND 0x70000000U

/* The product of x[0], x[step] .. x[7 step]. */
HONE__INLINE double eight_of(const float *x, int64_t step)
{
    float pair[EIGHT / 2];
    double wide[EIGHT / 2];
    uint32_t beyond = 0;
    for (int i = 0; i < EIGHT / 2; i++) {
        const float a = x[2 * i * step], b = x[(2 * i + 1) * step];
        uint32_t bits;
        pair[i] = a * b;
        wide[i] = (double)a * (double)b;
        memcpy(&bits, &pair[i], sizeof bits);
        beyond |= bits - PAIR_LEAST;
    }
    return beyond & PAIR_BEYOND ? (wide[0] * wide[1]) * (wide[2] * wide[3])
                                : (double)((pair[0] * pair[1]) * (pair[2] * pair[3]));
}

#ifdef __AVX2__
/* Eight such products, of x[0] .., x[1] .. and so on, as if all stood in f32; what is beyond that is
 * gathered. */
HONE__INLINE __m256 eights_in_f32(const float *x, int64_t step, __m256i *beyond)
{
    __m256 pair[EIGHT / 2];
    for (int i = 0; i < EIGHT / 2; i++) {
        pair[i] = _mm256_mul_ps(_mm256_loadu_ps(x + 2 * i * step),
                                _mm256_loadu_ps(x + (2 * i + 1) * step));
        const __m256i bits = _mm256_castps_si256(pair[i]);
        *beyond =
            _mm256_or_si256(*beyond, _mm256_sub_epi32(bits, _mm256_set1_epi32((int)PAIR_LEAST)));
    }
    return _mm256_mul_ps(_mm256_mul_ps(pair[0], pair[1]), _mm256_mul_ps(pair[2], pair[3]));
}

HONE__INLINE bool eights_stand(__m256i beyond)
{
    return _mm256_testz_si256(beyond, _mm256_set1_epi32((int)PAIR_BEYOND));
}

HONE__INLINE void eights_into(__m256d *chain, __m256 product)
{
    chain[0] = _mm256_mul_pd(chain[0], _mm256_cvtps_pd(_mm256_castps256_ps128(product)));
    chain[1] = _mm256_mul_pd(chain[1], _mm256_cvtps_pd(_mm256_extractf128_ps(product, 1)));
}

/* The same, where some may not stand, into as many chains. */
static __attribute__((noinline)) void eights_each(const float *x, int64_t step, double *chain)
{
    __m256i beyond = _mm256_setzero_si256();
    const __m256 narrow = eights_in_f32(x, step, &beyond);
    beyond = _mm256_and_si256(beyond, _mm256_set1_epi32((int)PAIR_BEYOND));
    const __m256i stand = _mm256_cmpeq_epi32(beyond, _mm256_setzero_si256());
    float product[EIGHT];
    int32_t stands[EIGHT];
    _mm256_storeu_ps(product, narrow);
    _mm256_storeu_si256((void *)stands, stand);
    for (int h = 0; h < EIGHT; h += 4) {
        __m256d pair[EIGHT / 2];
        for (int i = 0; i < EIGHT / 2; i++)
            pair[i] = _mm256_mul_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + 2 * i * step + h)),
                                    _mm256_cvtps_pd(_mm_loadu_ps(x + (2 * i + 1) * step + h)));
        const __m256d wide =
            _mm256_mul_pd(_mm256_mul_pd(pair[0], pair[1]), _mm256_mul_pd(pair[2], pair[3]));
        const __m256i which = _mm256_cvtepi32_epi64(_mm_loadu_si128((const void *)(stands + h)));
        const __m256d each = _mm256_blendv_pd(wide, _mm256_cvtps_pd(_mm_loadu_ps(product + h)),
                                              _mm256_castsi256_pd(which));
        _mm256_storeu_pd(chain + h, _mm256_mul_pd(_mm256_loadu_pd(chain + h), each));
    }
}

/* The runs of a stretch of n elements of a row. */
HONE__INLINE void eights_stretch(int64_t n, const float *x, double *chain)
{
    __m256d wide[2] = { _mm256_loadu_pd(chain), _mm256_loadu_pd(chain + 4) };
    __m256i beyond = _mm256_setzero_si256();
    for (int64_t i = 0; i < n; i += EIGHTS_RUN)
        eights_into(wide, eights_in_f32(x + i, EIGHT, &beyond));
    if (eights_stand(beyond)) {
        _mm256_storeu_pd(chain, wide[0]);
        _mm256_storeu_pd(chain + 4, wide[1]);
        return;
    }
    for (int64_t i = 0; i < n; i += EIGHTS_RUN)
        eights_each(x + i, EIGHT, chain);
}

/* n groups of eight rows (a constant) into EIGHTS_WIDTH columns. */
HONE__INLINE void eights_down(int n, const float *x, int64_t sx, double *out)
{
    enum { MOST = 2, VECTORS = EIGHTS_WIDTH / EIGHT };
    __m256 product[MOST][VECTORS];
    __m256i beyond = _mm256_setzero_si256();
    for (int v = 0; v < VECTORS; v++)
        for (int g = 0; g < n; g++)
            product[g][v] = eights_in_f32(x + g * EIGHT * sx + EIGHT * v, sx, &beyond);
    if (!eights_stand(beyond)) {
        for (int g = 0; g < n; g++)
            for (int v = 0; v < VECTORS; v++)
                eights_each(x + g * EIGHT * sx + EIGHT * v, sx, out + EIGHT * v);
        return;
    }
    for (int v = 0; v < VECTORS; v++, out += EIGHT) {
        __m256d chain[2] = { _mm256_loadu_pd(out), _mm256_loadu_pd(out + 4) };
        for (int g = 0; g < n; g++)
            eights_into(chain, product[g][v]);
        _mm256_storeu_pd(out, chain[0]);
        _mm256_storeu_pd(out + 4, chain[1]);
    }
}
#else
/* Eight products, of x[0] .., x[1] .. and so on, into as many chains. */
static void eights_each(const float *x, int64_t step, double *chain)
{
    for (int c = 0; c < EIGHT; c++)
        chain[c] *= eight_of(x + c, step);
}

HONE__INLINE void eights_stretch(int64_t n, const float *x, double *chain)
{
    for (int64_t i = 0; i < n; i += EIGHTS_RUN)
        eights_each(x + i, EIGHT, chain);
}

HONE__INLINE void eights_down(int n, const float *x, int64_t sx, double *out)
{
    for (int g = 0; g < n; g++)
        for (int v = 0; v < EIGHTS_WIDTH; v += EIGHT)
            eights_each(x + g * EIGHT * sx + v, sx, out + v);
}
#endif

/* n groups (a constant) of a panel of columns. */
HONE__INLINE void eights_of_panel(int n, int64_t cols, const float *x, int64_t sx, double *out)
{
    int64_t j = 0;
    for (; j + EIGHTS_WIDTH <= cols; j += EIGHTS_WIDTH)
        eights_down(n, x + j, sx, out + j);
    for (; j < cols; j++)
        for (int g = 0; g < n; g++)
            out[j] *= eight_of(x + g * EIGHT * sx + j, sx);
}

static void k_product_eights(int64_t groups, int64_t cols, const void *xv, int64_t sx, void *out)
{
    const float *x = xv;
    int64_t g = 0;
    for (; g + 2 <= groups; g += 2)
        eights_of_panel(2, cols, x + g * EIGHT * sx, sx, out);
    if (g < groups)
        eights_of_panel(1, cols, x + g * EIGHT * sx, sx, out);
}

/* All whole runs of a row -> the elements that were in them. */
HONE__INLINE int64_t eights_of_row(int64_t cols, const float *x, double *chain)
{
    const int64_t end = cols / EIGHTS_RUN * EIGHTS_RUN;
    for (int64_t i = 0, n; i < end; i += n) {
        n = end - i < EIGHTS_STRETCH ? end - i : EIGHTS_STRETCH;
        eights_stretch(n, x + i, chain);
    }
    return end;
}
