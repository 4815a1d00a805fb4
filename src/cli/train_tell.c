/* train_tell.c: what is told about a run: the table and the log. */
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "train_error", or of numbers the mean distance. */
static void put_error(const training *t, train_put *put, void *to, const char *set, double value)
{
    char key[24];
    snprintf(key, sizeof key, "%s_%s", set, t->set.task == HONE_TASK_NUMBERS ? "mae" : "error");
    put(to, key, value);
}

void train_each_number(const training *t, const epoch_row *row, train_put *put, void *to)
{
    put(to, "train_loss", row->train_loss);
    put_error(t, put, to, "train", row->train_error);
    put(to, "test_loss", row->test.loss);
    put_error(t, put, to, "test", row->test.error);
    if (t->val.x) {
        put(to, "val_loss", row->val.loss);
        put_error(t, put, to, "val", row->val.error);
    }
    if (t->set.task == HONE_TASK_NUMBERS)
        put(to, "test_r2", row->r2);
    if (t->o.top_k)
        put(to, "test_top_k_error", row->top_error);
    if (t->set.window) {
        put(to, "perplexity", text_perplexity(row->test.loss));
        put(to, "bits_per_byte", text_bits(row->test.loss));
    }
    put(to, "lr", row->lr);
    put(to, "grad_norm", row->norm);
    put(to, "seconds", row->seconds);
    put(to, "samples_per_second", row->speed);
}

/* JSON has no NaN and no infinity. */
static void log_number(void *log, const char *key, double value)
{
    if (isfinite(value))
        fprintf(log, "\"%s\": %.9g, ", key, value);
    else
        fprintf(log, "\"%s\": null, ", key);
}

static void log_row(training *t, int64_t epoch, const epoch_row *row)
{
    fprintf(t->log, "{\"epoch\": %lld, ", (long long)epoch + 1);
    train_each_number(t, row, log_number, t->log);
    fprintf(t->log, "\"threads\": %d, \"isa\": \"%s\"}\n", hone_threads(), hone_isa());
    cli_flush(t->log, &t->log_error);
}

/* The table: on a terminal that is too narrow for all columns, those of the highest rank are left
 * out, so that no line wraps. A column that nobody asked for has no title. */
typedef enum {
    EPOCH,
    TRAIN_LOSS,
    TRAIN_ERROR,
    VAL_LOSS,
    VAL_ERROR,
    TEST_LOSS,
    TEST_ERROR,
    TOP_ERROR,
    SECONDS,
    PERPLEXITY,
    BITS,
    R2,
    N_COLUMNS
} column;

static const int ranks[N_COLUMNS] = {
    [EPOCH] = 0,    [TEST_ERROR] = 1, [VAL_ERROR] = 2,   [TEST_LOSS] = 3,
    [VAL_LOSS] = 4, [TRAIN_LOSS] = 5, [TRAIN_ERROR] = 6, [TOP_ERROR] = 7,
    [SECONDS] = 8,  [PERPLEXITY] = 9, [BITS] = 10,       [R2] = 11
};

typedef struct {
    char s[24];
} cell;

typedef struct {
    cell at[N_COLUMNS];
} table_row;

static cell in_loss(double loss)
{
    cell c;
    snprintf(c.s, sizeof c.s, "%s", progress_loss(loss).s);
    return c;
}

static cell in_number(const char *format, double value)
{
    cell c;
    snprintf(c.s, sizeof c.s, format, value);
    return c;
}

static table_row titles_of(const training *t)
{
    table_row r = { { { "epoch" },
                      { "train loss" },
                      { "train error" },
                      { "" },
                      { "" },
                      { "test loss" },
                      { "test error" },
                      { "" },
                      { "seconds" },
                      { "" },
                      { "" },
                      { "" } } };
    if (t->set.task == HONE_TASK_NUMBERS) {
        r.at[TRAIN_ERROR] = (cell){ "train MAE" };
        r.at[TEST_ERROR] = (cell){ "test MAE" };
        r.at[R2] = (cell){ "     R2" };
    }
    if (t->set.window) {
        r.at[PERPLEXITY] = (cell){ "perplexity" };
        r.at[BITS] = (cell){ "bits/byte" };
    }
    if (t->val.x) {
        r.at[VAL_LOSS] = (cell){ "val loss" };
        r.at[VAL_ERROR] =
            t->set.task == HONE_TASK_NUMBERS ? (cell){ "val MAE" } : (cell){ "val error" };
    }
    if (t->o.top_k)
        r.at[TOP_ERROR] = in_number("top-%.0f error", (double)t->o.top_k);
    return r;
}

