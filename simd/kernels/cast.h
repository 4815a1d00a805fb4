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
#define TO_INTEGER(x, to, least, most) (to) C(saturate)(x, least, most, (double)(most) + 1)
#else
#define TO_INTEGER(x, to, least, most) (to)(x)
#endif
#define TO_FLOAT(x, to, least, most) (to)(x)
#define TO_BOOL(x, to, least, most)  (x) != 0

#define CAST(NAME, name, to, bytes, kind, rank, least, most, ...)                                  \
    HONE__INLINE to C(to_##name)(FROM x)                                                           \
    {                                                                                              \
        return TO_##kind(x, to, least, most);                                                      \
    }                                                                                              \
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
#undef TO_FLOAT
#undef TO_BOOL
