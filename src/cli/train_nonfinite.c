/* train_nonfinite.c: a step whose loss or gradients are NaN or infinite: which layer it began in, and
 * what --nan makes of it. */
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

enum { TOLD_IN_FULL = 5 }; /* steps; what is skipped after them is counted */

static bool is_finite(hone_tensor *x)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return !hone_dtype_is_float(hone_dtype_of(x)) ||
           hone_item(hone_sum(hone_mul_scalar(x, 0))) == 0; /* else NaN */
}

static bool are_finite(hone_named_list all)
{
    for (int i = 0; i < all.n; i++)
        if (!is_finite(all.at[i].tensor))
            return false;
    return true;
}

bool train_weights_are_finite(hone_module *model)
{
    HONE_SCOPE();
    return are_finite(hone_named_state(model));
}

/* ---- the walk */

typedef struct {
    char s[320];
} layer_text;

typedef struct {
    hone_module *first; /* whose output isn't finite; NULL: none so far */
} walk;

static hone_tensor *look(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user)
{
    walk *w = user;
    (void)in;
    (void)n_in;
    if (!w->first && !is_finite(out))
        w->first = module;
    return out;
}

/* The batch once more, in the parts and with the random numbers that the step had. */
static hone_module *find_layer(training *t, const hone_batch *batch, int64_t parts,
                               hone_module_list all)
{
    walk w = { NULL };
    const int64_t n = hone_size(batch->x, 0);
    for (int i = 0; i < all.n; i++)
        hone_module_forward_hook(all.at[i].module, look, &w);
    for (int64_t i = 0; i < parts && !w.first && hone_error_code() == HONE_OK; i++) {
        HONE_SCOPE();
        HONE_AUTOCAST(t->dtype);
        hone_generator_set(hone_generator_current(), &t->drawn);
        hone_forward(t->model, images_input(&t->set, hone_slice(batch->x, 0, i * n / parts,
                                                                (i + 1) * n / parts, 1)));
    }
    for (int i = 0; i < all.n; i++)
        hone_module_forward_hook(all.at[i].module, NULL, NULL);
    return w.first;
}

static layer_text describe(hone_module_list all, const hone_module *layer)
{
    layer_text text = { "" };
    int i = 0;
    while (i < all.n && all.at[i].module != layer)
        i++;
    if (i == all.n)
        return text;
    const char *path = all.at[i].name;
    const bool weights = are_finite(hone_named_parameters(all.at[i].module));
    snprintf(text.s, sizeof text.s,
             "the first layer whose output is not finite is %.150s%s%.40s%s%s",
             path[0] ? path : "the network itself, a ", path[0] ? " (" : "", layer->type->name,
             path[0] ? ")" : "", weights ? "" : ", whose weights aren't either");
    return text;
}

static layer_text where(training *t, const hone_batch *batch, int64_t parts)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_generator_state after;
    const hone_module_list all = hone_modules(t->model);
    if (!is_finite(batch->x))
        return t->set.source.pictures ? (layer_text){ "the batch's images are not finite" }
                                      : (layer_text){ "the batch's inputs are not finite" };
    hone_generator_get(hone_generator_current(), &after);
    const hone_module *layer = find_layer(t, batch, parts, all);
    hone_generator_set(hone_generator_current(), &after);
    return layer ? describe(all, layer)
                 : (layer_text){ "every layer's output is finite for this batch" };
}

/* ---- what is made of it */

bool train_nan_parse(training *t)
{
    static const char *const names[] = {
        [NAN_STOP] = "stop", [NAN_SKIP] = "skip", [NAN_IGNORE] = "ignore"
    };
    for (int i = 0; i < 3; i++)
        if (strcmp(t->o.nan, names[i]) == 0) {
            t->nan = (nan_mode)i;
            return true;
        }
    cli_error(CLI_USAGE, name, "--nan takes stop, skip or ignore, not '%s'", t->o.nan);
    return false;
}

bool train_step_failed(training *t, const hone_batch *batch, int64_t parts, double loss,
                       double norm)
{
    const bool of_loss = !isfinite(loss), skips = t->nan == NAN_SKIP;
    if (skips && ++t->skipped > TOLD_IN_FULL)
        return true;
    const layer_text layer = where(t, batch, parts);
    if (hone_error_code() != HONE_OK)
        return false;
    progress_clear(&t->show);
    cli_error(0, name, "epoch %lld, step %lld: %s %s; %s; %s", (long long)t->epoch + 1,
              (long long)t->steps + 1, of_loss ? "the loss is" : "the gradients' norm is",
              progress_loss(of_loss ? loss : norm).s, layer.s,
              skips ? "skipped" : "a smaller --lr or --clip may help, --nan skip goes on");
    t->not_finite = !skips;
    return skips;
}

/* ---- buffers (running statistics), which the forward of a step that is skipped has changed */

bool train_hold_buffers(training *t)
{
    return t->nan != NAN_SKIP || train_copy_kept(&t->buffers, hone_named_buffers(t->model), false);
}

bool train_restore_buffers(training *t)
{
    return train_copy_kept(&t->buffers, hone_named_buffers(t->model), true);
}
