/* reduce_across.h: sums of rows that lie across memory: neighbours in memory are one column's elements of
 * neighbouring rows. */
#ifndef HONE_LOOPS_REDUCE_ACROSS_H
#define HONE_LOOPS_REDUCE_ACROSS_H

#include "loops/rows.h"

/** True if hone__reduce_across takes these rows: SUM or SUM_SQUARES of floats, rows enough for every
 * thread. */
bool hone__lies_across(int kind, const hone__rows *v);
/** One output a row to out, with the bits of reduce_rows (kernels.h). */
void hone__reduce_across(int kind, const hone__rows *v, char *out);

#endif
