/* Work shared by a team: ranges, barriers, nested regions, forks, and when the team is not used. */
#include "machine.h"

#include "core/core.h"
#include "op/observe.h"
#include "runtime/cost.h"
#include "runtime/lines.h"
#include "runtime/openmp.h"
#include "runtime/parallel.h"
#include "runtime/stalls.h"

#include <hone/ops.h>

#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(parallel);

/* ---- ranges ------------------------------------------------------------------------------- */

typedef struct {
    atomic_int seen[1000];
    atomic_int calls;
    int64_t grain;
    atomic_bool off_grain;
} cover;

static void cover_range(void *ctx, int64_t begin, int64_t end)
{
    cover *c = ctx;
    atomic_fetch_add(&c->calls, 1);
    if (begin % c->grain != 0)
        atomic_store(&c->off_grain, true);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&c->seen[i], 1);
}

Test(parallel, ranges_cover_all_once)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "5", 1);
    CHECK_OK(hone_init());
    const int64_t sizes[] = { 0, 1, 2, 4, 5, 6, 63, 64, 65, 999, 1000 };
    const int64_t grains[] = { 1, 7, 64, 5000 };
    for (int s = 0; s < 11; s++) {
        for (int g = 0; g < 4; g++) {
            static cover c;
            memset(&c, 0, sizeof c);
            c.grain = grains[g];
            hone__parallel_for(sizes[s], grains[g], 1, cover_range, &c);
            for (int64_t i = 0; i < 1000; i++)
                cr_assert(atomic_load(&c.seen[i]) == (i < sizes[s]));
            const int64_t units = (sizes[s] + grains[g] - 1) / grains[g];
            cr_assert(atomic_load(&c.calls) == (units < 5 ? units : 5));
            cr_assert(!atomic_load(&c.off_grain));
        }
    }
}

/* ---- one thread or the team --------------------------------------------------------------- */

/* The cost model has a choice only where there are two CPUs. On a busy machine the first region may
 * have waited for a core, after which the team is left alone for a while. */
static bool two_cpus(void)
{
    if (test_cpus() < 2)
        return false;
    CHECK_OK(hone_set_threads(2));
    for (int tries = 0; hone__team_for(1e7, 1000) == 1 && tries < 300; tries++)
        usleep(10000);
    return true;
}

Test(parallel, small_jobs_stay_on_one_thread)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    cr_assert(hone__team_for(100, 1000) == 1);
    cr_assert(hone__team_for(1e7, 1000) == 2);
    cr_assert(hone__team_for(1e7, 1) == 1);
}

Test(parallel, light_jobs_stay_where_their_data_are)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    hone__data_now.near_bytes = 256 << 10;
    cr_assert(hone__team_for(15e3, 1000) == 1);
    cr_assert(hone__team_for(1e6, 1000) == 2);
    hone__data_now.near_bytes = 0;
    cr_assert(hone__team_for(8e3, 1000) == 1);
    hone__data_now.spread_bytes = 256 << 10;
    cr_assert(hone__team_for(8e3, 1000) == 2);
}

/* The price of a line is measured as regions run, and is one that hardware can have. */
Test(parallel, lines_are_measured)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    const unsigned regions = hone__data_now.regions;
    hone__line_measure(2, INT64_MAX / 2);
    cr_assert(hone__line_ns() >= HONE__COST_LINE_LEAST_NS);
    cr_assert(hone__line_ns() <= HONE__COST_LINE_MOST_NS * HONE__COST_LINE_FACTOR);
    cr_assert(hone__data_now.regions == regions); /* it is no op's region */
}

/* An op on the team leaves its operands spread, one on a single thread near; a view touches
 * none. */
Test(parallel, ops_note_where_they_leave_their_data)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    HONE_SCOPE();
    hone_tensor *a = hone_randn(HONE_F32, 512, 512), *b = hone_matmul(a, a);
    for (int i = 0; i < 1000 && !b->storage->spread; i++) {
        usleep(3000); /* the team may rest after a stall */
        b = hone_matmul(a, a);
    }
    const bool spread = b->storage->spread;
    cr_assert(a->storage->spread == spread);
    cr_assert(spread || hone__team_for(1e9, 100) == 1);
    hone_transpose(a, 0, 1);
    hone_contiguous(a);
    cr_assert(a->storage->spread == spread);
    CHECK_OK(hone_set_threads(1));
    hone_matmul(a, a);
    cr_assert(!a->storage->spread && b->storage->spread == spread);
    hone_zero_(b);
    cr_assert(!b->storage->spread);
}

