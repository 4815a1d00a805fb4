/* parallel.c: the team of threads: how many, when, and how they run and meet. */
#include "runtime/parallel.h"
#include "core/core.h"
#include "runtime/cost.h"
#include "runtime/fpmode.h"
#include "runtime/lines.h"
#include "runtime/openmp.h"
#include "runtime/pin.h"
#include "runtime/stalls.h"
#include "runtime/topology.h"
#include "runtime/trial.h"
#include "runtime/watch.h"

#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>

#define MAX_THREADS 1024

static atomic_int team = 1;     /* as it was asked for */
static atomic_int runnable = 1; /* of these, so many run at once: no more than there are CPUs */
atomic_bool hone__team_forced;  /* no cost model */
static double core_bytes = HONE__COST_CORE_BYTES; /* of a core's own cache */
static atomic_bool forked;                        /* this process is a child of fork() */
static atomic_int open_regions;                   /* of all threads that call hone */
static char team_reason[96] = "not initialised";  /* written by hone__team_init only */
static atomic_int asked_for; /* by hone_set_threads, which is the reason then; 0: not called */

/* ---- how many ----------------------------------------------------------------------------- */

typedef struct {
    int n;
    char *reason; /* of the last bound */
    size_t size;
} count;

static void bound(count *threads, long limit, const char *reason)
{
    if (limit >= threads->n)
        return;
    threads->n = limit < 1 ? 1 : (int)limit;
    hone__format(threads->reason, threads->size, "%s", reason);
}

/* Where the runtime binds threads they get the places as these come, hyperthreads and little cores
 * too: fewer threads than places would leave cores idle while others have two. */
static void bound_by_places(count *threads, const hone__topology *machine)
{
    static const char reason[] = "CPUs in the places of OMP_PROC_BIND";
    const int places = machine->places_in_turn, cores = machine->affinity_cores;
    hone__format(threads->reason, threads->size, "%s", reason);
    bound(threads, places > cores ? places : cores, reason);
}

static void bound_by_cores(count *threads, const hone__topology *machine)
{
    hone__format(threads->reason, threads->size, "%s",
                 threads->n < machine->logical_cpus ? "CPUs in the affinity mask" : "all CPUs");
    bound(threads, machine->affinity_cores, "one a core");
    bound(threads, machine->fast_cores, "one a core of the fast kind");
}

int hone__machine_threads(const hone__topology *machine, char *reason, size_t size)
{
    char quota[96];
    count threads = { machine->affinity_cpus, reason, size };
    if (machine->runtime_binds)
        bound_by_places(&threads, machine);
    else
        bound_by_cores(&threads, machine);
    if (machine->cgroup_cpus > 0) {
        hone__format(quota, sizeof quota, "the cgroup's quota of %.2f CPUs", machine->cgroup_cpus);
        bound(&threads, (long)machine->cgroup_cpus, quota);
    }
    return threads.n;
}

/* The most threads that the OpenMP runtime gives a region, and which of its settings says so. */
static int most_by_setting(const char **name, int *value)
{
    if (omp_get_max_active_levels() < 1) {
        *name = "OMP_MAX_ACTIVE_LEVELS";
        *value = omp_get_max_active_levels();
        return 1;
    }
    *name = "OMP_THREAD_LIMIT";
    *value = omp_get_thread_limit();
    return *value;
}

/* With more threads than CPUs every region waits for the kernel to switch between them. */
static void set_team(int n)
{
    const int cpus = hone__topology_get()->affinity_cpus;
    atomic_store(&runnable, atomic_load(&hone__team_forced) || n < cpus ? n : cpus);
    atomic_store(&team, n);
}

