/* shards.h: a batch cut into shards (hone/dist.h): shard i of n holds samples [i B / n, (i + 1) B / n).
 * What a batch has a sum of over its samples, a shard has one chain of, and shards are added in one
 * binary tree, whichever process has them:
 *
 *      the node over shards [lo, hi) is the sum of those over [lo, mid) and [mid, hi), where mid - lo
 *      is the largest power of two below hi - lo; one without samples isn't there
 *
 * A process adds what it has as far as nodes lie within its shards, from left to right; what is left
 * is its forest. Forests of processes, joined from left to right in the same way, are the tree. */
#ifndef HONE_OP_SHARDS_H
#define HONE_OP_SHARDS_H

#include "op/op.h"

/** Which shards of a batch of so many samples a process has: [first, end) of n. n == 0: there are
 * none. */
typedef struct {
    int64_t n, whole, first, end;
} hone__cut;

/** The first sample of shard i (i == n: of none, how many there are). */
int64_t hone__shard_begin(const hone__cut *cut, int64_t i);
/** The shard that sample i is in. */
int64_t hone__shard_of(const hone__cut *cut, int64_t i);

enum { HONE__FOREST = 64 };

/** Sums that wait for their neighbours: of the shards from lo to hi, both of which have samples. */
typedef struct {
    int n;
    struct {
        int64_t lo, hi;
    } tree[HONE__FOREST];
} hone__forest;

/** Puts a sum behind the others -> how often the last two are to be added now. */
int hone__forest_push(hone__forest *forest, const hone__cut *cut, int64_t lo, int64_t hi);
/** The forest of all that a process has. */
hone__forest hone__forest_of(const hone__cut *cut);

/** What processes tell one another; src/dist. All fail with an error pending. */
typedef struct hone__ranks hone__ranks;
struct hone__ranks {
    int rank, size;
    /** Rows begin[r] .. begin[r + 1] of so many bytes are those of rank r: each gets all. */
    bool (*gather)(hone__ranks *ranks, void *rows, int64_t row_bytes, const int64_t *begin);
    /** All that this process adds to a gradient is there: the sums of its forest (none: it has no
     * samples), each like `result`, which may be the first of them. What becomes of it after
     * finish() is the sum of all processes. */
    bool (*send)(hone__ranks *ranks, hone_tensor *result, const hone__cut *cut, int n,
                 hone_tensor *const *sums);
    /** Begins to hand a chain on (hone__sharding.handed_on): `sum`, contiguous, in tiles of so many bytes.
     * What becomes of it after finish() is the sum of all processes. NULL: failed. */
    struct hone__link *(*hand_on)(hone__ranks *ranks, hone_tensor *sum, const hone__cut *cut,
                                  int64_t tile_bytes);
    /** Waits for what the processes before this one have in a tile. */
    bool (*take)(struct hone__link *link, int tile);
    /** This process has added its samples to it. */
    void (*give)(struct hone__link *link, int tile);
    /** All that was sent has arrived everywhere. */
    bool (*finish)(hone__ranks *ranks);
    /** The batch came to nothing: what wasn't sent yet isn't. */
    void (*drop)(hone__ranks *ranks);
};

/** How the batches that this thread begins are cut. */
typedef struct {
    int64_t n;          /* 0: they aren't */
    hone__ranks *ranks; /* NULL: one process has all */
    /** A sum is no tree but one chain over all samples, as without shards: each process, which has one
     * shard, goes on with what those before it have summed. */
    bool handed_on;
} hone__sharding;
hone__sharding *hone__sharding_now(void);
/** The shards of one of so many ranks / of this process, if its batches have any. */
hone__cut hone__cut_of(int64_t shards, int64_t whole, int rank, int size);
hone__cut hone__cut_now(int64_t whole);
/** The samples of a process; of one that has none the batch's first. False: it has none. */
bool hone__share_of(const hone__cut *cut, int64_t *first, int64_t *n);

/** A stretch of the part's rows that are all of one shard. */
typedef struct {
    int64_t shard, first, n; /* rows, counted in the part */
    bool ends;               /* the last one of its shard */
} hone__piece;
/** The next piece of a tensor with so many rows in dim 0, from a zeroed one on; false: there is none,
 * or rows aren't the part's samples (E_SHAPE in the name of `op`). */
bool hone__piece_next(const char *op, int64_t rows, hone__piece *piece);

/** Rows of numbers, one a shard, folded over the shards of all processes. */
typedef struct {
    int64_t width;
    double *rows; /* [hone__fold_room()][width] */
    /** to += from, what lies right of it. */
    void (*add)(int64_t width, double *to, const double *from);
    hone__forest forest;
} hone__fold;
int64_t hone__fold_room(void);
/** Where the next shard's row goes, which hone__fold_push() takes then. */
static inline double *hone__fold_row(const hone__fold *fold)
{
    return fold->rows + fold->forest.n * fold->width;
}
void hone__fold_push(hone__fold *fold, int64_t shard);
/** Row 0 is the sum of all processes' rows. False: an error is pending. */
bool hone__fold_finish(hone__fold *fold);

/** Adds rows [first, first + n) of the part to the sum, one chain; fresh: nothing is in it yet, +0 is
 * meant. False: an error is pending. */
typedef bool (*hone__chain)(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n);
/** The gradient of input i has a chain a shard, and this op gives it: by hone__shard_sums. */
bool hone__in_shards(const hone_context *ctx, int i);
/** Runs a chain for each piece. With first_row (part of user's) a chain may be asked for some rows of
 * a matrix only: those from there on that `sum` has; -1: for all. False: an error is pending. Set by
 * src/init.c: autograd/trees.c. */
extern bool (*hone__shard_sums)(hone_context *ctx, int i, int64_t rows, hone__chain chain,
                                void *user, int64_t *first_row);

#endif
