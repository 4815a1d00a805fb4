/* What a thread holds when it ends, and what it may take: under a limit, without memory, without
 * one of POSIX's keys. */
#include "support.h"

#include "runtime/memory.h"
#include "runtime/openmp.h"

#include <hone/ops.h>
#include <hone/runtime.h>

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

SUITE(thread_end);

enum { LARGE = 64 << 20 };

static hone_memory stats(void)
{
    hone_memory now;
    hone_memory_stats(&now);
    return now;
}

static hone_tensor *large(void)
{
    return hone_zeros(HONE_U8, LARGE);
}

static void check_nothing_is_left(void)
{
    cr_expect(stats().tensors == 0, "%lld tensors", (long long)stats().tensors);
    cr_expect(stats().in_use_bytes == 0, "%lld bytes", (long long)stats().in_use_bytes);
    CHECK_OK(hone_memory_limit(0));
    hone_memory_trim();
    cr_expect(stats().reserved_bytes < LARGE, "%lld reserved", (long long)stats().reserved_bytes);
}

static void run_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, body, arg) == 0);
    pthread_join(thread, NULL);
}

static void *release(void *tensor)
{
    hone_release(tensor);
    return NULL;
}

/* ---- under a limit -------------------------------------------------------------------------- */

Test(thread_end, a_thread_that_only_frees_past_the_limit)
{
    hone_tensor *t;
    {
        HONE_SCOPE();
        t = hone_retain(large());
    }
    CHECK_OK(hone_memory_limit(1));
    run_thread(release, t);
    check_nothing_is_left();
}

static pthread_key_t users_key;

/* Takes over the lists that the ended thread left. */
static void *take_small(void *taken)
{
    *(void **)taken = hone__malloc(100);
    return NULL;
}

static void release_late(void *tensor)
{
    void *taken = NULL;
    pthread_t other;
    /* Hone's own part of the thread's end may be over. */
    if (pthread_create(&other, NULL, take_small, &taken) == 0)
        pthread_join(other, NULL);
    hone__free(taken);
    hone_release(tensor);
}

static void *hold_until_the_end(void *ignored)
{
    (void)ignored;
    hone_tensor *kept = hone_retain(large());
    large(); /* for the root scope */
    if (pthread_key_create(&users_key, release_late) == 0)
        pthread_setspecific(users_key, kept);
    hone_memory_limit(1);
    return NULL;
}

Test(thread_end, what_it_held_past_the_limit_comes_back)
{
    for (int i = 0; i < 3; i++) {
        run_thread(hold_until_the_end, NULL);
        check_nothing_is_left();
        pthread_key_delete(users_key);
    }
}

static pthread_barrier_t meeting;

static void *hold_and_end_together(void *ignored)
{
    (void)ignored;
    large();
    pthread_barrier_wait(&meeting);
    pthread_barrier_wait(&meeting); /* the limit is set */
    return NULL;
}

/* Some begin while others end, and take over what these leave. */
Test(thread_end, many_end_together_past_the_limit)
{
    enum { N = 8 };
    pthread_barrier_init(&meeting, NULL, N + 1);
    for (int round = 0; round < 10; round++) {
        pthread_t threads[N], others[N];
        void *taken[N];
        for (int i = 0; i < N; i++)
            cr_assert(pthread_create(&threads[i], NULL, hold_and_end_together, NULL) == 0);
        pthread_barrier_wait(&meeting);
        CHECK_OK(hone_memory_limit(1));
        pthread_barrier_wait(&meeting);
        for (int i = 0; i < N; i++)
            cr_assert(pthread_create(&others[i], NULL, take_small, &taken[i]) == 0);
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            pthread_join(others[i], NULL);
            hone__free(taken[i]);
        }
        check_nothing_is_left();
        hone_error_clear();
    }
    pthread_barrier_destroy(&meeting);
}

/* ---- without memory ------------------------------------------------------------------------- */

