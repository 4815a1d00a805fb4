/* walk.h: nodes belong to one walk at a time: that of another thread is refused, before anything in the
 * node is looked at. A thread's own walks may meet (a hook's within a walk). */
#ifndef HONE_AUTOGRAD_WALK_H
#define HONE_AUTOGRAD_WALK_H

#include "op/node.h"

/** Takes the node for this thread. False: E_STATE, another's walk has it. */
bool hone__node_claim(hone_context *node);
/** True if this thread has it. */
bool hone__node_is_claimed(hone_context *node);
void hone__node_leave(hone_context *node);

#endif
