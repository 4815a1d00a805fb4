/* gather.h: rows of memory that each rank has some of, and all get: what small things go by. */
#ifndef HONE_DIST_GATHER_H
#define HONE_DIST_GATHER_H

#include "dist/world.h"

typedef struct hone__gathering hone__gathering;

/** Begins to fill `rows`: [begin[r], begin[r + 1]), each of so many bytes, are rank r's. NULL: out of
 * memory. */
hone__gathering *hone__gather_begin(void *rows, int64_t row_bytes, const int64_t *begin);
/** Waits for it, and frees it. NULL: false, the error is pending. */
bool hone__gather_end(hone__gathering *gathering);
/** Each rank has one row. */
bool hone__gather_each(void *rows, int64_t row_bytes);
/** One rank has the only row. */
hone__gathering *hone__gather_from(int root, void *row, int64_t bytes);

#endif
