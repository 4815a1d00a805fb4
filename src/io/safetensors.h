/* safetensors.h: the format's two halves.
 *
 * The format: 8 bytes with the header's length (little-endian), the header (a JSON object: for each
 * name dtype, shape and data_offsets, and "__metadata__" with strings), the tensors' data without
 * gaps. What the format's own reader (safetensors 0.8) takes is taken, what it refuses is refused,
 * but for dtypes that are newer than hone: they are listed, and only reading them is refused. */
#ifndef HONE_IO_SAFETENSORS_H
#define HONE_IO_SAFETENSORS_H

#include "io/file.h"

enum { HONE__HEADER_MOST = 100000000 }; /* bytes; the format's own reader takes no more */

/** Takes the header of so many bytes, which stays and is written in, apart: entries, metadata.
 * False with E_FORMAT or E_NOMEM. */
bool hone__safetensors_header(hone_file *f, char *text, int64_t bytes);

/** hone_safetensors_save in the name of `where`.
 *  @param floats  "F16" or "BF16": what f32 and f64 are rounded to; NULL: as they are. */
hone_status hone__safetensors_save(const char *where, const char *path, hone_named_list tensors,
                                   const hone_metadata_list *metadata, const char *floats);

#endif
