/* train_schedule.c: --schedule and --warmup: from their text to a schedule of this run's length. */
#include "train.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const name = "train";

static bool is_plateau(const training *t)
{
    return t->o.schedule && strncmp(t->o.schedule, "plateau", 7) == 0;
}

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *format, ...)
{
    va_list args;
    const size_t used = strlen(text);
    va_start(args, format);
    vsnprintf(text + used, SCHEDULE_TEXT - used, format, args);
    va_end(args);
}

/* "step_size=10e,gamma=0.5" -> "step_size=6000 gamma=0.5": a comma before a name becomes a blank,
 * epochs become steps. */
static void to_library(const char *given, int64_t batches, char *text)
{
    for (const char *at = given; *at;) {
        char word[64];
        int64_t epochs;
        const size_t n = strcspn(at, ",= ");
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        if (n > 1 && n < 12 && word[n - 1] == 'e' && strspn(word, "0123456789") == n - 1) {
            word[n - 1] = 0;
            cli_read_int(word, &epochs);
            append(text, "%lld", (long long)(epochs < 1000000000 ? epochs * batches : epochs));
        } else {
            append(text, "%.*s", (int)n, at);
        }
        at += n;
        if (*at) {
            const size_t next = strcspn(at + 1, ",= ");
            const bool before_name = *at == ',' && at[1 + next] == '=';
            append(text, "%c", before_name ? ' ' : *at);
            at++;
        }
    }
}

/* The length of the run, where the text doesn't say another one. */
static void add_length(const training *t, const char *kind, int64_t steps, char *text)
{
    static const struct {
        const char *kind, *option;
    } lengths[] = { { "cosine", "t_max" },
                    { "one_cycle", "total_steps" },
                    { "linear", "total_iters" },
                    { "polynomial", "total_iters" } };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (strcmp(kind, lengths[i].kind) == 0 && !strstr(text, lengths[i].option))
            append(text, " %s=%lld", lengths[i].option, (long long)steps);
    if (strcmp(kind, "one_cycle") == 0 && !strstr(text, "max_lr"))
        append(text, " max_lr=%.17g", hone_optim_lr(t->optim));
}

static int64_t run_steps(const training *t)
{
    return t->o.epochs * hone_loader_batches(t->loader);
}

static bool refused(const training *t)
{
    const bool warm = t->o.warmup && (!t->o.schedule || hone_error_code() == HONE_E_STATE);
    if (warm)
        cli_error(CLI_USAGE, name, "--warmup %lld: %s", (long long)t->o.warmup,
                  hone_error_message());
    else
        cli_error(CLI_USAGE, name, "--schedule %s: %s", t->o.schedule, hone_error_message());
    return false;
}

/* one_cycle can't go on behind its end. */
static bool is_long_enough(const training *t, const char *kind, const char *text, int64_t steps)
{
    const char *total = strstr(text, "total_steps=");
    long long given;
    if (strcmp(kind, "one_cycle") != 0 || !total || sscanf(total + 12, "%lld", &given) != 1 ||
        given >= steps)
        return true;
    cli_error(CLI_USAGE, name, "--schedule %s: its %lld steps end before the run's %lld",
              t->o.schedule, given, (long long)steps);
    return false;
}

bool train_schedule_new(training *t)
{
    const char *given = t->o.schedule ? t->o.schedule : "constant:factor=1";
    const char *colon = strchr(given, ':');
    const int64_t left = run_steps(t) - t->o.warmup, steps = left > 0 ? left : 1;
    char kind[64], text[SCHEDULE_TEXT] = "";
    if (!t->o.schedule && !t->o.warmup)
        return true;
    if (strlen(given) > SCHEDULE_TEXT / 4) {
        cli_error(CLI_USAGE, name, "--schedule: %.20s... is too long", given);
        return false;
    }
    if (t->o.warmup && is_plateau(t)) {
        cli_error(CLI_USAGE, name, "--warmup: not before a plateau, which goes by epochs");
        return false;
    }
    snprintf(kind, sizeof kind, "%.*s", (int)(colon ? colon - given : (int)strlen(given)), given);
    if (colon)
        to_library(colon + 1, hone_loader_batches(t->loader), text);
    add_length(t, kind, steps, text);
    if (!is_long_enough(t, kind, text, steps))
        return false;
    snprintf(t->schedule_text, sizeof t->schedule_text, "%.60s %.400s", kind, text);
    t->schedule = hone_schedule_by_name(kind, t->optim, text);
    if (t->schedule && t->o.warmup)
        t->schedule = hone_lr_warmup(t->schedule, t->o.warmup, 0);
    return t->schedule || refused(t);
}

bool train_schedule_step(training *t)
{
    if (!t->schedule || is_plateau(t) || t->all_steps == 0)
        return true;
    return hone_schedule_step(t->schedule) == HONE_OK;
}

bool train_schedule_epoch(training *t, const epoch_row *row)
{
    if (!t->schedule || !is_plateau(t))
        return true;
    const double loss = t->val.x ? row->val.loss : row->train_loss;
    return hone_schedule_step_metric(t->schedule, loss) == HONE_OK;
}
