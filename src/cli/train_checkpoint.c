/* train_checkpoint.c: --checkpoint and --resume: what a run is made of, when it is written, and how it
 * is taken up again. */
#include "train.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

/* ---- options */

static bool refused(const char *option, const char *value, const char *what)
{
    cli_error(CLI_USAGE, name, "--%s%s%s: %s", option, value ? " " : "", value ? value : "", what);
    return false;
}

static bool parse_every(training *t)
{
    const char *text = t->o.save_every;
    saving *s = &t->saving;
    if (!text || (cli_read_int(text, &s->every) && s->every >= 1 && s->every <= 1000000000))
        return true;
    s->every = 0;
    return cli_read_time(text, &s->every_seconds) ||
           refused("save-every", text, "a number of steps, or a time: 90s, 30m, 2h, HH:MM:SS");
}

bool train_checkpoint_parse(training *t)
{
    const train_options *o = &t->o;
    double limit;
    if (!o->checkpoint && o->save_every)
        return refused("save-every", o->save_every, "goes with --checkpoint FILE");
    if (!o->checkpoint && o->keep)
        return refused("keep", NULL, "goes with --checkpoint FILE");
    if (!o->checkpoint && o->resume && strcmp(o->resume, "auto") == 0)
        return refused("resume", "auto", "that is the file of --checkpoint, which isn't given");
    if (o->resume_anyway && !o->resume)
        return refused("resume-anyway", NULL, "goes with --resume");
    if (o->time_limit && !cli_read_time(o->time_limit, &limit))
        return refused("time-limit", o->time_limit, "a time: 90s, 45m, 12h, HH:MM:SS");
    if (o->time_limit)
        cli_stop_at(cli_seconds() + limit);
    return parse_every(t);
}

/* ---- the parts of a run */

static bool add_objects(training *t, hone_checkpoint *c)
{
    return hone_checkpoint_module(c, "model", t->model) == HONE_OK &&
           hone_checkpoint_optim(c, "optim", t->optim) == HONE_OK &&
           (!t->schedule || hone_checkpoint_schedule(c, "schedule", t->schedule) == HONE_OK) &&
           (!t->average || hone_checkpoint_average(c, "average", t->average) == HONE_OK) &&
           hone_checkpoint_loader(c, "loader", t->loader) == HONE_OK &&
           hone_checkpoint_generator(c, "generator", hone_generator_current()) == HONE_OK;
}

_Static_assert(sizeof(curve) % sizeof(int64_t) == 0 && sizeof(epoch_row) % sizeof(int64_t) == 0,
               "all fields have 8 bytes");
enum { CURVE_NUMBERS = sizeof(curve) / sizeof(int64_t), ROW_NUMBERS = sizeof(epoch_row) / 8 };

