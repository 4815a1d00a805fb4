/* train.c: `hone train`: reads the data, trains, shows how it goes, and saves. */
#include "ranks.h"
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const name = "train"; /* of this subcommand, for messages */

/* What is tested and saved: the averages of --ema, if there are any yet. */
static bool swap_average(training *t)
{
    return !t->average || hone_average_updates(t->average) < 1 ||
           hone_average_swap(t->average) == HONE_OK;
}

/* By the weights that the network has now, which are those after an epoch (counted from 1). */
static bool test(training *t, int64_t epoch, score *out)
{
    metrics_begin(&t->answers, t->o.top_k);
    t->answered = epoch;
    return evaluate(t->model, &t->set, &t->set.test, &t->show, out, &t->answers);
}

/* False: an error is pending, or Ctrl-C was pressed. */
static bool test_epoch(training *t, epoch_row *row)
{
    if (!swap_average(t))
        return false;
    const bool done =
        (!t->val.x || evaluate(t->model, &t->set, &t->val, &t->show, &row->val, NULL)) &&
        test(t, t->epoch + 1, &row->test) &&
        (!t->o.early_stop || train_keep(t, t->epoch + 1, row->val.loss));
    row->top_error = metrics_top_error(&t->answers);
    row->r2 = metrics_r2(&t->answers);
    return swap_average(t) && done;
}

/* Whether --early-stop ends the run now: t->epoch epochs are done. */
static bool is_early(training *t)
{
    const int64_t since = t->epoch - t->best.epoch;
    if (!t->o.early_stop || since < t->o.early_stop)
        return false;
    progress_line(&t->show, "no better validation loss for %lld epoch%s", (long long)since,
                  since == 1 ? "" : "s");
    return true;
}

/* The weights of the run: the best of --early-stop, the averages of --ema, or the last. They are
 * tested if they weren't yet. False: an error is pending. */
static bool settle_weights(training *t)
{
    const bool best = t->o.early_stop && t->best.epoch > 0;
    const int64_t epoch = best ? t->best.epoch : t->epoch;
    const bool tested = best ? t->answered == epoch : t->answered > 0 || epoch == 0;
    if (best)
        progress_line(&t->show, "the best weights are those after epoch %lld: validation loss %s",
                      (long long)t->best.epoch, progress_loss(t->best.loss).s);
    score ignored;
    return (best ? train_take_kept(t) : swap_average(t)) &&
           (tested || cli_stopped() || test(t, epoch, &ignored));
}

/* CLI_OK, or another status with an error printed; *done: the epoch is. */
static int one_epoch(training *t, bool *done)
{
    epoch_row row;
    *done = train_epoch(t, &row) && test_epoch(t, &row) && train_schedule_epoch(t, &row);
    if (hone_error_code() != HONE_OK) {
        progress_clear(&t->show);
        return cli_library_error(name);
    }
    if (t->not_finite)
        return CLI_FAILED;
    if (!*done) {
        progress_line(&t->show, "stopped in epoch %lld after step %lld", (long long)t->epoch + 1,
                      (long long)t->steps);
        return CLI_OK;
    }
    train_tell_row(t, t->epoch, &row);
    if (!train_remember(t, &row))
        return cli_library_error(name);
    if (t->nan == NAN_IGNORE && !isfinite(row.train_loss) && !t->warned) {
        cli_error(0, name, "the loss is not finite any more; a smaller --lr may help");
        t->warned = true;
    }
    train_next_epoch(t);
    return train_checkpoint_epoch(t) ? CLI_OK : cli_library_error(name);
}

/* All epochs; CLI_OK also when Ctrl-C ended them. */
static int train_epochs(training *t)
{
    int status = CLI_OK;
    bool done = true;
    while (done && status == CLI_OK && t->epoch < t->o.epochs && !is_early(t))
        status = one_epoch(t, &done);
    if (status != CLI_OK)
        return status;
    const int written = train_checkpoint_end(t); /* before the weights become others */
    if (t->skipped)
        progress_line(&t->show, "%lld step%s skipped", (long long)t->skipped,
                      t->skipped == 1 ? "" : "s");
    if (t->show.live)
        curve_draw(&t->losses, progress_columns(), t->show.utf8);
    if (!settle_weights(t) && !cli_stopped())
        return cli_library_error(name);
    if (!cli_stopped() && !t->set.window)
        metrics_print(&t->answers, &t->show);
    ranks_tell_traffic(&t->show);
    t->checkpoint_failed = written != CLI_OK;
    return CLI_OK;
}

