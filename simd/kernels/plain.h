/* plain.h: comparisons, one include for each dtype. (fragment: define T, the C type, and P(name), a
 * name for it)
 *
 * Plain C that compilers vectorise well; there is nothing in it that could round. */

HONE__INLINE void P(compare)(int64_t n, uint8_t *out, int64_t so, const void *av, int64_t sa,
                             const void *bv, int64_t sb, bool (*op)(T, T))
{
    const T *a = av, *b = bv;
    if (so == 1 && sa == 1 && sb == 1) {
        for (int64_t i = 0; i < n; i++)
            out[i] = op(a[i], b[i]);
    } else if (so == 1 && sa == 1 && sb == 0 && n > 0) {
        const T right = *b;
        for (int64_t i = 0; i < n; i++)
            out[i] = op(a[i], right);
    } else {
        for (int64_t i = 0; i < n; i++)
            out[i * so] = op(a[i * sa], b[i * sb]);
    }
}

#define COMPARE_KERNEL(NAME, name, sign)                                                           \
    HONE__INLINE bool P(is_##name)(T a, T b)                                                       \
    {                                                                                              \
        return a sign b;                                                                           \
    }                                                                                              \
    static void P(k_##name)(int64_t n, uint8_t * out, int64_t so, const void *a, int64_t sa,       \
                            const void *b, int64_t sb)                                             \
    {                                                                                              \
        P(compare)(n, out, so, a, sa, b, sb, P(is_##name));                                        \
    }

#include "kernels/kernels.def"