static int table_width(const table_row *titles, int highest_rank)
{
    int width = -2;
    for (int i = 0; i < N_COLUMNS; i++)
        if (titles->at[i].s[0] && ranks[i] <= highest_rank)
            width += (int)strlen(titles->at[i].s) + 2;
    return width;
}

static void tell_cells(training *t, const table_row *row)
{
    const table_row titles = titles_of(t);
    char line[256] = "";
    int rank = N_COLUMNS - 1, used = 0;
    while (t->show.live && rank > 0 && table_width(&titles, rank) > progress_columns() - 1)
        rank--;
    for (int i = 0; i < N_COLUMNS; i++)
        if (titles.at[i].s[0] && ranks[i] <= rank)
            used += snprintf(line + used, sizeof line - (size_t)used, "%s%*s", i ? "  " : "",
                             (int)strlen(titles.at[i].s), row->at[i].s);
    progress_line(&t->show, "%s", line);
}

void train_tell_row(training *t, int64_t epoch, const epoch_row *row)
{
    table_row r = { 0 };
    r.at[EPOCH] = in_number("%.0f", (double)(epoch + 1));
    r.at[TRAIN_LOSS] = in_loss(row->train_loss);
    r.at[TRAIN_ERROR] = in_number("%.4f", row->train_error);
    r.at[VAL_LOSS] = in_loss(row->val.loss);
    r.at[VAL_ERROR] = in_number("%.4f", row->val.error);
    r.at[TEST_LOSS] = in_loss(row->test.loss);
    r.at[TEST_ERROR] = in_number("%.4f", row->test.error);
    r.at[TOP_ERROR] = in_number("%.4f", row->top_error);
    r.at[SECONDS] = in_number("%.2f", row->seconds);
    r.at[PERPLEXITY] = in_number("%.4g", text_perplexity(row->test.loss));
    r.at[BITS] = in_number("%.4f", text_bits(row->test.loss));
    r.at[R2] = in_number("%.4f", row->r2);
    tell_cells(t, &r);
    curve_test(&t->losses, row->test.loss);
    if (t->log)
        log_row(t, epoch, row);
    train_events_epoch(t, row);
}

/* What besides the optimizer changes a step, if something does. */
static void tell_extras(training *t)
{
    char line[512] = "";
    const train_options *o = &t->o;
    size_t used = 0;
#define EXTRA(given, ...)                                                                          \
    if ((given) && used < sizeof line)                                                             \
    used += (size_t)snprintf(line + used, sizeof line - used, __VA_ARGS__)
    EXTRA(o->schedule, ", schedule %.200s", o->schedule);
    EXTRA(o->data.transform, ", %.200s", o->data.transform);
    EXTRA(o->stratify, ", stratified");
    EXTRA(o->warmup, ", warm-up of %lld steps", (long long)o->warmup);
    EXTRA(!isnan(o->clip), ", gradients cut to %g", o->clip);
    EXTRA(o->label_smoothing > 0, ", label smoothing %g", o->label_smoothing);
    EXTRA(!isnan(o->ema), ", average %g", o->ema);
    EXTRA(t->val.x, ", %lld %s held out", (long long)hone_dataset_size(&t->val),
          t->set.window ? "windows" : images_name(&t->set).s);
    EXTRA(o->early_stop, ", early stop after %lld", (long long)o->early_stop);
#undef EXTRA
    if (line[0])
        progress_line(&t->show, "%s", line + 2);
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
    progress_line(&t->show, "%s: %lld training and %lld test %s", t->o.data.source,
                  (long long)hone_dataset_size(&t->set.train),
                  (long long)hone_dataset_size(&t->set.test), images_name(&t->set).s);
    progress_line(&t->show, "%s, %lld parameters; %s, lr %g%s%s, batch %lld, seed %llu",
                  model_describe(&t->spec).s, (long long)hone_parameter_count(t->model), t->o.optim,
                  t->o.lr, momentum, decay, (long long)t->o.batch, (unsigned long long)t->o.seed);
    tell_extras(t);
}

void train_tell_titles(training *t)
{
    progress_line(&t->show, "%s", "");
    const table_row titles = titles_of(t);
    tell_cells(t, &titles);
}
