/* access.h: elements one by one; slow and simple. */
#ifndef HONE_CORE_ACCESS_H
#define HONE_CORE_ACCESS_H

#include "core/core.h"

/** The element at p as a double (i64 rounded), or as an int64_t (floats truncated, saturating, NaN
 * to 0). */
double hone__element(hone_dtype dtype, const void *p);
int64_t hone__element_i64(hone_dtype dtype, const void *p);

/** One row along the last dim: its first element, its extent and its stride in elements. False ends
 * the walk. */
typedef bool (*hone__row_fn)(void *user, const char *row, int64_t n, int64_t stride);

/** Calls `row` for each row in row-major order (a 0-d tensor is a row of one; an empty one has
 * none). False if a row ended the walk. */
bool hone__visit_rows(const hone_tensor *t, hone__row_fn row, void *user);

/** n bytes of the user's as kernels rely on them in a bool: 0 and 1. */
void hone__make_bools(uint8_t *at, int64_t n, int64_t stride);

/** Whether hone_copy_in can write to t: else E_STATE in the name of `where` (it was computed, or
 * several of its elements share a place), or E_NULL. */
hone_status hone__can_copy_in(const char *where, const hone_tensor *t);

#endif
