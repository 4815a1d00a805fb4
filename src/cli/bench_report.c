/* bench_report.c: a row as a line of the table and as a JSON object. */
#include "bench.h"
#include "cli.h"

#include "isa/isa.h"

#include <stdio.h>

/* The fastest peer by its median, or -1. */
static int best_peer(const bench_row *row)
{
    int best = -1;
    for (int p = 0; p < BENCH_MAX_PEERS; p++) {
        const bench_side *side = &row->side[BENCH_PEERS + p];
        if (side->call && (best < 0 || side->median > row->side[BENCH_PEERS + best].median))
            best = p;
    }
    return best;
}

static double share(const bench_row *row, int limit)
{
    return row->side[limit].call ? 100 * row->side[BENCH_HONE].median / row->side[limit].median : 0;
}

void bench_print_head(const bench_report *report, const char *unit, bool fma)
{
    printf("\nhone bench %s, %s, %d thread%s", report->suite, hone__k->name, report->threads,
           report->threads == 1 ? "" : "s");
    if (report->running != report->threads)
        printf(", of which %d run", report->running);
    printf(": %s, median and best of many rounds\n", unit);
    if (report->no_peers[0])
        printf("%s\n", report->no_peers);
    printf("%-23s %-3s %-10s %-4s %18s | %11s %7s %7s | %7s %5s", "op", "", "variant", "in", "size",
           "ns", "hone", "best", "peak", "%");
    if (fma)
        printf(" | %7s %5s", "FMA", "%");
    for (int p = 0; p < report->n_peers; p++)
        printf(" | %8s %7s", report->peer[p].name, "best");
    printf("%s\n", report->n_peers ? " | ratio" : "");
}

static void print_line(const bench_report *report, const bench_row *row)
{
    const bench_side *side = row->side;
    char size[40];
    if (row->elements)
        snprintf(size, sizeof size, "%lld", (long long)row->elements);
    else
        snprintf(size, sizeof size, "%lldx%lldx%lld", (long long)row->m, (long long)row->n,
                 (long long)row->k);
    printf("%-23s %-3s %-10s %-4s %18s | %11.0f %7.1f %7.1f", row->name, row->dtype, row->variant,
           hone__mem_level_name[row->level], size, side[BENCH_HONE].ns, side[BENCH_HONE].median,
           side[BENCH_HONE].best);
    if (side[BENCH_PEAK].call)
        printf(" | %7.1f %5.1f", side[BENCH_PEAK].median, share(row, BENCH_PEAK));
    if (side[BENCH_FMA].call)
        printf(" | %7.1f %5.1f", side[BENCH_FMA].median, share(row, BENCH_FMA));
    for (int p = 0; p < report->n_peers; p++) {
        const bench_side *peer = &side[BENCH_PEERS + p];
        if (peer->call)
            printf(" | %8.1f %7.1f", peer->median, peer->best);
        else
            printf(" | %8s %7s", "", "");
    }
    const int best = best_peer(row);
    if (best >= 0)
        printf(" | %5.2f %s", side[BENCH_HONE].median / side[BENCH_PEERS + best].median,
               report->peer[best].name);
    putchar('\n');
    fflush(stdout);
}

/* "key":null for what a row has not, so that every line has the same keys. */
static void json_number(FILE *f, const char *key, bool known, double value)
{
    if (known)
        fprintf(f, ",\"%s\":%.6g", key, value);
    else
        fprintf(f, ",\"%s\":null", key);
}

static void print_json(const bench_report *report, const bench_row *row)
{
    FILE *f = report->json;
    const bench_side *side = row->side;
    const int best = best_peer(row);
    const double rate = side[BENCH_HONE].median;
    const double peer = best >= 0 ? side[BENCH_PEERS + best].median : 0;
    fprintf(f, "{\"suite\":\"%s\",\"name\":\"%s\",\"dtype\":\"%s\",\"isa\":\"%s\",\"threads\":%d",
            report->suite, row->name, row->dtype, hone__k->name, report->threads);
    if (row->elements)
        fprintf(f, ",\"elements\":%lld", (long long)row->elements);
    else
        fprintf(f, ",\"m\":%lld,\"n\":%lld,\"k\":%lld", (long long)row->m, (long long)row->n,
                (long long)row->k);
    fprintf(f, ",\"level\":\"%s\",\"variant\":\"%s\"", hone__mem_level_name[row->level],
            row->variant);
    json_number(f, row->flops ? "gflops" : "gbps", true, rate);
    json_number(f, "percent_of_peak", side[BENCH_PEAK].call, share(row, BENCH_PEAK));
    if (best >= 0)
        fprintf(f, ",\"best_peer\":\"%s\"", report->peer[best].name);
    else
        fprintf(f, ",\"best_peer\":null");
    json_number(f, "best_peer_rate", best >= 0, peer);
    json_number(f, "ratio", best >= 0, rate / peer);
    json_number(f, "ns_per_call", true, side[BENCH_HONE].ns);
    fprintf(f, "}\n");
}

void bench_print_row(bench_report *report, const bench_row *row)
{
    print_line(report, row);
    if (!report->json)
        return;
    print_json(report, row);
    cli_flush(report->json, &report->json_error);
}
