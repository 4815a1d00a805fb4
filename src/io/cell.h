/* cell.h: what lies in files: the dtypes of all formats, and how their values become hone's. */
#ifndef HONE_IO_CELL_H
#define HONE_IO_CELL_H

#include <hone/dtype.h>

#include <stdint.h>

typedef enum {
    HONE__AS_IT_IS, /* the bits are those of hone's dtype */
    HONE__WIDENED,  /* each value is exact in the dtype, which is a wider one */
    HONE__REFUSED,  /* hone has nothing for it */
} hone__cell_kind;

/** A dtype in files, by its name in safetensors, or where that has none, in its own format. */
typedef struct {
    const char *name;
    int bits;  /* of `block` elements together */
    int block; /* 1, or more: elements that share something */
    hone__cell_kind kind;
    hone_dtype dtype; /* what its values become; not of REFUSED */
    const char *why;  /* REFUSED: "hone has no complex numbers" */
    /** Turns n elements at `in` into those of the dtype at `out`; forwards, and it reads a block
     * before it writes it, so that `in` may be the end of `out`. False: a value doesn't fit. */
    bool (*widen)(void *out, const void *in, int64_t n);
} hone__cell;

/** NULL: no dtype of that name. F16 and BF16 are those that become f32. */
const hone__cell *hone__cell_named(const char *name);
/** F16 and BF16 as hone's f16 and bf16; any other cell (or NULL) itself. */
const hone__cell *hone__cell_kept(const hone__cell *cell);
/** The element that a dtype of hone's is in files. */
const hone__cell *hone__cell_of(hone_dtype dtype);

/** Bytes that n elements take; -1: they end inside a block or a byte, or are too many. */
int64_t hone__cell_bytes(const hone__cell *cell, int64_t n);

/** Turns the bytes of each element around. */
void hone__cell_swap(const hone__cell *cell, void *data, int64_t n);

#endif
