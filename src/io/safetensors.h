/* safetensors.h: a file of named tensors, opened and checked, its data still on the disk.
 *
 * The format: 8 bytes with the header's length (little-endian), the header (a JSON object: for each
 * name dtype, shape and data_offsets, and "__metadata__" with strings), the tensors' data without
 * gaps. */
#ifndef HONE_IO_SAFETENSORS_H
#define HONE_IO_SAFETENSORS_H

#include <hone/io.h>

typedef struct {
    const char *name;
    hone_dtype dtype;
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
    int64_t begin, end; /* in bytes, after the header */
} hone__entry;

typedef struct {
    const char *where, *path; /* for messages */
    int fd;
    int64_t header_end;
    hone__entry *at; /* in the order of their data */
    int n;
    hone_metadata_list metadata;
} hone__tensor_file;

/** Opens a file and checks its header wholly; what it points to belongs to the current scope. False
 * on error, then it is closed. */
bool hone__tensor_file_open(const char *where, const char *path, hone__tensor_file *file);
void hone__tensor_file_close(hone__tensor_file *file);

/** Reads one tensor; owned by the current scope, NULL on error. */
hone_tensor *hone__tensor_file_read(const hone__tensor_file *file, const hone__entry *entry);

/** hone_safetensors_save in the name of `where`. */
hone_status hone__tensor_file_save(const char *where, const char *path, hone_named_list tensors,
                                   const hone_metadata_list *metadata);

/** "F32" ...; "?" for what is no dtype. */
const char *hone__entry_dtype_name(hone_dtype dtype);

#endif
