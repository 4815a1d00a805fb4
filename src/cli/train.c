/* train.c: `hone train`: reads the data, trains, shows how it goes, and saves. */
#include "cli.h"
#include "core/text.h"
#include "curve.h"
#include "io/replace.h"
#include "optim/optim.h"
#include "work.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *data, *model, *optim, *save, *layout, *load, *log;
    double lr, momentum, weight_decay; /* NaN: not given */
    int64_t epochs, batch, accumulate, threads, limit;
    uint64_t seed;
    bool shuffle, save_anyway, quiet;
} train_options;

#define FIELD(name) offsetof(train_options, name)

static const cli_option table[] = {
    { "data", "DIR|digits", "directory of MNIST's files, or the built-in drawn digits", CLI_TEXT,
      FIELD(data), "digits", 0, 0 },
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT: linear layers with ReLU between them; NAME[:ARGUMENTS] (hone models) "
      "or FILE[:ARGUMENTS]",
      CLI_TEXT, FIELD(model), "mlp:784,100,10", 0, 0 },
    { "optim", "NAME", "optimizer:"
#define HONE_OPTIM(name) " " #name
#include "optim/optim.def"
#undef HONE_OPTIM
      ,
      CLI_TEXT, FIELD(optim), "sgd", 0, 0 },
    { "lr", "X", "learning rate; default: 0.5 of sgd, the others' own", CLI_REAL, FIELD(lr), NULL,
      0, 1e6 },
    { "momentum", "X", "momentum of sgd, rmsprop and muon; default: the optimizer's own", CLI_REAL,
      FIELD(momentum), NULL, 0, 1 },
    { "weight-decay", "X", "weight decay; default: the optimizer's own", CLI_REAL,
      FIELD(weight_decay), NULL, 0, 1e6 },
    { "epochs", "N", "passes over the training set", CLI_INT, FIELD(epochs), "20", 0, 1e9 },
    { "batch", "N", "images a step", CLI_INT, FIELD(batch), "100", 1, 1e9 },
    { "accumulate", "N", "run each batch in N parts: less memory, the same bits", CLI_INT,
      FIELD(accumulate), "1", 1, 1e9 },
    { "seed", "N", "of the initial weights and of --shuffle", CLI_SEED, FIELD(seed), "0", 0, 0 },
    { "threads", "N", "N threads, whatever the environment says; default: see hone info", CLI_INT,
      FIELD(threads), NULL, 1, 1024 },
    { "shuffle", NULL, "new order every epoch, instead of the files' order", CLI_FLAG,
      FIELD(shuffle), NULL, 0, 0 },
    { "limit", "N", "use the first N training and the first N test images only", CLI_INT,
      FIELD(limit), NULL, 1, 1e12 },
    { "save", "FILE", "write the trained network as safetensors; also after Ctrl-C", CLI_TEXT,
      FIELD(save), NULL, 0, 0 },
    { "save-anyway", NULL, "replace that file also by weights that are NaN or infinite", CLI_FLAG,
      FIELD(save_anyway), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how weights lie in that file: as PyTorch has them, or as hone has", CLI_TEXT, FIELD(layout),
      "out,in", 0, 0 },
    { "load", "FILE", "begin with the weights of a saved network", CLI_TEXT, FIELD(load), NULL, 0,
      0 },
    { "log", "FILE", "write one JSON object a line and epoch", CLI_TEXT, FIELD(log), NULL, 0, 0 },
    { "quiet", NULL, "print errors only", CLI_FLAG, FIELD(quiet), NULL, 0, 0 },
    { 0 },
};

static const char *const name = "train"; /* of this subcommand, for messages */

/* All of one training run. */
typedef struct {
    train_options o;
    model_spec spec;
    hone_layout layout; /* of the file that is saved */
    images set;
    hone_module *model;
    hone_optim *optim;
    hone_loader *loader;
    FILE *log; /* appended to; emptied when training begins */
    int log_error;
    progress show;
    curve losses;
    double train_seconds;   /* of all epochs so far */
    int64_t steps, samples; /* of the epoch that runs */
} training;

typedef struct {
    double train_loss, train_error, seconds; /* means over the batches, each before its update */
    score test;
} epoch_row;

/* ---- one epoch */

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

/* False: an error is pending, or Ctrl-C was pressed. */
static bool train_epoch(training *t, int64_t epoch, epoch_row *row)
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

/* ---- what is told about an epoch */

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

