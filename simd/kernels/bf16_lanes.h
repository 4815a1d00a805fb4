/* bf16_lanes.h: vectors of f32 from and to neighbours of bf16, as core/half.h rounds. (fragment of
 * images_<isa>.c) */

#if F32_LANES == 1

HONE__INLINE vf32 bf16_load(const uint16_t *p)
{
    return hone__f32_of_bits(hone__bf16_bits(*p));
}

HONE__INLINE void bf16_store(uint16_t *p, vf32 x)
{
    *p = hone__bf16_of(hone__bits_of_f32(x));
}

#else

typedef uint16_t bf16_lanes __attribute__((vector_size(2 * F32_LANES), aligned(2), may_alias));
typedef uint16_t bf16_lanes_there __attribute__((vector_size(2 * F32_LANES)));
typedef uint32_t word_lanes __attribute__((vector_size(4 * F32_LANES)));

HONE__INLINE vf32 bf16_load(const uint16_t *p)
{
    const bf16_lanes_there bits = *(const bf16_lanes *)p;
    return (vf32)(__builtin_convertvector(bits, word_lanes) << 16);
}

HONE__INLINE void bf16_store(uint16_t *p, vf32 x)
{
    const word_lanes bits = (word_lanes)x, quiet = bits >> 16 | 0x40;
    const word_lanes rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    const word_lanes nan = (word_lanes)((bits & 0x7FFFFFFF) > 0x7F800000);
    const word_lanes halves = (nan & quiet) | (~nan & rounded);
#ifdef __AVX512F__ /* gcc 12 knows no better than to permute */
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)halves));
#else
    *(bf16_lanes *)p = __builtin_convertvector(halves, bf16_lanes_there);
#endif
}

#endif

/* The first n, fewer than a vector; the others are `fill`. */
HONE__INLINE vf32 bf16_load_n(const uint16_t *p, int64_t n, vf32 fill)
{
    uint16_t room[F32_LANES] = { 0 };
    memcpy(room, p, (size_t)n * sizeof *p);
    return f32_keep_n(bf16_load(room), n, fill);
}

HONE__INLINE void bf16_store_n(uint16_t *p, vf32 x, int64_t n)
{
    uint16_t room[F32_LANES];
    bf16_store(room, x);
    memcpy(p, room, (size_t)n * sizeof *p);
}
