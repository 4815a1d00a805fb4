/* rows.h: a tensor seen as a matrix, so that one row-by-row rule serves every layout.
 *
 * Some of the dims are the columns, the others the rows, each in row-major order. The logical
 * matrix depends on shape and dims alone; strides only decide whether a kernel may read it where
 * it lies or a piece of it is gathered first. */
#ifndef HONE_LOOPS_ROWS_H
#define HONE_LOOPS_ROWS_H

#include "core/core.h"

static inline int64_t hone__min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Brings bytes nearer that are read soon. */
static inline void hone__ask_for(const char *at, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(at + i, 0, 2);
    __builtin_prefetch(at + bytes - 1, 0, 2);
}

/** True if no dim behind `dim` has more than one element: the rule of rows holds (contract 1). */
static inline bool hone__is_innermost(const hone_tensor *t, int dim)
{
    for (int d = dim + 1; d < t->ndim; d++)
        if (t->shape[d] != 1)
            return false;
    return true;
}

typedef struct {
    hone_dtype dtype;
    int64_t size; /* bytes of an element */
    char *data;
    int64_t rows, cols;
    int n_row_dims, n_col_dims; /* without extents of 1, neighbours merged where strides allow */
    int64_t row_shape[HONE_MAX_DIMS], row_stride[HONE_MAX_DIMS];
    int64_t col_shape[HONE_MAX_DIMS], col_stride[HONE_MAX_DIMS];
} hone__rows;

/** t with the dims whose bits are set in `col_dims` as columns. Filled in where it is wanted: a copy of
 * it takes longer than the reduction of a small tensor. */
void hone__rows_of(hone__rows *v, const hone_tensor *t, uint32_t col_dims);

/** True if every row is contiguous and all rows lie one stride apart (then *row_stride is it). */
bool hone__rows_direct(const hone__rows *v, int64_t *row_stride);

/** Where element [row, col] lies, in elements from v->data. */
int64_t hone__rows_offset(const hone__rows *v, int64_t row, int64_t col);

typedef struct {
    int64_t row, row_end, col, col_end;
} hone__rect;

/** Copies the elements of a rectangle to a buffer whose rows lie `ld` elements apart. */
void hone__rows_gather(const hone__rows *v, hone__rect rect, void *buffer, int64_t ld);

#endif
