/* recompute.h: parts of the forward whose nodes keep nothing (hone_recompute). While a part runs first,
 * its nodes give back what they saved as soon as they are recorded; when a walk comes to the first of
 * them, the part runs again under the same conditions, and what its calls save then, in their order,
 * serves the nodes of the first run. The graph is the one that it would be without: the same nodes in
 * the same order, so leaves get the same gradients in the same order. */
#ifndef HONE_OP_RECOMPUTE_H
#define HONE_OP_RECOMPUTE_H

#include "core/core.h"

typedef struct hone__recomputed hone__recomputed;
struct hone_context;

/** Of this thread: the part that runs, NULL: none, and if it does so again. */
typedef struct {
    hone__recomputed *part;
    bool again;
} hone__recomputing;
extern _Thread_local hone__recomputing hone__recomputes __attribute__((tls_model("initial-exec")));

/** True where a part runs again: what it changes besides its results (running statistics) has been
 * changed by the first run. */
static inline bool hone__runs_again(void)
{
    return hone__recomputes.again;
}

/** A node of the part that runs has been recorded: takes what it saved. False: an error is pending. */
bool hone__recompute_take(struct hone_context *node);
/** The node's saved tensors can be read: its part has run again. False: an error is pending. */
bool hone__recompute_ready(struct hone_context *node);
/** The node's i-th saved tensor, which it doesn't hold, as the second run saved it; NULL: an error is
 * pending. */
const struct hone__saved *hone__recompute_saved(struct hone_context *node, int i);
/** The node gives back what it saved. */
void hone__recompute_drop(struct hone_context *node);

#endif
