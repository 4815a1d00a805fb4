/* recurrent_layer.h: one layer of a recurrence in one direction, over all steps: forward
 * (recurrent_layer.c), gradient (recurrent_backward.c), and what the sequence ops (sequence.c) call.
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
    hone_dtype dtype;
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

/** c = a b (+ c): rows of a by the matrix b [k, n], one chain an element. */
bool hone__layer_product(const hone__layer *l, hone__step_rows a, hone_tensor *b, hone_tensor *bias,
                         hone__step_rows c, bool add);

/** Runs the step's kernel on all samples. */
void hone__layer_step(const hone__layer *l, const hone__recurrent_step *step);
void hone__layer_back(const hone__layer *l, const hone__recurrent_back *back);

void hone__layer_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx);

#endif
