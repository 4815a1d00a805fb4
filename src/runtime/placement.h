/* placement.h: where large blocks lie in a machine with several NUMA nodes. A place is a list of
 * free blocks with one rule for their pages: a block returns to the place it came from, so that it
 * need never be moved. */
#ifndef HONE_RUNTIME_PLACEMENT_H
#define HONE_RUNTIME_PLACEMENT_H

#include "runtime/places.h"

#include <stddef.h>

/** Place for a block that the calling thread takes now. */
int hone__place_now(void);

/** Tells the kernel where the pages of a new block belong; nothing is touched. A wish: where it
 * can't be had, pages lie at whom touches them first.
 *  @param bytes   of the block.
 *  @param wanted  of them will be used: the others don't count in a partition. A block that serves
 *                 again keeps its pages, and so the parts of its first use: classes are at most
 *                 25 % apart, and to move pages would be a call of the system in each step.
 *  @param step    parts of a partition begin at multiples of it, a multiple of the page size. */
void hone__place_block(int place, void *p, size_t bytes, size_t wanted, size_t step);

#endif
