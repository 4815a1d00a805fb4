/* bench.h: what the files of `hone bench` share.
 *
 * A row of a suite is a few sides that do the same job, or set its limit: two peaks, hone, the
 * peers. They run in turn, a turn each, round after round, so that all see the same clock and the
 * same neighbours; medians and bests of the rounds are reported. */
#ifndef HONE_CLI_BENCH_H
#define HONE_CLI_BENCH_H

#include "profile/roofs.h"

#include <hone/hone.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- sides and measuring (bench_measure.c) */

enum { BENCH_PEAK, BENCH_FMA, BENCH_HONE, BENCH_PEERS, BENCH_MAX_PEERS = 4 };
enum { BENCH_SIDES = BENCH_PEERS + BENCH_MAX_PEERS };

/** One call; false on failure (out of memory). */
typedef bool (*bench_call)(void *ctx);

typedef struct {
    bench_call call;     /* NULL: this row has no such side */
    double work;         /* flops or bytes a call */
    double median, best; /* results: work a ns = GFLOP/s or GB/s */
    double ns;           /* of the median call */
} bench_side;

/** Measures all sides in turn for about `seconds`, at least three rounds. `threads` tells the
 * clock: on one thread it is the thread's own time, so that other programs disturb less. False: a
 * call failed. */
bool bench_measure(bench_side *sides, void *ctx, double seconds, int threads);

/* ---- peaks as sides (bench_peak.c) */

/** A bench_call: ctx begins with a hone__memory_pass. */
bool bench_memory_call(void *ctx);
/** The peak's side for tensors of `elements` numbers (their memory is rounded up to 1 KiB, see
 * bench_tensor); unused ones are NULL. */
bench_side bench_memory_side(hone__memory_pass *m, hone__stream kind, int threads, int64_t bytes,
                             hone_tensor *to, hone_tensor *a, hone_tensor *b);
/** The kernel peak. A bench_call's ctx begins with the tile. */
bench_side bench_tile_side(const hone__tile *tile);

/** A tensor of the scope with numbers in (low, high), and room for 1 KiB more behind them. NULL:
 * out of memory, the error was printed. */
hone_tensor *bench_tensor(hone_dtype dtype, int64_t rows, int64_t cols, double low, double high);

/* ---- peers (bench_peers.c) */

typedef struct {
    const char *name;
    void *handle;
    void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int,
                  float, float *, int);
    void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int,
                  double, double *, int);
    int (*dnnl_sgemm)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
                      const float *, int64_t, float, float *, int64_t);
} bench_peer;

/** Opens what the machine has; peers[BENCH_MAX_PEERS]. Returns how many. */
int bench_peers_open(bench_peer *peers);
/** The same for elementwise functions: SLEEF. */
int bench_sleef_open(bench_peer *peers);
/** Its function of a vector of the ISA in use, for hone__peaks.map_f32 and map_f64; NULL: none. */
void (*bench_sleef_find(const bench_peer *peer, const char *op, bool f64))(void);
void bench_peers_set_threads(const bench_peer *peers, int n, int threads);

/* ---- rows (bench_report.c) */

typedef struct {
    const char *name;    /* the bare op */
    const char *dtype;   /* "f32" */
    const char *variant; /* contiguous, broadcast, strided; NN, TN, NT, TT of a product */
    hone__mem_level level;
    int64_t m, n, k;  /* a product, else */
    int64_t elements; /* > 0 */
    bool flops;       /* the rate is GFLOP/s, else GB/s */
    bench_side side[BENCH_SIDES];
} bench_row;

typedef struct {
    const char *suite;
    int threads; /* as asked for */
    int running; /* of these: no more than there are CPUs */
    int n_peers;
    bench_peer peer[BENCH_MAX_PEERS];
    char no_peers[80]; /* why there are none though they were asked for, or "" */
    FILE *json;
    int json_error;
} bench_report;

void bench_print_head(const bench_report *report, const char *unit, bool fma);
/** The row in the table and in the file. */
void bench_print_row(bench_report *report, const bench_row *row);

/* ---- a run of a suite (bench.c) */

typedef struct {
    const char *only;    /* rows of this name, or NULL for all */
    const char *dtype;   /* rows of "f32", "f64" or "bf16", or NULL for all */
    int64_t m, n, k;     /* of --size for a product; m alone: elements */
    const char *variant; /* NN, TN ... of --size, or NULL */
    bench_report report;
    int row, n_rows; /* of the whole run */
    double deadline;
} bench_run;

/** One row: `ctx` goes to every call. False: the error was printed. */
bool bench_do_row(bench_run *run, bench_row *row, void *ctx);
/** True if --only wants it. */
bool bench_wants(const bench_run *run, const char *row_name);
/** True if --dtype wants it. */
bool bench_wants_dtype(const bench_run *run, hone_dtype dtype);

/** A product [m, k] x [k, n], ta, tb: of an operand that lies across. */
typedef struct {
    int64_t m, n, k;
    bool ta, tb, f64;
    bool bf16; /* C, too */
    bool accumulate;
    int batch; /* so many products, one behind the other; 0: one */
} bench_product;
/** Its row. False on a failure, which was printed. */
bool bench_do_product(bench_run *run, const bench_product *s);

/** Runs the suite for report.threads; or, with `count`, only says how many rows there are. Returns
 * -1 on a failure, which was printed. */
typedef int (*bench_suite_run)(bench_run *run, bool count);
int bench_gemm(bench_run *run, bool count);
int bench_skinny(bench_run *run, bool count);
int bench_elementwise(bench_run *run, bool count);
int bench_reduce(bench_run *run, bool count);
int bench_ops(bench_run *run, bool count);
int bench_train(bench_run *run, bool count);

/** The elements a row of a memory-bound op has in a level, a multiple of `unit`: all operands
 * together fill what hone__mem_level_bytes says. 0: no such row. */
int64_t bench_level_elements(hone__mem_level level, int operands, hone_dtype dtype, int64_t unit);

#endif
