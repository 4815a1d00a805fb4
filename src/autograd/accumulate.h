/* accumulate.h: the leaves that the parts of this thread's batch add to. */
#ifndef HONE_AUTOGRAD_ACCUMULATE_H
#define HONE_AUTOGRAD_ACCUMULATE_H

#include "core/core.h"

/** The leaf is new among them: hone_accumulate_end() makes its gradient whole. False: out of
 * memory. */
bool hone__accumulate_into(hone_tensor *leaf);

#endif
