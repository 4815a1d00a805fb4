/** @file tensor.h
 * Tensors, who owns them, and how to look at them.
 *
 * A hone_tensor is a reference-counted handle: dtype, shape (0 to 8 dims), strides in elements, an
 * offset into storage that views share. What a function returns is owned by the calling thread's
 * current SCOPE and dropped at the scope's end, so calls nest without leaks:
 *
 *      HONE_SCOPE();                          // dropped on every way out of this block
 *      hone_tensor *y = hone_relu(hone_matmul(x, w));
 *
 * hone_retain() / hone_release() keep a tensor past its scope, hone_scope_return() hands it to the
 * parent scope. Without an open scope the thread's root scope owns it, until the thread ends. A
 * tensor may be used by one thread at a time, except for reading.
 *
 * Every function refuses NULL, HONE_NONE where no tensor is optional, the end mark (HONE_E_NULL),
 * and a tensor whose last reference is gone (HONE_E_STATE), as far as that can still be seen:
 * HONE_DEBUG_TENSORS=1 or -fsanitize=address on the program finds them all.
 */
#ifndef HONE_TENSOR_H
#define HONE_TENSOR_H

#include <hone/dtype.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
#include <initializer_list>
#include <type_traits>

/* Argument lists of dims of any integer type, which end with INT64_MIN, in a temporary object. */
template <int n> struct hone_dims_cpp {
    int64_t at[n];
    const int64_t *begin() const
    {
        return at;
    }
};
template <typename D> constexpr bool hone_is_dim()
{
    return std::is_convertible<D, int64_t>::value && !std::is_floating_point<D>::value;
}
template <typename... D> hone_dims_cpp<sizeof...(D) + 1> hone_make_dims(D... dims)
{
    static_assert((hone_is_dim<D>() && ...), "dims are whole numbers");
    return { { static_cast<int64_t>(dims)..., INT64_MIN } };
}
template <typename... D>
hone_dims_cpp<sizeof...(D) + 2> hone_make_dtype_dims(hone_dtype dtype, D... dims)
{
    static_assert((hone_is_dim<D>() && ...), "dims are whole numbers");
    return { { static_cast<int64_t>(dtype), static_cast<int64_t>(dims)..., INT64_MIN } };
}
extern "C" {
#endif

#define HONE_MAX_DIMS 8

typedef struct hone_tensor hone_tensor;

/** An absent optional tensor (NULL is always a failed one): no bias, `:` in an index, an input that
 * needs no gradient. */
extern HONE_API hone_tensor hone_none;
#define HONE_NONE (&hone_none)

/** Tensors handed out together. The array and its tensors belong to the scope in which the list was
 * returned. at == NULL: failed. */
typedef struct {
    hone_tensor **at;
    int n;
} hone_tensor_list;

/* ---- argument lists: macros count their arguments, `name_v` is the plain function under each */

#define HONE_END_DIM    INT64_MIN
#define HONE_END_TENSOR (&hone_end_tensor)
extern HONE_API hone_tensor hone_end_tensor; /* ends an argument list; never a value */

#ifdef __cplusplus
#define HONE_DIM_ARGS(...)       (hone_make_dims(__VA_ARGS__).begin())
#define HONE_DTYPE_DIM_ARGS(...) (hone_make_dtype_dims(__VA_ARGS__).begin())
#define HONE_TENSOR_ARGS(...)                                                                      \
    (std::initializer_list<hone_tensor *>{ __VA_ARGS__, HONE_END_TENSOR }.begin())
#else
#define HONE_DIM_ARGS(...) ((const int64_t[]){ __VA_ARGS__, HONE_END_DIM })
/* The first one is a dtype. */
#define HONE_DTYPE_DIM_ARGS(...)                                                                   \
    ((void)HONE_CHECK_DTYPE(HONE_FIRST_ARG(__VA_ARGS__, 0)), HONE_DIM_ARGS(__VA_ARGS__))
#define HONE_FIRST_ARG(first, ...) first
#define HONE_TENSOR_ARGS(...)      ((hone_tensor *const[]){ __VA_ARGS__, HONE_END_TENSOR })
#endif

/** A list of the given tensors, e.g. for hone_cat(hone_list(a, b), 0). Owned by the current scope;
 * holds references. */
#define hone_list(...) hone_list_v(HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_tensor_list hone_list_v(hone_tensor *const *tensors_then_end);
HONE_API hone_tensor_list hone_list_n(hone_tensor *const *tensors, int n);

/* ---- scopes and references */

typedef struct {
    size_t mark;
} hone_scope;

/** Opens a scope on this thread / drops all that came into being since. Scopes close in reverse
 * order. */
HONE_API hone_scope hone_scope_enter(void);
/** The same with its place in the program, for messages about what it held; the strings are
 * constants. */
HONE_API hone_scope hone_scope_enter_at(const char *function, const char *file, int line);
HONE_API void hone_scope_leave(hone_scope scope);
HONE_API void hone_scope_leave_guard(hone_scope *scope);

#define HONE_CAT_(a, b) a##b
#define HONE_CAT(a, b)  HONE_CAT_(a, b)
/** A scope until this block is left by any way (end, break, continue, return, goto). */
#define HONE_SCOPE()                                                                               \
    __attribute__((cleanup(hone_scope_leave_guard), unused)) hone_scope HONE_CAT(                  \
        hone_scope_guard_, __COUNTER__) = hone_scope_enter_at(__func__, __FILE__, __LINE__)

/** Gives the PARENT of the current scope a reference, so that t outlives this block. Returns t
 * (NULL stays NULL). */
HONE_API hone_tensor *hone_scope_return(hone_tensor *t);
/** Takes / drops a reference. hone_retain returns t. NULL and HONE_NONE are ignored. */
HONE_API hone_tensor *hone_retain(hone_tensor *t);
HONE_API void hone_release(hone_tensor *t);
/** Carries state from step to step: retains t, releases what *slot held (NULL at first), stores t.
 * NULL t: *slot stays, an error. */
HONE_API hone_status hone_assign(hone_tensor **slot, hone_tensor *t);

/* ---- what a tensor is */
/* NULL is an error (HONE_E_NULL unless one is pending) and gives HONE_F32, -1, NULL or false. */

HONE_API hone_dtype hone_dtype_of(const hone_tensor *t);
HONE_API int hone_dim(const hone_tensor *t); /**< number of dims, 0..8 */
HONE_API int64_t hone_size(const hone_tensor *t,
                           int dim); /**< extent; dim -n..n-1; out of range: an error and -1 */
HONE_API int64_t hone_stride(const hone_tensor *t, int dim); /**< in elements */
HONE_API const int64_t *
hone_shape(const hone_tensor *t);                  /**< hone_dim(t) extents, valid as long as t */
HONE_API int64_t hone_numel(const hone_tensor *t); /**< number of elements */
HONE_API bool hone_is_contiguous(const hone_tensor *t); /**< row-major without gaps */

/** First element's address; the strides tell the rest. Writing through it does not bump the
 * version; bytes of a bool must be 0 or 1 (results are undefined otherwise). NULL t: NULL. */
HONE_API void *hone_data(hone_tensor *t);
/** The only element's value (i64 rounded to double); NaN and an error if t is NULL or has not
 * exactly one element. */
HONE_API double hone_item(hone_tensor *t);
/** The same as an int64_t (floats truncated, saturating); 0 on error. */
HONE_API int64_t hone_item_i64(hone_tensor *t);
/** Element at the given indices as a double: hone_at(t, 2, 3). NaN on error. */
#define hone_at(t, ...) hone_at_v(t, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API double hone_at_v(hone_tensor *t, const int64_t *indices_then_end);
/** Copies all elements in row-major order to / from memory of exactly numel * dtype size bytes;
 * copy_in bumps the version and takes any byte but 0 for true. */
HONE_API hone_status hone_copy_out(hone_tensor *t, void *data, size_t bytes);
HONE_API hone_status hone_copy_in(hone_tensor *t, const void *data, size_t bytes);
/** Dtype, shape and all values equal (NaN != NaN) / close: |a - b| <= atol + rtol |b|, NaN close to
 * NaN. False on error. */
HONE_API bool hone_equal(hone_tensor *a, hone_tensor *b);
HONE_API bool hone_allclose(hone_tensor *a, hone_tensor *b, double rtol, double atol);

/* ---- printing like PyTorch */

/** Prints to stdout / a stream as PyTorch prints, its names of dtypes included: tensor([[1., 2.]],
 * dtype=torch.float64), 4 digits, summarised past 1000 elements, a newline at the end. */
HONE_API hone_status hone_print(hone_tensor *t);
HONE_API hone_status hone_fprint(FILE *stream, hone_tensor *t);
/** The same text without the newline into a buffer, like snprintf: returns the length it needs
 * without the 0, or -1 on error. */
HONE_API int64_t hone_sprint(char *buffer, size_t bytes, hone_tensor *t);

#ifdef __cplusplus
}
#endif
#endif
