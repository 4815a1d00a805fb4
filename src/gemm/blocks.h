/* blocks.h: block sizes from cache sizes. */
#ifndef HONE_GEMM_BLOCKS_H
#define HONE_GEMM_BLOCKS_H

#include "gemm/parts.h"

/** Sets block sizes from cache sizes in bytes (L3: what one core may count on); 0 keeps the ISA's
 * default. They change speed, never a bit. Called once before the first product. */
void hone__gemm_set_caches(size_t l1, size_t l2, size_t l3);

/** From the cache sizes if they were set, else the kernel's own, for a plan that knows what it packs:
 * kc is an even part of a piece of k, mc a multiple of mr. Any kc from 1 on gives the same bits: sums
 * wait in C. */
hone__gemm_blocks hone__gemm_choose_blocks(const hone__gemm_plan *plan);

/** Of products whose operands are both packed (pairs.c), to `size` bytes a k of a column: k in as few
 * ranges as panels of B allow that stay in L2, of `longest` at most. */
hone__gemm_blocks hone__gemm_choose_packed_blocks(const hone__gemm_kernel *kernel, int64_t size,
                                                  int64_t longest, int64_t k);

/** If what is read again and again had better be in L2: cores with so large a one have their L3 far
 * away, behind a mesh. */
bool hone__gemm_l3_is_far(void);

/** Columns of a block of B of n columns, packed by tiles, over kc: blocks alike, that take 3/8 of L2. */
int64_t hone__gemm_choose_tiled_columns(const hone__gemm_kernel *kernel, int64_t kc, int64_t n);

/** If so much memory may stay in L2. */
bool hone__gemm_fits_l2(int64_t bytes);

/** Where an operand of so many bytes is read from by `threads` threads, most likely. */
hone__gemm_distance hone__gemm_distance_of(int64_t bytes, int threads);

/** How one row of A passes a B of `rows` rows of `bytes` bytes, row_bytes apart, that `threads`
 * threads read: a band of rows after the other, each in runs of so many bytes, which are no more
 * than HONE__GEMM_RUN_BYTES but for what comes from memory. */
enum { HONE__GEMM_RUN_BYTES = 8192 };
typedef struct {
    hone__gemm_distance distance;
    int64_t band, run_bytes;
} hone__gemm_row_blocks;
hone__gemm_row_blocks hone__gemm_choose_row_blocks(int64_t rows, int64_t bytes, int64_t row_bytes,
                                                   int threads);

#endif