bool hone__team_init(char *message, size_t size)
{
    long omp = LONG_MAX, most = LONG_MAX, exact = 0;
    char reason[64];
    const char *setting;
    int value;
    if (!hone__openmp_threads(&omp, message, size) ||
        !hone__env_int("HONE_NUM_THREADS", 1, MAX_THREADS, &most, message, size) ||
        !hone__env_int("HONE_FORCE_THREADS", 1, MAX_THREADS, &exact, message, size))
        return false;
    if (!hone__pin_init(message, size))
        return false;
    count threads = { hone__machine_threads(hone__topology_get(), team_reason, sizeof team_reason),
                      team_reason, sizeof team_reason };
    hone__format(reason, sizeof reason, "OMP_NUM_THREADS=%ld", omp);
    bound(&threads, omp, reason);
    hone__format(reason, sizeof reason, "HONE_NUM_THREADS=%ld", most);
    bound(&threads, most, reason);
    if (exact > 0) {
        threads.n = (int)exact;
        hone__format(team_reason, sizeof team_reason, "HONE_FORCE_THREADS=%d", threads.n);
        atomic_store(&hone__team_forced, true);
    }
    const int given = most_by_setting(&setting, &value);
    hone__format(reason, sizeof reason, "%s=%d", setting, value);
    bound(&threads, given, reason);
    bound(&threads, MAX_THREADS, "as many as hone can use");
    set_team(threads.n);
    if (hone__topology_get()->l2_bytes > 0)
        core_bytes = (double)hone__topology_get()->l2_bytes;
    hone__debug_print(3, "team: %d threads (%s)", threads.n, team_reason);
    return true;
}

static bool is_alone_after_fork(void)
{
    return atomic_load_explicit(&forked, memory_order_relaxed) && !hone__openmp_survives_fork();
}

int hone_threads(void)
{
    if (!hone__ready())
        return 1;
    return is_alone_after_fork() ? 1 : atomic_load_explicit(&team, memory_order_relaxed);
}

hone_status hone_set_threads(int n)
{
    if (!hone__ready())
        return HONE_E_CONFIG;
    if (n < 1 || n > MAX_THREADS)
        return hone_error_set(HONE_E_VALUE, "set_threads: %d threads, but 1 to %d are possible", n,
                              MAX_THREADS);
    const char *setting;
    int value;
    if (n > most_by_setting(&setting, &value))
        return hone_error_set(HONE_E_VALUE, "set_threads: %d threads, but %s is %d", n, setting,
                              value);
    set_team(n);
    atomic_store(&asked_for, n);
    return HONE_OK;
}

/* ---- the calling thread ------------------------------------------------------------------- */

typedef struct { /* the barrier of one; the counters on lines of their own */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint phase;
    hone__region_watch *seen; /* by a profile; NULL: by none */
} region;

typedef struct {
    region *region; /* NULL inline: a barrier there concerns nobody else */
    int n_threads, thread;
    hone__fpmode fpmode;
} place;
static _Thread_local place here;

/* The runtime has a team for each thread that starts regions. */
static _Thread_local struct {
    int size; /* it was last gathered with; 0: there is none yet */
    int made; /* the largest so far */
    int most; /* that can be made */
} own_team = { 0, 1, INT_MAX };

static bool is_inside(void)
{
    return here.n_threads > 1 || hone__openmp_inside();
}

int hone__team_size(void)
{
    const int n = atomic_load_explicit(&runnable, memory_order_relaxed);
    if (n == 1 || is_inside() || is_alone_after_fork())
        return 1;
    return n < own_team.most ? n : own_team.most;
}

void hone__team_never(void)
{
    own_team.most = 1;
}

/* ---- where data are: see cost.h ------------------------------------------------------------ */

_Thread_local hone__data_place hone__data_now;

double hone__core_bytes(void)
{
    return core_bytes;
}

/* What it costs to bring the operands to n threads less what it costs to bring them to this one. */
static double fetching_ns(int n)
{
    const hone__data_place *data = &hone__data_now;
    const double near = (double)data->near_bytes, spread = (double)data->spread_bytes;
    if (near + spread <= 0)
        return 0;
    const double cached = near + spread > core_bytes ? core_bytes / (near + spread) : 1;
    return hone__cost_fetch_ns(cached * (near / n - spread * (n - 1) / n), hone__line_ns());
}

double hone__changing_ns(int64_t bytes, int n)
{
    const double share = (double)bytes / n;
    return 2 * share > core_bytes ? 0 : hone__cost_fetch_ns(share, hone__line_ns());
}

/* Is the job done sooner by n of a team of `size` threads? */
static bool pays(double total_ns, int n, int size)
{
    const double team_ns = HONE__COST_GAIN * hone__cost_parallel_ns(total_ns, n, size);
    const double bring = fetching_ns(n);
    const double fetching = bring < -total_ns ? -total_ns : bring; /* a job is as long as it says */
    if (team_ns + fetching <= total_ns)
        return true;
    if (team_ns <= total_ns && hone__team_size() > 1 && !hone__team_pauses() &&
        atomic_load_explicit(&open_regions, memory_order_relaxed) == 0)
        hone__line_measure(size, hone__now_ns()); /* threads move: it may be less now */
    return false;
}

