/** @file files.h
 * Files of named tensors.
 *
 * A file is written beside its place and moved there when it is whole and on the disk: on any
 * error (a full disk, a limit) the old file stays as it was and nothing else is left; what a killed
 * process left is removed by the next save to that name. Its bytes depend on
 * names, shapes, data and metadata alone. A file that is read is checked before anything is
 * changed.
 */
#ifndef HONE_FILES_H
#define HONE_FILES_H

#include <hone/named.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- named tensors */

typedef struct {
    const char *key, *value;
} hone_metadata;

/** Metadata of a file; owned by the current scope if it was read with all tensors. Each key once:
 * of a key that the file has twice the last value counts. */
typedef struct {
    hone_metadata *at;
    int n;
} hone_metadata_list;

/** Writes tensors of any dtype under their names; strings are UTF-8, and may be empty.
 *  @param metadata  may be NULL.
 *  Errors:  HONE_E_VALUE (a name or key twice or not UTF-8; names, shapes and metadata that take
 *           more than the 100,000,000 bytes that the format allows), HONE_E_IO, HONE_E_NULL,
 *           HONE_E_NOMEM.
 *  Source:  the safetensors format, https://huggingface.co/docs/safetensors. */
HONE_API hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                           const hone_metadata_list *metadata);

typedef struct {
    /** F16 and BF16, which hone has no dtype for, become f32: every value is exact. Else reading
     * such a tensor is an error. (hone_load_state converts them without being asked where the
     * module has f32.) */
    bool half_to_f32;
    HONE_RESERVE(31);
} hone_safetensors_options;

/** Reads all tensors of a file, in the order of their data. Bytes above 1 of a BOOL are true.
 *  @param metadata  filled unless NULL.
 *  @return          owned by the current scope; at == NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (says what is wrong), HONE_E_DTYPE or HONE_E_SHAPE (a tensor
 *           that hone can't hold: hone_safetensors_open reads the others), HONE_E_NOMEM. */
HONE_API hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata);
HONE_API hone_named_list hone_safetensors_load_with(const char *path, hone_metadata_list *metadata,
                                                    const hone_safetensors_options *options);

/* ---- one tensor at a time: what a file holds, without reading its data */

/** A tensor in a file, of any dtype and any number of dims, also those that hone doesn't have. */
typedef struct {
    const char *name;
    const char *dtype; /**< as the file has it: "F32", "BF16", "F8_E4M3", ... */
    int ndim;
    const int64_t *shape;
    int64_t offset, bytes; /**< where its data lie in the file */
} hone_safetensors_entry;

/** In the order of their data; belongs to the file until it is closed. at == NULL: failed. */
typedef struct {
    const hone_safetensors_entry *at;
    int n;
} hone_safetensors_list;

typedef struct hone_safetensors hone_safetensors;

/** Opens a file and checks its header: names, shapes, dtypes, and that they cover the data.
 *  @return  to be closed by the caller; NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT, HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_safetensors *hone_safetensors_open(const char *path);
/** NULL is ignored. Tensors that were read stay. */
HONE_API void hone_safetensors_close(hone_safetensors *file);

HONE_API hone_safetensors_list hone_safetensors_entries(const hone_safetensors *file);
/** Belongs to the file until it is closed. */
HONE_API hone_metadata_list hone_safetensors_metadata(const hone_safetensors *file);

/** Reads the tensor of that name; several threads may.
 *  @return  owned by the current scope; NULL on error.
 *  Errors:  HONE_E_INDEX (no such name), HONE_E_DTYPE (hone doesn't have it, or F16 and BF16
 *           without half_to_f32), HONE_E_SHAPE (more than HONE_MAX_DIMS dims), HONE_E_IO,
 *           HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tensor *hone_safetensors_read(const hone_safetensors *file, const char *name);
HONE_API hone_tensor *hone_safetensors_read_with(const hone_safetensors *file, const char *name,
                                                 const hone_safetensors_options *options);

#ifdef __cplusplus
}
#endif
#endif
