/* random.h: Philox4x32-10 and what is made of its words. (fragment: needs the math of both types)
 *
 * J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). kernels.h says which
 * words make which element. */

/* Words made at a time; vectors of blocks under way at a time, so that none waits for its
 * multiplications. */
#define CHUNK 256
#define SETS  4

HONE__INLINE void philox_round(vi32 c[4], vi32 k0, vi32 k1)
{
    const vi32 m0 = i32_set((int32_t)0xd2511f53u), m1 = i32_set((int32_t)0xcd9e8d57u);
    const vi32 high0 = u32_mulhi(m0, c[0]), low0 = u32_mullo(m0, c[0]);
    const vi32 high1 = u32_mulhi(m1, c[2]), low1 = u32_mullo(m1, c[2]);
    c[0] = i32_xor(i32_xor(high1, c[1]), k0);
    c[2] = i32_xor(i32_xor(high0, c[3]), k1);
    c[1] = low1;
    c[3] = low0;
}

/* sets * F32_LANES blocks with consecutive indices from `block` on: words[4 * i + w]. */
HONE__INLINE void philox_blocks(uint64_t block, uint64_t stream, uint64_t seed, uint32_t *words,
                                int sets)
{
    int32_t low[SETS * F32_LANES], high[SETS * F32_LANES];
    for (int i = 0; i < sets * F32_LANES; i++) {
        low[i] = (int32_t)(uint32_t)(block + (uint64_t)i);
        high[i] = (int32_t)(uint32_t)((block + (uint64_t)i) >> 32);
    }
    vi32 c[SETS][4];
    for (int s = 0; s < sets; s++) {
        c[s][0] = i32_load(low + s * F32_LANES);
        c[s][1] = i32_load(high + s * F32_LANES);
        c[s][2] = i32_set((int32_t)(uint32_t)stream);
        c[s][3] = i32_set((int32_t)(uint32_t)(stream >> 32));
    }
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const vi32 key0 = i32_set((int32_t)k0), key1 = i32_set((int32_t)k1);
        for (int s = 0; s < sets; s++)
            philox_round(c[s], key0, key1);
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    for (int s = 0; s < sets; s++)
        i32_store4((int32_t *)words + 4 * s * F32_LANES, c[s][0], c[s][1], c[s][2], c[s][3]);
}

/* n <= CHUNK words of the stream from word `first` (a multiple of 4) on; up to CHUNK are written.
 */
static void philox_words(int64_t n, uint32_t words[CHUNK], uint64_t first, uint64_t stream,
                         uint64_t seed)
{
    const int64_t per_set = 4 * F32_LANES;
    int64_t i = 0;
    for (; n - i > per_set; i += SETS * per_set)
        philox_blocks(first / 4 + (uint64_t)i / 4, stream, seed, words + i, SETS);
    if (i < n)
        philox_blocks(first / 4 + (uint64_t)i / 4, stream, seed, words + i, 1);
}

HONE__INLINE float uniform_f32(uint32_t word)
{
    return (float)(int32_t)(word >> 8) * 0x1p-24f;
}

HONE__INLINE double bits53(const uint32_t *pair)
{
    return (double)(int64_t)(((uint64_t)pair[1] << 32 | pair[0]) >> 11);
}

/* The loops below go over chunks of the stream that begin at a multiple of CHUNK words' worth of
 * elements; `skip` of the first chunk's elements lie before the range. */

static void k_random_u32(int64_t n, void *outv, uint64_t seed, uint64_t stream, uint64_t first)
{
    uint32_t *out = outv, words[CHUNK];
    const int64_t skip = (int64_t)(first % CHUNK);
    for (int64_t i = -skip; i < n; i += CHUNK) {
        const int64_t begin = i < 0 ? -i : 0, end = n - i < CHUNK ? n - i : CHUNK;
        philox_words(end, words, first + (uint64_t)i, stream, seed);
        for (int64_t j = begin; j < end; j++)
            out[i + j] = words[j];
    }
}

