/* indices.h: what ops that take indices share. */
#ifndef HONE_LOOPS_INDICES_H
#define HONE_LOOPS_INDICES_H

#include "core/core.h"

#include <hone/ops.h>

/** An i64 or i32 tensor as contiguous i64; NULL: E_DTYPE in the name of `op`, or out of memory. */
static inline hone_tensor *hone__indices_of(const char *op, hone_tensor *t)
{
    if (t->dtype == HONE_I64 || t->dtype == HONE_I32)
        return hone_contiguous(hone_to(t, HONE_I64));
    hone_error_set(HONE_E_DTYPE, "%s: indices must be i64 or i32, got %s", op,
                   hone__tensor_text(t).s);
    return NULL;
}

/** *to = *from for an element of `size` bytes. */
static inline void hone__copy_one(int64_t size, void *to, const void *from)
{
    if (size == 4)
        *(int32_t *)to = *(const int32_t *)from;
    else if (size == 8)
        *(int64_t *)to = *(const int64_t *)from;
    else if (size == 2)
        *(int16_t *)to = *(const int16_t *)from;
    else
        *(uint8_t *)to = *(const uint8_t *)from;
}

/** *to += *from; or for bool. */
static inline void hone__add_one(hone_dtype dtype, void *to, const void *from)
{
#define ADD_FLOAT(a, b)   a + b
#define ADD_INTEGER(a, b) a + b
#define ADD_BOOL(a, b)    a | b
#define ADD_ONE(NAME, name, type, size, kind, ...)                                                 \
    case HONE_##NAME:                                                                              \
        *(type *)to = (type)(ADD_##kind(*(type *)to, *(const type *)from));                        \
        break;
    switch (dtype) {
        HONE__EACH_DTYPE(ADD_ONE, )
    default: /* bf16, f16: nobody adds in them */
        break;
    }
#undef ADD_FLOAT
#undef ADD_INTEGER
#undef ADD_BOOL
#undef ADD_ONE
}

#endif
