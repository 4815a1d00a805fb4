/* train_keep.c: the part of the training set that is held out, and the weights that were best on it. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

/* Draws from a generator of its own, so that nothing else draws other numbers. */
enum { SPLIT_GENERATOR = 0x5917 };

static hone_tensor *draw_order(uint64_t seed, int64_t n)
{
    hone_generator *own = hone_generator_new(seed, SPLIT_GENERATOR);
    hone_generator *before = hone_generator_current();
    hone_tensor *order = NULL;
    if (own && before && hone_generator_use(own) == HONE_OK) {
        order = hone_randperm(n);
        hone_generator_use(before);
    }
    hone_generator_free(own);
    return order;
}

/* The rows whose mark is `which`, in the order that they have. */
static bool take_rows(const hone_dataset *set, const bool *mark, bool which, int64_t *index,
                      hone_dataset *out)
{
    const int64_t n = hone_dataset_size(set);
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (mark[i] == which)
            index[count++] = i;
    hone_tensor *rows = hone_from_data(HONE_I64, index, count);
    return hone_dataset_from(hone_index_select(set->x, 0, rows), hone_index_select(set->y, 0, rows),
                             out) == HONE_OK;
}

static bool split(training *t, int64_t held, int64_t *index, bool *mark)
{
    HONE_SCOPE();
    hone_dataset *train = &t->set.train, rest = { 0 };
    const int64_t n = hone_dataset_size(train);
    hone_tensor *order = draw_order(t->o.seed, n);
    if (!order || hone_copy_out(order, index, (size_t)n * sizeof *index) != HONE_OK)
        return false;
    for (int64_t i = 0; i < held; i++)
        mark[index[i]] = true;
    if (train->type) {
        int64_t at[2] = { 0, held };
        for (int64_t i = 0; i < n; i++)
            index[at[!mark[i]]++] = i;
        return images_hold_out(&t->set, index, held, index + held, n - held, &t->val);
    }
    if (!take_rows(train, mark, true, index, &t->val) ||
        !take_rows(train, mark, false, index, &rest))
        return false;
    hone_dataset_free(train);
    *train = rest;
    return true;
}

bool train_split(training *t)
{
    const int64_t n = hone_dataset_size(&t->set.train);
    const int64_t held = (int64_t)((double)n * t->o.val_split + 0.5);
    if (t->o.val_split == 0)
        return true;
    if (held < 1 || held >= n) {
        cli_error(CLI_USAGE, name, "--val-split %g: that is %s of %lld training images",
                  t->o.val_split, held < 1 ? "none" : "all", (long long)n);
        return false;
    }
    int64_t *index = malloc((size_t)n * sizeof *index);
    bool *mark = calloc((size_t)n, sizeof *mark);
    bool done = index && mark;
    if (!done)
        cli_error(CLI_FAILED, name, "not enough memory for --val-split");
    else if (!(done = split(t, held, index, mark)))
        cli_library_error(name);
    free(index);
    free(mark);
    return done;
}

/* ---- the best weights */

static bool make_place(kept_weights *k, int n)
{
    k->at = calloc((size_t)n, sizeof(hone_tensor *));
    k->n = k->at ? n : 0;
    return k->at || n == 0 || hone_error_set(HONE_E_NOMEM, "no memory for the best weights") == 0;
}

bool train_copy_kept(kept_weights *kept, hone_named_list list, bool back)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!list.at || (!kept->at && !make_place(kept, list.n)))
        return false;
    for (int i = 0; i < kept->n; i++) {
        hone_tensor *now = list.at[i].tensor, *held = kept->at[i];
        if (!held && !back)
            kept->at[i] = held = hone_retain(hone_clone(now));
        if (!hone_copy_(back ? now : held, back ? held : now))
            return false;
    }
    return true;
}

bool train_keep_begin(training *t)
{
    HONE_SCOPE();
    return !t->o.early_stop || make_place(&t->best, hone_named_state(t->model).n);
}

static bool copy_weights(training *t, bool back)
{
    HONE_SCOPE();
    return train_copy_kept(&t->best, hone_named_state(t->model), back);
}

bool train_keep(training *t, int64_t epoch, double loss)
{
    if (!(isfinite(loss) && (t->best.epoch == 0 || loss < t->best.loss)))
        return true;
    if (!copy_weights(t, false))
        return false;
    t->best.epoch = epoch;
    t->best.loss = loss;
    return true;
}

bool train_take_kept(training *t)
{
    return t->best.epoch == 0 || copy_weights(t, true);
}

static void free_kept(kept_weights *kept)
{
    for (int i = 0; i < kept->n; i++)
        hone_release(kept->at[i]);
    free(kept->at);
}

void train_free_kept(training *t)
{
    free_kept(&t->best);
    free_kept(&t->buffers);
}