static bool add_numbers(training *t, hone_checkpoint *c)
{
    static const struct {
        const char *name;
        hone_dtype dtype;
        size_t offset;
        int64_t n;
    } numbers[] = {
        { "run.epoch", HONE_I64, offsetof(training, epoch), 1 },
        { "run.steps", HONE_I64, offsetof(training, steps), 1 },
        { "run.samples", HONE_I64, offsetof(training, samples), 1 },
        { "run.all_steps", HONE_I64, offsetof(training, all_steps), 1 },
        { "run.skipped", HONE_I64, offsetof(training, skipped), 1 },
        { "run.log_bytes", HONE_I64, offsetof(training, log_bytes), 1 },
        { "run.loss", HONE_F64, offsetof(training, row.train_loss), 1 },
        { "run.error", HONE_F64, offsetof(training, row.train_error), 1 },
        { "run.norm", HONE_F64, offsetof(training, row.norm), 1 },
        { "run.lr", HONE_F64, offsetof(training, row.lr), 1 },
        { "run.updates", HONE_I64, offsetof(training, row.updates), 1 },
        { "run.best_epoch", HONE_I64, offsetof(training, best.epoch), 1 },
        { "run.best_loss", HONE_F64, offsetof(training, best.loss), 1 },
        { "run.curve", HONE_I64, offsetof(training, losses), CURVE_NUMBERS },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (hone_checkpoint_numbers(c, numbers[i].name, numbers[i].dtype,
                                    (char *)t + numbers[i].offset, numbers[i].n) != HONE_OK)
            return false;
    return hone_checkpoint_tensor(c, "run.rows", &t->saving.rows) == HONE_OK;
}

/* The best weights, once there are any. */
static bool add_best(training *t, hone_checkpoint *c)
{
    HONE_SCOPE();
    const hone_named_list state = hone_named_state(t->model);
    if (!state.at || !train_keep_begin(t))
        return false;
    for (int i = 0; i < t->best.n; i++) {
        char text[300];
        if (snprintf(text, sizeof text, "best.%s", state.at[i].name) >= (int)sizeof text)
            return hone_error_set(HONE_E_VALUE, "a parameter's name is too long: %.100s ...",
                                  state.at[i].name) == HONE_OK;
        if (hone_checkpoint_tensor(c, text, &t->best.at[i]) != HONE_OK)
            return false;
    }
    return true;
}

/* ---- the rows of the epochs so far */

/* Seconds are no part of the state, so that its file has the same bytes wherever it ran; a report
 * shows them all the same. */
static bool pack_rows(training *t)
{
    HONE_SCOPE();
    if (t->n_rows == 0)
        return true;
    hone_tensor *packed = hone_from_data(HONE_I64, t->rows, t->n_rows, ROW_NUMBERS);
    epoch_row *row = hone_data(packed);
    for (int64_t i = 0; row && i < t->n_rows && !t->o.report; i++)
        row[i].seconds = row[i].speed = NAN;
    return hone_assign(&t->saving.rows, packed) == HONE_OK;
}

static bool unpack_rows(training *t)
{
    hone_tensor *packed = t->saving.rows;
    if (!packed)
        return true;
    const bool fits = hone_dtype_of(packed) == HONE_I64 && hone_dim(packed) == 2 &&
                      hone_size(packed, 1) == ROW_NUMBERS;
    if (!fits)
        return hone_error_set(HONE_E_FORMAT, "its \"run.rows\" aren't those of a run") == HONE_OK;
    const int64_t n = hone_size(packed, 0);
    for (int64_t i = 0; i < n; i++)
        if (!train_remember(t, (const epoch_row *)hone_data(packed) + i))
            return false;
    return true;
}

/* ---- writing */

/* "epoch 3, step 120". */
typedef struct {
    char s[64];
} place_text;

static place_text place_of(const training *t)
{
    place_text text;
    if (t->steps == 0)
        snprintf(text.s, sizeof text.s, "after epoch %lld", (long long)t->epoch);
    else
        snprintf(text.s, sizeof text.s, "epoch %lld, step %lld", (long long)t->epoch + 1,
                 (long long)t->steps);
    return text;
}

/* What became of the file before. One line until a file could be written again. */
static void ask(training *t, hone_status status)
{
    saving *s = &t->saving;
    s->writing = false;
    if (status == HONE_OK) {
        s->failing = false;
        return;
    }
    if (!s->failing) {
        progress_clear(&t->show);
        cli_error(0, name, "%s", hone_error_message());
    }
    s->failing = true;
    hone_error_clear();
}

/* An epoch's end may have been reached and not be over: it isn't tested yet. */
static bool loader_is_here(training *t)
{
    int64_t epoch, batch;
    return hone_loader_position(t->loader, &epoch, &batch) == HONE_OK &&
           ((epoch == t->epoch && batch == t->steps) ||
            hone_loader_set_position(t->loader, t->epoch, t->steps) == HONE_OK);
}

/* Notes that the file is of where the run stands. */
static void is_in_file(training *t)
{
    t->saving.saved_epoch = t->epoch;
    t->saving.saved_steps = t->steps;
    t->saving.saved_all_steps = t->all_steps;
}

/* False: an error is pending that isn't the file's. */
static bool save(training *t)
{
    saving *s = &t->saving;
    HONE_SCOPE();
    if (s->writing)
        ask(t, hone_checkpoint_wait(s->file));
    t->log_bytes = train_log_bytes(t);
    if (!loader_is_here(t) || !pack_rows(t))
        return false;
    const hone_status status = hone_checkpoint_save(s->file);
    if (status != HONE_OK && status != HONE_E_IO)
        return false;
    s->writing = status == HONE_OK;
    if (status == HONE_E_IO) /* there was no thread for it */
        ask(t, status);
    s->due = false;
    s->saved_time = cli_seconds();
    is_in_file(t);
    return true;
}

static bool save_if_due(training *t)
{
    saving *s = &t->saving;
    if (s->writing && !hone_checkpoint_busy(s->file))
        ask(t, hone_checkpoint_wait(s->file));
    if (cli_save_asked() || (s->every && t->all_steps / s->every > s->saved_all_steps / s->every) ||
        (s->every_seconds > 0 && cli_seconds() - s->saved_time >= s->every_seconds))
        s->due = true;
    return !s->due || s->writing || save(t); /* while the one before is written, the steps go on */
}

/* All ranks take a run up, the first one writes where it stands. */
static bool writes(const training *t)
{
    return t->o.checkpoint && hone_dist_rank() == 0;
}

bool train_checkpoint_step(training *t)
{
    return !writes(t) || save_if_due(t);
}

bool train_checkpoint_epoch(training *t)
{
    saving *s = &t->saving;
    if (!writes(t))
        return true;
    if (!s->every && s->every_seconds == 0)
        s->due = true;
    return save_if_due(t);
}

int train_checkpoint_end(training *t)
{
    saving *s = &t->saving;
    if (!writes(t))
        return CLI_OK;
    cli_stop_is(CLI_STOP_HELD); /* an end now would lose what the signal asked for */
    if (s->writing)
        ask(t, hone_checkpoint_wait(s->file));
    const bool is_there = !s->failing && s->saved_epoch == t->epoch && s->saved_steps == t->steps;
    const bool copied = is_there || save(t);
    if (s->writing)
        ask(t, hone_checkpoint_wait(s->file));
    cli_stop_is(CLI_STOP_NOTED);
    if (!copied)
        return cli_library_error(name);
    if (s->failing)
        return CLI_FAILED;
    progress_line(&t->show, "checkpoint %s: %s", t->o.checkpoint, place_of(t).s);
    return CLI_OK;
}

void train_checkpoint_free(training *t)
{
    hone_checkpoint_free(t->saving.file);
    hone_release(t->saving.rows);
}

/* ---- taking a run up again */

/* What a file of another origin could make of it. */
static bool makes_sense(training *t)
{
    const int64_t batches = hone_loader_batches(t->loader);
    const int64_t counts[] = { t->epoch,   t->samples,   t->all_steps,
                               t->skipped, t->log_bytes, t->row.updates };
    bool sense = curve_is_one(&t->losses) && t->steps >= 0 && t->steps <= batches &&
                 t->best.epoch >= 0 && t->best.epoch <= t->epoch;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        sense = sense && counts[i] >= 0 && counts[i] < INT64_C(1) << 53;
    for (int i = 0; i < t->best.n; i++)
        sense = sense && (t->best.epoch == 0 || t->best.at[i]);
    return sense || hone_error_set(HONE_E_FORMAT, "its numbers aren't those of a run") == HONE_OK;
}

/* With batches of another size the loader found its place, which is as far as the epoch is. With
 * other options of the optimizer those of this call count, unless a schedule sets the rate. */
static bool take_options(training *t)
{
    int64_t epoch;
    if (hone_loader_position(t->loader, &epoch, &t->steps) != HONE_OK)
        return false;
    return (t->schedule || hone_optim_set_lr(t->optim, t->o.lr) == HONE_OK) &&
           (isnan(t->o.momentum) || hone_optim_set_momentum(t->optim, t->o.momentum) == HONE_OK) &&
           (isnan(t->o.weight_decay) ||
            hone_optim_set_weight_decay(t->optim, t->o.weight_decay) == HONE_OK);
}

static int load(training *t)
{
    saving *s = &t->saving;
    const bool is_auto = strcmp(t->o.resume, "auto") == 0;
    if (is_auto && !hone_checkpoint_exists(s->file)) {
        progress_line(&t->show, "%s isn't there yet: a new run", t->o.checkpoint);
        return CLI_OK;
    }
    const hone_checkpoint_load_options options = { .anyway = t->o.resume_anyway };
    if (hone_checkpoint_load(s->file, is_auto ? NULL : t->o.resume, &options) != HONE_OK)
        return hone_error_code() == HONE_E_VALUE
                   ? cli_error(CLI_FAILED, name, "%s (--resume-anyway goes on all the same)",
                               hone_error_message())
                   : cli_library_error(name);
    if (hone_checkpoint_passed_over(s->file)[0])
        cli_error(0, name, "%s; %s is taken", hone_checkpoint_passed_over(s->file),
                  hone_checkpoint_loaded(s->file));
    if ((t->o.resume_anyway && !take_options(t)) || !makes_sense(t) || !unpack_rows(t))
        return cli_error(CLI_FAILED, name, "%s: %s", hone_checkpoint_loaded(s->file),
                         hone_error_message());
    t->begun_at = t->all_steps;
    is_in_file(t);
    if (!t->o.checkpoint || strcmp(hone_checkpoint_loaded(s->file), t->o.checkpoint) != 0)
        s->saved_epoch = -1; /* it is in another file */
    progress_line(&t->show, "goes on from %s: %s", hone_checkpoint_loaded(s->file), place_of(t).s);
    return CLI_OK;
}

int train_checkpoint_begin(training *t)
{
    saving *s = &t->saving;
    const char *path = t->o.checkpoint ? t->o.checkpoint : t->o.resume;
    if (!path)
        return CLI_OK;
    s->saved_time = cli_seconds();
    s->saved_epoch = -1;
    s->file = hone_checkpoint_new(path, &(hone_checkpoint_options){ .keep = t->o.keep });
    if (!s->file || !add_objects(t, s->file) || !add_numbers(t, s->file) ||
        (t->o.early_stop && !add_best(t, s->file)) || !train_facts(t))
        return cli_library_error(name);
    return t->o.resume ? load(t) : CLI_OK;
}
