/* train_tell.c: what is told about a run: the table and the log. */
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* JSON has no NaN and no infinity. */
static void log_number(FILE *log, const char *key, double value)
{
    if (isfinite(value))
        fprintf(log, "\"%s\": %.9g, ", key, value);
    else
        fprintf(log, "\"%s\": null, ", key);
}

static void log_row(training *t, int64_t epoch, const epoch_row *row)
{
    fprintf(t->log, "{\"epoch\": %lld, ", (long long)epoch + 1);
    log_number(t->log, "train_loss", row->train_loss);
    log_number(t->log, "train_error", row->train_error);
    log_number(t->log, "test_loss", row->test.loss);
    log_number(t->log, "test_error", row->test.error);
    log_number(t->log, "seconds", row->seconds);
    log_number(t->log, "samples_per_second", (double)t->samples / row->seconds);
    fprintf(t->log, "\"threads\": %d, \"isa\": \"%s\"}\n", hone_threads(), hone_isa());
    cli_flush(t->log, &t->log_error);
}

/* The table: on a terminal that is too narrow for all columns, those of the highest rank are left
 * out, so that no line wraps. */
enum { N_COLUMNS = 6 };

typedef struct {
    const char *title;
    int rank;
} column;

static const column columns[N_COLUMNS] = { { "epoch", 0 },       { "train loss", 3 },
                                           { "train error", 4 }, { "test loss", 2 },
                                           { "test error", 1 },  { "seconds", 5 } };

static int table_width(int highest_rank)
{
    int width = -2;
    for (int i = 0; i < N_COLUMNS; i++)
        if (columns[i].rank <= highest_rank)
            width += (int)strlen(columns[i].title) + 2;
    return width;
}

static void tell_cells(training *t, const char *const *cell)
{
    char line[128];
    int rank = N_COLUMNS - 1, used = 0;
    while (t->show.live && rank > 0 && table_width(rank) > progress_columns() - 1)
        rank--;
    for (int i = 0; i < N_COLUMNS; i++)
        if (columns[i].rank <= rank)
            used += snprintf(line + used, sizeof line - (size_t)used, "%s%*s", i ? "  " : "",
                             (int)strlen(columns[i].title), cell[i]);
    progress_line(&t->show, "%s", line);
}

static void tell_titles(training *t)
{
    const char *title[N_COLUMNS];
    for (int i = 0; i < N_COLUMNS; i++)
        title[i] = columns[i].title;
    tell_cells(t, title);
}

void train_tell_row(training *t, int64_t epoch, const epoch_row *row)
{
    char number[24], train_error[16], test_error[16], seconds[16];
    snprintf(number, sizeof number, "%lld", (long long)epoch + 1);
    snprintf(train_error, sizeof train_error, "%.4f", row->train_error);
    snprintf(test_error, sizeof test_error, "%.4f", row->test.error);
    snprintf(seconds, sizeof seconds, "%.2f", row->seconds);
    progress_text train_loss = progress_loss(row->train_loss);
    progress_text test_loss = progress_loss(row->test.loss);
    tell_cells(
        t, (const char *[]){ number, train_loss.s, train_error, test_loss.s, test_error, seconds });
    curve_test(&t->losses, row->test.loss);
    if (t->log)
        log_row(t, epoch, row);
}

void train_tell_beginning(training *t)
{
    char momentum[32] = "", decay[32] = "";
    if (t->o.momentum > 0)
        snprintf(momentum, sizeof momentum, ", momentum %g", t->o.momentum);
    if (t->o.weight_decay > 0)
        snprintf(decay, sizeof decay, ", weight decay %g", t->o.weight_decay);
    progress_line(&t->show, "hone %s, %s, %d thread%s", hone_version(), hone_isa(), hone_threads(),
                  hone_threads() == 1 ? "" : "s");
    progress_line(&t->show, "%s: %lld training and %lld test images", t->o.data,
                  (long long)hone_dataset_size(&t->set.train),
                  (long long)hone_dataset_size(&t->set.test));
    progress_line(&t->show, "%s, %lld parameters; %s, lr %g%s%s, batch %lld, seed %llu\n",
                  model_describe(&t->spec).s, (long long)hone_parameter_count(t->model), t->o.optim,
                  hone_optim_lr(t->optim), momentum, decay, (long long)t->o.batch,
                  (unsigned long long)t->o.seed);
    tell_titles(t);
}
