/* json.c: the report as a JSON object: whole numbers (nanoseconds, bytes), so that it reads back
 * exactly. diff.c reads it. */
#include "profile/report.h"

#include "profile/say.h"

#include <math.h>

static const hone__tallied *const g = &hone__tally;

static void quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fputc('\\', to);
        if (c >= 0x20)
            fputc(c, to);
    }
    fputc('"', to);
}

static void text(FILE *to, const char *key, const char *value)
{
    hone__say(to, "\"%s\":", key);
    quoted(to, value);
    fputs(",", to);
}

static void number(FILE *to, const char *key, double value)
{
    hone__say(to, "\"%s\":%.0f,", key, value > 0 ? value : 0);
}

static double ns_of(double ticks)
{
    return 1e9 * hone__seconds_of(ticks);
}

static void quarters(FILE *to, const char *key, const hone__samples *s)
{
    double q[5];
    hone__samples_quarters(s, q);
    hone__say(to, "\"%s\":[%.0f,%.0f,%.0f,%.0f,%.0f]", key, ns_of(q[0]), ns_of(q[1]), ns_of(q[2]),
              ns_of(q[3]), ns_of(q[4]));
}

static void row(FILE *to, int i)
{
    const hone_profile_row *r = &hone__the_report.rows[i];
    const hone__row *of = hone__the_report.of[i];
    fputs(i ? ",\n{" : "\n{", to);
    text(to, "op", r->op);
    text(to, "module", r->module);
    text(to, "phase", hone__phase_name((int)r->phase));
    text(to, "shapes", r->shapes);
    text(to, "verdict", hone__verdict_name(r->verdict));
    number(to, "calls", (double)r->calls);
    number(to, "own_ns", 1e9 * r->seconds);
    number(to, "multiply_adds", r->multiply_adds);
    number(to, "bytes", r->bytes);
    number(to, "roof_ns", 1e9 * r->roof_seconds);
    number(to, "region_ns", ns_of(of->region));
    number(to, "wait_ns", ns_of(of->wait));
    number(to, "work_ns", ns_of(of->work));
    number(to, "threads", of->team > 0 ? of->team : 1);
    number(to, "leaked_bytes", (double)r->leaked_bytes);
    if (r->remote_share >= 0)
        number(to, "remote_ppm", 1e6 * r->remote_share);
    for (int c = 0; c < g->n_counters; c++)
        number(to, g->counter_names[c], of->counts[c] * g->counter_scale);
    quarters(to, "step_ns", &of->steps);
    fputs("}", to);
}

static void roofs(FILE *to)
{
    const hone__roofs *r = &hone__the_report.roofs;
    text(to, "isa", r->isa);
    number(to, "threads", r->threads);
    static const char *const dtypes[] = { "f32", "f64", "bf16" };
    for (int d = 0; d < 3; d++)
        hone__say(to, "\"products_%s_mflops\":[%.0f,%.0f],", dtypes[d], 1e3 * r->tile[d][0],
                  1e3 * r->tile[d][1]);
    for (int i = 0; i < r->n_isas; i++)
        hone__say(to, "\"fma_%s_mflops\":[%.0f,%.0f,%.0f,%.0f],", r->fma[i].name,
                  1e3 * r->fma[i].f32[0], 1e3 * r->fma[i].f32[1], 1e3 * r->fma[i].f64[0],
                  1e3 * r->fma[i].f64[1]);
    for (hone__mem_level level = 0; level < HONE__MEM_LEVELS; level++)
        hone__say(to, "\"read_%s_mbps\":[%.0f,%.0f],", hone__mem_level_name[level],
                  1e3 * r->gbps[level][HONE__STREAM_READ][0],
                  1e3 * r->gbps[level][HONE__STREAM_READ][1]);
}

static void memory(FILE *to)
{
    bool first = true;
    fputs("\"at_peak\":[", to);
    for (unsigned i = 1; i < hone__sites(); i++) {
        const hone__memory_site *s = hone__memory_site_at(i);
        if (hone__site_at_peak(i) <= 0 || !s->op)
            continue;
        fputs(first ? "\n{" : ",\n{", to);
        first = false;
        text(to, "op", s->op);
        text(to, "module", hone__module_path(s->module));
        hone__say(to, "\"bytes\":%lld}", (long long)hone__site_at_peak(i));
    }
    fputs("],", to);
}

void hone__report_json(FILE *to)
{
    fputs("{\"hone_profile\":1,\n", to);
    text(to, "title", hone__the_report.title);
    number(to, "steps", (double)g->steps);
    quarters(to, "step_ns", &g->step_walls);
    fputs(",\n", to);
    number(to, "all_ns", ns_of(g->wall));
    number(to, "ops_ns", ns_of(g->own));
    number(to, "overhead_ns", ns_of(g->overhead));
    number(to, "records", (double)g->records);
    number(to, "dropped", (double)g->dropped);
    number(to, "multiply_adds", g->madds);
    number(to, "bytes", g->bytes);
    number(to, "peak_bytes", (double)g->peak);
    number(to, "page_faults", (double)(g->process.minor_faults + g->process.major_faults));
    number(to, "context_switches",
           (double)(g->process.voluntary_switches + g->process.involuntary_switches));
    if (g->process.migrations >= 0)
        number(to, "migrations", (double)g->process.migrations);
    if (!isnan(g->joules))
        number(to, "energy_uj", 1e6 * g->joules);
    if (g->slowed_steps > 0)
        number(to, "slowed_steps", (double)g->slowed_steps);
    fputs("\n", to);
    memory(to);
    if (hone__the_report.has_roofs)
        roofs(to);
    fputs("\n\"rows\":[", to);
    for (int i = 0; i < hone__the_report.n_rows; i++)
        row(to, i);
    fputs("]}\n", to);
}