static void tell_row(training *t, int64_t epoch, const epoch_row *row)
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

static void tell_beginning(training *t)
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

/* ---- a run */

/* All epochs; CLI_OK also when Ctrl-C ended them. */
static int train_epochs(training *t)
{
    bool warned = false;
    for (int64_t epoch = 0; epoch < t->o.epochs; epoch++) {
        epoch_row row;
        bool done =
            train_epoch(t, epoch, &row) && evaluate(t->model, &t->set.test, &t->show, &row.test);
        if (hone_error_code() != HONE_OK) {
            progress_clear(&t->show);
            return cli_library_error(name);
        }
        if (!done) {
            progress_line(&t->show, "stopped in epoch %lld after step %lld", (long long)epoch + 1,
                          (long long)t->steps);
            break;
        }
        tell_row(t, epoch, &row);
        if (!isfinite(row.train_loss) && !warned) {
            cli_error(0, name, "the loss is not finite any more; a smaller --lr may help");
            warned = true;
        }
    }
    if (t->show.live)
        curve_draw(&t->losses, progress_columns(), t->show.utf8);
    return CLI_OK;
}

static bool is_finite(hone_tensor *x)
{
    HONE_SCOPE();
    return !hone_dtype_is_float(hone_dtype_of(x)) ||
           hone_item(hone_sum(hone_mul_scalar(x, 0))) == 0; /* else NaN */
}

static bool weights_are_finite(hone_module *model)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone_named_list all = hone_named_state(model);
    for (int i = 0; i < all.n; i++)
        if (!is_finite(all.at[i].tensor))
            return false;
    return true;
}

static int save(training *t)
{
    const bool finite = weights_are_finite(t->model), exists = access(t->o.save, F_OK) == 0;
    if (!finite && exists && !t->o.save_anyway)
        return cli_error(CLI_FAILED, name,
                         "weights are NaN or infinite: %s stays as it was (--save-anyway replaces "
                         "it)",
                         t->o.save);
    if (!finite)
        cli_error(0, name, "weights are NaN or infinite; saved all the same");
    cli_stop_is(CLI_STOP_HELD); /* an end in the middle would leave a part of a file behind */
    hone_status status =
        hone_save_state_with(t->model, t->o.save, &(hone_state_options){ .layout = t->layout });
    cli_stop_is(CLI_STOP_NOTED);
    if (status != HONE_OK)
        return cli_library_error(name);
    progress_line(&t->show, "saved %s", t->o.save);
    return CLI_OK;
}

static int close_log(training *t)
{
    if (!t->log)
        return CLI_OK;
    const int error = cli_close(t->log, t->log_error);
    if (error)
        return cli_error(CLI_FAILED, name, "%s: can't be written: %s", t->o.log, strerror(error));
    return CLI_OK;
}

/* What was given, as the library's text of options. */
static hone_optim *optim_new(const training *t)
{
    char text[160] = "";
    const struct {
        const char *name;
        double value;
    } given[] = { { "lr", t->o.lr },
                  { "momentum", t->o.momentum },
                  { "weight_decay", t->o.weight_decay } };
    size_t used = 0;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (!isnan(given[i].value))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s=%.17g ", given[i].name,
                                     given[i].value);
    return hone_optim_by_name(t->o.optim, hone_parameters(t->model), text);
}

static int train(training *t)
{
    hone_seed(t->o.seed);
    t->model = model_new(&t->spec);
    if (!t->model)
        return model_failed(name, &t->spec);
    if (t->o.load && !model_load(name, t->model, t->o.load, HONE_LAYOUT_AUTO))
        return CLI_FAILED;
    if (!images_load(name, t->o.data, t->o.limit, true, &t->show, &t->set) ||
        !images_fit(name, &t->set, &t->spec, t->model))
        return CLI_FAILED;
    hone_loader_options options = { .batch_size = t->o.batch,
                                    .shuffle = t->o.shuffle,
                                    .seed = t->o.seed };
    t->optim = optim_new(t);
    t->loader = hone_loader_new(&t->set.train, &options);
    if (!t->optim) { /* one that can't take this network's parameters, or no memory */
        const int status = cli_library_error(name);
        return hone_error_code() == HONE_E_SHAPE ? CLI_USAGE : status;
    }
    if (!t->loader)
        return cli_library_error(name);
    if (t->log && ftruncate(fileno(t->log), 0) != 0 && errno != EINVAL) /* EINVAL: not a file */
        return cli_error(CLI_FAILED, name, "--log %s: %s", t->o.log, strerror(errno));
    tell_beginning(t);
    curve_begin(&t->losses);
    cli_stop_is(CLI_STOP_NOTED);
    int status = train_epochs(t);
    if (status == CLI_OK && t->o.save)
        status = save(t);
    cli_stop_is(CLI_STOP_ENDS);
    return status == CLI_OK && cli_stopped() ? cli_stopped() : status;
}

