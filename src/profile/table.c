/* table.c: the report as text. */
#include "profile/report.h"

#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "profile/say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const hone__tallied *const g = &hone__tally;

enum { MOST_OPS = 40, MOST_MODULES = 40, BEST = 10, MOST_SITES = 12 };

/* ---- small texts */

typedef struct {
    char s[24];
} small;

static small time_of(double seconds)
{
    small t;
    if (seconds < 1e-6)
        hone__format(t.s, sizeof t.s, "%.0f ns", 1e9 * seconds);
    else if (seconds < 1e-3)
        hone__format(t.s, sizeof t.s, "%.2f us", 1e6 * seconds);
    else if (seconds < 1)
        hone__format(t.s, sizeof t.s, "%.3f ms", 1e3 * seconds);
    else
        hone__format(t.s, sizeof t.s, "%.3f s", seconds);
    return t;
}

static small amount_of(double bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    small t;
    int unit = 0;
    for (; fabs(bytes) >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    hone__format(t.s, sizeof t.s, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return t;
}

/* A rate, "-" for none. */
static small rate_of(double amount, double seconds)
{
    small t;
    if (amount <= 0 || seconds <= 0)
        hone__format(t.s, sizeof t.s, "-");
    else
        hone__format(t.s, sizeof t.s, "%.1f", 1e-9 * amount / seconds);
    return t;
}

static small percent_of(double part, double whole)
{
    small t;
    if (whole <= 0 || part <= 0)
        hone__format(t.s, sizeof t.s, "-");
    else
        hone__format(t.s, sizeof t.s, "%.1f", 100 * part / whole);
    return t;
}

static double steps(void)
{
    return g->steps > 0 ? (double)g->steps : 1;
}

static double step_seconds(void)
{
    return hone__seconds_of(g->wall) / steps();
}

/* ---- parts */

static void print_steps(FILE *to)
{
    double q[5];
    hone__samples_quarters(&g->step_walls, q);
    const double wall = hone__seconds_of(g->wall), own = hone__seconds_of(g->own);
    hone__say(to, "%s\n", hone__the_report.title);
    hone__say(to, "%lld step%s of %s", (long long)g->steps, g->steps == 1 ? "" : "s",
              time_of(step_seconds()).s);
    hone__say(to, " (quartiles %s, %s, %s; %lld of warm-up left out)\n",
              time_of(hone__seconds_of(q[1])).s, time_of(hone__seconds_of(q[2])).s,
              time_of(hone__seconds_of(q[3])).s, (long long)(g->all_steps - g->steps));
    hone__say(to, "ops' own times: %.1f %% of a step; between them %s\n",
              wall > 0 ? 100 * own / wall : 0, time_of(wall > own ? (wall - own) / steps() : 0).s);
    hone__say(to,
              "recorded: %lld records, %lld dropped; a record takes %s%s, %.2f %% of a step, "
              "which is taken off\n",
              (long long)g->records, (long long)g->dropped,
              time_of(hone__seconds_of(g->record_costs.op)).s,
              g->n_counters ? " with its counters" : "",
              wall > 0 ? 100 * hone__seconds_of(g->overhead) / wall : 0);
    hone__say(to, "multiply-adds a step: %.0f, bytes at least: %s; %s GFLOP/s\n",
              g->madds / steps(), amount_of(g->bytes / steps()).s, rate_of(2 * g->madds, wall).s);
}

static void print_machine(FILE *to)
{
    double q[5];
    const hone__process_counts *p = &g->process;
    hone__say(to,
              "process, a step: %.2f page faults (%.2f of them from disk), %.2f context switches "
              "(%.2f involuntary), ",
              (double)(p->minor_faults + p->major_faults) / steps(),
              (double)p->major_faults / steps(),
              (double)(p->voluntary_switches + p->involuntary_switches) / steps(),
              (double)p->involuntary_switches / steps());
    if (p->migrations >= 0)
        hone__say(to, "%.2f migrations", (double)p->migrations / steps());
    else
        hone__say(to, "migrations: this kernel doesn't tell");
    hone__say(to, "; CPU time %s\n", time_of(p->cpu_seconds / steps()).s);
    hone__samples_quarters(&g->ghz, q);
    if (g->ghz.n > 0)
        hone__say(to, "frequency: %.2f GHz (%.2f to %.2f)%s\n", q[2], q[0], q[4],
                  g->ghz_measured ? ", by a chain of additions: no file tells it" : "");
    if (!isnan(g->hottest))
        hone__say(to, "temperature: up to %.1f degrees%s\n", g->hottest,
                  g->throttled > 0 ? "; cores were slowed down for it" : "");
    if (g->throttled > 0)
        hone__say(to, "throttled %lld times\n", (long long)g->throttled);
    if (g->slowed_steps > 0)
        hone__say(to, "slowed down after %lld of %lld steps: %s\n", (long long)g->slowed_steps,
                  (long long)g->steps, g->slowed_by);
    if (g->little > 0)
        hone__say(to, "on little cores: %.1f %% of the team's time\n",
                  100 * g->little / (g->big + g->little));
    if (!isnan(g->joules))
        hone__say(to, "energy: %.4f J a step, %.1f W\n", g->joules / steps(),
                  g->joules / (step_seconds() * steps()));
    else if (g->energy_reason[0])
        hone__say(to, "%s\n", g->energy_reason);
    if (g->counters_reason[0])
        hone__say(to, "%s\n", g->counters_reason);
    if (g->n_counters > 0 && g->counter_scale > 1.001)
        hone__say(to, "counters ran %.0f %% of the time; counts are scaled\n",
                  100 / g->counter_scale);
}

static void print_roofs(FILE *to)
{
    const hone__roofs *r = &hone__the_report.roofs;
    if (!hone__the_report.has_roofs)
        return;
    hone__say(to, "\nlimits, on 1 thread and on %d, measured now\n", r->threads);
    for (int i = 0; i < r->n_isas; i++)
        hone__say(to, "  FMA %-7s f32 %7.1f %7.1f   f64 %7.1f %7.1f GFLOP/s%s\n", r->fma[i].name,
                  r->fma[i].f32[0], r->fma[i].f32[1], r->fma[i].f64[0], r->fma[i].f64[1],
                  strcmp(r->fma[i].name, r->isa) == 0 ? "  (in use)" : "");
    hone__say(to, "  products    f32 %7.1f %7.1f   f64 %7.1f %7.1f GFLOP/s\n", r->tile[0][0],
              r->tile[0][1], r->tile[1][0], r->tile[1][1]);
    hone__say(to, "             bf16 %7.1f %7.1f GFLOP/s  (%s)\n", r->tile[2][0], r->tile[2][1],
              hone__bf16_in(hone__bf16_tiles_now())->name);
    for (hone__mem_level level = 0; level < HONE__MEM_LEVELS; level++)
        if (r->gbps[level][HONE__STREAM_READ][0] > 0)
            hone__say(to, "  %-5s      read %6.1f %7.1f  copy %6.1f %7.1f GB/s\n",
                      hone__mem_level_name[level], r->gbps[level][HONE__STREAM_READ][0],
                      r->gbps[level][HONE__STREAM_READ][1], r->gbps[level][HONE__STREAM_COPY][0],
                      r->gbps[level][HONE__STREAM_COPY][1]);
    for (int from = 0; r->n_nodes > 1 && from < r->n_nodes; from++) {
        hone__say(to, "  node %d reads of each", from);
        for (int of = 0; of < r->n_nodes; of++)
            hone__say(to, " %6.1f", r->node_gbps[from][of]);
        hone__say(to, " GB/s\n");
    }
}

static void print_head(FILE *to, const char *what)
{
    hone__say(to, "\n%-34s %8s %11s %6s %8s %8s %7s %6s %6s  %s\n", what, "calls", "a step",
              "share", "GFLOP/s", "GB/s", "FMA/B", "% roof", "wait %", "");
}

static void print_group(FILE *to, const hone__group *gr, const char *name)
{
    const double wall = hone__seconds_of(g->wall);
    hone__say(to, "%-34.34s %8.1f %11s %6s %8s %8s %7.2f %6s %6s  %s\n", name,
              (double)gr->calls / steps(), time_of(gr->seconds / steps()).s,
              percent_of(gr->seconds, wall).s, rate_of(2 * gr->madds, gr->seconds).s,
              rate_of(gr->bytes, gr->seconds).s, gr->bytes > 0 ? gr->madds / gr->bytes : 0,
              percent_of(gr->roof, gr->seconds).s, percent_of(gr->waited, gr->seconds).s,
              hone__verdict_name(gr->verdict));
}

static void print_groups(FILE *to, bool by_module)
{
    int n;
    hone__group *groups = hone__report_groups(by_module, &n);
    const int most = by_module ? MOST_MODULES : MOST_OPS;
    if (!groups)
        return;
    print_head(to, by_module ? "by module" : "by op");
    for (int i = 0; i < n && i < most; i++) {
        char name[160];
        if (by_module)
            hone__format(name, sizeof name, "%s", groups[i].name[0] ? groups[i].name : "(none)");
        else
            hone__format(name, sizeof name, "%s%s%s", groups[i].name,
                         groups[i].phase == HONE_PROFILE_BACKWARD ? ", in backward" : "",
                         groups[i].phase == HONE_PROFILE_UPDATE ? ", update" : "");
        print_group(to, &groups[i], name);
    }
    if (n > most)
        hone__say(to, "  and %d more\n", n - most);
    hone__report_groups_free(groups);
}

static void print_spans(FILE *to)
{
    if (g->n_spans == 0)
        return;
    hone__say(to, "\n%-34s %8s %11s %6s\n", "scopes", "calls", "a step", "share");
    for (int i = 0; i < g->n_spans; i++)
        hone__say(to, "%-34.34s %8.1f %11s %6s\n", g->spans[i].name,
                  (double)g->spans[i].calls / steps(),
                  time_of(hone__seconds_of(g->spans[i].total) / steps()).s,
                  percent_of(g->spans[i].total, g->wall).s);
}

/* ---- the best places */

static int by_gain(const void *a, const void *b)
{
    const double x = hone__row_gain(*(const hone_profile_row *const *)a);
    const double y = hone__row_gain(*(const hone_profile_row *const *)b);
    return (x < y) - (x > y);
}

static void print_best(FILE *to)
{
    const hone_profile_row *best[BEST + 1];
    int n = 0;
    for (int i = 0; i < hone__the_report.n_rows; i++) {
        best[n] = &hone__the_report.rows[i];
        n++;
        qsort(best, (size_t)n, sizeof *best, by_gain);
        n = n > BEST ? BEST : n;
    }
    hone__say(to, hone__the_report.has_roofs
                      ? "\nbest places to gain: what a step would save at the limit\n"
                      : "\nwhere most time goes\n");
    for (int i = 0; i < n; i++) {
        const hone_profile_row *row = best[i];
        const double gain = hone__row_gain(row) / steps();
        hone__say(to, "%3d. %10s %5.1f %%  %-9s %s%s%s  %s\n", i + 1, time_of(gain).s,
                  step_seconds() > 0 ? 100 * gain / step_seconds() : 0,
                  hone__verdict_name(row->verdict), row->module, row->module[0] ? ": " : "",
                  row->op, row->shapes);
    }
}

/* ---- counters, nodes, memory */

static void print_counters(FILE *to)
{
    if (g->n_counters == 0)
        return;
    hone__say(to, "\n%-34s", "counted a call");
    for (int c = 0; c < g->n_counters; c++)
        hone__say(to, " %15.15s", g->counter_names[c]);
    hone__say(to, "\n");
    for (int i = 0; i < hone__the_report.n_rows && i < 20; i++) {
        const hone__row *row = hone__the_report.of[i];
        char name[160];
        hone__format(name, sizeof name, "%s%s%s", hone__module_path(row->module),
                     row->module ? ": " : "", row->op);
        hone__say(to, "%-34.34s", name);
        for (int c = 0; c < g->n_counters; c++)
            hone__say(to, " %15.0f", row->counts[c] * g->counter_scale / (double)row->calls);
        hone__say(to, "\n");
    }
}

static void print_remote(FILE *to)
{
    int n = 0;
    for (int i = 0; i < hone__the_report.n_rows; i++) {
        const hone_profile_row *row = &hone__the_report.rows[i];
        if (row->remote_share <= 0.1 || n == BEST)
            continue;
        if (n++ == 0)
            hone__say(to, "\nremote memory: pages on another node than the thread that works on "
                          "them\n");
        hone__say(to, "  %5.1f %%  %s%s%s  %s\n", 100 * row->remote_share, row->module,
                  row->module[0] ? ": " : "", row->op, row->shapes);
    }
}

static int by_bytes(const void *a, const void *b)
{
    const hone__placed *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x > y) - (x < y);
}

/* The largest tensors of the step that was looked at. */
static void print_placed(FILE *to)
{
    if (g->n_placed == 0)
        return;
    qsort(g->placed, (size_t)g->n_placed, sizeof *g->placed, by_bytes);
    hone__say(to, "\nnodes: where the pages of the largest tensors lie\n");
    for (int i = 0; i < g->n_placed && i < MOST_SITES; i++) {
        const hone__placed *p = &g->placed[i];
        const char *path = hone__module_path(p->module);
        int all = 0;
        for (int n = 0; n < HONE__SEEN_NODES; n++)
            all += p->pages[n];
        hone__say(to, "  %12s ", amount_of((double)p->bytes).s);
        for (int n = 0; n < HONE__SEEN_NODES; n++)
            if (p->pages[n] > 0)
                hone__say(to, " node %s%d %.0f %%", n == HONE__SEEN_NODES - 1 ? ">= " : "", n,
                          100.0 * p->pages[n] / all);
        hone__say(to, "  %s%s%s\n", path, path[0] ? ": " : "", p->op ? p->op : "there before");
    }
}

static int by_peak(const void *a, const void *b)
{
    const int64_t x = hone__site_at_peak(*(const unsigned *)a);
    const int64_t y = hone__site_at_peak(*(const unsigned *)b);
    return (x < y) - (x > y);
}

static void print_site(FILE *to, unsigned site, int64_t bytes, const char *what)
{
    const hone__memory_site *s = hone__memory_site_at(site);
    const char *path = hone__module_path(s->module);
    hone__say(to, "  %12s%s  %s%s%s\n", amount_of((double)bytes).s, what, path, path[0] ? ": " : "",
              s->op ? s->op : "");
}

static void print_memory(FILE *to)
{
    unsigned sites[1 << 13];
    unsigned n = 0;
    for (unsigned i = 1; i < hone__sites(); i++)
        if (hone__site_at_peak(i) > 0)
            sites[n++] = i;
    qsort(sites, n, sizeof *sites, by_peak);
    hone__say(to, "\nmemory: peak %s, of which %s was there before", amount_of((double)g->peak).s,
              amount_of((double)g->peak_at_begin).s);
    if (g->pool_peak > g->peak)
        hone__say(to, "; with what ops take while they run up to %s",
                  amount_of((double)g->pool_peak).s);
    hone__say(to, "\n");
    for (unsigned i = 0; i < n && i < MOST_SITES; i++)
        print_site(to, sites[i], hone__site_at_peak(sites[i]), "");
    bool told = false;
    for (unsigned i = 1; i < hone__sites(); i++) {
        const int64_t leak = hone__site_leak(i);
        if (leak <= 0)
            continue;
        if (!told)
            hone__say(to, "leak: results that stay, more of them after each step\n");
        told = true;
        print_site(to, i, leak, " a step");
    }
}

void hone__report_print(FILE *to)
{
    print_steps(to);
    print_machine(to);
    print_roofs(to);
    print_groups(to, false);
    print_groups(to, true);
    print_spans(to);
    print_best(to);
    print_counters(to);
    print_remote(to);
    print_placed(to);
    print_memory(to);
}
