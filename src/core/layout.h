/* layout.h: how results of elementwise ops lie: as their operands do, where these say so.
 *
 * A dim lies outside another one if its stride is larger. The first operand that has both, not
 * broadcast (stride 0), decides; where none does, and for extents of 1, it is the order of the
 * shape: PyTorch's rule, but that dim 0, which counts samples, is put in last. So how the others lie
 * to each other depends neither on how many samples there are nor on where a batch was cut
 * (contract 7). Nothing has gaps. */
#ifndef HONE_CORE_LAYOUT_H
#define HONE_CORE_LAYOUT_H

#include "core/core.h"

/** hone__new() with the elements in the operands' order; HONE_NONE is none. */
hone_tensor *hone__new_along(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                             hone_tensor *const *in, int n_in);

#endif
