/* train_epoch.c: steps of training, an epoch long. */
#include "train.h"

#include <stdio.h>

static void show_step(training *t, int64_t epoch, double loss, double seconds)
{
    if (!progress_due(&t->show))
        return;
    char left[96], right[128];
    int64_t all = hone_loader_batches(t->loader);
    double done = (double)(epoch * all + t->steps), spent = t->train_seconds + seconds;
    double still = spent / done * ((double)(t->o.epochs * all) - done);
    snprintf(left, sizeof left, "epoch %lld/%lld step %lld/%lld", (long long)epoch + 1,
             (long long)t->o.epochs, (long long)t->steps, (long long)all);
    snprintf(right, sizeof right, "loss %s  %s left  %.0f samples/s", progress_loss(loss).s,
             progress_time(still).s, (double)t->samples / seconds);
    progress_bar(&t->show, left, t->steps, all, right);
}

/* Gradients of samples [begin, end) of a batch; returns how many of them were wrong. */
static double train_part(training *t, const hone_batch *batch, int64_t begin, int64_t end)
{
    HONE_SCOPE();
    hone_accumulate_part(end - begin);
    hone_tensor *x = hone_slice(batch->x, 0, begin, end, 1);
    hone_tensor *y = hone_slice(batch->y, 0, begin, end, 1);
    hone_tensor *scores = hone_forward(t->model, x);
    hone_tensor *wrong = hone_ne(hone_argmax(scores, 1, false), y);
    hone_backward(hone_cross_entropy(scores, y));
    return hone_item(hone_sum(hone_to(wrong, HONE_F32)));
}

/* One update; returns the loss before it and adds the share of wrong answers to *error. */
static double train_step(training *t, const hone_batch *batch, double *error)
{
    HONE_SCOPE();
    const int64_t n = hone_size(batch->x, 0), parts = t->o.accumulate < n ? t->o.accumulate : n;
    double wrong = 0;
    hone_optim_zero_grad(t->optim);
    hone_accumulate_begin(n);
    for (int64_t i = 0; i < parts; i++)
        wrong += train_part(t, batch, i * n / parts, (i + 1) * n / parts);
    const double loss = hone_item(hone_accumulate_end());
    hone_optim_step(t->optim);
    *error += (float)wrong / (float)n;
    return loss;
}

bool train_epoch(training *t, int64_t epoch, epoch_row *row)
{
    hone_batch batch;
    double begin = cli_seconds();
    *row = (epoch_row){ 0 };
    t->steps = t->samples = 0;
    while (!cli_stopped() && hone_loader_next(t->loader, &batch)) {
        double loss = train_step(t, &batch, &row->train_error);
        if (hone_error_code() != HONE_OK)
            return false;
        t->steps++;
        t->samples += hone_size(batch.y, 0); /* the last batch may be short */
        row->train_loss += loss;
        curve_train(&t->losses, loss);
        show_step(t, epoch, loss, cli_seconds() - begin);
    }
    row->seconds = cli_seconds() - begin;
    t->train_seconds += row->seconds;
    row->train_loss /= (double)t->steps;
    row->train_error /= (double)t->steps;
    return !cli_stopped() && hone_error_code() == HONE_OK;
}