/* ---- before it begins */

/* What would only fail after hours of training. False with an error printed. */
static bool can_save(const char *path)
{
    struct stat s;
    if (stat(path, &s) == 0 && !S_ISREG(s.st_mode)) {
        cli_error(CLI_FAILED, name, "--save %s: not a regular file", path);
        return false;
    }
    const int error = hone__replace_try(path);
    if (error)
        cli_error(CLI_FAILED, name, "--save %s: %s", path, strerror(error));
    return !error;
}

static bool is_file(const struct stat *file, const char *path)
{
    struct stat other;
    return path && stat(path, &other) == 0 && file->st_dev == other.st_dev &&
           file->st_ino == other.st_ino;
}

/* Nothing in the file is lost yet: the call may still turn out to be wrong. */
static int open_log(training *t)
{
    struct stat log;
    bool is_new = access(t->o.log, F_OK) != 0;
    t->log = fopen(t->o.log, "a");
    if (!t->log || fstat(fileno(t->log), &log) != 0)
        return cli_error(CLI_FAILED, name, "--log %s: %s", t->o.log, strerror(errno));
    /* With the log open, two new names of one file are seen to be the same. */
    bool same_save = is_file(&log, t->o.save);
    if (!same_save && !is_file(&log, t->o.load))
        return CLI_OK;
    if (is_new)
        unlink(t->o.log);
    return cli_error(CLI_USAGE, name, "--log %s: the same file as --%s", t->o.log,
                     same_save ? "save" : "load");
}

/* False with an error printed: no such optimizer, or one without a number that was given. */
static bool optim_fits(training *t)
{
    static const char *const names[] = {
#define HONE_OPTIM(name) #name,
#include "optim/optim.def"
#undef HONE_OPTIM
    };
    enum { N = sizeof names / sizeof *names };
    const char *optim = t->o.optim, *nearest = hone__nearest(optim, names, N);
    int i = 0;
    while (i < N && strcmp(names[i], optim) != 0)
        i++;
    if (i == N && nearest)
        cli_error(CLI_USAGE, name, "--optim: there is no '%s'; did you mean %s?", optim, nearest);
    else if (i == N)
        cli_error(CLI_USAGE, name, "--optim: there is no '%s'; see hone train --help", optim);
    if (i == N)
        return false;
    if (!isnan(t->o.momentum) && !hone__optim_has(optim, "momentum")) {
        cli_error(CLI_USAGE, name, "--momentum: %s has none", optim);
        return false;
    }
    if (isnan(t->o.lr) && strcmp(optim, "sgd") == 0)
        t->o.lr = 0.5; /* the lecture's */
    return true;
}

static int prepare(training *t)
{
    if (!optim_fits(t))
        return CLI_USAGE;
    if (!model_parse(name, t->o.model, &t->spec) || !model_layout(name, t->o.layout, &t->layout))
        return CLI_USAGE;
    if (hone_init() != HONE_OK || (t->o.threads && hone_set_threads((int)t->o.threads) != HONE_OK))
        return cli_library_error(name);
    if (t->o.save && !can_save(t->o.save))
        return CLI_FAILED;
    return t->o.log ? open_log(t) : CLI_OK;
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    training t = { .o = { .lr = NAN, .momentum = NAN, .weight_decay = NAN } };
    cli_parsed parsed = cli_parse(&cli_train, table, &t.o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    cli_catch_stop();
    if (t.o.save || t.o.log)
        cli_outlive_readers();
    t.show = progress_new(t.o.quiet);
    int status = prepare(&t);
    if (status == CLI_OK)
        status = train(&t);
    hone_loader_free(t.loader);
    hone_optim_free(t.optim);
    hone_module_free(t.model);
    images_free(&t.set);
    int log_status = close_log(&t);
    return status == CLI_OK ? log_status : status;
}

const cli_command cli_train = { "train", "Trains a network on images and prints a row an epoch.",
                                run, NULL };
