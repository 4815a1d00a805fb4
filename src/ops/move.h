/* move.h: parts of a tensor along one of its dims. */
#ifndef HONE_OPS_MOVE_H
#define HONE_OPS_MOVE_H

#include "core/core.h"

/** dim of a tensor that must have one, 0..ndim-1; -1 + E_SHAPE in the name of `name`. */
int hone__real_dim(const char *name, const hone_tensor *x, int64_t dim);
/** A view of `count` indices of `dim` from `start` on, every step-th; all are inside. NULL on error. */
hone_tensor *hone__sliced(const hone_tensor *x, int dim, int64_t start, int64_t count,
                          int64_t step);

#endif
