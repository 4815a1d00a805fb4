/* cast.h: conversions from one dtype to all. (fragment: FROM, the C type, FROM_IS_REAL, and C(to),
 * a name) */

#if FROM_IS_REAL
/* Truncates and saturates; NaN gives 0. `above` is the first power of two past the type's largest
 * value. */
HONE__INLINE int64_t C(saturate)(FROM x, int64_t least, int64_t most, double above)
{
    if (x != x)
        return 0;
    if ((double)x >= above)
        return most;
    return (double)x <= (double)least ? least : (int64_t)x;
}
#define TO_INTEGER(x, least, most, above) C(saturate)(x, least, most, above)
#else
#define TO_INTEGER(x, least, most, above) (x)
#endif

HONE__INLINE float C(to_f32)(FROM x)
{
    return (float)x;
}
HONE__INLINE double C(to_f64)(FROM x)
{
    return (double)x;
}
HONE__INLINE int64_t C(to_i64)(FROM x)
{
    return (int64_t)TO_INTEGER(x, INT64_MIN, INT64_MAX, 0x1p63);
}
HONE__INLINE int32_t C(to_i32)(FROM x)
{
    return (int32_t)TO_INTEGER(x, INT32_MIN, INT32_MAX, 0x1p31);
}
HONE__INLINE uint8_t C(to_u8)(FROM x)
{
    return (uint8_t)TO_INTEGER(x, 0, UINT8_MAX, 0x1p8);
}
HONE__INLINE uint8_t C(to_bool)(FROM x)
{
    return x != 0;
}

#define CAST(NAME, name, to, ...)                                                                  \
    static void C(k_##name)(int64_t n, void *yv, int64_t sy, const void *xv, int64_t sx)           \
    {                                                                                              \
        to *y = yv;                                                                                \
        const FROM *x = xv;                                                                        \
        if (sy == 1 && sx == 1) {                                                                  \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i] = C(to_##name)(x[i]);                                                         \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                        \
                y[i * sy] = C(to_##name)(x[i * sx]);                                               \
        }                                                                                          \
    }

HONE__EACH_DTYPE(CAST, )

#undef CAST
#undef TO_INTEGER
