/** @file dtype.h  Element types and how they are promoted.
 *
 * bf16 and f16 are dtypes of storage: half the bytes of f32. An op that is given them computes in
 * f32 and rounds its results once, to nearest even: too large a value becomes infinity, NaN stays
 * NaN, denormals are kept (products of bf16 take and give denormals as zeros: HONE_AUTOCAST,
 * autocast.h). */
#ifndef HONE_DTYPE_H
#define HONE_DTYPE_H

#include <hone/error.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    HONE_F32,  /**< float, the default */
    HONE_F64,  /**< double */
    HONE_I64,  /**< int64_t: indices, labels */
    HONE_I32,  /**< int32_t */
    HONE_U8,   /**< uint8_t: images */
    HONE_BOOL, /**< one byte, 0 or 1 */
    HONE_BF16, /**< bfloat16, the upper half of a float */
    HONE_F16   /**< IEEE binary16 */
} hone_dtype;
#define HONE_DTYPES 8

#ifndef __cplusplus
/* A constant of an enum is an int in C: with these names it has the enum's type, so that
 * hone_zeros(3, 4), whose first argument is no dtype, doesn't compile. */
#define HONE_F32  ((hone_dtype)HONE_F32)
#define HONE_F64  ((hone_dtype)HONE_F64)
#define HONE_I64  ((hone_dtype)HONE_I64)
#define HONE_I32  ((hone_dtype)HONE_I32)
#define HONE_U8   ((hone_dtype)HONE_U8)
#define HONE_BOOL ((hone_dtype)HONE_BOOL)
#define HONE_BF16 ((hone_dtype)HONE_BF16)
#define HONE_F16  ((hone_dtype)HONE_F16)

/** The value of `dtype`, which must have the type hone_dtype (or unsigned, which C can't tell from
 * it): an int is refused when it is compiled. */
#define HONE_DTYPE_ARG(dtype) ((void)HONE_CHECK_DTYPE(dtype), (dtype))
#define HONE_CHECK_DTYPE(dtype)                                                                    \
    sizeof(struct {                                                                                \
        _Static_assert(_Generic((dtype), hone_dtype : 1, default : 0),                             \
                       "a dtype comes first: hone_zeros(HONE_F32, 3, 4)");                         \
        int unused;                                                                                \
    })
#else
#define HONE_DTYPE_ARG(dtype) (dtype) /* C++ makes no dtype of an int */
#endif

/** An explicit 0 in an option struct, where a zero field means the default. Not 0 itself but a
 * number too small to matter, which survives flushed denormals. */
#define HONE_ZERO 2.2250738585072014e-308

/** Ends each option struct: room for options to come, all zero in a struct that was initialised (by
 * designated initialisers, say). A new option takes its bytes, so the size of the struct stays. A
 * program built against an older header thus leaves the new option at its default, 0; one that was
 * built against a newer header and sets an option that the library doesn't know gets HONE_E_VALUE
 * instead of being misunderstood. No padding lies before the room, nor before a new option: programs
 * leave anything in it. */
#define HONE_RESERVE(bytes) unsigned char hone_reserve[bytes]

/** Bytes of one element; 0 for a value that is no dtype. */
HONE_API size_t hone_dtype_size(hone_dtype dtype);
/** "f32", "f64", "i64", "i32", "u8", "bool", "bf16", "f16"; "?" for a value that is no dtype. */
HONE_API const char *hone_dtype_name(hone_dtype dtype);
/** True for f32, f64, bf16 and f16: the dtypes that can require a gradient. */
HONE_API bool hone_dtype_is_float(hone_dtype dtype);
/** The dtype of `a op b` for two tensors of at least one dim (PyTorch's table: bool < u8 < i32 <
 * i64 < bf16, f16 < f32 < f64; bf16 and f16 together are f32). */
HONE_API hone_dtype hone_promote(hone_dtype a, hone_dtype b);

#ifdef __cplusplus
}
#endif
#endif
