/* profile.c: the public functions: one profile at a time. */
#include "core/core.h"
#include "core/reserve.h"
#include "io/replace.h"
#include "profile/counters.h"
#include "profile/numa.h"
#include "profile/report.h"
#include "profile/trace.h"
#include "runtime/lock.h"
#include "runtime/memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the profile that runs; changed under the lock. */
static struct {
    bool on;
    char *html, *json; /* NULL: none */
    bool roofs, stepped, looks;
    int64_t begin; /* ticks: of the step that runs */
    int64_t excluded;
    double trace_gflops_madds; /* multiply-adds up to this step */
    hone__process_counts process;
    hone__energy energy, step_energy;
    int64_t throttled;
} run;

/* ---- what the machine tells, between steps */

static void read_machine_first(void)
{
    hone__process_read(&run.process);
    hone__energy_read("", &run.energy);
    run.step_energy = run.energy;
    run.throttled = hone__throttled("");
    hone__tally.hottest = hone__temperature("");
    hone__energy_reason("", hone__tally.energy_reason, sizeof hone__tally.energy_reason);
}

static double read_machine_step(void)
{
    hone__tallied *g = &hone__tally;
    g->counter_scale = hone__counter_scale();
    const double ghz = hone__frequency_ghz("", &g->ghz_measured);
    hone__samples_add(&g->ghz, ghz);
    const double hot = hone__temperature("");
    if (!(hot <= g->hottest) && !isnan(hot))
        g->hottest = hot;
    g->slowed_steps += hone__slowed("", g->slowed_by, sizeof g->slowed_by);
    return ghz;
}

static void read_machine_last(void)
{
    hone__tallied *g = &hone__tally;
    hone__process_counts now;
    hone__energy energy;
    hone__process_read(&now);
    hone__energy_read("", &energy);
    g->joules = hone__energy_joules(&run.energy, &energy);
    const int64_t throttled = hone__throttled("");
    g->throttled = throttled >= 0 && run.throttled >= 0 ? throttled - run.throttled : -1;
    g->process = (hone__process_counts){
        .minor_faults = now.minor_faults - run.process.minor_faults,
        .major_faults = now.major_faults - run.process.major_faults,
        .voluntary_switches = now.voluntary_switches - run.process.voluntary_switches,
        .involuntary_switches = now.involuntary_switches - run.process.involuntary_switches,
        .migrations = now.migrations < 0 ? -1 : now.migrations - run.process.migrations,
        .cpu_seconds = now.cpu_seconds - run.process.cpu_seconds,
    };
}

/* ---- steps */

static int64_t excluded_ticks(void)
{
    int64_t sum = 0;
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next)
        sum += atomic_load_explicit(&r->excluded, memory_order_relaxed);
    return sum;
}

static void half_full(void)
{
    hone__lock(HONE__LOCK_PROFILE);
    if (run.on)
        hone__tally_drain();
    hone__unlock(HONE__LOCK_PROFILE);
}

static void trace_step(double ghz)
{
    hone__tallied *g = &hone__tally;
    hone__energy now;
    hone__energy_read("", &now);
    const double seconds = hone__seconds_of((double)(g->last.end - g->last.begin));
    const double watts = hone__energy_joules(&run.step_energy, &now) / seconds;
    run.step_energy = now;
    hone__trace_step(&g->last, g->last_points, g->n_last_points,
                     seconds > 0 ? 2e-9 * (g->madds - run.trace_gflops_madds) / seconds : 0, ghz,
                     watts);
    run.trace_gflops_madds = g->madds;
}

/* Under the lock. */
static void end_step(void)
{
    const int64_t now = hone__ticks(), excluded = excluded_ticks();
    const bool measured = hone__tally_measures();
    hone__tally_step(run.begin, now, excluded - run.excluded);
    hone__rings_grow();
    if (measured) {
        const double ghz = read_machine_step();
        if (hone__trace_is_open())
            trace_step(ghz);
    } else if (hone__tally_measures()) {
        read_machine_first(); /* the warm-up is over */
    }
    /* Pages are looked at in one step, the second measured one, whose times that spoils. */
    atomic_store(&hone__record_looks, run.looks && hone__tally.steps == 1);
    run.excluded = excluded;
    run.begin = hone__ticks();
}

void hone_profile_step(void)
{
    if (!hone__profiled())
        return;
    hone__lock(HONE__LOCK_PROFILE);
    if (run.on) {
        run.stepped = true;
        end_step();
    }
    hone__unlock(HONE__LOCK_PROFILE);
}

/* ---- begin */

