/* trees.h: the sums of a leaf's use where the batch has shards (op/shards.h): a chain for the shard
 * that runs, and the forest of those that are complete; or one chain that goes from process to
 * process. */
#ifndef HONE_AUTOGRAD_TREES_H
#define HONE_AUTOGRAD_TREES_H

#include "op/node.h"
#include "op/shards.h"

typedef struct hone__trees hone__trees;

/** Adds a gradient that has rows for the part's samples to the leaf of edge i. False: an error is
 * pending. */
bool hone__trees_add(hone_context *node, int i, hone_tensor *grad);
/** A gradient of edge i that came as one sum: false + E_STATE, for no shard's share of it is known. */
bool hone__trees_refuse(const hone_context *node, int i);
/** What the op's backward asks for by hone__shard_sums(). */
bool hone__trees_chain(hone_context *node, int i, int64_t rows, hone__chain chain, void *user,
                       int64_t *first_row);

/** Tells the other processes, where they weren't told when the last part came. False: an error is
 * pending. */
bool hone__trees_send(hone_tensor *leaf);
/** The sum over all shards, for the caller to drop; NULL: there is none. *holds_grad: it began with what
 * .grad holds. */
hone_tensor *hone__trees_take(hone__trees *trees, bool *holds_grad);
void hone__trees_free(hone__trees *trees);

#endif
