/** @file call.h
 * Ops by name: what bindings, importers and test drivers call, and what `hone ops` prints.
 *
 *      hone_tensor_list y = hone_call("softmax", hone_list(x), "dim=-1");
 *      hone_tensor_list z = hone_call("add_", hone_list(x, y.at[0]), NULL);     // in place
 *
 * Every op of ops.h can be called so. Its inputs and attributes have names, an attribute a kind, a
 * range and perhaps a default: hone_op_signature() tells them as one line of text.
 *
 * What a binding to another language needs to know (tests/examples/train_by_name.py is one in
 * Python):
 *  - A hone_tensor is opaque, a pointer. A hone_tensor_list is passed and returned by value: struct
 *    { hone_tensor **at; int n; }, that is a pointer to n pointers and an int of 32 bits, 16 bytes
 *    on a 64-bit machine; hone_scope is struct { size_t mark; }. The list that a call takes may be
 *    the caller's own array and is only read; the one that it returns belongs to the scope.
 *  - Enums are ints of 32 bits (hone_dtype: f32 0, f64 1, i64 2, i32 3, u8 4, bool 5; hone_status:
 *    0 is HONE_OK), bool is one byte, extents are int64_t. Functions that are macros in C have a
 *    plain function, the name with _v, whose list of int64_t ends with INT64_MIN, and of tensors
 *    with the address of the variable hone_end_tensor. HONE_NONE is the address of hone_none.
 *  - Results belong to the scope of the calling thread: hone_scope_enter() and hone_scope_leave()
 *    around a step, in that order and on one thread; hone_retain() what should outlive it and
 *    hone_release() it in the end. Outside of any scope results live until the thread ends.
 *  - NULL, or a list whose at is NULL, is an error: hone_error_code(), hone_error_message(), then
 *    hone_error_clear(). They are the calling thread's, as is hone_set_grad_enabled().
 *  - Option structs may be NULL; zero them whole before their fields are set (HONE_RESERVE).
 */
#ifndef HONE_CALL_H
#define HONE_CALL_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Runs an op.
 *  @param op          its name without hone_: "matmul"; with _ at its end in place: "add_".
 *  @param inputs      its tensors in the order of the signature. An optional one is HONE_NONE, or
 *                     left out at the end.
 *  @param attributes  "name=value" pairs, separated by blanks: "dim=1 keepdim=true",
 *                     "dims=0,2", "dtype=f64", "eps=1e-5". A number is read without the locale. May
 *                     be NULL. What is not given is the attribute's default.
 *  @return            the outputs, owned by the current scope; at == NULL on error.
 *  Errors:  HONE_E_VALUE (no such op or attribute, an attribute twice, one that is missing, a value
 *           of another kind or out of range, too many or too few inputs, no in-place form),
 *           HONE_E_NULL, and the op's own. */
HONE_API hone_tensor_list hone_call(const char *op, hone_tensor_list inputs,
                                    const char *attributes);
/** The same with the results written into tensors that are there, as PyTorch's out=: one for each
 * output, of its shape and of a dtype it can be stored in. Records nothing.
 *  Errors:  as hone_call; HONE_E_SHAPE, HONE_E_DTYPE (a tensor that doesn't fit), HONE_E_STATE (one
 *           that is expanded; an input or an output that requires a gradient while recording is
 *           on). */
HONE_API hone_status hone_call_out(const char *op, hone_tensor_list inputs, const char *attributes,
                                   hone_tensor_list out);

/** Number of ops / the name of op i, in the order of the list; NULL past its end. */
HONE_API int hone_op_count(void);
HONE_API const char *hone_op_name(int i);
/** "softmax(x, *, dim: int) -> out" as snprintf does: returns the length it needs without the 0,
 * -1 for an unknown op (HONE_E_VALUE). */
HONE_API int64_t hone_op_signature(const char *op, char *buffer, size_t bytes);

/** What gradients an op has. */
typedef enum {
    HONE_GRADIENT_NONE, /**< none: `reason` tells why */
    HONE_GRADIENT_ONCE, /**< not twice: `reason` tells why */
    HONE_GRADIENT_ANY   /**< any number of times */
} hone_gradients;
/** @param reason  may be NULL; "" where there is nothing to say. */
HONE_API hone_gradients hone_op_gradients(const char *op, const char **reason);
/** True if the op has a form without / with _ at the end of its name. */
HONE_API bool hone_op_has_form(const char *op, bool in_place);

#ifdef __cplusplus
}
#endif
#endif