#ifndef HONE_SANITIZE /* whose shadow memory doesn't fit the limit */
static void *wait_and_release(void *tensor)
{
    pthread_barrier_wait(&meeting);
    pthread_barrier_wait(&meeting);
    hone_release(tensor);
    return NULL;
}

Test(thread_end, a_thread_that_only_frees_without_memory)
{
    pthread_t thread;
    struct rlimit before;
    hone_tensor *t;
    {
        HONE_SCOPE();
        t = hone_retain(large());
    }
    pthread_barrier_init(&meeting, NULL, 2);
    cr_assert(pthread_create(&thread, NULL, wait_and_release, t) == 0);
    pthread_barrier_wait(&meeting); /* it runs and has its stack */
    cr_assert(getrlimit(RLIMIT_AS, &before) == 0);
    const struct rlimit none = { 1, before.rlim_max };
    cr_assert(setrlimit(RLIMIT_AS, &none) == 0);
    const bool kept = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
    pthread_barrier_wait(&meeting);
    pthread_join(thread, NULL);
    cr_assert(setrlimit(RLIMIT_AS, &before) == 0);
    if (!kept)
        cr_skip_test("the limit is not kept here (emulators of a CPU don't)");
    check_nothing_is_left();
    pthread_barrier_destroy(&meeting);
}
#endif

/* ---- with a small stack --------------------------------------------------------------------- */

static void *refuse_or_crash(void *refused)
{
    *(bool *)refused = !hone_randn(HONE_F32, 300, 300) && hone_error_code() == HONE_E_CONFIG &&
                       strstr(hone_error_message(), "a stack of 16 KiB is too small");
    return NULL;
}

Test(thread_end, a_thread_with_a_small_stack)
{
    pthread_attr_t small;
    pthread_t thread;
    bool refused = false;
    CHECK_OK(hone_init());
    cr_assert(pthread_attr_init(&small) == 0);
    if (pthread_attr_setstacksize(&small, 16 << 10) != 0)
        cr_skip_test("a stack of 16 KiB can't be had");
    cr_assert(pthread_create(&thread, &small, refuse_or_crash, &refused) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
    cr_assert(refused);
    check_nothing_is_left();
}

/* ---- without keys --------------------------------------------------------------------------- */

static int take_all_keys(pthread_key_t *keys)
{
    int n = 0;
    while (n < PTHREAD_KEYS_MAX && pthread_key_create(&keys[n], NULL) == 0)
        n++;
    for (int i = 0; i < n; i++)
        cr_assert(pthread_setspecific(keys[i], &keys[i]) == 0);
    return n;
}

static void *make_and_end(void *worked)
{
    *(bool *)worked = large() != NULL;
    return NULL;
}

/* No suite of ours: its scope would have hone take a key first. */
Test(without_keys, no_key_is_left)
{
    static pthread_key_t keys[PTHREAD_KEYS_MAX];
    const int n = take_all_keys(keys);
    cr_assert(n > 1);
    const bool started = hone_init() == HONE_OK;
    if (hone__openmp_wants_a_key()) { /* and would end the process */
        cr_assert(!started);
        CHECK_FAILS(large(), HONE_E_CONFIG, "no key left");
        return;
    }
    CHECK_FAILS(large(), HONE_E_NOMEM, "no key left");
    CHECK_FAILS(hone__malloc(10), HONE_E_NOMEM, "pthread_key_create");
    hone__free(NULL);
    bool worked = true;
    run_thread(make_and_end, &worked);
    cr_assert(!worked);
    for (int i = 0; i < n; i++)
        cr_assert(pthread_getspecific(keys[i]) == &keys[i], "key %d was overwritten", i);

    cr_assert(pthread_key_delete(keys[n - 1]) == 0); /* now there is one */
    run_thread(make_and_end, &worked);
    cr_assert(worked, "%s", hone_error_message());
    for (int i = 0; i < n - 1; i++) {
        cr_assert(pthread_getspecific(keys[i]) == &keys[i], "key %d was overwritten", i);
        pthread_key_delete(keys[i]);
    }
    check_nothing_is_left();
}