static char *copy_of(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = hone__book_realloc(NULL, 0, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

static void drop_copy(char **text)
{
    if (*text)
        hone__book_realloc(*text, strlen(*text) + 1, 0);
    *text = NULL;
}

static bool take_path(const char *path, char **to)
{
    if (!path)
        return true;
    const int error = hone__replace_try(path);
    if (!error)
        return (*to = copy_of(path)) != NULL;
    hone_error_set(HONE_E_IO, "profile: %s can't be written: %s", path, strerror(error));
    return false;
}

static bool prepare(const hone_profile_options *o)
{
    hone__tallied *g = &hone__tally;
    char reason[300];
    if (o->warmup < 0) {
        hone_error_set(HONE_E_VALUE, "profile: %lld steps of warm-up", (long long)o->warmup);
        return false;
    }
    if (!hone__counters_open(o->events, reason, sizeof reason))
        return false;
    hone__report_free();
    if (!hone__sites_ready() || !hone__record_ready() ||
        !hone__tally_begin(o->warmup, o->html || o->trace))
        return false;
    hone__format(g->counters_reason, sizeof g->counters_reason, "%s", reason);
    g->n_counters = hone__n_counters;
    g->counter_scale = 1;
    for (int i = 0; i < g->n_counters; i++)
        hone__format(g->counter_names[i], sizeof g->counter_names[i], "%s", hone__counter_name(i));
    hone__format(hone__the_report.title, sizeof hone__the_report.title, "%s",
                 o->title ? o->title : "hone profile");
    return take_path(o->html, &run.html) && take_path(o->json, &run.json) &&
           (!o->trace || hone__trace_open(o->trace, hone__the_report.title));
}

static void abandon(void)
{
    drop_copy(&run.html);
    drop_copy(&run.json);
    hone__counters_close();
    hone__tally_free();
}

hone_status hone_profile_begin(const hone_profile_options *options)
{
    const hone_profile_options plain = { .warmup = 0 }, *o = options ? options : &plain;
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("profile_begin", options))
        return hone__error_last();
    hone__lock(HONE__LOCK_PROFILE);
    if (run.on) {
        hone__unlock(HONE__LOCK_PROFILE);
        return hone_error_set(HONE_E_STATE, "profile_begin: a profile runs already");
    }
    if (!hone__ring_half_full) /* once: others may be about to call it */
        hone__ring_half_full = half_full;
    const bool ok = prepare(o);
    if (!ok)
        abandon();
    hone__unlock(HONE__LOCK_PROFILE);
    if (!ok)
        return hone__error_last();
    hone__tally.record_costs = hone__record_cost();
    hone__lock(HONE__LOCK_PROFILE);
    run.roofs = !o->no_roofs;
    run.stepped = false;
    run.looks = hone__count_nodes() > 1;
    run.trace_gflops_madds = 0;
    run.excluded = excluded_ticks();
    run.on = true;
    read_machine_first();
    run.begin = hone__ticks();
    atomic_fetch_or(&hone__readiness, HONE__PROFILE_ON);
    hone__unlock(HONE__LOCK_PROFILE);
    return HONE_OK;
}

/* ---- end */

static bool write_file(const char *path, void (*put)(FILE *to))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to)
        put(to);
    if (!to || fclose(to) != 0) {
        free(text);
        hone__out_of_memory(bytes);
        return false;
    }
    const hone__part part = { text, bytes };
    const bool ok = hone__replace_file("profile", path, &part, 1) == HONE_OK;
    free(text);
    return ok;
}

hone_status hone_profile_end(void)
{
    hone__lock(HONE__LOCK_PROFILE);
    if (!run.on) {
        hone__unlock(HONE__LOCK_PROFILE);
        return hone_error_set(HONE_E_STATE, "profile_end: no profile runs");
    }
    if (!run.stepped)
        end_step();
    atomic_fetch_and(&hone__readiness, ~HONE__PROFILE_ON);
    atomic_store(&hone__record_looks, false);
    run.on = false;
    read_machine_last();
    hone__counters_close();
    hone__tally_end();
    bool ok = !hone__trace_is_open() || hone__trace_close();
    hone__unlock(HONE__LOCK_PROFILE);
    hone__the_report.has_roofs = run.roofs && hone__roofs_measure(&hone__the_report.roofs);
    ok = hone__report_make() && ok;
    if (hone__the_report.ready) {
        ok = (!run.html || write_file(run.html, hone__report_html)) && ok;
        ok = (!run.json || write_file(run.json, hone__report_json)) && ok;
    }
    drop_copy(&run.html);
    drop_copy(&run.json);
    return ok ? HONE_OK : hone__error_last();
}

/* ---- what it found */

static bool has_report(const char *where)
{
    if (hone__the_report.ready && !run.on)
        return true;
    hone_error_set(HONE_E_STATE, "%s: %s", where,
                   run.on ? "a profile runs" : "there is no profile");
    return false;
}

hone_status hone_profile_print(FILE *to)
{
    if (!has_report("profile_print"))
        return hone__error_last();
    if (!to)
        return hone__error_missing("profile_print", "a file");
    hone__report_print(to);
    return HONE_OK;
}

hone_status hone_profile_get(hone_profile_summary *summary)
{
    const hone__tallied *g = &hone__tally;
    if (!summary)
        return hone__error_missing("profile_get", "a summary");
    *summary = (hone_profile_summary){ .steps = 0 };
    if (!has_report("profile_get"))
        return hone__error_last();
    *summary = (hone_profile_summary){
        .steps = g->steps,
        .seconds = hone__seconds_of(g->wall),
        .op_seconds = hone__seconds_of(g->own),
        .overhead_seconds = hone__seconds_of(g->overhead),
        .multiply_adds = g->madds,
        .bytes = g->bytes,
        .records = g->records,
        .dropped = g->dropped,
        .peak_bytes = g->peak,
        .n_rows = hone__the_report.n_rows,
        .rows = hone__the_report.rows,
    };
    return HONE_OK;
}

/* ---- scopes */

hone_profile_scope hone_profile_scope_enter(const char *name)
{
    hone_profile_scope scope = { name ? name : "scope", 0, false };
    if (hone__profiled())
        scope.on = hone__span_enter(&scope.begin);
    return scope;
}

void hone_profile_scope_leave(hone_profile_scope *scope)
{
    if (scope && scope->on)
        hone__span_leave(scope->begin, scope->name);
}
