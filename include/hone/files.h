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

/* ---- a file of any format: what it holds, without reading its data */

typedef struct {
    const char *key, *value;
} hone_metadata;

/** Metadata of a file; owned by the current scope if it was read with all tensors. Each key once:
 * of a key that the file has twice the last value counts. */
typedef struct {
    hone_metadata *at;
    int n;
} hone_metadata_list;

/** A tensor in a file, of any dtype and any number of dims, also those that hone doesn't have. */
typedef struct {
    const char *name;
    const char
        *dtype; /**< as safetensors name it: "F32", "BF16", "F8_E4M3", ..., else as the file */
    int ndim;
    const int64_t *shape;
    int64_t offset, bytes; /**< where its data lie in the file; -1: nowhere in one piece */
} hone_file_entry;

/** In the order of their data; belongs to the file until it is closed. at == NULL: failed. */
typedef struct {
    const hone_file_entry *at;
    int n;
} hone_file_list;

typedef struct hone_file hone_file;

typedef struct {
    /** The dtype of arrays of numpy that don't say theirs: bfloat16 is saved as V2, float8_e4m3fn as
     * V1 ("BF16", "F8_E4M3"). NULL: reading such an array is an error. Counts when a file is
     * opened. */
    const char *void_dtype;
    /** What hone computes in none of becomes a dtype that has each of its values: F16, BF16, F8_...,
     * Q8_0 and Q4_0 f32; I8, I16 and U16 i32; U32 and U64 i64 (a U64 past its range is an error).
     * Else reading such a tensor is an error. */
    bool convert;
    bool keep_halves; /**< F16 and BF16 become hone's f16 and bf16, whatever convert says */
    HONE_RESERVE(54);
} hone_file_options;

/** Opens a file of any format that hone reads, which its content tells, and checks all but the data:
 *  - safetensors;
 *  - npy and npz of numpy (an npy's tensor has the name "array");
 *  - what torch.save writes (.pt, .pth), without running anything of it: tensors, dicts, lists and
 *    plain values, under dotted names ("optimizer.state.0.exp_avg"; a tensor alone is "tensor"), the
 *    plain ones as metadata. What asks for anything else is refused with its name;
 *  - GGUF, of which F32, F16, BF16, F64, integers, Q8_0 and Q4_0 are read;
 *  - llm.c's checkpoints of GPT-2, under Hugging Face's names;
 *  - an index of shards (NAME.safetensors.index.json), which is checked both ways: each tensor of
 *    its weight_map is in its file, and each one in a file is in the map;
 *  - a folder of Hugging Face's, by the file in it: model.safetensors or its index (both at once
 *    are an error), else pytorch_model.bin.
 *  @return  to be closed by the caller; NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (says what is wrong), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_file *hone_file_open(const char *path);
HONE_API hone_file *hone_file_open_with(const char *path, const hone_file_options *options);
/** NULL is ignored. Tensors that were read stay. */
HONE_API void hone_file_close(hone_file *file);

/** "safetensors", "npy", ... */
HONE_API const char *hone_file_format(const hone_file *file);
HONE_API hone_file_list hone_file_entries(const hone_file *file);
/** Belongs to the file until it is closed. */
HONE_API hone_metadata_list hone_file_metadata(const hone_file *file);

/** Reads the tensor of that name; several threads may.
 *  @return  owned by the current scope; NULL on error.
 *  Errors:  HONE_E_INDEX (no such name), HONE_E_DTYPE (hone doesn't have it), HONE_E_SHAPE (more
 *           than HONE_MAX_DIMS dims), HONE_E_VALUE (a number that doesn't fit), HONE_E_IO,
 *           HONE_E_FORMAT, HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tensor *hone_file_read(const hone_file *file, const char *name);
HONE_API hone_tensor *hone_file_read_with(const hone_file *file, const char *name,
                                          const hone_file_options *options);

/** All tensors of a file, in the order of their data.
 *  @param metadata  filled unless NULL.
 *  @return          owned by the current scope; at == NULL on error.
 *  Errors:  those of opening and reading. */
HONE_API hone_named_list hone_file_load(const char *path, hone_metadata_list *metadata);
HONE_API hone_named_list hone_file_load_with(const char *path, hone_metadata_list *metadata,
                                             const hone_file_options *options);

