/* dtypes.h: the list of all dtypes, one row each, in the order of hone_dtype. What is known of a
 * dtype stands here; kernels, core, io and the tests make their tables from it. EACH_DTYPE are those
 * that are computed in, EACH_HALF those that are only stored (core/half.h says how they become f32
 * and f32 becomes them), EACH_STORED all of them.
 *
 *   X(NAME, name, type, size, kind, rank, least, most, file, torch, with)
 *
 *   NAME, name   HONE_NAME; what it is called in messages and in the names of functions
 *   type, size   an element in C; its bytes as a number that names can be made of
 *   kind         FLOAT, INTEGER, BOOL, or HALF: a float of 16 bits
 *   rank         hone_promote takes the higher one; of two different ones of a rank that of the
 *                next
 *   least, most  the whole numbers between them are all held exactly
 *   file, torch  its names in safetensors files and in PyTorch
 *   with         what EACH_DTYPE was given, for X's own use
 *
 * X pastes or quotes `name` itself: handed on, bool would be the macro of stdbool.h. */
#ifndef HONE_CORE_DTYPES_H
#define HONE_CORE_DTYPES_H

#include <stdint.h>

/* clang-format off */
#define HONE__EACH_DTYPE(X, with)                                                                  \
    X(F32, f32, float, 4, FLOAT, 5, -(1 << 24), 1 << 24, "F32", "float32", with)                   \
    X(F64, f64, double, 8, FLOAT, 6, -(1LL << 53), 1LL << 53, "F64", "float64", with)              \
    X(I64, i64, int64_t, 8, INTEGER, 3, INT64_MIN, INT64_MAX, "I64", "int64", with)                \
    X(I32, i32, int32_t, 4, INTEGER, 2, INT32_MIN, INT32_MAX, "I32", "int32", with)                \
    X(U8, u8, uint8_t, 1, INTEGER, 1, 0, UINT8_MAX, "U8", "uint8", with)                           \
    X(BOOL, bool, uint8_t, 1, BOOL, 0, 0, 1, "BOOL", "bool", with)
#define HONE__EACH_HALF(X, with)                                                                   \
    X(BF16, bf16, uint16_t, 2, HALF, 4, -(1 << 8), 1 << 8, "BF16", "bfloat16", with)               \
    X(F16, f16, uint16_t, 2, HALF, 4, -(1 << 11), 1 << 11, "F16", "float16", with)
#define HONE__EACH_STORED(X, with) HONE__EACH_DTYPE(X, with) HONE__EACH_HALF(X, with)
/* clang-format on */

/** The kinds, in the order of PyTorch's categories. */
typedef enum {
    HONE__KIND_BOOL,
    HONE__KIND_INTEGER,
    HONE__KIND_FLOAT,
    HONE__KIND_HALF = HONE__KIND_FLOAT,
} hone__kind;

#endif
