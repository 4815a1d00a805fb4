/* train_epoch.c: steps of training, an epoch long. */
#include "train.h"

#include "ops/losses.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void show_step(training *t, double loss, double seconds)
{
    if (!progress_due(&t->show))
        return;
    char left[96], right[128];
    int64_t all = hone_loader_batches(t->loader);
    double done = (double)(t->all_steps - t->begun_at), spent = t->train_seconds + seconds;
    double still = spent / done * (double)((t->o.epochs - t->epoch) * all - t->steps);
    snprintf(left, sizeof left, "epoch %lld/%lld step %lld/%lld", (long long)t->epoch + 1,
             (long long)t->o.epochs, (long long)t->steps, (long long)all);
    snprintf(right, sizeof right, "loss %s  %s left  %.0f samples/s", progress_loss(loss).s,
             progress_time(still).s, (double)t->samples / seconds);
    progress_bar(&t->show, left, t->steps, all, right);
}

/* Targets of a sample: tokens have one each, shares of classes are one together. */
static int64_t targets_of_one(const training *t, const hone_tensor *y)
{
    return work_is_mixed(&t->set, y) ? 1 : hone_numel(y) / hone_size(y, 0);
}

static hone_tensor *loss_of(const training *t, hone_tensor *scores, hone_tensor *y)
{
    return t->o.label_smoothing == 0 && !work_is_mixed(&t->set, y)
               ? work_loss(&t->set, scores, y)
               : hone_cross_entropy_loss(scores, y, HONE_NONE, -100, t->o.label_smoothing,
                                         HONE_REDUCE_MEAN);
}

/* True if the network gives the loss itself, so that scores of a large vocabulary are held once, or in
 * chunks, and not beside their gradient. */
static bool gives_loss(const training *t)
{
    const char *text = t->spec.text;
    return text && strcspn(text, ":") == 3 && strncmp(text, "gpt", 3) == 0 &&
           t->set.task == HONE_TASK_TOKENS && t->o.label_smoothing == 0 && t->dtype == HONE_F32;
}

/* The loss, and whether each target was another than the answer. */
static hone_tensor *forward(const training *t, hone_tensor *x, hone_tensor *y, hone_tensor **wrong)
{
    if (gives_loss(t)) {
        *wrong = hone_zeros(HONE_BOOL, hone_numel(y));
        hone__linear_loss_wrong(*wrong);
        hone_tensor *loss = hone_forward(t->model, x, y);
        hone__linear_loss_wrong(NULL);
        return loss;
    }
    hone_tensor *scores = hone_forward(t->model, x);
    text_rows(&scores, &y);
    *wrong = work_wrong(&t->set, scores, y);
    return loss_of(t, scores, y);
}

typedef struct {
    double loss, norm; /* before the update; norm: NaN if nobody asks for it */
    double wrong;      /* of all samples */
    bool bad;          /* not finite: there was no update */
} step_result;

/* Adds what a part has wrong to each of its samples. */
static void count_wrong(hone_tensor *wrong, int64_t samples, double *sums)
{
    hone_tensor *wide = wrong ? hone_contiguous(hone_to(hone_detach(wrong), HONE_F64)) : NULL;
    const double *at = wide ? hone_data(wide) : NULL;
    const int64_t each = at ? hone_numel(wide) / samples : 0;
    for (int64_t i = 0; i < each * samples; i++)
        sums[i / each] += at[i];
}

/* Gradients of samples [begin, end) of what this rank has of a batch; *value, unless NULL, is their
 * loss, and where that makes a bad step there are none. */
static void train_part(training *t, const hone_batch *batch, int64_t begin, int64_t end,
                       double *wrong, double *value)
{
    HONE_SCOPE();
    HONE_AUTOCAST(t->dtype);
    hone_tensor *x = images_input(&t->set, hone_slice(batch->x, 0, begin, end, 1));
    hone_tensor *y = images_target(&t->set, hone_slice(batch->y, 0, begin, end, 1));
    hone_tensor *missed, *loss = forward(t, x, y, &missed);
    if (value)
        *value = hone_item(loss);
    if (!value || t->nan == NAN_IGNORE || isfinite(*value))
        hone_backward(loss);
    count_wrong(missed, end - begin, wrong + begin);
}

/* The gradients of a batch; its loss. */
static double run_parts(training *t, const hone_batch *batch, int64_t parts, double *wrong)
{
    const int64_t n = hone_size(batch->x, 0);
    double loss = NAN;
    if (t->o.in_backward) {
        train_part(t, batch, 0, n, wrong, &loss);
        return loss;
    }
    hone_accumulate_begin(batch->size);
    for (int64_t i = 0; i < parts; i++) {
        const int64_t begin = i * n / parts, end = (i + 1) * n / parts;
        hone_accumulate_part(end - begin);
        train_part(t, batch, begin, end, wrong, NULL);
    }
    return hone_item(hone_accumulate_end());
}

