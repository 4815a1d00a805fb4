/* embedding.h: what embedding and embedding_bag share. */
#ifndef HONE_OPS_EMBEDDING_H
#define HONE_OPS_EMBEDDING_H

#include "ops/common.h"

/** The indices as contiguous i64, each in 0 .. extent-1; NULL: E_INDEX or E_DTYPE. */
hone_tensor *hone__numbers_of(hone_context *ctx, hone_tensor *indices, int64_t extent);
/** The row without a gradient, from 0 on; -1: none. False: E_VALUE. */
bool hone__take_padding(hone_context *ctx, int64_t rows, int64_t given, int64_t *padding);
/** sum[at[i]] += dy[i], in the order of i, but for the padding's row: sum [rows, width] contiguous,
 * at i64 contiguous. False: out of memory. */
bool hone__add_rows(hone_tensor *sum, hone_tensor *at, hone_tensor *dy, int64_t padding);

#endif
