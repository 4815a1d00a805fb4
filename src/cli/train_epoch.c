/* train_epoch.c: steps of training, an epoch long. */
#include "train.h"

#include <math.h>
#include <stdio.h>

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

/* The loss of a part of n_all samples, of which it gives its share of the gradient. Smoothed labels:
 * also adds its rows to *sum, in their order, since accumulate.h rescales hone_cross_entropy alone. */
static hone_tensor *part_loss(const training *t, hone_tensor *scores, hone_tensor *y, int64_t n_all,
                              double *sum)
{
    if (t->o.label_smoothing == 0)
        return work_loss(&t->set, scores, y);
    hone_tensor *rows =
        hone_cross_entropy_loss(scores, y, HONE_NONE, -100, t->o.label_smoothing, HONE_REDUCE_NONE);
    hone_tensor *wide = hone_to(hone_detach(rows), HONE_F64);
    const double *row = hone_data(wide);
    for (int64_t i = 0; row && i < hone_numel(wide); i++)
        *sum += row[i];
    return hone_mul_scalar(hone_sum(rows), 1 / (double)n_all);
}

typedef struct {
    double loss, norm;      /* before the update; norm: NaN if nobody asks for it */
    double wrong, smoothed; /* sums over the samples */
    bool bad;               /* not finite: there was no update */
} step_result;

/* Gradients of samples [begin, end) of a batch. */
static void train_part(training *t, const hone_batch *batch, int64_t begin, int64_t end,
                       step_result *r)
{
    HONE_SCOPE();
    hone_accumulate_part(end - begin);
    hone_tensor *x = images_input(&t->set, hone_slice(batch->x, 0, begin, end, 1));
    hone_tensor *y = images_target(&t->set, hone_slice(batch->y, 0, begin, end, 1));
    hone_tensor *scores = hone_forward(t->model, x);
    text_rows(&scores, &y);
    hone_tensor *wrong = work_wrong(&t->set, scores, y);
    hone_backward(part_loss(t, scores, y, hone_numel(batch->y), &r->smoothed));
    r->wrong += hone_item(wrong);
}

/* The gradients' norm, cut to --clip. */
static double clip(const training *t)
{
    double norm = NAN;
    const bool cut = !isnan(t->o.clip);
    if (!cut && !t->log && !t->o.report && t->nan != NAN_SKIP)
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
    const int64_t n = hone_size(batch->x, 0), parts = parts_of(t, batch);
    step_result r = { 0 };
    hone_optim_zero_grad(t->optim);
    hone_accumulate_begin(n);
    for (int64_t i = 0; i < parts; i++)
        train_part(t, batch, i * n / parts, (i + 1) * n / parts, &r);
    hone_tensor *loss = hone_accumulate_end();
    r.loss = t->o.label_smoothing > 0 ? r.smoothed / (double)hone_numel(batch->y) : hone_item(loss);
    r.norm = clip(t);
    r.bad = is_bad(t, &r);
    if (r.bad)
        return r;
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
    const int64_t n = hone_size(batch->y, 0); /* the last batch may be short */
    t->row.lr = hone_optim_lr(t->optim);
    hone_generator_get(hone_generator_current(), &t->drawn);
    const step_result r = train_hold_buffers(t) ? train_step(t, batch) : (step_result){ 0 };
    if (hone_error_code() != HONE_OK)
        return false;
    if (!r.bad)
        count_step(t, &r, hone_numel(batch->y));
    else if (!train_step_failed(t, batch, parts_of(t, batch), r.loss, r.norm) ||
             !train_restore_buffers(t))
        return false;
    t->steps++;
    t->all_steps++;
    t->samples += n;
    show_step(t, r.loss, cli_seconds() - begin);
    return train_schedule_step(t) && train_checkpoint_step(t);
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