typedef struct {
    const hone_metadata_list *metadata; /**< of the formats that have any */
    /** What f32 and f64 become: "F16" or "BF16" (rounded to nearest), "F32" or "F64"; NULL: as they
     * are. Formats that haven't it refuse it. */
    const char *floats;
    /** Of safetensors: files of at most so many bytes (but for a larger tensor),
     * NAME-00001-of-00003.safetensors, and their index NAME.safetensors.index.json; 0, or where all
     * fits into one: NAME.safetensors. Writing one form removes the other. */
    int64_t shard_bytes;
    HONE_RESERVE(40);
} hone_file_save_options;

/** Writes tensors in the format that the name's ending tells: .safetensors, .npz, .npy (one tensor),
 * .gguf.
 *  Errors:  HONE_E_VALUE (an ending or an option that isn't known; a name that the format can't
 *           have), HONE_E_DTYPE (a dtype that it can't have), HONE_E_IO, HONE_E_NULL,
 *           HONE_E_NOMEM. */
HONE_API hone_status hone_file_save(const char *path, hone_named_list tensors);
HONE_API hone_status hone_file_save_with(const char *path, hone_named_list tensors,
                                         const hone_file_save_options *options);

/* ---- numpy: one array in a file */

/** The array of an npy file, whatever its order and endianness; row by row in memory.
 *  @return  owned by the current scope; NULL on error.
 *  Errors:  those of hone_file_read. */
HONE_API hone_tensor *hone_npy_load(const char *path);
HONE_API hone_tensor *hone_npy_load_with(const char *path, const hone_file_options *options);

/** The same without reading: the tensor is the file, which the system reads page by page as it is
 * needed. What is written to the tensor stays in memory, and the file as it is. A file that gets
 * shorter while it is mapped ends the program when that part is looked at.
 *  (One whose data don't begin at a multiple of their size is read.)
 *  Errors:  HONE_E_DTYPE also of what would have to be converted: another byte order, a dtype that
 *           hone hasn't. Bytes of a bool must be 0 or 1, which nobody looks at. */
HONE_API hone_tensor *hone_npy_map(const char *path);

/** Writes an npy file of version 1, row by row. Errors: HONE_E_IO, HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_npy_save(const char *path, hone_tensor *t);

/* ---- safetensors: the same by the format's name */

/** Writes tensors of any dtype under their names; strings are UTF-8, and may be empty.
 *  @param metadata  may be NULL.
 *  Errors:  HONE_E_VALUE (a name or key twice or not UTF-8; names, shapes and metadata that take
 *           more than the 100,000,000 bytes that the format allows), HONE_E_IO, HONE_E_NULL,
 *           HONE_E_NOMEM.
 *  Source:  the safetensors format, https://huggingface.co/docs/safetensors. */
HONE_API hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                           const hone_metadata_list *metadata);

typedef struct {
    /** F16 and BF16 become f32: every value is exact. (hone_load_state converts them without being
     * asked where the module has f32.) */
    bool half_to_f32;
    bool convert;     /**< all that hone_file_options converts */
    bool keep_halves; /**< F16 and BF16 become hone's f16 and bf16, whatever the others say */
    HONE_RESERVE(29);
} hone_safetensors_options;

/** Reads all tensors of a file, in the order of their data. Bytes above 1 of a BOOL are true.
 *  @param metadata  filled unless NULL.
 *  @return          owned by the current scope; at == NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (says what is wrong), HONE_E_DTYPE or HONE_E_SHAPE (a tensor
 *           that hone can't hold: hone_safetensors_open reads the others), HONE_E_NOMEM. */
HONE_API hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata);
HONE_API hone_named_list hone_safetensors_load_with(const char *path, hone_metadata_list *metadata,
                                                    const hone_safetensors_options *options);

typedef hone_file_entry hone_safetensors_entry;
typedef hone_file_list hone_safetensors_list;
typedef hone_file hone_safetensors;

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
 *  Errors:  HONE_E_INDEX (no such name), HONE_E_DTYPE (hone doesn't have it, and no option converts
 *           it), HONE_E_SHAPE (more than HONE_MAX_DIMS dims), HONE_E_IO, HONE_E_NULL,
 *           HONE_E_NOMEM. */
HONE_API hone_tensor *hone_safetensors_read(const hone_safetensors *file, const char *name);
HONE_API hone_tensor *hone_safetensors_read_with(const hone_safetensors *file, const char *name,
                                                 const hone_safetensors_options *options);

#ifdef __cplusplus
}
#endif
#endif