/* What a result weighs on one thread if the operands are spread: nothing where no core's cache holds
 * it, little where one does. */
Test(parallel, large_results_of_spread_data_are_the_teams)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    HONE_SCOPE();
    const int64_t bytes = 2 * (int64_t)hone__core_bytes();
    const hone_tensor *large = hone_empty(HONE_U8, bytes);
    const hone_tensor *small = hone_empty(HONE_U8, bytes / 4);
    hone__data_now = (hone__data_place){ .spread_bytes = bytes / HONE__COST_MOVED };
    hone__observe_large_new(large);
    cr_assert(hone__data_now.near_bytes == 0);
    hone__observe_large_new(small);
    cr_assert(hone__data_now.near_bytes == bytes / 4 / HONE__COST_MOVED);
    hone__data_now = (hone__data_place){ .spread_bytes = bytes / 8 / HONE__COST_MOVED };
    hone__observe_large_new(large);
    cr_assert(hone__data_now.near_bytes == bytes / HONE__COST_SHARED);
    hone__data_now = (hone__data_place){ .near_bytes = 1, .spread_bytes = bytes };
    hone__observe_large_new(large);
    cr_assert(hone__data_now.near_bytes == 1 + bytes / HONE__COST_SHARED);
}

static void second_is_late(void *ctx, int thread, int n_threads)
{
    (void)ctx, (void)n_threads;
    if (thread == 1)
        usleep(5000);
}

/* As if the second thread had to wait for a core. Where this test really has to wait for one, a
 * pause may be over before it is seen; but each is twice as long as the one before. */
Test(parallel, a_stalled_team_is_left_alone_for_a_while)
{
    test_clear_environment();
    if (!two_cpus())
        cr_skip_test("one CPU");
    cr_assert(hone__team_for(1e5, 10) == 2);
    int tries = 0;
    do
        hone__parallel_team(2, second_is_late, NULL);
    while (hone__team_for(1e5, 10) == 2 && ++tries < 200);
    cr_assert(tries < 200);
    for (tries = 0; hone__team_for(1e5, 10) == 1 && tries < 500; tries++)
        usleep(10000);
    cr_assert(tries < 500);
}

/* What the team saves pays for stalls; one that it can't pay for brings a pause, and the next of
 * those a longer one, until the team has saved enough again or did long without. No region runs
 * here. */
Test(parallel, savings_pay_for_stalls)
{
    enum { MS = 1000000 };
    const int64_t now = hone__now_ns(), past = now - 1200 * (int64_t)MS;
    hone__stalls_account(-HONE__CREDIT_FIRST_NS, now);
    cr_assert(!hone__team_pauses());
    for (int i = 0; i < 1000; i++)
        hone__stalls_account(MS, now);
    hone__stalls_account(-HONE__CREDIT_MOST_NS, now);
    cr_assert(!hone__team_pauses());
    hone__stalls_account(-5 * MS, now - 1000 * (int64_t)MS - HONE__PAUSE_NS); /* is over */
    cr_assert(!hone__team_pauses());
    for (int pause = HONE__PAUSE_NS / MS; pause < 1000; pause *= 2)
        hone__stalls_account(-5 * MS, past);
    cr_assert(!hone__team_pauses());
    hone__stalls_account(-5 * MS, now - 200 * (int64_t)MS); /* the longest: isn't over yet */
    cr_assert(hone__team_pauses());
    hone__stalls_account(HONE__CREDIT_FIRST_NS + 1, now);
    hone__stalls_account(-HONE__CREDIT_MOST_NS, now - 1000 * (int64_t)MS); /* a short one again */
    cr_assert(!hone__team_pauses());
    for (int pause = HONE__PAUSE_NS / MS; pause < 1000; pause *= 2)
        hone__stalls_account(-5 * MS, now - 3000 * (int64_t)MS);
    hone__stalls_account(-5 * MS, now - 100 * (int64_t)MS); /* and here, by time */
    cr_assert(!hone__team_pauses());
}

/* ---- inside a team ------------------------------------------------------------------------- */

typedef struct {
    int n_threads;
    atomic_int phase_count[20];
    atomic_bool broken;
} meeting;

