/* run_hooks.h: calls of hooks, in the order in which they were added. */
#ifndef HONE_AUTOGRAD_RUN_HOOKS_H
#define HONE_AUTOGRAD_RUN_HOOKS_H

#include "op/hooks.h"

/** *grad, held, goes through them; `of` says of whose gradient. False: an error is pending. */
bool hone__hooks_run(hone__hooks *hooks, const char *of, int out, hone_tensor **grad);
/** Calls those that want to see the leaf when its .grad is complete. */
bool hone__hooks_accumulated(hone__hooks *hooks, hone_tensor *leaf);

#endif
