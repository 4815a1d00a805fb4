/* profile.c: `hone profile`: steps of training as `hone train` makes them, looked at. */
#include "train.h"

#include <hone/profile.h>
#include <stdio.h>
#include <string.h>

static const char *const name = "profile"; /* of this subcommand, for messages */

typedef struct {
    train_options train; /* first: the offsets of train_table stay */
    const char *trace, *html, *json, *events, *diff;
    int64_t steps, warmup;
    bool no_limits;
} profile_options;

#define FIELD(field) offsetof(profile_options, field)

static const cli_option own_table[] = {
    { "steps", "N", "measure N steps", CLI_INT, FIELD(steps), "20", 1, 1e9 },
    { "warmup", "N", "steps before those", CLI_INT, FIELD(warmup), "5", 0, 1e9 },
    { "trace", "FILE.json", "write a trace of these steps for Perfetto and chrome://tracing",
      CLI_TEXT, FIELD(trace), NULL, 0, 0 },
    { "html", "FILE.html",
      "write a page: roofline, time by module, one step by thread, memory over time", CLI_TEXT,
      FIELD(html), NULL, 0, 0 },
    { "json", "FILE", "write the numbers, for --diff", CLI_TEXT, FIELD(json), NULL, 0, 0 },
    { "events", "LIST",
      "what the CPU counts, by perf's names with commas between; default: cycles, instructions, "
      "cache misses, stalls where there are any; none",
      CLI_TEXT, FIELD(events), NULL, 0, 0 },
    { "no-limits", NULL, "don't measure the machine's limits", CLI_FLAG, FIELD(no_limits), NULL, 0,
      0 },
    { "diff", "A.json B.json",
      "alone: what changed between two files of --json, and whether that is more than their spread",
      CLI_TEXT, FIELD(diff), NULL, 0, 0 },
};

/* What a profile has no use for: what comes after the steps. */
static bool is_left_out(const char *option)
{
    static const char *const names[] = {
        "save",     "save-anyway",   "layout",     "log",         "plot",
        "report",   "epochs",        "top-k",      "early-stop",  "warmup",
        "schedule", "val-split",     "checkpoint", "save-every",  "keep",
        "resume",   "resume-anyway", "time-limit", "tensorboard",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(option, names[i]) == 0)
            return true;
    return false;
}

enum { MOST_OPTIONS = 96 };

/* Those of `hone train` about its steps, and this command's. */
static const cli_option *whole_table(void)
{
    static cli_option table[MOST_OPTIONS];
    int n = 0;
    for (size_t i = 0; i < sizeof own_table / sizeof *own_table; i++)
        table[n++] = own_table[i];
    for (const cli_option *o = train_table; o->name && n < MOST_OPTIONS - 2; o++)
        if (!is_left_out(o->name))
            table[n++] = *o;
    return table;
}

/* ---- the run */

static struct {
    const profile_options *o;
    int64_t steps; /* so far, with those of the warm-up */
    bool began, first;
    char title[600];
} run_now;

static bool begin(training *t)
{
    const profile_options *o = run_now.o;
    const bool first = hone_dist_rank() == 0; /* which speaks and writes */
    snprintf(run_now.title, sizeof run_now.title, "%s, %s, batch %lld, %s, %d thread%s",
             model_describe(&t->spec).s, t->o.data.source, (long long)t->o.batch, hone_isa(),
             hone_threads(), hone_threads() == 1 ? "" : "s");
    const hone_profile_options options = { .warmup = o->warmup,
                                           .trace = first ? o->trace : NULL,
                                           .html = first ? o->html : NULL,
                                           .json = first ? o->json : NULL,
                                           .events = o->events,
                                           .title = run_now.title,
                                           .no_roofs = o->no_limits };
    run_now.first = first;
    run_now.began = hone_profile_begin(&options) == HONE_OK;
    if (!run_now.began)
        cli_library_error(name);
    return run_now.began;
}

static bool step_ended(training *t)
{
    (void)t;
    hone_profile_step();
    return ++run_now.steps < run_now.o->steps + run_now.o->warmup;
}

static int profile(profile_options *o, int argc, char **argv)
{
    training t = { .argc = argc, .argv = argv, .o = o->train };
    t.before_steps = begin;
    t.after_step = step_ended;
    run_now.o = o;
    if (!cli_can_write(name, "trace", o->trace) || !cli_can_write(name, "html", o->html) ||
        !cli_can_write(name, "json", o->json))
        return CLI_FAILED;
    if (o->trace || o->html || o->json)
        cli_outlive_readers();
    int status = train_run(&t);
    if (!run_now.began)
        return status;
    const hone_status ended = hone_profile_end();
    if (run_now.steps > o->warmup && run_now.first && hone_profile_print(stdout) != HONE_OK)
        return cli_library_error(name);
    if (run_now.steps <= o->warmup && status == CLI_OK)
        status = cli_error(CLI_FAILED, name, "there was no step after the warm-up");
    if (ended != HONE_OK)
        cli_library_error(name);
    return status == CLI_OK && ended != HONE_OK ? CLI_FAILED : status;
}

static int diff(const char *before, const char *after)
{
    return hone_profile_diff(before, after, stdout) == HONE_OK ? CLI_OK : cli_library_error(name);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    profile_options o = { .train = train_not_given };
    if (argc == 3 && strcmp(argv[0], "--diff") == 0)
        return diff(argv[1], argv[2]);
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "--diff", 6) == 0)
            return cli_error(CLI_USAGE, name,
                             "--diff stands alone and takes two files of --json: hone profile "
                             "--diff A.json B.json");
    const cli_parsed parsed = cli_parse(&cli_profile, whole_table(), &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    return profile(&o, argc, argv);
}

const cli_command cli_profile = {
    "profile", "Shows where a training step's time, bytes, memory and energy go.", run, NULL
};
