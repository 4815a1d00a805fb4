/* losses.h: what the losses' files share. */
#ifndef HONE_OPS_LOSSES_H
#define HONE_OPS_LOSSES_H

#include "ops/common.h"

/** The options of all losses; each has a table of those that are its own. */
typedef struct {
    double beta, delta, margin, eps, p, label_smoothing;
    int64_t ignore_index, blank, chunk;
    int reduction; /* hone_reduction */
    bool log_target, full, log_input, swap, zero_infinity;
} hone__loss_options;

#define HONE__LOSS_OPTION(field, kind, ...)                                                        \
    HONE__OPTION(hone__loss_options, field, kind, __VA_ARGS__)
#define HONE__LOSS_REDUCTION                                                                       \
    HONE__LOSS_OPTION(reduction, HONE__OPT_CHOICE, .choices = hone__reductions)
extern const char *const hone__reductions[];

static inline const hone__loss_options *hone__loss_of(hone_context *ctx)
{
    return hone__options(ctx);
}

/** The call's block: its forward is <op>_forward, its parts record themselves. */
#define HONE__LOSS(op, table_, ...)                                                                \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { __VA_ARGS__ },                                                                     \
        .options = table_,                                                                         \
        .options_bytes = sizeof(hone__loss_options),                                               \
        .composite = true,                                                                         \
    };

/** True if all (HONE_NONE aside) are f32 or f64 and broadcast, and the reduction is one; else the
 * error that names the call. */
bool hone__loss_takes(hone_context *ctx, hone_tensor *const *in, int n_in);
/** The same for operands that must have one shape. */
bool hone__loss_takes_pair(hone_context *ctx, hone_tensor *input, hone_tensor *target);
/** False + E_VALUE that names the option: `wanted` is what is wrong with `value`. */
bool hone__loss_refuses(hone_context *ctx, const char *option, double value, const char *wanted);

/** Their mean; in a part of a batch, which a gradient is asked of, over all that the whole batch has
 * (accumulate.h). */
hone_tensor *hone__loss_mean(hone_context *ctx, hone_tensor *loss);
/** In such a part: the sum of its losses over what all of the batch's positions weigh, 0-d. */
hone_tensor *hone__loss_part_mean(hone_context *ctx, hone_tensor *loss, hone_tensor *whole);
/** Of losses that classes have: `each` gives them at the positions of `target`, where none is to be
 * ignored, as if of scores [N, C, ...] like `like`, of which only the shape counts; they are weighted, and
 * reduced as nll_loss's are. */
typedef hone_tensor *(*hone__losses_at)(void *user, hone_tensor *target);
hone_tensor *hone__class_losses(hone_context *ctx, hone_tensor *like, hone_tensor *target,
                                hone_tensor *weight, hone__losses_at each, void *user);

/** Until it is called with NULL, this thread's linear_cross_entropy of classes writes to `to` (bool, as many as there
 * are targets), for each target, whether it is not the first class of the largest score: who wants to know
 * makes no scores of its own. */
void hone__linear_loss_wrong(hone_tensor *to);

/** The loss of each element or sample made what the reduction wants. */
hone_tensor *hone__loss_reduced(hone_context *ctx, hone_tensor *loss);

#endif
