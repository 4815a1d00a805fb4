/* safetensors.h: a file of named tensors, opened and checked, its data still on the disk.
 *
 * The format: 8 bytes with the header's length (little-endian), the header (a JSON object: for each
 * name dtype, shape and data_offsets, and "__metadata__" with strings), the tensors' data without
 * gaps. What the format's own reader (safetensors 0.8) takes is taken, what it refuses is refused,
 * but for dtypes that are newer than hone: they are listed, and only reading them is refused. */
#ifndef HONE_IO_SAFETENSORS_H
#define HONE_IO_SAFETENSORS_H

#include <hone/files.h>

enum { HONE__HEADER_MOST = 100000000 }; /* bytes; the format's own reader takes no more */

/** Blocks of the file's own, until it is closed: `at` and what the entries point to. */
typedef struct {
    const char *where, *path; /* for messages */
    int fd;
    int64_t data_begin;         /* in the file */
    char *text;                 /* the header: names, dtypes and metadata point into it */
    int64_t *shapes;            /* of all entries */
    hone_safetensors_entry *at; /* in the order of their data */
    int n;
    hone_metadata_list metadata;
} hone__tensor_file;

/** Opens a file and checks its header wholly. False on error, then it is closed. */
bool hone__tensor_file_open(const char *where, const char *path, hone__tensor_file *file);
void hone__tensor_file_close(hone__tensor_file *file);

/** Reads one tensor; owned by the current scope, NULL on error.
 *  @param half_to_f32  F16 and BF16 become f32; else they are an error. */
hone_tensor *hone__tensor_file_read(const hone__tensor_file *file,
                                    const hone_safetensors_entry *entry, bool half_to_f32);

/** Takes the header (file->text) of so many bytes apart, in front of so many bytes of data. False
 * with E_FORMAT or E_NOMEM. */
bool hone__tensor_header_read(hone__tensor_file *file, int64_t bytes, int64_t data_bytes);

/** E_FORMAT: the file is no safetensors file, and what is wrong. Returns false. */
bool hone__tensor_file_bad(const hone__tensor_file *file, const char *what);

/** hone_safetensors_save in the name of `where`. */
hone_status hone__tensor_file_save(const char *where, const char *path, hone_named_list tensors,
                                   const hone_metadata_list *metadata);

/* ---- dtypes */

/** "F32" ...; "?" for what is no dtype. */
const char *hone__entry_dtype_name(hone_dtype dtype);
/** The dtype of a name in a file; -1 if hone has none for it. */
int hone__entry_dtype(const char *name);
/** F16 or BF16: of 2 bytes, exact in f32. */
bool hone__entry_is_half(const char *name);

#endif
