/* gguf.h: ggml's files, version 3: magic, counts, metadata by key and type, then name, dims (fastest
 * first), type and place of each tensor, then the data at multiples of an alignment. */
#ifndef HONE_IO_GGUF_H
#define HONE_IO_GGUF_H

#include "io/file.h"

enum {
    HONE__GGUF_VERSION = 3,
    HONE__GGUF_ALIGNMENT = 32,
    HONE__GGUF_STRING = 8, /* the type of metadata that are a text */
};

/** ggml's number of a type that hone reads; -1. */
int hone__gguf_type(const hone__cell *cell);

hone_status hone__gguf_save(const char *where, const char *path, hone_named_list tensors,
                            const hone_file_save_options *options);

#endif
