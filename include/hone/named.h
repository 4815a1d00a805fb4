/** @file named.h  Tensors with names: what a file holds, and what a module hands out. */
#ifndef HONE_NAMED_H
#define HONE_NAMED_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *name; /**< "linear1.weight" */
    hone_tensor *tensor;
} hone_named;

/** Names and tensors; at == NULL: failed. */
typedef struct {
    hone_named *at;
    int n;
} hone_named_list;

/** A list made by hand, e.g. for hone_safetensors_save:
 *      hone_list_named({ "weight", w }, { "bias", b })
 * Owned by the current scope, holds references to the tensors; the names stay the caller's.
 *  Errors:  HONE_E_NULL (a NULL name or tensor, HONE_NONE), HONE_E_NOMEM. */
#define hone_list_named(...) hone_list_named_v(HONE_NAMED_ARGS(__VA_ARGS__))
HONE_API hone_named_list hone_list_named_v(const hone_named *named_then_end);
HONE_API hone_named_list hone_list_named_n(const hone_named *named, int n);
#ifdef __cplusplus
#define HONE_NAMED_ARGS(...)                                                                       \
    (std::initializer_list<hone_named>{ __VA_ARGS__, { nullptr, HONE_END_TENSOR } }.begin())
#else
#define HONE_NAMED_ARGS(...) ((const hone_named[]){ __VA_ARGS__, { NULL, HONE_END_TENSOR } })
#endif

/** The tensor of that name in a list; owned by the current scope. Errors: HONE_E_INDEX (no such
 * name), HONE_E_NULL. */
HONE_API hone_tensor *hone_named_find(hone_named_list list, const char *name);

#ifdef __cplusplus
}
#endif
#endif
