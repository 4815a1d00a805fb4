/* index_plan.h: where x[i0, i1, ...] reads or writes.
 *
 * The indices, broadcast together, become one list of offsets into x. Kept dims before their place
 * are rows, kept dims after it columns: the result is [rows][offsets][columns]. */
#ifndef HONE_OPS_INDEX_PLAN_H
#define HONE_OPS_INDEX_PLAN_H

#include "loops/rows.h"
#include "ops/common.h"

#define HONE__NS_PER_PLACE   4.0
#define HONE__NS_PER_INDEXED 0.3

typedef struct {
    hone__shape shape;     /* of the result */
    int64_t count;         /* places */
    const int64_t *offset; /* of each, in elements of x */
    hone__rows kept;       /* x without the indexed dims */
} hone__index_plan;

/** The plan of n_in indices (HONE_NONE: the whole dim) into x. The offsets belong to the current
 * scope or are an index's own memory: whoever writes while the plan is in use doesn't write into that. False + error in the name of `name`. */
bool hone__index_plan_of(const char *name, const hone_tensor *x, hone_tensor *const *in, int n_in,
                         hone__index_plan *p);

/* True if the columns of a place follow each other in memory. */
static inline bool hone__whole_rows(const hone__rows *kept)
{
    return kept->n_col_dims == 1 && kept->col_stride[0] == 1;
}

/** y += values (or, with `put`, = values) at the indices, in their order, so that the last of equal ones
 * stays; values of the plan's shape. Nothing is written if there is an error. */
bool hone__index_write(const char *name, hone_tensor *y, hone_tensor *values,
                       hone_tensor *const *indices, int n, bool put);

/** The indices of a call, its last inputs, which were saved first, ended as the public functions want
 * them; list: HONE_MAX_DIMS + 1. */
hone_tensor *const *hone__saved_indices(hone_context *ctx, int n, hone_tensor **list);
/** Calls the op with n tensors and the indices. */
hone_tensor *hone__call_indices(const hone__op *op, hone_tensor *const *first, int n,
                                hone_tensor *const *indices_end, const void *options,
                                bool in_place);

#define HONE__INDICES                                                                              \
    {                                                                                              \
        "indices", HONE__OPTIONAL | HONE__CONSTANT | HONE__LIST                                    \
    }

#endif