static void k_uniform_f32(int64_t n, void *outv, uint64_t seed, uint64_t stream, uint64_t first)
{
    float *out = outv;
    uint32_t words[CHUNK];
    const int64_t skip = (int64_t)(first % CHUNK);
    for (int64_t i = -skip; i < n; i += CHUNK) {
        const int64_t begin = i < 0 ? -i : 0, end = n - i < CHUNK ? n - i : CHUNK;
        philox_words(end, words, first + (uint64_t)i, stream, seed);
        for (int64_t j = begin; j < end; j++)
            out[i + j] = uniform_f32(words[j]);
    }
}

static void k_uniform_f64(int64_t n, void *outv, uint64_t seed, uint64_t stream, uint64_t first)
{
    double *out = outv;
    uint32_t words[CHUNK];
    const int64_t per_chunk = CHUNK / 2, skip = (int64_t)(first % (CHUNK / 2));
    for (int64_t i = -skip; i < n; i += per_chunk) {
        const int64_t begin = i < 0 ? -i : 0, end = n - i < per_chunk ? n - i : per_chunk;
        philox_words(2 * end, words, 2 * (first + (uint64_t)i), stream, seed);
        for (int64_t j = begin; j < end; j++)
            out[i + j] = bits53(words + 2 * j) * 0x1p-53;
    }
}

/* Box-Muller: radius from u, angle from v; u and v become the pair. */
static void normal_pairs_f32(float u[CHUNK / 2], float v[CHUNK / 2])
{
    for (int i = 0; i < CHUNK / 2; i += F32_LANES) {
        vf32 sine;
        const vf32 log = f32_log(f32_load(u + i)), cosine = f32_circle(f32_load(v + i), &sine);
        const vf32 radius = f32_sqrt(f32_mul(f32_set(-2.0f), log));
        f32_store(u + i, f32_mul(radius, cosine));
        f32_store(v + i, f32_mul(radius, sine));
    }
}
static void normal_pairs_f64(double u[CHUNK / 4], double v[CHUNK / 4])
{
    for (int i = 0; i < CHUNK / 4; i += F64_LANES) {
        vf64 sine;
        const vf64 log = f64_log(f64_load(u + i)), cosine = f64_circle(f64_load(v + i), &sine);
        const vf64 radius = f64_sqrt(f64_mul(f64_set(-2.0), log));
        f64_store(u + i, f64_mul(radius, cosine));
        f64_store(v + i, f64_mul(radius, sine));
    }
}

static void k_normal_f32(int64_t n, void *outv, uint64_t seed, uint64_t stream, uint64_t first)
{
    float *out = outv, u[CHUNK / 2], v[CHUNK / 2];
    uint32_t words[CHUNK];
    const int64_t skip = (int64_t)(first % CHUNK);
    for (int64_t i = -skip; i < n; i += CHUNK) {
        const int64_t begin = i < 0 ? -i : 0, end = n - i < CHUNK ? n - i : CHUNK;
        philox_words(CHUNK, words, first + (uint64_t)i, stream, seed);
        for (int64_t p = 0; p < CHUNK / 2; p++) {
            u[p] = fmaf((float)words[2 * p], 0x1p-32f, 0x1p-33f);
            v[p] = uniform_f32(words[2 * p + 1]);
        }
        normal_pairs_f32(u, v);
        for (int64_t j = begin; j < end; j++)
            out[i + j] = j % 2 == 0 ? u[j / 2] : v[j / 2];
    }
}

static void k_normal_f64(int64_t n, void *outv, uint64_t seed, uint64_t stream, uint64_t first)
{
    double *out = outv, u[CHUNK / 4], v[CHUNK / 4];
    uint32_t words[CHUNK];
    const int64_t per_chunk = CHUNK / 2, skip = (int64_t)(first % (CHUNK / 2));
    for (int64_t i = -skip; i < n; i += per_chunk) {
        const int64_t begin = i < 0 ? -i : 0, end = n - i < per_chunk ? n - i : per_chunk;
        philox_words(CHUNK, words, 2 * (first + (uint64_t)i), stream, seed);
        for (int64_t p = 0; p < CHUNK / 4; p++) {
            u[p] = fma(bits53(words + 4 * p), 0x1p-53, 0x1p-54);
            v[p] = bits53(words + 4 * p + 2) * 0x1p-53;
        }
        normal_pairs_f64(u, v);
        for (int64_t j = begin; j < end; j++)
            out[i + j] = j % 2 == 0 ? u[j / 2] : v[j / 2];
    }
}
