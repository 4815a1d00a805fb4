/* bench_measure.c: sides in turn, medians and bests. */
#include "bench.h"
#include "cli.h"

#include <stdlib.h>
#include <time.h>

enum { MAX_ROUNDS = 400, MIN_ROUNDS = 3 };

/* Reading a thread's clock takes half a microsecond: a turn's
 * seconds, with little time and with much. */
static const double SHORT_TURN = 2e-4, LONG_TURN = 1e-3;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of `calls` calls; negative: one failed. */
static double turn(bench_call call, void *ctx, int calls, clockid_t clock)
{
    const double begin = now(clock);
    for (int i = 0; i < calls; i++)
        if (!call(ctx))
            return -1;
    return now(clock) - begin;
}

/* Calls that take about `seconds`; 0: one failed. */
static int calls_for(bench_call call, void *ctx, double seconds, clockid_t clock)
{
    double spent = turn(call, ctx, 1, clock); /* fills caches and pools */
    for (int calls = 1; spent >= 0; calls *= 2) {
        spent = calls > 1 || spent < seconds ? turn(call, ctx, calls, clock) : spent;
        if (spent >= seconds || calls >= 1 << 24)
            return calls;
    }
    return 0;
}

bool bench_measure(bench_side *sides, void *ctx, double seconds, int threads)
{
    static double took[BENCH_SIDES][MAX_ROUNDS];
    const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    const double begin = cli_seconds(), a_turn = seconds < 0.1 ? SHORT_TURN : LONG_TURN;
    int calls[BENCH_SIDES] = { 0 }, rounds = 0;
    for (int s = 0; s < BENCH_SIDES; s++)
        if (sides[s].call && (calls[s] = calls_for(sides[s].call, ctx, a_turn, clock)) == 0)
            return false;
    while (rounds < MAX_ROUNDS && (rounds < MIN_ROUNDS || cli_seconds() - begin < seconds)) {
        for (int s = 0; s < BENCH_SIDES; s++) {
            if (!sides[s].call)
                continue;
            const double spent = turn(sides[s].call, ctx, calls[s], clock);
            if (spent < 0)
                return false;
            took[s][rounds] = (spent > 0 ? spent : 1e-9) / calls[s] * 1e9;
        }
        rounds++;
    }
    for (int s = 0; s < BENCH_SIDES; s++) {
        if (!sides[s].call)
            continue;
        qsort(took[s], (size_t)rounds, sizeof(double), ascending);
        sides[s].ns = took[s][(rounds - 1) / 2];
        sides[s].median = sides[s].work / sides[s].ns;
        sides[s].best = sides[s].work / took[s][0];
    }
    return true;
}
