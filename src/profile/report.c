/* report.c: see report.h: verdicts, the public rows, groups of them. */
#include "profile/report.h"

#include "runtime/memory.h"

#include <hone/profile.h>

#include <stdlib.h>
#include <string.h>

hone__report hone__the_report;
static hone__report *const report = &hone__the_report;
static const hone__tallied *const g = &hone__tally;

double hone__seconds_of(double ticks)
{
    return 1e-9 * ticks * hone__ns_per_tick();
}

const char *hone__phase_name(int phase)
{
    static const char *const names[] = { "forward", "backward", "update" };
    return phase >= 0 && phase < 3 ? names[phase] : "";
}

const char *hone__verdict_name(hone_profile_verdict verdict)
{
    static const char *const names[] = { "compute", "memory", "overhead", "imbalance" };
    return names[verdict];
}

double hone__row_gain(const hone_profile_row *row)
{
    return row->seconds > row->roof_seconds ? row->seconds - row->roof_seconds : 0;
}

/* ---- verdicts */

typedef struct {
    double seconds, calls, madds, bytes, roof, compute; /* compute: seconds at the limit of that */
    double waited; /* seconds, of the mean thread of its regions */
} evidence;

/* By what an op is held back. The limits may be far above a kernel that isn't good: then it is still
 * the nearest of them that counts, unless the call itself is small or has nothing to do. */
static hone_profile_verdict judge(const evidence *e)
{
    const double each = e->calls > 0 ? e->seconds / e->calls : 0;
    const bool limits = report->has_roofs;
    if (e->waited > 0.25 * e->seconds)
        return HONE_PROFILE_IMBALANCE;
    if (limits && (e->roof < 0.01 * e->seconds || (e->roof < 0.25 * e->seconds && each < 1e-5)))
        return HONE_PROFILE_OVERHEAD;
    if (!limits && each < 2e-6)
        return HONE_PROFILE_OVERHEAD;
    if (limits)
        return e->compute > 0 && e->compute >= 0.99 * e->roof ? HONE_PROFILE_COMPUTE
                                                              : HONE_PROFILE_MEMORY;
    return e->madds > 8 * e->bytes ? HONE_PROFILE_COMPUTE : HONE_PROFILE_MEMORY;
}

/* Seconds at the limits, of all its calls. */
static double roof_of(const hone__row *row, double madds, double bytes)
{
    if (!report->has_roofs || row->calls == 0)
        return 0;
    const double calls = (double)row->calls,
                 written = row->bytes > 0 ? row->written / row->bytes : 0;
    const hone__gemm_dtype dtype = row->dtype == HONE_F64    ? HONE__GEMM_F64
                                   : row->dtype == HONE_BF16 ? HONE__GEMM_BF16
                                                             : HONE__GEMM_F32;
    return calls * hone__roof_seconds(&report->roofs, dtype, row->team, 2 * madds / calls,
                                      bytes / calls, written);
}

static evidence evidence_of(const hone__row *row)
{
    return (evidence){ .seconds = hone__seconds_of(row->own),
                       .calls = (double)row->calls,
                       .madds = row->madds,
                       .bytes = row->bytes,
                       .roof = roof_of(row, row->madds, row->bytes),
                       .compute = roof_of(row, row->madds, 0),
                       .waited = hone__seconds_of(row->wait) / (row->team > 0 ? row->team : 1) };
}

/* ---- memory */

int64_t hone__site_leak(unsigned site)
{
    enum { LEAST_STEPS = 4 };
    const hone__site_memory *s = &g->sites[site];
    if (g->steps < LEAST_STEPS || s->last <= s->first || 4 * s->grew < 3 * (g->steps - 1))
        return 0;
    return (s->last - s->first) / (g->steps - 1);
}

int64_t hone__site_at_peak(unsigned site)
{
    return g->sites[site].now - g->sites[site].since_peak;
}

/* Of the row's op in its module; a node's results are its ops'. */
static int64_t leak_of(const hone__row *row)
{
    for (unsigned i = 1; i < hone__sites() && !row->is_node; i++) {
        const hone__memory_site *site = hone__memory_site_at(i);
        if (site->op && site->module == row->module && strcmp(site->op, row->op) == 0)
            return hone__site_leak(i);
    }
    return 0;
}

/* ---- rows */

