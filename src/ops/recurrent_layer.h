/* recurrent_layer.h: one layer of a recurrence in one direction, over all steps: forward
 * (recurrent_layer.c), gradient (recurrent_backward.c), and what the sequence ops (sequence.c) call.
 *
 * Given bf16, products take bf16 and sum in f32; a state is rounded to bf16 where a step ends, and all
 * else is f32.
 *
 * x is [N, T, inputs], or [T, N, inputs] with time_first, and so is the output. Inputs: */
#ifndef HONE_OPS_RECURRENT_LAYER_H
#define HONE_OPS_RECURRENT_LAYER_H

#include "kernels/kernels.h"
#include "ops/common.h"

typedef struct {
    int64_t kind; /* hone__recurrence */
    bool time_first, reverse;
} hone__layer_options;

enum { HONE__LAYER_X, HONE__LAYER_H, HONE__LAYER_C, HONE__LAYER_W_IH };
enum { HONE__LAYER_W_HH = HONE__LAYER_W_IH + 1, HONE__LAYER_B_IH, HONE__LAYER_B_HH };

/* What is saved: the inputs in their order, then the output and what the steps kept. */
enum { HONE__LAYER_Y = HONE__LAYER_B_HH + 1, HONE__LAYER_KEPT };

static inline int hone__gates_of(hone__recurrence kind)
{
    return kind == HONE__LSTM ? 4 : kind == HONE__GRU ? 3 : 1;
}

/** Extents and which dims are which. */
typedef struct {
    hone__recurrence kind;
    bool time_first, reverse;
    hone_dtype dtype;   /* of what steps compute in and keep */
    hone_dtype factors; /* of products' operands, and of the output: bf16, or the same */
    int64_t samples, steps, inputs, hidden;
    int64_t gates; /* hidden times their number */
} hone__layer;

hone__layer hone__layer_of(const hone__layer_options *o, const hone_tensor *x,
                           const hone_tensor *w_hh);

/** The place in time of the s-th step taken. */
static inline int64_t hone__layer_at(const hone__layer *l, int64_t s)
{
    return l->reverse ? l->steps - 1 - s : s;
}

/** The rows of step t of a contiguous tensor [N, T, ..] or [T, N, ..] of rows of `width`. */
hone__step_rows hone__layer_rows(const hone__layer *l, const hone_tensor *t, bool time_first,
                                 int64_t at, int64_t width);
/** The same of [N, width] contiguous; none for HONE_NONE. */
hone__step_rows hone__state_rows(const hone_tensor *state);

/** A matrix [k, n] of `factors` that many rows are multiplied by; of bf16, packed once. */
typedef struct {
    hone_tensor *b; /* contiguous */
    const void *packed;
} hone__layer_matrix;
/** False: out of memory. What it takes is the current scope's. */
bool hone__layer_matrix_of(const hone__layer *l, hone_tensor *b, hone__layer_matrix *matrix);

/** Samples, from `begin` to before `end`, that steps are taken of. */
typedef struct {
    int64_t begin, end;
} hone__layer_part;

/** c = a b (+ c): rows of a, one chain an element; of a part's samples. bias and c are of l->dtype. */
bool hone__layer_product(const hone__layer *l, const hone__layer_part *part, hone__step_rows a,
                         const hone__layer_matrix *b, hone_tensor *bias, hone__step_rows c,
                         bool add);

/** Whether what steps give is rounded before it is multiplied; then rows of `to` get those of `from`,
 * and `back`, unless it is none, what they are as l->dtype. */
static inline bool hone__layer_rounds(const hone__layer *l)
{
    return l->factors != l->dtype;
}
void hone__layer_round(const hone__layer *l, const hone__layer_part *part, int64_t width,
                       hone__step_rows from, hone__step_rows to, bool back);

/** Runs the step's kernel on a part's samples. */
void hone__layer_step(const hone__layer *l, const hone__layer_part *part,
                      const hone__recurrent_step *step);
void hone__layer_back(const hone__layer *l, const hone__layer_part *part,
                      const hone__recurrent_back *back);

/** Takes all steps of all samples: where each thread has many samples, it takes all steps of its own
 * and never waits for another; else threads share each step's product. take: all steps of a part.
 * False: out of memory. */
bool hone__layer_walk(const hone__layer *l, bool (*take)(void *user, const hone__layer_part *part),
                      void *user);

void hone__layer_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx);

#endif