int hone__team_for(double total_ns, int64_t parts)
{
    const int size = atomic_load_explicit(&runnable, memory_order_relaxed);
    const bool exact = atomic_load_explicit(&hone__team_forced, memory_order_relaxed);
    if (size == 1 || parts < 2)
        return 1;
    const int n = parts < size ? (int)parts : size;
    /* First what settles nearly all small jobs: it costs a nanosecond. */
    if (!exact && (total_ns < HONE__COST_REGION_NS || !pays(total_ns, n, size)))
        return 1;
    const int possible = hone__team_size();
    if (possible == 1)
        return 1;
    if (exact)
        return n < possible ? n : possible;
    /* Another thread of the program has the cores: to share them would slow both. */
    if (atomic_load_explicit(&open_regions, memory_order_relaxed) > 0 || hone__team_pauses())
        return 1;
    hone__debug_print(3, "team: %.1f us in %lld parts on %d threads", total_ns * 1e-3,
                      (long long)parts, n < possible ? n : possible);
    return n < possible ? n : possible;
}

/* ---- running ------------------------------------------------------------------------------ */

/* Every body runs between these two. */
static inline place enter(region *all, int thread, int n_threads)
{
    place outer = here;
    outer.fpmode = hone__fpmode_enter();
    here.region = all;
    here.n_threads = n_threads;
    here.thread = thread;
    return outer;
}

static inline void leave(place outer)
{
    here = outer;
    hone__fpmode_leave(outer.fpmode);
}

/* A worker that meets the caller on one CPU holds both up for a time slice a region. */
static inline void keep_apart(int thread, int callers_cpu)
{
    if (thread > 0 && callers_cpu >= 0 && sched_getcpu() == callers_cpu)
        hone__pin_leave_cpu(callers_cpu);
}

static void run_inline(hone__team_body body, void *ctx)
{
    const place outer = enter(NULL, 0, 1);
    body(ctx, 0, 1);
    leave(outer);
}

/* New threads often start on the caller's CPU: it makes room until each has found one of its
 * own. */
static void gather(int size, int cpu)
{
    atomic_int present = 0;
#pragma omp parallel num_threads(size)
    {
        keep_apart(omp_get_thread_num(), cpu);
        atomic_fetch_add(&present, 1);
        while (omp_get_thread_num() == 0 && atomic_load(&present) < omp_get_num_threads())
            sched_yield();
    }
}

/* A runtime that can't make a thread ends the program. Those that a smaller team had are still
 * there, or can be again. */
static int make_team(int size)
{
    static atomic_bool told;
    if (size <= own_team.made)
        return size;
    own_team.made += hone__trial_threads(size - own_team.made, hone__openmp_stack());
    if (own_team.made == size)
        return size;
    own_team.most = own_team.made;
    if (!atomic_exchange(&told, true))
        hone__debug_print(1, "team: %d of %d threads: the system makes no more", own_team.most,
                          size);
    return own_team.most;
}

static void run_team(int wanted, int n_threads, hone__team_body body, void *ctx)
{
    region all = { 0 };
    const int size = make_team(wanted);
    if (size == 1) {
        run_inline(body, ctx);
        return;
    }
    const hone__pin_team pinning = hone__pin_team_of_caller();
    const bool free_to_pause = !atomic_load_explicit(&hone__team_forced, memory_order_relaxed);
    const int cpu = free_to_pause ? sched_getcpu() : -1; /* forced, they may have to share */
    if (cpu >= 0 && own_team.size != size)
        gather(own_team.size = size, cpu);
    hone__stopwatch watch = { 0 };
    if (free_to_pause)
        watch = hone__watch_begin();
    if (hone__profiled())
        all.seen = hone__watch.region_begin(size < n_threads ? size : n_threads);
    hone__data_now.regions++;
    atomic_fetch_add_explicit(&open_regions, 1, memory_order_relaxed);
#pragma omp parallel num_threads(size)
    {
        const int thread = omp_get_thread_num(), given = omp_get_num_threads();
        const int n = n_threads < given ? n_threads : given;
        hone__pin_thread(pinning, thread);
        keep_apart(thread, cpu);
        if (thread < n) {
            const place outer = enter(&all, thread, n);
            if (all.seen)
                hone__watch.part_begin(&all.seen->part[thread]);
            body(ctx, thread, n);
            if (all.seen)
                hone__watch.part_end(&all.seen->part[thread]);
            leave(outer);
        }
        if (thread == 0 && free_to_pause)
            hone__watch_own_end(&watch);
    }
    atomic_fetch_sub_explicit(&open_regions, 1, memory_order_relaxed);
    if (all.seen)
        hone__watch.region_end(all.seen);
    if (free_to_pause) {
        hone__watch_end(&watch, n_threads);
        hone__line_measure(size, watch.began);
    }
}

