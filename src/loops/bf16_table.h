/* bf16_table.h: functions of one bf16 that are looked up. It has 65536 values: what takes tens of
 * instructions an element in f32, and a conversion before and behind, is a load from a table that the
 * kernels of f32 have filled, so that its bits are theirs. Of the values that a network meets, a few
 * thousand lie within the first-level cache. */
#ifndef HONE_LOOPS_BF16_TABLE_H
#define HONE_LOOPS_BF16_TABLE_H

#include "loops/elementwise.h"

/** In place of kernel HONE__K_<k> of one bf16 into bf16; `kernel` stays as it is where there is no
 * table: of other functions, and of few elements while nobody has needed it yet. */
void hone__bf16_table_unary(int k, int64_t numel, hone__elementwise_kernel *kernel);

/** In place of HONE__K_<k> of dy and x, both bf16, that is dy f'(x), rounded: the table has f'(x) in
 * f32. */
void hone__bf16_table_slope(int k, int64_t numel, hone__elementwise_kernel *kernel);

#endif
