/* half_cast.h: conversions from and to the floats of 16 bits, as core/half.h says: from each dtype to
 * them, and from them to each dtype by way of f32, which holds them exactly. (fragment) */

/* y[i] = of(x[i]); the loop over neighbours becomes vector code. */
#define HALF_CAST(name, to, from, of)                                                              \
    static void name(int64_t n, void *yv, int64_t sy, const void *xv, int64_t sx)                  \
    {                                                                                              \
        to *y = yv;                                                                                \
        const from *x = xv;                                                                        \
        if (sy == 1 && sx == 1) {                                                                  \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i] = of(x[i]);                                                                   \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i * sy] = of(x[i * sx]);                                                         \
        }                                                                                          \
    }

HONE__INLINE uint32_t odd_bits_of_f32(float x)
{
    return hone__bits_of_f32(x);
}

HONE__INLINE uint32_t odd_bits_of_f64(double x)
{
    return hone__odd_bits_of_f64(x);
}

HONE__INLINE uint32_t odd_bits_of_i64(int64_t x)
{
    return hone__odd_bits_of_i64(x);
}

HONE__INLINE uint32_t odd_bits_of_i32(int32_t x)
{
    return hone__odd_bits_of_f64((double)x);
}

HONE__INLINE uint32_t odd_bits_of_u8(uint8_t x)
{
    return hone__bits_of_f32((float)x);
}

/* a function that takes an element, for each pair */
#define TO_HALVES(name, type)                                                                      \
    HONE__INLINE uint16_t name##_as_bf16(type x)                                                   \
    {                                                                                              \
        return hone__bf16_of(odd_bits_of_##name(x));                                               \
    }                                                                                              \
    HONE__INLINE uint16_t name##_as_f16(type x)                                                    \
    {                                                                                              \
        return hone__f16_of(odd_bits_of_##name(x));                                                \
    }                                                                                              \
    HALF_CAST(cast_##name##_k_bf16, uint16_t, type, name##_as_bf16)                                \
    HALF_CAST(cast_##name##_k_f16, uint16_t, type, name##_as_f16)
TO_HALVES(f32, float)
TO_HALVES(f64, double)
TO_HALVES(i64, int64_t)
TO_HALVES(i32, int32_t)
TO_HALVES(u8, uint8_t)

/* from them to what is not FLOAT: as f32 is cast */
#define FROM_HALF(NAME, name, to, bytes, kind, rank, least, most, file, torch, from)               \
    HONE__INLINE to from##_as_##name(uint16_t x)                                                   \
    {                                                                                              \
        return cast_f32_to_##name(hone__f32_of_bits(hone__##from##_bits(x)));                      \
    }                                                                                              \
    HALF_CAST(cast_##from##_k_##name, to, uint16_t, from##_as_##name)
HONE__EACH_DTYPE(FROM_HALF, bf16)
HONE__EACH_DTYPE(FROM_HALF, f16)

HONE__INLINE uint16_t bf16_as_f16(uint16_t x)
{
    return hone__f16_of(hone__bf16_bits(x));
}

HONE__INLINE uint16_t f16_as_bf16(uint16_t x)
{
    return hone__bf16_of(hone__f16_bits(x));
}

HALF_CAST(cast_bf16_k_f16, uint16_t, uint16_t, bf16_as_f16)
HALF_CAST(cast_f16_k_bf16, uint16_t, uint16_t, f16_as_bf16)
#define cast_bf16_k_bf16 size2_k_copy
#define cast_f16_k_f16   size2_k_copy

#undef HALF_CAST
#undef TO_HALVES
#undef FROM_HALF
