/* bench.c: `hone bench SUITE`: measures hone beside the machine's limits and other libraries. */
#include "bench.h"
#include "cli.h"
#include "progress.h"

#include "core/text.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <errno.h>
#include <hone/hone.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *threads, *isa, *json, *only, *dtype, *size;
    double seconds;
    bool peers;
} bench_options;

#define FIELD(name) offsetof(bench_options, name)

static const cli_option table[] = {
    { "peers", NULL, "gemm beside OpenBLAS, BLIS, oneDNN, MKL, elementwise beside SLEEF: if found",
      CLI_FLAG, FIELD(peers), NULL, 0, 0 },
    { "threads", "LIST", "numbers of threads in turn, such as 1,2,4", CLI_TEXT, FIELD(threads), "1",
      0, 0 },
    { "isa", "NAME", "kernels to use, as HONE_ISA says", CLI_TEXT, FIELD(isa), NULL, 0, 0 },
    { "json", "FILE", "write one JSON object a line and row", CLI_TEXT, FIELD(json), NULL, 0, 0 },
    { "only", "OP", "rows of this op only", CLI_TEXT, FIELD(only), NULL, 0, 0 },
    { "dtype", "NAME", "rows of f32, of f64 or of bf16 (products) only", CLI_TEXT, FIELD(dtype),
      NULL, 0, 0 },
    { "size", "SIZE", "this size only: elements, or MxNxK of a product, also MxNxK:TN", CLI_TEXT,
      FIELD(size), NULL, 0, 0 },
    { "seconds", "S", "about so long for each number of threads", CLI_REAL, FIELD(seconds), "60",
      0.001, 3600 },
    { 0 },
};

static const struct {
    const char *name;
    bench_suite_run run;
    int (*open_peers)(bench_peer *peers); /* NULL: no other library does it */
    const char *peers;                    /* whom that looks for */
    const char *unit;                     /* of its rates */
    bool products;                        /* sizes are MxNxK, and pure FMA is a second peak */
} suites[] = {
    { "gemm", bench_gemm, bench_peers_open, "OpenBLAS, BLIS, oneDNN, MKL", "GFLOP/s", true },
    { "skinny", bench_skinny, bench_peers_open, "OpenBLAS, BLIS, oneDNN, MKL", "GFLOP/s", true },
    { "elementwise", bench_elementwise, bench_sleef_open, "SLEEF", "GB/s", false },
    { "reduce", bench_reduce, NULL, NULL, "GB/s", false },
    { "ops", bench_ops, NULL, NULL, "GB/s, of products GFLOP/s", false },
    { "train", bench_train, NULL, NULL, "GFLOP/s", false },
};

enum { N_SUITES = sizeof suites / sizeof *suites, MAX_LIST = 64 };

static const char *const name = "bench"; /* of this subcommand, for messages */

/* ---- what the words say */

/* "1,2,4" -> list[MAX_LIST]; 0 with an error printed. */
static int read_threads(const char *text, int *list)
{
    int n = 0;
    for (const char *at = text;; at++) {
        char number[16];
        int64_t threads;
        const size_t length = strcspn(at, ",");
        snprintf(number, sizeof number, "%.*s", (int)length, at);
        if (length >= sizeof number || !cli_read_int(number, &threads) || threads < 1 ||
            threads > 1024 || n == MAX_LIST) {
            cli_error(CLI_USAGE, name,
                      "--threads takes up to %d numbers from 1 to 1024 with commas between, not "
                      "'%s'",
                      MAX_LIST, text);
            return 0;
        }
        list[n++] = (int)threads;
        at += length;
        if (!*at)
            return n;
    }
}

/* Whether so many elements of any dtype have bytes that an int64_t can count. */
static bool fits(int64_t a, int64_t b)
{
    int64_t elements;
    return hone__times(a, b, &elements) && elements <= INT64_MAX / 8;
}

static bool read_size(bench_run *run, const char *text, bool product)
{
    char copy[96];
    int64_t at[3] = { 0, 0, 0 };
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    char *colon = strchr(copy, ':');
    static const char *const variants[] = { "NN", "NT", "TN", "TT" };
    if (colon) {
        *colon = 0;
        for (int i = 0; i < 4; i++)
            if (strcmp(colon + 1, variants[i]) == 0)
                run->variant = variants[i];
    }
    bool good = strlen(text) < sizeof copy && (!colon || (product && run->variant));
    char *rest = copy;
    for (char *part; good && (part = strsep(&rest, "x"));)
        good = n < 3 && cli_read_int(part, &at[n]) && at[n++] >= 1;
    if (!good || n != (product ? 3 : 1)) {
        cli_error(CLI_USAGE, name, "--size takes %s, not '%s'",
                  product ? "MxNxK, MxNxK:NT, :TN or :TT" : "a number of elements", text);
        return false;
    }
    if (product ? !fits(at[0], at[1]) || !fits(at[0], at[2]) || !fits(at[1], at[2])
                : !fits(at[0], 1)) {
        cli_error(CLI_USAGE, name, "--size %s: the operands' bytes overflow 64 bits", text);
        return false;
    }
    run->m = at[0];
    run->n = at[1];
    run->k = at[2];
    return true;
}

/* ---- rows */

bool bench_wants(const bench_run *run, const char *row_name)
{
    return !run->only || strcmp(run->only, row_name) == 0;
}

bool bench_wants_dtype(const bench_run *run, hone_dtype dtype)
{
    return !run->dtype || strcmp(run->dtype, hone_dtype_name(dtype)) == 0;
}

