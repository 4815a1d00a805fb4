/* dead.h: tensors that are used after their end.
 *
 * A handle without references is marked DEAD, and whoever is given it says so (hone__needs_tensor).
 * But the pools hand its memory out again at once, and then it is another tensor: such a use is
 * seen for sure only where memory is kept apart for a while:
 *
 * - HONE_DEBUG_TENSORS=1: the last GRAVES handles wait here, and tell the op that made them, their
 *   shape and the scope that dropped them;
 * - AddressSanitizer in the user's program: blocks come from it instead of the pools
 *   (hone__no_pools), so that it knows the dead ones, whoever reads them; hone, which is not
 *   compiled with it, asks it about each handle that is refused. */
#ifndef HONE_CORE_DEAD_H
#define HONE_CORE_DEAD_H

#include "core/core.h"

/** Where there are no pools: notes how a dead handle came to its end, and gives the one whose memory
 * may serve again instead, perhaps itself; NULL: none. */
hone_tensor *hone__bury(hone_tensor *t);

#endif
