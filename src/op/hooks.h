/* hooks.h: the functions that want to hear of a gradient. A node has those of its outputs, a leaf
 * those of its own (autograd/leaf.h). They run in the order in which they were added. Functions may
 * add and remove while they run: what is added is called from the next time on. */
#ifndef HONE_OP_HOOKS_H
#define HONE_OP_HOOKS_H

#include "core/core.h"

#include <hone/hooks.h>

typedef enum {
    HONE__HOOK_GONE, /* removed while hooks ran */
    HONE__HOOK_GRADIENT,
    HONE__HOOK_RETAIN, /* runs after all of the former */
    HONE__HOOK_ACCUMULATED,
    HONE__HOOK_UPDATE /* the same, behind them: an optimizer's, when the walk has brought all of it */
} hone__hook_kind;

typedef struct {
    int64_t id;
    hone__hook_kind kind;
    int out; /* which output of the node; 0 of a leaf */
    hone_grad_hook gradient;
    hone_post_accumulate_grad_hook accumulated;
    void *user;
    hone_tensor *retained; /* held, without history; NULL: none so far */
} hone__grad_hook;

typedef struct {
    int n;
    int64_t room;
    int running; /* calls that go through the list */
    hone__grad_hook *at;
    /* of a leaf whose gradient a walk, or a batch in parts, is bringing */
    const void *walker;  /* names the thread; NULL: none */
    bool aside;          /* the gradient it had before lies here */
    bool before_is_zero; /* as the leaf's grad_is_zero */
    hone_tensor *before; /* held */
    hone__site site;     /* of a node made in anomaly mode: the scope of its call */
} hone__hooks;

/** Adds one to *hooks, which is made if there is none. Its id; 0: out of memory. */
int64_t hone__hooks_add(hone__hooks **hooks, hone__grad_hook hook);
/** False: there is none of that id. hooks may be NULL. */
bool hone__hooks_remove(hone__hooks *hooks, int64_t id);
bool hone__hooks_have(const hone__hooks *hooks, hone__hook_kind kind);
/** The one that retains the gradient of that output; NULL: none. hooks may be NULL. */
const hone__grad_hook *hone__hooks_retainer(const hone__hooks *hooks, int out);
/** Takes away what was removed while hooks ran. */
void hone__hooks_sweep(hone__hooks *hooks);
void hone__hooks_free(hone__hooks *hooks);

#endif
