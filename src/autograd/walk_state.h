/* walk_state.h: what a walk from outputs to leaves holds, and its parts:
 *
 *   walk_state.c  the heap of nodes to be run, leaves with hooks
 *   backward.c    a node's turn, where gradients go; hone_backward
 *   capture.c     hone_autograd_grad: gradients that go to its caller */
#ifndef HONE_AUTOGRAD_WALK_STATE_H
#define HONE_AUTOGRAD_WALK_STATE_H

#include "autograd/tiles.h"
#include "autograd/update.h"
#include "op/node.h"

enum { HONE__INLINE_HEAP = 64, HONE__INLINE_PARCELS = 8 };

typedef struct {
    const hone_tensor *input; /* whose gradient is asked for */
    hone_tensor *grad;        /* held; NULL: none yet */
    bool connected;           /* some output depends on it, if only by a gradient of zero */
} hone__capture;

/* A gradient on its way to a leaf. It is handed over when the node that made it is done, because
 * only then is it known who else has it. */
typedef struct {
    hone_tensor *leaf; /* held below the node */
    int use;
    hone_tensor *grad; /* held */
} hone__parcel;

typedef struct {
    bool create_graph, retain_graph;
    bool in_parts;           /* of a batch: the leaves' uses are counted on */
    bool in_shards;          /* which has some: each has chains of its own */
    bool anomaly;            /* looks for NaN */
    uint64_t id;             /* of the walk, or of the part */
    hone__capture *captures; /* hone_autograd_grad: gradients go here; NULL: to the leaves' .grad */
    int n_captures;
    int n, room;
    hone_context **heap; /* max-heap by seq; holds its nodes */
    hone_context *inline_heap[HONE__INLINE_HEAP];
    int n_parcels, room_parcels;
    hone__parcel *parcels;
    hone__parcel inline_parcels[HONE__INLINE_PARCELS];
    int n_hooked;
    int64_t room_hooked;
    hone_tensor **hooked;  /* held: leaves with hooks that the walk brings a gradient */
    hone__tiles tiles;     /* a sum of which not all is written yet */
    hone__updates updates; /* those that are stepped on the way */
} hone__walk_state;

void hone__walk_begin(hone__walk_state *w);
/** Gives back what a walk that came to its end, or to none, still holds. */
void hone__walk_end(hone__walk_state *w);

/** The node of the largest seq comes out first. */
bool hone__walk_push(hone__walk_state *w, hone_context *node);
hone_context *hone__walk_pop(hone__walk_state *w);
void hone__drop_grads(hone_context *node);

/** Counts a delivery to the leaf; -1: an error. */
int hone__walk_use(hone__walk_state *w, hone_tensor *leaf);
/** The gradients of leaves with hooks are complete. */
bool hone__walk_end_hooked(hone__walk_state *w, bool good);

/** *slot, a held gradient, becomes one whose memory nobody else can see (the caller of the walk, a
 * node that saved it, another input): whoever gets it may write to it. */
bool hone__walk_own(hone_tensor **slot);
/** Does the walk want this input's gradient? */
bool hone__walk_wants(const hone__walk_state *w, const hone__edge *e);
hone__capture *hone__find_capture(const hone__walk_state *w, const hone_tensor *leaf);
/** Sets the error of a node that an earlier walk has freed; false. */
bool hone__walk_was_freed(const hone_context *node);
hone_tensor *hone__walk_zeros(hone_dtype dtype, int ndim, const int64_t *shape);

/** Begins with the gradient of output i, which is given or 1, in the name of `name`. */
bool hone__walk_start(hone__walk_state *w, const char *name, int i, hone_tensor *t,
                      hone_tensor *given);
/** All that follows from those. */
bool hone__walk_run(hone__walk_state *w);

#endif
