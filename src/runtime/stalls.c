/* stalls.c: see stalls.h. Races between threads only blur the account and the length of a pause. */
#include "runtime/stalls.h"
#include "core/core.h"
#include "runtime/cost.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t paused_until; /* 0: not paused */
static _Atomic int64_t next_pause = HONE__PAUSE_NS;
static _Atomic int64_t last_end;                       /* of a pause */
static _Atomic int64_t credit = HONE__CREDIT_FIRST_NS; /* what the team has saved lately */
static atomic_int watched; /* so many regions are yet to be watched closely */

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t hone__now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

bool hone__team_pauses(void)
{
    const int64_t until = atomic_load_explicit(&paused_until, memory_order_relaxed);
    if (__builtin_expect(until == 0, 1))
        return false;
    if (hone__now_ns() < until)
        return true;
    atomic_store_explicit(&paused_until, 0, memory_order_relaxed);
    return false;
}

hone__stopwatch hone__watch_begin(void)
{
    const bool close = atomic_load_explicit(&watched, memory_order_relaxed) > 0;
    return (hone__stopwatch){ .began = hone__now_ns(),
                              .cpu_began = close ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : -1 };
}

void hone__watch_own_end(hone__stopwatch *watch)
{
    watch->own_end = hone__now_ns();
}

static void pause_team(int64_t now)
{
    int64_t pause = atomic_load_explicit(&next_pause, memory_order_relaxed);
    const int64_t since = now - atomic_load_explicit(&last_end, memory_order_relaxed);
    if (since > HONE__PAUSE_FORGET * pause)
        pause = HONE__PAUSE_NS;
    const int64_t next = 2 * pause < HONE__PAUSE_MOST_NS ? 2 * pause : HONE__PAUSE_MOST_NS;
    atomic_store_explicit(&next_pause, next, memory_order_relaxed);
    atomic_store_explicit(&last_end, now + pause, memory_order_relaxed);
    atomic_store_explicit(&paused_until, now + pause, memory_order_relaxed);
    hone__debug_print(3, "team: held up by other programs: one thread for %lld ms",
                      (long long)pause / 1000000);
}

void hone__stalls_account(int64_t gained_ns, int64_t now)
{
    int64_t left = atomic_load_explicit(&credit, memory_order_relaxed) + gained_ns;
    if (left < 0) {
        left = HONE__STALL_NS / 2; /* for the next try: small losses don't end it at once */
        pause_team(now);
    } else if (left > HONE__CREDIT_FIRST_NS) {
        atomic_store_explicit(&next_pause, HONE__PAUSE_NS, memory_order_relaxed);
        left = left < HONE__CREDIT_MOST_NS ? left : HONE__CREDIT_MOST_NS;
    }
    atomic_store_explicit(&credit, left, memory_order_relaxed);
}

/* Nanoseconds that a region lost to a stall; 0: there was none. */
static int64_t lost_ns(const hone__stopwatch *watch, int64_t now)
{
    const int64_t took = now - watch->began, waited = now - watch->own_end;
    if (waited > HONE__STALL_NS && waited > 3 * (took - waited))
        return waited;
    if (watch->cpu_began < 0 || took <= HONE__STALL_NS)
        return 0;
    const int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - watch->cpu_began;
    return took - cpu > HONE__STALL_NS && 2 * (took - cpu) > cpu ? took - cpu : 0;
}

/* A long region says nothing as long as it isn't known whether the caller had a core all the time.
 */
static int64_t saved_ns(const hone__stopwatch *watch, int64_t now, int n_threads)
{
    const int64_t lost = lost_ns(watch, now), took = now - watch->began;
    if (lost > 0 || (took > HONE__STALL_NS && watch->cpu_began < 0))
        return -lost;
    const int64_t work = n_threads * (watch->own_end - watch->began);
    return (int64_t)(HONE__COST_EFFICIENCY * (double)work) - took;
}

void hone__watch_end(const hone__stopwatch *watch, int n_threads)
{
    const int64_t now = hone__now_ns();
    hone__stalls_account(saved_ns(watch, now, n_threads), now);
    if (now - watch->began > HONE__STALL_NS)
        atomic_store_explicit(&watched, HONE__WATCHED, memory_order_relaxed);
    else if (watch->cpu_began >= 0)
        atomic_fetch_sub_explicit(&watched, 1, memory_order_relaxed);
}
