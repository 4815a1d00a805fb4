/* along.h: what gather and the scatters share. They walk the index tensor as [outer][dim][inner]; an
 * element belongs to the place outer and inner name, at the index's value along dim. */
#ifndef HONE_OPS_ALONG_H
#define HONE_OPS_ALONG_H

#include "loops/rows.h"
#include "ops/common.h"

#include <stdatomic.h>

#define HONE__NS_ALONG      1.0
#define HONE__ALWAYS_INLINE inline __attribute__((always_inline)) /* for constants in loops */

enum { HONE__RUN = 512 }; /* indices checked in one go */

typedef struct {
    hone_tensor *index;         /* contiguous i64, values checked before or as they are used */
    int64_t outer, dim, inner;  /* extents of the index */
    int64_t extent, step;       /* of dim in the indexed tensor: indices lie below; stride */
    int64_t together;           /* columns that are walked together, through all of dim */
    const int64_t *inner_place; /* offset of each inner position in the indexed tensor */
    hone__rows places;          /* that tensor, cut to the index's extents, dim left out */
    hone_dtype dtype;
    int64_t size;
    char *out;
    const char *from;
    const char *before; /* or NULL: what a lane of `out` begins with, laid out as it is */
    bool check_later;
    atomic_bool out_of_range; /* then: some index was, and was not followed */
    bool put;                 /* not added to what is there, but put in its place */
} hone__along_job;

/** The geometry of x as seen by the index; x is what is read or written. With `later` the indices of
 * many runs are left unchecked to who follows them. False + error in the name of `name`. */
bool hone__along(const char *name, const hone_tensor *x, int dim, hone_tensor *index, bool later,
                 hone__along_job *j);

/** True if n indices may be followed; they stay in L1 for what comes next. */
bool hone__run_in_range(const int64_t *at, int64_t n, int64_t extent);
/** The same of all of them; false + error. */
bool hone__values_in_range(const char *name, const hone_tensor *index, int64_t extent, int dim);

typedef struct {
    int64_t n;
    const int64_t *at, *place; /* place: one offset a column; NULL: all are in one */
    int64_t step;
} hone__along_run;

static HONE__ALWAYS_INLINE int64_t hone__run_offset(const hone__along_run *r, int64_t i)
{
    return r->at[i] * r->step + (r->place ? r->place[i] : 0);
}

/** y += src (or, with `put`, = src) at the places the index names along dim, in the order of the
 * index along dim. y begins as `before`, unless that is y or NULL. Nothing is written if there is an
 * error, unless `later`. */
bool hone__write_along(const char *name, hone_tensor *y, hone_tensor *before, int dim,
                       hone_tensor *index, hone_tensor *src, bool put, bool later);

#endif
