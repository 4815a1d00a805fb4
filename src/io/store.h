/* store.h: tensors on their way into a file. */
#ifndef HONE_IO_STORE_H
#define HONE_IO_STORE_H

#include "io/cell.h"

#include <hone/files.h>

/** A tensor as a file has it: row by row. The tensor and the data are the current scope's. */
typedef struct {
    const char *name;
    const hone_tensor *tensor;
    const hone__cell *cell;
    const void *data;
    size_t bytes;
} hone__stored;

/** What a tensor is stored as, where floats are stored as `floats` (NULL: as they are). */
const hone__cell *hone__stored_as(const hone_tensor *t, const hone__cell *floats);
/** False on an error. */
bool hone__store(const hone_named *named, const hone__cell *floats, hone__stored *out);

/** Names and metadata are UTF-8, none is there twice, and all are tensors: else false with E_VALUE,
 * E_NULL. */
bool hone__names_fit(const char *where, hone_named_list tensors,
                     const hone_metadata_list *metadata);

#endif
