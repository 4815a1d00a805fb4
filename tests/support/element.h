/* element.h: one element of any dtype, for tests that make tensors from doubles. */
#ifndef TESTS_ELEMENT_H
#define TESTS_ELEMENT_H

#include "core/dtypes.h"
#include "core/half.h"

#include <hone/dtype.h>

#include <stdint.h>

/** Stores value at p: floats are rounded, integers truncated and wrapped, bool is != 0. (The way
 * back is hone__element.) */
static inline void test_store(hone_dtype dtype, void *p, double value)
{
#define STORE_FLOAT(type)   (type) value
#define STORE_INTEGER(type) (type)(int64_t) value
#define STORE_BOOL(type)    value != 0
#define STORE(NAME, name, type, size, kind, ...)                                                   \
    case HONE_##NAME:                                                                              \
        *(type *)p = STORE_##kind(type);                                                           \
        break;
    switch (dtype) {
        HONE__EACH_DTYPE(STORE, )
    case HONE_BF16:
        *(uint16_t *)p = hone__bf16_of(hone__odd_bits_of_f64(value));
        break;
    case HONE_F16:
        *(uint16_t *)p = hone__f16_of(hone__odd_bits_of_f64(value));
        break;
    }
#undef STORE_FLOAT
#undef STORE_INTEGER
#undef STORE_BOOL
#undef STORE
}

#endif
