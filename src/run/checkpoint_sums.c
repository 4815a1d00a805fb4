/* checkpoint_sums.c: checksums of what a checkpoint's file holds. zlib's CRC-32: hone needs zlib
 * anyway, it runs at a few GB/s, and what it guards against is a disk or a copy gone wrong, not
 * somebody who means it. */
#include "run/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uLong add(uLong crc, const void *data, size_t bytes)
{
    return crc32_z(crc, data, bytes);
}

static uLong add_text(uLong crc, const char *text)
{
    return add(crc, text, strlen(text) + 1);
}

/* Name, dtype and shape belong to it: data under another name are damage, too. */
static int64_t sum_of(const hone_named *named)
{
    const hone_tensor *t = named->tensor;
    uLong crc = add_text(0, named->name);
    crc = add_text(crc, hone_dtype_name((hone_dtype)t->dtype));
    crc = add(crc, t->shape, (size_t)t->ndim * sizeof *t->shape);
    return (int64_t)add(crc, hone__data(t),
                        (size_t)t->numel * hone_dtype_size((hone_dtype)t->dtype));
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const hone_named *const *)a)->name, (*(const hone_named *const *)b)->name);
}

void hone__run_sums(hone_named_list tensors, hone_metadata_list metadata, const hone_named **order,
                    int64_t *sums)
{
    sums[0] = 0;
    for (int i = 0; i < metadata.n; i++) /* a sum, since a reader may have them in another order */
        sums[0] += (int64_t)add_text(add_text(0, metadata.at[i].key), metadata.at[i].value);
    for (int i = 0; i < tensors.n; i++)
        order[i] = &tensors.at[i];
    qsort(order, (size_t)tensors.n, sizeof *order, by_name);
    for (int i = 0; i < tensors.n; i++)
        sums[1 + i] = sum_of(order[i]);
}
