/* lines.c: see lines.h. */
#include "runtime/lines.h"
#include "core/core.h"
#include "runtime/cost.h"
#include "runtime/lock.h"
#include "runtime/parallel.h"
#include "runtime/stalls.h"

#include <sched.h>

enum { LINES = 512, ROUNDS = 4 };

static struct {
    _Alignas(64) atomic_int word;
} line[LINES];

static _Atomic double line_ns = HONE__COST_LINE_NS;
static _Atomic int64_t measured_at = -HONE__COST_LINES_EVERY_NS;

double hone__line_ns(void)
{
    return atomic_load_explicit(&line_ns, memory_order_relaxed);
}

/* Read first, as by p -= lr * grad: the line comes as one that is shared. */
static void change(void)
{
    for (int i = 0; i < LINES; i++) {
        const int word = atomic_load_explicit(&line[i].word, memory_order_relaxed);
        atomic_store_explicit(&line[i].word, word + 1, memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_seq_cst); /* until the last one is ours */
}

typedef struct {
    double best_ns;
    int cpu;            /* of the first thread */
    atomic_bool shared; /* with another one: then nothing is measured */
} measuring;

static void read_lines(measuring *m)
{
    for (int i = 0; i < LINES; i++)
        atomic_load_explicit(&line[i].word, memory_order_relaxed);
    if (sched_getcpu() == m->cpu)
        atomic_store_explicit(&m->shared, true, memory_order_relaxed);
}

/* The others read what the first thread changed, then it changes that again: the least of a few
 * rounds, as other programs only ever add. The first round finds the lines anywhere. */
static void read_and_change(void *ctx, int thread, int n_threads)
{
    (void)n_threads;
    measuring *m = ctx;
    for (int round = 0; round < ROUNDS; round++) {
        if (thread > 0)
            read_lines(m);
        hone__team_barrier();
        if (thread == 0) {
            const int64_t began = hone__now_ns();
            change();
            const double ns = (double)(hone__now_ns() - began) / LINES;
            if (round > 0 && ns < m->best_ns)
                m->best_ns = ns;
            m->cpu = sched_getcpu();
        }
        hone__team_barrier();
    }
}

void hone__line_measure(int n_threads, int64_t now)
{
    if (now - atomic_load_explicit(&measured_at, memory_order_relaxed) < HONE__COST_LINES_EVERY_NS)
        return;
    if (!hone__lock_try(HONE__LOCK_LINES))
        return;
    measuring m = { .best_ns = HONE__COST_LINE_MOST_NS, .cpu = -1 };
    const unsigned regions = hone__data_now.regions; /* the running op started none */
    atomic_store_explicit(&measured_at, now, memory_order_relaxed);
    hone__parallel_team(n_threads, read_and_change, &m);
    hone__data_now.regions = regions;
    const double ns = m.best_ns * HONE__COST_LINE_FACTOR;
    if (!atomic_load(&m.shared))
        atomic_store_explicit(&line_ns,
                              ns > HONE__COST_LINE_LEAST_NS ? ns : HONE__COST_LINE_LEAST_NS,
                              memory_order_relaxed);
    hone__debug_print(3, "team: a line of another core's takes %.1f ns%s", m.best_ns,
                      atomic_load(&m.shared) ? " (on one CPU: doesn't count)" : "");
    hone__unlock(HONE__LOCK_LINES);
}