static int by_own(const void *a, const void *b)
{
    const hone__row *x = *(const hone__row *const *)a, *y = *(const hone__row *const *)b;
    if (x->own != y->own)
        return x->own < y->own ? 1 : -1;
    return (x > y) - (x < y);
}

static void fill(hone_profile_row *to, hone__row *row)
{
    const evidence e = evidence_of(row);
    row->roof = e.roof;
    row->verdict = judge(&e);
    *to = (hone_profile_row){
        .op = row->op,
        .module = hone__module_path(row->module),
        .shapes = row->shapes,
        .phase = (hone_profile_phase)row->phase,
        .calls = row->calls,
        .seconds = e.seconds,
        .multiply_adds = row->madds,
        .bytes = row->bytes,
        .wait_share = e.seconds > 0 ? e.waited / e.seconds : 0,
        .roof_seconds = e.roof,
        .verdict = row->verdict,
        .remote_share = row->looked > 0 ? row->remote / row->looked : -1,
        .leaked_bytes = leak_of(row),
    };
}

bool hone__report_make(void)
{
    const size_t n = (size_t)g->n_rows + 1;
    report->rows = hone__book_realloc(NULL, 0, n * sizeof *report->rows);
    report->of = hone__book_realloc(NULL, 0, n * sizeof *report->of);
    if (!report->rows || !report->of)
        return false;
    for (int i = 0; i < g->n_rows; i++)
        report->of[i] = &g->rows[i];
    qsort(report->of, (size_t)g->n_rows, sizeof *report->of, by_own);
    for (int i = 0; i < g->n_rows; i++)
        fill(&report->rows[i], &g->rows[report->of[i] - g->rows]);
    report->n_rows = g->n_rows;
    report->ready = true;
    return true;
}

void hone__report_free(void)
{
    const size_t n = (size_t)report->n_rows + 1;
    if (report->rows)
        hone__book_realloc(report->rows, n * sizeof *report->rows, 0);
    if (report->of)
        hone__book_realloc(report->of, n * sizeof *report->of, 0);
    *report = (hone__report){ .ready = false };
}

/* ---- groups */

static int by_seconds(const void *a, const void *b)
{
    const hone__group *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static hone__group *group_of(hone__group *groups, int *n, const char *name, int phase)
{
    for (int i = 0; i < *n; i++)
        if (groups[i].phase == phase && strcmp(groups[i].name, name) == 0)
            return &groups[i];
    groups[*n] = (hone__group){ .name = name, .phase = phase };
    return &groups[(*n)++];
}

static void add_to_group(hone__group *to, const hone__row *row)
{
    const evidence e = evidence_of(row);
    to->calls += row->calls;
    to->seconds += e.seconds;
    to->madds += e.madds;
    to->bytes += e.bytes;
    to->roof += e.roof;
    to->waited += e.waited;
}

/* That in which it spends most of its time. */
static void judge_group(hone__group *group, bool by_module)
{
    double spent[4] = { 0 };
    for (int i = 0; i < report->n_rows; i++) {
        const hone_profile_row *row = &report->rows[i];
        if (strcmp(by_module ? row->module : row->op, group->name) == 0 &&
            (by_module || (int)row->phase == group->phase))
            spent[row->verdict] += row->seconds;
    }
    for (int v = 0; v < 4; v++)
        if (spent[v] > spent[group->verdict])
            group->verdict = (hone_profile_verdict)v;
}

hone__group *hone__report_groups(bool by_module, int *n)
{
    hone__group *groups =
        hone__book_realloc(NULL, 0, ((size_t)report->n_rows + 1) * sizeof *groups);
    *n = 0;
    if (!groups)
        return NULL;
    for (int i = 0; i < report->n_rows; i++) {
        const hone_profile_row *row = &report->rows[i];
        add_to_group(group_of(groups, n, by_module ? row->module : row->op,
                              by_module ? -1 : (int)row->phase),
                     report->of[i]);
    }
    for (int i = 0; i < *n; i++)
        judge_group(&groups[i], by_module);
    qsort(groups, (size_t)*n, sizeof *groups, by_seconds);
    return groups;
}

void hone__report_groups_free(hone__group *groups)
{
    hone__book_realloc(groups, ((size_t)report->n_rows + 1) * sizeof *groups, 0);
}