static int save(training *t)
{
    const bool finite = train_weights_are_finite(t->model), exists = access(t->o.save, F_OK) == 0;
    if (!finite && exists && !t->o.save_anyway)
        return cli_error(CLI_FAILED, name,
                         "weights are NaN or infinite: %s stays as it was (--save-anyway replaces "
                         "it)",
                         t->o.save);
    if (!finite)
        cli_error(0, name, "weights are NaN or infinite; saved all the same");
    cli_stop_is(CLI_STOP_HELD); /* an end in the middle would leave a part of a file behind */
    hone_metadata columns = { MODEL_COLUMNS, t->set.source.columns };
    const hone_metadata_list metadata = { &columns, columns.value != NULL };
    hone_status status = hone_save_state_with(
        t->model, t->o.save, &(hone_state_options){ .layout = t->layout, .metadata = &metadata });
    cli_stop_is(CLI_STOP_NOTED);
    if (status != HONE_OK)
        return cli_library_error(name);
    progress_line(&t->show, "saved %s", t->o.save);
    return CLI_OK;
}

/* A run that --nan stop ended has the best weights of --early-stop still. */
static bool keeps_best(training *t)
{
    return t->best.epoch > 0 && settle_weights(t);
}

/* What trains the network. */
static int make(training *t)
{
    const hone_loader_options options = { .batch_size = t->o.batch,
                                          .shuffle = t->o.shuffle,
                                          .stratify = t->o.stratify,
                                          .workers = (int)t->o.workers,
                                          .seed = t->o.seed };
    const int status_of_ranks = train_ranks_begin(t);
    if (status_of_ranks != CLI_OK)
        return status_of_ranks;
    t->optim = train_optim_new(&t->o, t->model);
    if (!t->optim) { /* one that can't take this network's parameters, or no memory */
        const int status = cli_library_error(name);
        return hone_error_code() == HONE_E_SHAPE ? CLI_USAGE : status;
    }
    t->o.lr = hone_optim_lr(t->optim); /* before a schedule sets it */
    t->loader = hone_loader_new(&t->set.train, &options);
    if (t->loader && !train_schedule_new(t))
        return CLI_USAGE;
    const hone_average_options averaging = { .decay = t->o.ema > 0 ? t->o.ema : HONE_ZERO,
                                             .use_buffers = true };
    if (t->loader && !isnan(t->o.ema))
        t->average = hone_average_new(t->model, &averaging);
    return hone_error_code() == HONE_OK ? CLI_OK : cli_library_error(name);
}

/* The data, and the network for them. */
static int read_both(training *t)
{
    const int status =
        images_load(name, &t->o.data, &t->spec, t->o.limit, IMAGES_TRAIN, &t->show, &t->set);
    if (status != CLI_OK)
        return status;
    if (!images_suit(name, &t->o.data, &t->set, !t->o.model, &t->spec) ||
        !metrics_can_top(name, t->o.top_k, &t->set))
        return CLI_USAGE;
    if (t->o.label_smoothing > 0 && t->set.task == HONE_TASK_NUMBERS)
        return cli_error(CLI_USAGE, name, "--label-smoothing: %s has numbers to tell, not classes",
                         t->o.data.source);
    t->model = model_new(&t->spec);
    if (!t->model)
        return model_failed(name, &t->spec);
    const int status_of_weights = train_weights(t);
    if (status_of_weights != CLI_OK)
        return status_of_weights;
    return images_fit(name, &t->set, &t->spec, t->model) ? CLI_OK : CLI_FAILED;
}

/* Steps, as long as somebody wants to see more. */
static int run_steps(training *t)
{
    epoch_row row;
    if (!t->before_steps(t))
        return CLI_FAILED;
    cli_stop_is(CLI_STOP_NOTED);
    while (train_epoch(t, &row))
        train_next_epoch(t);
    progress_clear(&t->show);
    cli_stop_is(CLI_STOP_ENDS);
    if (hone_error_code() != HONE_OK)
        return cli_library_error(name);
    return t->not_finite ? CLI_FAILED : cli_stopped();
}