/* The gradients' norm, cut to --clip. */
static double clip(const training *t)
{
    double norm = NAN;
    const bool cut = !isnan(t->o.clip);
    if (t->o.in_backward || (!cut && !t->log && !t->o.report && !t->events && t->nan != NAN_SKIP))
        return norm;
    const hone_clip_grad_norm_options only_look = { .error_if_nonfinite = true };
    hone_clip_grad_norm_(hone_parameters(t->model), cut ? t->o.clip : INFINITY,
                         cut ? NULL : &only_look, &norm);
    if (!cut && !isfinite(norm) && hone_error_code() == HONE_E_VALUE)
        hone_error_clear(); /* it is told, and nothing has changed */
    return norm;
}

static bool is_bad(const training *t, const step_result *r)
{
    const bool needs_norm = !isnan(t->o.clip) || t->nan == NAN_SKIP;
    return t->nan != NAN_IGNORE && hone_error_code() == HONE_OK &&
           (!isfinite(r->loss) || (needs_norm && !isfinite(r->norm)));
}

static int64_t parts_of(const training *t, const hone_batch *batch)
{
    const int64_t n = hone_size(batch->x, 0);
    return t->o.accumulate < n ? t->o.accumulate : n;
}

/* One update, with what was before it. */
static step_result train_step(training *t, const hone_batch *batch)
{
    HONE_SCOPE();
    step_result r = { 0 };
    hone_optim_zero_grad(t->optim);
    hone_tensor *wrong = hone_zeros(HONE_F64, hone_size(batch->x, 0)); /* of each sample */
    if (!wrong)
        return r;
    r.loss = run_parts(t, batch, parts_of(t, batch), hone_data(wrong));
    if (hone_error_code() != HONE_OK || !train_ranks_agree(batch, hone_data(wrong), &r.wrong))
        return r;
    r.norm = clip(t);
    r.bad = is_bad(t, &r);
    if (r.bad)
        return r;
    if (t->o.zero)
        hone_dist_optim_step(t->optim);
    else
        hone_optim_step(t->optim);
    if (t->average)
        hone_average_update(t->average);
    return r;
}

/* A step's numbers, added to the epoch's sums. */
static void count_step(training *t, const step_result *r, int64_t n)
{
    t->row.train_loss += r->loss;
    t->row.train_error += (float)r->wrong / (float)n;
    t->row.norm += r->norm;
    t->row.updates++;
    curve_train(&t->losses, r->loss);
}

/* One step and all that comes behind it. False: an error is pending, or --nan stop. */
static bool one_step(training *t, const hone_batch *batch, double begin)
{
    const int64_t n = batch->size; /* the last one may be short */
    if (!train_schedule_step(t))
        return false;
    t->row.lr = hone_optim_lr(t->optim);
    hone_generator_get(hone_generator_current(), &t->drawn);
    const step_result r = train_hold_buffers(t) ? train_step(t, batch) : (step_result){ 0 };
    if (hone_error_code() != HONE_OK)
        return false;
    if (!r.bad)
        count_step(t, &r, targets_of_one(t, batch->y) * n);
    else if (!train_step_failed(t, batch, parts_of(t, batch), r.loss, r.norm) ||
             !train_restore_buffers(t))
        return false;
    t->steps++;
    t->all_steps++;
    t->samples += n;
    show_step(t, r.loss, cli_seconds() - begin);
    train_events_step(t, r.loss);
    return train_checkpoint_step(t) && (!t->after_step || t->after_step(t));
}

bool train_epoch(training *t, epoch_row *row)
{
    hone_batch batch;
    const double begin = cli_seconds();
    const int64_t samples_before = t->samples; /* of an epoch that is taken up in its middle */
    while (!cli_stopped() && hone_loader_next(t->loader, &batch))
        if (!one_step(t, &batch, begin))
            return false;
    *row = t->row;
    row->seconds = cli_seconds() - begin;
    t->train_seconds += row->seconds;
    row->train_loss /= (double)row->updates;
    row->train_error /= (double)row->updates;
    row->norm /= (double)row->updates;
    row->speed = (double)(t->samples - samples_before) / row->seconds;
    return !cli_stopped() && hone_error_code() == HONE_OK;
}

void train_next_epoch(training *t)
{
    t->epoch++;
    t->steps = t->samples = 0;
    t->row = (epoch_row){ 0 };
}
