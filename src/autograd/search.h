/* search.h: a search over a graph that comes to each node once: mark what is met, take what isn't yet
 * looked at. The walks of other threads aren't kept off: see walk.h. */
#ifndef HONE_AUTOGRAD_SEARCH_H
#define HONE_AUTOGRAD_SEARCH_H

#include "op/node.h"

enum { HONE__SEARCH_INLINE = 32 };

typedef struct {
    uint64_t stamp; /* in every node that was met */
    int n, room;
    hone_context **stack; /* met, but not yet looked at; held */
    hone_context *inline_stack[HONE__SEARCH_INLINE];
} hone__search;

void hone__search_begin(hone__search *s);
/** Notes a node that wasn't met before; NULL is passed by. False: out of memory. */
bool hone__meet(hone__search *s, hone_context *node);
/** One that was met and not yet given out, for the caller to drop; NULL: there is none left. */
hone_context *hone__search_next(hone__search *s);
/** All have been given out. */
void hone__search_end(hone__search *s);

#endif
