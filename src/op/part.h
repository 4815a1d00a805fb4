/* part.h: the part of a batch that the calling thread is at, between hone_accumulate_begin() and
 * hone_accumulate_end(). What counts samples, or divides by their number, asks here. */
#ifndef HONE_OP_PART_H
#define HONE_OP_PART_H

#include "op/shards.h"

/** What one call of a loss, the same in every part, has of all samples. */
typedef struct {
    hone_tensor *values;  /* held: [rows of all samples], of the loss's dtype */
    hone_tensor *divisor; /* held: what all of them weigh, 0-d; NULL: how many they are */
} hone__part_loss;

typedef struct {
    bool open;                     /* parts may come */
    uint64_t id;                   /* of the part, for the leaves' uses; 0: none has begun */
    int64_t whole, first, samples; /* of the batch; before the part; in it */
    hone_tensor *targets;          /* held: of all samples; NULL: not announced */
    int64_t begin, end;            /* of this process's samples */
    hone__cut cut;                 /* of the batch; cut.n == 0: it has no shards */
    hone__ranks *ranks;            /* NULL: this process has all shards */
    bool handed_on;                /* sums are chains over all processes' samples, no trees */
    bool ghost;                    /* this process has none that has samples, and runs the batch's
                                      first one for what ranks do together: it adds nothing */
    int n_calls;                   /* of losses, in this part */
    int n_losses;
    int64_t room_losses;
    hone__part_loss *losses;
} hone__part;

/** Of this thread. */
hone__part *hone__part_now(void);

/** A loss's call with so many rows and a gradient: *divisor is how many there are in the whole
 * batch, *values where the losses of these belong, NULL: nowhere. False: an error in the name of
 * `op`. */
bool hone__part_take_loss(const char *op, hone_dtype dtype, int64_t rows, int64_t *divisor,
                          void **values);
/** What the next loss's call divides by, if an earlier part has noted it with its losses; else NULL. */
hone_tensor *hone__part_divisor(void);
/** True if no part of this process's samples comes after this one. */
static inline bool hone__part_is_last(const hone__part *part)
{
    return part->ghost || part->first + part->samples == part->end;
}
/** The place in the whole batch of the first sample of t, 0 if dim 0 isn't the part's samples. */
int64_t hone__part_first(const hone_tensor *t);
/** The place in the whole batch of the first element of a random tensor, 0 for one whose dim 0
 * isn't the part's samples. */
uint64_t hone__part_place(const hone_tensor *t);

#endif
