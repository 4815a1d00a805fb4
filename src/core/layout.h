/* layout.h: how results of elementwise ops lie: as their operands do, where these say so.
 *
 * A dim lies outside another one if its stride is larger. The first operand that has both, not
 * broadcast (stride 0), decides; where none does, and for extents of 1, it is the order of the
 * shape. Nothing has gaps. So it is in PyTorch, too, but for two things that contract 7 wants, as a
 * product's order depends on whether its B is contiguous along k (gemm.h):
 * - dim 0, which counts samples, is put in last: how the others lie to each other depends neither on
 *   how many samples there are nor on where a batch was cut;
 * - of three and more it is never the innermost, but the outermost instead: else another dim would
 *   have the stride 1 for one sample only. A matrix may lie across; what is made of it by a view and
 *   then is B should be made contiguous (hone/ops.h). */
#ifndef HONE_CORE_LAYOUT_H
#define HONE_CORE_LAYOUT_H

#include "core/core.h"

/** hone__new() with the elements in the operands' order; HONE_NONE is none. */
hone_tensor *hone__new_along(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                             hone_tensor *const *in, int n_in);

#endif
