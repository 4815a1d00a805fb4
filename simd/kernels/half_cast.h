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

#define BITS_FLOAT_4(x)   hone__bits_of_f32(x)
#define BITS_FLOAT_8(x)   hone__odd_bits_of_f64(x)
#define BITS_INTEGER_1(x) hone__bits_of_f32((float)(x)) /* exact, as the next two */
#define BITS_INTEGER_2(x) hone__bits_of_f32((float)(x))
#define BITS_INTEGER_4(x) hone__odd_bits_of_f64((double)(x))
#define BITS_INTEGER_8(x) hone__odd_bits_of_i64(x)

/* a function that takes an element, for each pair; bool is cast as u8 */
#define FROM_FLOAT(name, type, bits_of)                                                            \
    HONE__INLINE uint16_t name##_as_bf16(type x)                                                   \
    {                                                                                              \
        return hone__bf16_of(bits_of(x));                                                          \
    }                                                                                              \
    HONE__INLINE uint16_t name##_as_f16(type x)                                                    \
    {                                                                                              \
        return hone__f16_of(bits_of(x));                                                           \
    }                                                                                              \
    HALF_CAST(cast_##name##_k_bf16, uint16_t, type, name##_as_bf16)                                \
    HALF_CAST(cast_##name##_k_f16, uint16_t, type, name##_as_f16)
#define FROM_INTEGER(name, type, bits_of) FROM_FLOAT(name, type, bits_of)
#define FROM_BOOL(name, type, bits_of)
#define TO_HALVES(NAME, name, type, bytes, kind, ...) FROM_##kind(name, type, BITS_##kind##_##bytes)
HONE__EACH_DTYPE(TO_HALVES, )

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
#undef FROM_FLOAT
#undef FROM_INTEGER
#undef FROM_BOOL
#undef FROM_HALF
