/* update.h: leaves that an optimizer steps within the walk (hone_optim_in_backward): when all nodes
 * that they are operands of are behind, whatever of these the walk came to. */
#ifndef HONE_AUTOGRAD_UPDATE_H
#define HONE_AUTOGRAD_UPDATE_H

#include "core/core.h"

/** A leaf with a hook of kind HONE__HOOK_UPDATE, and the oldest node of the graph that uses it. */
typedef struct {
    hone_tensor *leaf; /* held */
    uint64_t first;    /* seq */
} hone__update;

typedef struct {
    int64_t room;
    int n, done;
    hone__update *at; /* in the order in which a walk completes them */
} hone__updates;

/** Sets a leaf's update, and its number for hone__update_unset(); 0: out of memory, or E_STATE: it
 * has one, is no leaf or has a gradient that was brought before. */
int64_t hone__update_set(const char *where, hone_tensor *leaf,
                         hone_status (*update)(hone_tensor *leaf, void *user), void *user);
void hone__update_unset(hone_tensor *leaf, int64_t id);
/** E_STATE in the name of `what`, which needs the leaf's whole gradient behind the walk. Always
 * false. */
bool hone__refuse_updated(const char *what, const hone_tensor *leaf);
/** The same if it has one; else true. */
bool hone__leaf_not_updated(const char *what, const hone_tensor *leaf);

/** The leaves of t's graph that have one. False: an error is pending. */
bool hone__updates_find(hone__updates *u, hone_tensor *t);
/** Runs those to which no node up to `seq`, the newest that is left, brings anything. */
bool hone__updates_run(hone__updates *u, uint64_t seq);
void hone__updates_end(hone__updates *u);

#endif
