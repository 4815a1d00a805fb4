/* link.h: a gradient's chain that goes from rank to rank: each adds its samples to what the ranks before
 * it have summed, the last one's sum goes on to all others, and so the bits are those of one process.
 * A gradient may be handed on in tiles, so that the next rank begins with the first one while this one
 * computes the second. */
#ifndef HONE_DIST_LINK_H
#define HONE_DIST_LINK_H

#include "dist/world.h"
#include "op/shards.h"

typedef struct hone__link hone__link;

/** All ranks begin the same ones in the same order. sum: contiguous; it belongs to the link until
 * hone__link_end, but for the tiles between take and give. cut: as many shards as ranks. NULL: out of
 * memory. */
hone__link *hone__link_begin(hone_tensor *sum, const hone__cut *cut, int64_t tile_bytes);
/** Waits for a tile of the ranks before this one, if there are any. False: E_IO. */
bool hone__link_take(hone__link *link, int tile);
/** It has this rank's samples. */
void hone__link_give(hone__link *link, int tile);
/** This rank adds nothing more: what it didn't give goes on as it is. */
void hone__link_let_go(hone__link *link);
/** Waits until the sum of all ranks is there, and frees the link. */
bool hone__link_end(hone__link *link);

#endif
