/* train_events.c: --tensorboard: what a run is like, while it runs. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

enum { EVERY = 10 }; /* steps: TensorBoard shows a thousand points of a curve */

/* As the shell has it, as a block of code. */
static bool tell_command(training *t)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return false;
    fputs("    hone train", to);
    for (int i = 0; i < t->argc; i++)
        fprintf(to, " %s", t->argv[i]);
    const bool ok = cli_close(to, 0) == 0 &&
                    hone_events_text(t->events, "run/command", t->all_steps, text) == HONE_OK;
    free(text);
    return ok;
}

/* At the last step of an epoch that isn't tested yet the epoch's own numbers may have been told by a
 * run that was killed then; those of steps never are at that place. */
int train_events_begin(training *t)
{
    if (!t->o.tensorboard)
        return CLI_OK;
    const bool untested = t->steps == hone_loader_batches(t->loader);
    const int64_t done = t->all_steps;
    t->events = hone_events_new(
        t->o.tensorboard,
        &(hone_events_options){ .from_step = done == 0 || untested ? done : done + 1 });
    return t->events && (done > 0 || tell_command(t)) ? CLI_OK : cli_library_error(name);
}

/* One line of it; training goes on. */
static void check(training *t)
{
    if (hone_error_code() == HONE_OK)
        return;
    if (!t->events_failed) {
        progress_clear(&t->show);
        cli_error(0, name, "%s", hone_error_message());
    }
    t->events_failed = true;
    hone_error_clear();
}

void train_events_step(training *t, double loss)
{
    if (!t->events || t->all_steps % EVERY != 0 || t->steps == hone_loader_batches(t->loader))
        return;
    hone_events_scalar(t->events, "step/loss", t->all_steps, loss);
    hone_events_scalar(t->events, "step/lr", t->all_steps, t->row.lr);
    check(t);
}

/* "train_loss" -> "loss/train": curves of one kind stand together. */
static void put(void *to, const char *key, double value)
{
    static const char *const sets[] = { "train", "test", "val" };
    training *t = to;
    char tag[64];
    snprintf(tag, sizeof tag, "run/%s", key);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const size_t n = strlen(sets[i]);
        if (strncmp(key, sets[i], n) == 0 && key[n] == '_')
            snprintf(tag, sizeof tag, "%s/%s", key + n + 1, sets[i]);
    }
    hone_events_scalar(t->events, tag, t->all_steps, value);
}

void train_events_epoch(training *t, const epoch_row *row)
{
    if (!t->events)
        return;
    train_each_number(t, row, put, t);
    check(t);
}