bool bench_do_row(bench_run *run, bench_row *row, void *ctx)
{
    progress show = progress_new(false);
    char left[64], right[96];
    snprintf(left, sizeof left, "%s %d/%d", run->report.suite, run->row + 1, run->n_rows);
    const double remaining = run->deadline - cli_seconds();
    snprintf(right, sizeof right, "%s %s %s, %s left", row->name, row->dtype, row->variant,
             progress_time(remaining > 0 ? remaining : 0).s);
    progress_bar(&show, left, run->row, run->n_rows, right);
    const double seconds = remaining / (run->n_rows - run->row);
    const bool good = bench_measure(row->side, ctx, seconds, run->report.threads);
    progress_clear(&show);
    run->row++;
    if (good)
        bench_print_row(&run->report, row);
    else if (hone_error_code() != HONE_OK)
        cli_library_error(name);
    else
        cli_error(CLI_FAILED, name, "another library failed at %s", row->name);
    return good;
}

/* What would only fail after some rows, or after --json's file was emptied. */
static int check_call(bench_run *run, int suite, const int *threads, int n)
{
    for (int i = 0; i < n; i++)
        if (hone_set_threads(threads[i]) != HONE_OK)
            return cli_library_error(name);
    run->n_rows = suites[suite].run(run, true);
    if (run->n_rows > 0)
        return CLI_OK;
    return cli_error(CLI_USAGE, name, "%s has no op '%s'%s%s", run->report.suite,
                     run->only ? run->only : "any", run->dtype ? " in " : "",
                     run->dtype ? run->dtype : "");
}

/* The peers of the suite that this machine has; says so if there is none. */
static void open_peers(bench_report *report, int suite)
{
    if (suites[suite].open_peers)
        report->n_peers = suites[suite].open_peers(report->peer);
    if (!suites[suite].open_peers)
        snprintf(report->no_peers, sizeof report->no_peers,
                 "no peers: perf/compare/bench.py runs %s beside PyTorch", report->suite);
    else if (report->n_peers == 0)
        snprintf(report->no_peers, sizeof report->no_peers, "no peers: %s can't be opened here",
                 suites[suite].peers);
}

static int run_suite(bench_run *run, int suite, int threads, double seconds)
{
    bench_report *report = &run->report;
    if (hone_set_threads(threads) != HONE_OK)
        return cli_library_error(name);
    report->threads = threads;
    report->running = hone__team_size();
    bench_peers_set_threads(report->peer, report->n_peers, threads);
    run->row = 0;
    run->deadline = cli_seconds() + seconds;
    bench_print_head(report, suites[suite].unit, suites[suite].products);
    return suites[suite].run(run, false) < 0 ? CLI_FAILED : CLI_OK;
}

static int find_suite(const char *word)
{
    const char *names[N_SUITES];
    char all[128] = "";
    for (int i = 0; i < N_SUITES; i++) {
        if (strcmp(word, suites[i].name) == 0)
            return i;
        names[i] = suites[i].name;
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = hone__nearest(word, names, N_SUITES);
    if (nearest)
        cli_error(CLI_USAGE, name, "unknown suite '%s'; did you mean %s?", word, nearest);
    else
        cli_error(CLI_USAGE, name, "unknown suite '%s'; there are %s", word, all);
    return -1;
}

static int open_json(bench_run *run, const char *path)
{
    if (path && !(run->report.json = fopen(path, "w")))
        return cli_error(CLI_FAILED, name, "%s can't be written: %s", path, strerror(errno));
    return CLI_OK;
}

static int close_json(bench_run *run, const char *path)
{
    FILE *f = run->report.json;
    if (!f)
        return CLI_OK;
    const int error = cli_close(f, run->report.json_error);
    if (error)
        return cli_error(CLI_FAILED, name, "%s can't be written: %s", path, strerror(error));
    return CLI_OK;
}

static int run(int argc, char **argv)
{
    bench_options o = { 0 };
    const bool word = argc > 0 && argv[0][0] != '-';
    const int suite = word ? find_suite(argv[0]) : 0;
    if (suite < 0)
        return CLI_USAGE;
    const cli_parsed parsed = cli_parse(&cli_bench, table, &o, argc - word, argv + word);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!word)
        return cli_error(CLI_USAGE, name, "a suite is missing; see hone bench --help");

    int list[MAX_LIST];
    const int n = read_threads(o.threads, list);
    static bench_run r; /* zero: the peers' table is large */
    r.only = o.only;
    r.report.suite = suites[suite].name;
    r.dtype = o.dtype;
    if (o.dtype && strcmp(o.dtype, "f32") != 0 && strcmp(o.dtype, "f64") != 0 &&
        strcmp(o.dtype, "bf16") != 0)
        return cli_error(CLI_USAGE, name, "--dtype takes f32, f64 or bf16, not '%s'", o.dtype);
    if (n == 0 || (o.size && !read_size(&r, o.size, suites[suite].products)))
        return CLI_USAGE;
    if (o.isa)
        setenv("HONE_ISA", o.isa, 1);
    if (hone_init() != HONE_OK)
        return cli_library_error(name);
    if (o.peers)
        open_peers(&r.report, suite);
    cli_catch_stop();
    if (o.json)
        cli_outlive_readers();
    int status = check_call(&r, suite, list, n);
    if (status == CLI_OK)
        status = open_json(&r, o.json);
    for (int i = 0; i < n && status == CLI_OK; i++)
        status = run_suite(&r, suite, list[i], o.seconds);
    const int written = close_json(&r, o.json);
    return status == CLI_OK ? written : status;
}

const cli_command cli_bench = {
    "bench",
    "Measures beside peaks and peers: SUITE gemm, skinny, elementwise, reduce, ops or train.", run,
    "SUITE"
};
