/* element.h: one element of any dtype, for tests that make tensors from doubles. */
#ifndef TESTS_ELEMENT_H
#define TESTS_ELEMENT_H

#include <hone/dtype.h>

#include <stdint.h>

/** Stores value at p: floats are rounded, integers truncated and wrapped, bool is != 0. (The way
 * back is hone__element.) */
static inline void test_store(hone_dtype dtype, void *p, double value)
{
    switch (dtype) {
    case HONE_F32:
        *(float *)p = (float)value;
        break;
    case HONE_F64:
        *(double *)p = value;
        break;
    case HONE_I64:
        *(int64_t *)p = (int64_t)value;
        break;
    case HONE_I32:
        *(int32_t *)p = (int32_t)(int64_t)value;
        break;
    case HONE_U8:
        *(uint8_t *)p = (uint8_t)(int64_t)value;
        break;
    case HONE_BOOL:
        *(uint8_t *)p = value != 0;
        break;
    }
}

#endif