static int train(training *t)
{
    hone_seed(t->o.seed);
    const int status_of_reading = read_both(t);
    if (status_of_reading != CLI_OK)
        return status_of_reading;
    if (!train_split(t))
        return hone_error_code() == HONE_OK ? CLI_USAGE : CLI_FAILED;
    const int status_of_making = make(t);
    if (status_of_making != CLI_OK)
        return status_of_making;
    curve_begin(&t->losses);
    if (t->before_steps)
        return run_steps(t);
    int status_of_resuming = train_checkpoint_begin(t);
    if (status_of_resuming == CLI_OK && t->o.resume)
        status_of_resuming = train_ranks_resumed(t);
    if (status_of_resuming != CLI_OK)
        return status_of_resuming;
    const int status_of_log = train_begin_log(t);
    if (status_of_log != CLI_OK)
        return status_of_log;
    const int status_of_events = train_events_begin(t);
    if (status_of_events != CLI_OK)
        return status_of_events;
    train_tell_beginning(t);
    ranks_tell(&t->show);
    train_tell_titles(t);
    cli_stop_is(CLI_STOP_NOTED);
    int status = train_epochs(t);
    if (!cli_stopped())
        cli_stop_at(0); /* it is over: its limit of time doesn't end the writing of files */
    const bool has_run = status == CLI_OK || t->not_finite;
    if (has_run && t->o.save && (status == CLI_OK || (t->not_finite && keeps_best(t)))) {
        const int saved = save(t);
        status = status == CLI_OK ? saved : status;
    }
    const int told = has_run ? train_report(t) : CLI_OK;
    status = status == CLI_OK ? told : status;
    cli_stop_is(CLI_STOP_ENDS);
    if (status == CLI_OK && (t->checkpoint_failed || t->events_failed))
        status = CLI_FAILED;
    return status == CLI_OK && cli_stopped() ? cli_stopped() : status;
}

static int choose_order(const char *text)
{
    for (int i = HONE_PAIRS; text && i <= HONE_TILES; i++)
        if (strcmp(text, hone_order_name((hone_order)i)) == 0) {
            hone_set_bf16_order((hone_order)i);
            return CLI_OK;
        }
    return text ? cli_error(CLI_USAGE, name, "--bf16-order takes pairs or tiles, not '%s'", text)
                : CLI_OK;
}

static int prepare(training *t)
{
    if (!train_optim_fits(&t->o) || !train_nan_parse(t) || !train_in_backward_fits(&t->o))
        return CLI_USAGE;
    if (t->o.early_stop && t->o.val_split == 0)
        return cli_error(CLI_USAGE, name,
                         "--early-stop goes by what --val-split holds out: say how "
                         "much, 0.1 for a tenth");
    if (t->o.partly && !t->o.load)
        return cli_error(CLI_USAGE, name, "--load-partly is about the FILE of --load: say which");
    if (!train_checkpoint_parse(t))
        return CLI_USAGE;
    if (!model_parse(name, t->o.model ? t->o.model : "mlp:784,100,10", &t->spec) ||
        !model_layout(name, t->o.layout, &t->layout) || !model_dtype(name, t->o.dtype, &t->dtype))
        return CLI_USAGE;
    int status = machine_begin(name, &t->o.machine);
    if (status == CLI_OK)
        status = choose_order(t->o.bf16_order);
    if (status == CLI_OK)
        status = train_check_files(&t->o);
    if (status != CLI_OK)
        return status;
    return t->o.log ? train_open_log(t) : CLI_OK;
}

const train_options train_not_given = {
    .lr = NAN, .momentum = NAN, .weight_decay = NAN, .clip = NAN, .ema = NAN, .shards = -1
};

int train_run(training *t)
{
    cli_catch_stop();
    if (ranks_join(name) != CLI_OK)
        return CLI_USAGE;
    if (hone_dist_rank() > 0) { /* rank 0 speaks and writes */
        t->o.save = t->o.log = t->o.plot = t->o.report = t->o.tensorboard = NULL;
        t->o.quiet = true;
    }
    if (t->o.checkpoint)
        cli_catch_save();
    if (t->o.save || t->o.log || t->o.plot || t->o.report || t->o.checkpoint)
        cli_outlive_readers();
    t->show = progress_new(t->o.quiet);
    int status = prepare(t);
    if (status == CLI_OK)
        status = train(t);
    train_checkpoint_free(t);
    hone_events_free(t->events);
    hone_loader_free(t->loader);
    hone_schedule_free(t->schedule);
    hone_average_free(t->average);
    train_free_kept(t);
    hone_optim_free(t->optim);
    hone_module_free(t->model);
    images_free(&t->set);
    metrics_free(&t->answers);
    free(t->rows);
    hone_dataset_free(&t->val);
    int log_status = train_close_log(t);
    return ranks_leave(status == CLI_OK ? log_status : status);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    training t = { .argc = argc, .argv = argv, .o = train_not_given };
    cli_parsed parsed = cli_parse(&cli_train, train_table, &t.o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    return train_run(&t);
}

const cli_command cli_train = { "train",
                                "Trains a network on samples, images or text, a row an epoch.", run,
                                NULL };