static void meet(void *ctx, int thread, int n_threads)
{
    meeting *m = ctx;
    (void)thread;
    for (int phase = 0; phase < 20; phase++) {
        atomic_fetch_add(&m->phase_count[phase], 1);
        hone__team_barrier();
        if (atomic_load(&m->phase_count[phase]) != n_threads)
            atomic_store(&m->broken, true);
    }
    if (thread == 0)
        m->n_threads = n_threads;
}

Test(parallel, barriers_hold_back_the_team_only)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "4", 1);
    CHECK_OK(hone_init());
    for (int n = 1; n <= 5; n++) {
        for (int repeat = 0; repeat < 20; repeat++) {
            meeting m = { 0 };
            hone__parallel_team(n, meet, &m);
            cr_assert(m.n_threads == (n < 4 ? n : 4) && !atomic_load(&m.broken));
        }
    }
}

static void nested(void *ctx, int thread, int n_threads)
{
    meeting inner = { 0 };
    (void)thread, (void)n_threads;
    hone__parallel_team(3, meet, &inner);
    if (inner.n_threads != 1 || hone__team_size() != 1 || hone__team_for(1e9, 100) != 1)
        atomic_store((atomic_bool *)ctx, true);
    hone__team_barrier(); /* still the outer team's */
}

Test(parallel, inside_a_region_all_is_inline)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "3", 1);
    CHECK_OK(hone_init());
    atomic_bool broken = false;
    hone__parallel_team(3, nested, &broken);
    cr_assert(!atomic_load(&broken));
#pragma omp parallel num_threads(2)
    nested(&broken, 0, 1); /* the caller's own region: the barrier must not wait for it */
    cr_assert(!atomic_load(&broken));
}

static void *train(void *broken)
{
    for (int i = 0; i < 50; i++) {
        meeting m = { 0 };
        hone__parallel_team(2, meet, &m);
        if (m.n_threads != 2 || atomic_load(&m.broken))
            atomic_store((atomic_bool *)broken, true);
    }
    return NULL;
}

Test(parallel, several_threads_may_use_teams_at_once)
{
    test_clear_environment();
    CHECK_OK(hone_set_threads(2));
    pthread_t threads[3];
    atomic_bool broken = false;
    for (int i = 0; i < 3; i++)
        cr_assert(pthread_create(&threads[i], NULL, train, &broken) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert(!atomic_load(&broken));
}

/* By arithmetic: fegetround() asks the x87 unit on x86-64. */
static bool rounds_up(void)
{
    volatile float one = 1, little = 1e-9f;
    return one + little > one;
}

static void note_rounding(void *ctx, int thread, int n_threads)
{
    (void)n_threads;
    volatile float tiny = 2e-38f;
    const float half = tiny * 0.25f; /* 0 if denormals are flushed */
    atomic_store((atomic_int *)ctx + thread, !rounds_up() && half > 0);
}

Test(parallel, the_callers_rounding_is_put_aside)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "3", 1);
    CHECK_OK(hone_init());
    for (int n = 1; n <= 3; n += 2) {
        atomic_int good[3] = { 0 };
        fesetround(FE_UPWARD);
        hone__parallel_team(n, note_rounding, good);
        const bool restored = rounds_up();
        fesetround(FE_TONEAREST);
        cr_assert(restored);
        for (int i = 0; i < n; i++)
            cr_assert(atomic_load(&good[i]), "thread %d", i);
    }
}

/* ---- fork --------------------------------------------------------------------------------- */

/* LLVM's runtime can start threads there, libgomp can't. */
Test(parallel, a_forked_child_works_on_the_threads_there_can_be)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "2", 1);
    CHECK_OK(hone_init());
    meeting m = { 0 };
    hone__parallel_team(2, meet, &m);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); /* instead of hanging */
        HONE_SCOPE();
        meeting inner = { 0 };
        const int n = hone__openmp_survives_fork() ? 2 : 1;
        hone__parallel_team(2, meet, &inner);
        hone_tensor *t = T(HONE_F32, (2), 1, 2);
        _exit(inner.n_threads == n && hone_threads() == n && hone_at(t, 1) == 2 ? 0 : 1);
    }
    int status = -1;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    hone__parallel_team(2, meet, &m);
    cr_assert(m.n_threads == 2);
}
