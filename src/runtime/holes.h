/* holes.h: large blocks side by side. A block is cut off the smallest hole it fits, at its upper
 * end, and joins the holes beside it when it is given back, so that what a step has done with serves
 * its later blocks whatever their sizes are, and little more memory is ever touched than was in use
 * at a time. The smallest fit, at addresses that depend on the order of calls alone: a loop that
 * repeats its calls meets the same pages again.
 *
 * Regions are whole huge pages and grow downwards, where the kernel puts new mappings, too. In them
 *
 *     |..page less 64|header|block ..|header|block ..|64|
 *
 * so that blocks begin with a page. A hole is a block that is free. One place's, under its lock. */
#ifndef HONE_RUNTIME_HOLES_H
#define HONE_RUNTIME_HOLES_H

#include "runtime/large.h"

enum { HONE__LARGE_CLASSES = HONE__CLASSES - HONE__SMALL_CLASSES };

typedef struct {
    hone__large *list[HONE__LARGE_CLASSES];        /* by class */
    uint64_t any[(HONE__LARGE_CLASSES + 63) / 64]; /* a bit a list that isn't empty */
    char *lowest;                                  /* the newest region's begin, or NULL */
} hone__holes;

/** A block of that many bytes, HONE__HOLE_LEAST at least; NULL: no hole is large enough. */
hone__large *hone__holes_take(hone__holes *holes, size_t bytes);
/** Takes from the system what makes a hole for them; false: it gives nothing. */
bool hone__holes_grow(hone__holes *holes, size_t bytes, int place);
void hone__holes_give(hone__holes *holes, hone__large *block);
/** Gives back the huge pages that lie in holes. */
void hone__holes_trim(hone__holes *holes);

#endif
