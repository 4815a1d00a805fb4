/* train_ranks.c: what `hone train` does where several ranks train one network (hone/dist.h). */
#include "ranks.h"
#include "train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

/* ---- at the beginning */

static bool same_tensor(const char *what, hone_tensor *t)
{
    if (!t || t == HONE_NONE)
        return true;
    t = hone_contiguous(t);
    return hone_dist_same(what, hone_data(t),
                          (size_t)hone_numel(t) * hone_dtype_size(hone_dtype_of(t))) == HONE_OK;
}

/* All of a set in memory, else samples that are spread over it. */
static bool same_set(const char *what, const hone_dataset *set)
{
    char text[64];
    return hone_dataset_size(set) < 1 || (train_describe_data(set, text, sizeof text) &&
                                          hone_dist_same(what, text, strlen(text)) == HONE_OK &&
                                          same_tensor(what, set->x) && same_tensor(what, set->y));
}

static bool same_words(const training *t)
{
    char words[4096] = "";
    size_t used = 0;
    for (int i = 0; i < t->argc && used < sizeof words; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, " %s", t->argv[i]);
    return hone_dist_same("the command line", words, strlen(words)) == HONE_OK;
}

/* Ranks that were started in different ways would train different networks. */
static bool same_everywhere(const training *t)
{
    HONE_SCOPE();
    const char *model = model_describe(&t->spec).s;
    return hone_dist_same("--seed", &t->o.seed, sizeof t->o.seed) == HONE_OK &&
           hone_dist_same("--model", model, strlen(model)) == HONE_OK &&
           same_set("the training set (--data)", &t->set.train) &&
           same_set("the test set (--data)", &t->set.test) && same_words(t);
}

static int cut_batches(training *t)
{
    const int64_t shards = t->o.shards; /* below 0: not given */
    const hone_dist_options options = { .shards = shards > 0 ? shards : 0,
                                        .handed_on = shards == 0 };
    if (hone_dist_model(t->model, &options) == HONE_OK)
        return CLI_OK;
    const int status = cli_library_error(name);
    return hone_error_code() == HONE_E_VALUE ? CLI_USAGE : status;
}

int train_ranks_begin(training *t)
{
    if (ranks_share() && t->o.zero && t->o.checkpoint)
        return cli_error(CLI_USAGE, name,
                         "--zero: the optimizer's state is in no one place that --checkpoint could "
                         "write");
    if (ranks_share() && t->o.in_backward)
        return cli_error(
            CLI_USAGE, name,
            "--optim-in-backward gives each gradient back at once, but ranks add them up");
    if (ranks_share() && !same_everywhere(t))
        return cli_library_error(name);
    return t->o.shards > 0 || ranks_share() ? cut_batches(t) : CLI_OK;
}

int train_ranks_resumed(training *t)
{
    if (!ranks_share())
        return CLI_OK;
    if (hone_dist_same("what --resume has read", &t->all_steps, sizeof t->all_steps) != HONE_OK)
        return cli_library_error(name);
    return cut_batches(t);
}

/* ---- steps */

bool train_ranks_agree(const hone_batch *batch, const double *wrong, double *sum)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    int64_t first, n;
    const bool has_some = hone_dist_share(batch->size, &first, &n);
    *sum = 0;
    if (!ranks_share()) {
        for (int64_t i = 0; i < n; i++)
            *sum += wrong[i];
        return true;
    }
    hone_tensor *rows = hone_zeros(HONE_F64, batch->size + hone_dist_size());
    double *row = rows ? hone_data(rows) : NULL;
    if (!row)
        return false;
    if (has_some)
        memcpy(row + first, wrong, (size_t)n * sizeof *row);
    row[batch->size + hone_dist_rank()] = cli_stop_noted();
    if (!ranks_merge(rows))
        return false;
    for (int64_t i = 0; i < batch->size; i++)
        *sum += row[i];
    for (int r = hone_dist_size() - 1; r >= 0; r--)
        if (row[batch->size + r] > 0)
            cli_stop_together((int)row[batch->size + r]);
    return true;
}
