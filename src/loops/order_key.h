/* order_key.h: elements of any dtype as unsigned numbers in the same order, NaN last, -0 as 0. */
#ifndef HONE_LOOPS_ORDER_KEY_H
#define HONE_LOOPS_ORDER_KEY_H

#include "core/core.h"
#include "core/dtypes.h"

#include <string.h>

static inline uint64_t hone__key_of_double(double v)
{
    uint64_t bits;
    if (v != v)
        return UINT64_MAX;
    v = v == 0 ? 0 : v;
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline uint64_t hone__key_of_integer(int64_t v)
{
    return (uint64_t)v ^ UINT64_C(1) << 63;
}

static inline uint64_t hone__key_of(hone_dtype dtype, const void *p)
{
#define HONE__KEY_FLOAT   hone__key_of_double
#define HONE__KEY_INTEGER hone__key_of_integer
#define HONE__KEY_BOOL    hone__key_of_integer
#define HONE__KEY_OF(NAME, name, type, size, kind, ...)                                            \
    case HONE_##NAME:                                                                              \
        return HONE__KEY_##kind(*(const type *)p);
    switch (dtype) {
        HONE__EACH_DTYPE(HONE__KEY_OF, )
    default: /* bf16, f16: they are sorted as f32 */
        break;
    }
#undef HONE__KEY_OF
#undef HONE__KEY_BOOL
#undef HONE__KEY_INTEGER
#undef HONE__KEY_FLOAT
    return 0;
}

#endif