void hone__parallel_team(int n_threads, hone__team_body body, void *ctx)
{
    const int size = n_threads > 1 ? hone__team_size() : 1;
    if (size > 1)
        run_team(size, n_threads, body, ctx);
    else
        run_inline(body, ctx);
}

/* ---- what runs ---------------------------------------------------------------------------- */

static void note_size(void *n, int thread, int n_threads)
{
    if (thread == 0)
        *(int *)n = n_threads;
}

int hone__team_now(char *reason, size_t size)
{
    const int asked = atomic_load(&asked_for), wanted = hone_threads();
    const int possible = hone__team_size();
    int n = 1;
    hone__parallel_team(wanted, note_size, &n);
    if (is_alone_after_fork())
        hone__format(reason, size, "after a fork");
    else if (n == possible && n < wanted && is_inside())
        hone__format(reason, size, "inside a parallel region");
    else if (n == own_team.most)
        hone__format(reason, size, "the system makes no more threads");
    else if (n < possible)
        hone__format(reason, size, "OpenMP gave %d of %d%s", n, possible,
                     omp_get_dynamic() ? ": OMP_DYNAMIC=true" : "");
    else if (asked > 0)
        hone__format(reason, size, "hone_set_threads(%d)", asked);
    else
        hone__format(reason, size, "%s", team_reason);
    return n;
}

void hone__relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Our own, because OpenMP's would wait for the team's idle threads too. Threads that wait long give
 * their core away: there may be fewer cores than threads. */
static void meet(region *all)
{
    const unsigned phase = atomic_load_explicit(&all->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&all->arrived, 1, memory_order_acq_rel) + 1 == here.n_threads) {
        atomic_store_explicit(&all->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&all->phase, phase + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&all->phase, memory_order_acquire) == phase; spins++) {
        if (spins < 4000)
            hone__relax();
        else
            sched_yield();
    }
}

void hone__team_barrier(void)
{
    region *all = here.region;
    if (!all || here.n_threads < 2)
        return;
    const int64_t begin = all->seen ? hone__ticks() : 0;
    meet(all);
    if (all->seen)
        all->seen->part[here.thread].wait += hone__ticks() - begin;
}

/* ---- ranges ------------------------------------------------------------------------------- */

typedef struct {
    int64_t n, grain, units;
    hone__range_body body;
    void *ctx;
} range;

static int64_t cut(const range *all, int part, int parts)
{
    const int64_t each = all->units / parts, extra = all->units % parts;
    const int64_t unit = each * part + (part < extra ? part : extra);
    return unit == all->units ? all->n : unit * all->grain;
}

static void run_range(void *ctx, int thread, int n_threads)
{
    const range *all = ctx;
    const int64_t begin = cut(all, thread, n_threads), end = cut(all, thread + 1, n_threads);
    if (begin < end)
        all->body(all->ctx, begin, end);
}

void hone__parallel_for(int64_t n, int64_t grain, double ns_per_item, hone__range_body body,
                        void *ctx)
{
    if (n <= 0)
        return;
    if (grain < 1)
        grain = 1;
    if (hone__runs_inline((double)n * ns_per_item)) {
        const hone__fpmode before = hone__fpmode_enter();
        body(ctx, 0, n);
        hone__fpmode_leave(before);
        return;
    }
    range all = { n, grain, n / grain + (n % grain != 0), body, ctx };
    const int n_threads = hone__team_for((double)n * ns_per_item, all.units);
    if (n_threads > 1) {
        hone__parallel_team(n_threads, run_range, &all);
        return;
    }
    const place outer = enter(NULL, 0, 1);
    body(ctx, 0, n);
    leave(outer);
}

/* ---- fork --------------------------------------------------------------------------------- */

static void in_child(void)
{
    hone__pin_after_fork();
    atomic_store(&forked, true);
    atomic_store(&open_regions, 0);
    own_team.size = 0;
    own_team.made = 1;
    own_team.most = INT_MAX;
}

__attribute__((constructor)) static void watch_fork(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
