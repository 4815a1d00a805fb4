/** @file io.h
 * Files: the state of modules, and named tensors in the safetensors format.
 *
 * A file is written beside its place and moved there when it is whole and on the disk: on any
 * error (a full disk) the old file stays as it was and nothing else is left. Its bytes depend on
 * names, shapes, data and metadata alone. A file that is read is checked before anything is
 * changed.
 */
#ifndef HONE_IO_H
#define HONE_IO_H

#include <hone/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the state of a module: its parameters and buffers by name */

/** How the weights of Linear and the like (HONE_WEIGHT fields) lie in a file. */
typedef enum {
    HONE_LAYOUT_AUTO,   /**< save: in, out. load: what the file's metadata says, else an error */
    HONE_LAYOUT_IN_OUT, /**< as hone has them */
    HONE_LAYOUT_OUT_IN, /**< transposed, as PyTorch has them */
} hone_layout;

typedef struct {
    hone_layout layout; /**< load: for a file that doesn't say */
} hone_state_options;

/** Writes the module's state as a safetensors file, with the metadata "layout": "in,out" (or
 * "out,in").
 *  Errors:  HONE_E_IO (names the file and the reason), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_save_state(hone_module *module, const char *path);
HONE_API hone_status hone_save_state_with(hone_module *module, const char *path,
                                          const hone_state_options *options);

/** Reads such a file into the module's parameters and buffers. All names, shapes and dtypes must
 * fit; if anything doesn't, nothing is changed. A file from PyTorch (no layout in its metadata)
 * needs options->layout.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (no whole, valid safetensors file, or a layout that nobody
 *           says), HONE_E_STATE (a tensor is missing or unexpected), HONE_E_SHAPE, HONE_E_DTYPE
 *           (each names the tensor and what both sides have), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_load_state(hone_module *module, const char *path);
HONE_API hone_status hone_load_state_with(hone_module *module, const char *path,
                                          const hone_state_options *options);

/* ---- named tensors */

typedef struct {
    const char *key, *value;
} hone_metadata;

/** Metadata of a file; owned by the current scope if it was read. */
typedef struct {
    hone_metadata *at;
    int n;
} hone_metadata_list;

/** Writes tensors of any dtype under their names; strings are UTF-8.
 *  @param metadata  may be NULL.
 *  Errors:  HONE_E_VALUE (a name twice, empty or not UTF-8), HONE_E_IO, HONE_E_NULL,
 *           HONE_E_NOMEM.
 *  Source:  the safetensors format, https://huggingface.co/docs/safetensors. */
HONE_API hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                           const hone_metadata_list *metadata);

/** Reads all tensors of a file, in the order of their data.
 *  @param metadata  filled unless NULL.
 *  @return          owned by the current scope; at == NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (says what is wrong), HONE_E_DTYPE (one that hone doesn't
 *           have), HONE_E_NOMEM. */
HONE_API hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata);

#ifdef __cplusplus
}
#endif
#endif
