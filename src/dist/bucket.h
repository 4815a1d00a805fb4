/* bucket.h: gradients that go over the wire together. Every rank adds a slice of the bucket: it gets
 * that slice of every rank's forest (op/shards.h), joins them to the tree, and sends the sums to all;
 * nothing is copied to be sent, and what arrives is written where the gradient lies. A ring would move
 * as many bytes and add in the order of the ring. */
#ifndef HONE_DIST_BUCKET_H
#define HONE_DIST_BUCKET_H

#include "dist/world.h"
#include "op/shards.h"

typedef struct hone__bucket hone__bucket;

/** Of gradients of that dtype, over the shards of that cut. NULL: out of memory. */
hone__bucket *hone__bucket_new(const hone__cut *cut, hone_dtype dtype);
int64_t hone__bucket_bytes(const hone__bucket *bucket);
bool hone__bucket_takes(const hone__bucket *bucket, hone_dtype dtype);
/** Puts in the sums of this rank's forest, n of them. The memory stays where it is until the bucket is
 * done; result (sum[0], if there is one) is contiguous then and holds the sum of all ranks. */
bool hone__bucket_add(hone__bucket *bucket, hone_tensor *result, int n, hone_tensor *const *sum);
/** Hands it to the thread; large: of gradients. */
void hone__bucket_begin(hone__bucket *bucket, bool large);
/** Waits until it is done, and frees it. */
bool hone__bucket_end(hone__bucket *bucket);
/** Frees one that was not begun; NULL is ignored. */
void hone__bucket_free(hone__bucket *bucket);

#endif
