#include "support.h"

#include "core/core.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

SUITE(memory);

static hone_memory stats(void)
{
    hone_memory now;
    hone_memory_stats(&now);
    return now;
}

Test(memory, classes_round_up_by_a_quarter_at_most)
{
    int last = -1;
    size_t last_bytes = 0;
    for (size_t bytes = 1; bytes < 300000; bytes++) {
        const hone__size_class size = hone__size_class_of(bytes);
        cr_assert(size.bytes >= bytes && size.bytes % 64 == 0);
        cr_assert(size.bytes <= 64 || size.bytes - bytes < 64 || 4 * size.bytes <= 5 * bytes + 256);
        cr_assert(size.index == last || (size.index == last + 1 && bytes == last_bytes + 1));
        cr_assert((size.bytes <= HONE__SMALL_BYTES) == (size.index < HONE__SMALL_CLASSES));
        last = size.index;
        last_bytes = size.bytes;
    }
    cr_assert(hone__size_class_of((size_t)1 << 50).index < HONE__CLASSES);
}

Test(memory, blocks_are_aligned_and_apart)
{
    enum { N = 300 };
    unsigned char *p[N];
    size_t bytes[N];
    uint32_t random = 1;
    for (int i = 0; i < N; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (random >> 8) % (i % 10 == 0 ? 3000000 : 3000);
        p[i] = hone__pool_alloc(bytes[i]);
        cr_assert(p[i] && (uintptr_t)p[i] % 64 == 0);
        memset(p[i], i & 255, bytes[i]);
        if (i % 3 == 2) { /* some go early */
            hone__pool_free(p[i - 1], bytes[i - 1]);
            bytes[i - 1] = 0;
            p[i - 1] = NULL;
        }
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < bytes[i]; k++)
            if (p[i][k] != (i & 255))
                cr_assert(false, "block %d was overwritten", i);
        hone__pool_free(p[i], bytes[i]);
    }
    cr_assert(stats().in_use_bytes == 0);
}

Test(memory, large_blocks_begin_with_a_page)
{
    for (size_t bytes = HONE__HOLE_LEAST; bytes < (size_t)20 << 20; bytes += 3333333) {
        char *p = hone__pool_alloc(bytes);
        cr_assert(p);
        p[0] = p[bytes - 1] = 1;
#ifndef HONE_SANITIZE
        cr_assert((uintptr_t)p % 4096 == 0);
        cr_assert(stats().in_use_bytes - (int64_t)bytes < 64, "from there on none are rounded up");
#endif
        hone__pool_free(p, bytes);
    }
}

#ifndef HONE_SANITIZE
/* Gradients that a step has done with serve the next one's activations, and the other way. */
Test(memory, phases_of_other_sizes_use_the_same_pages)
{
    enum { MOST = 40 };
    const size_t mib = (size_t)1 << 20, all = 120 * mib;
    const int64_t before = stats().reserved_bytes;
    for (int round = 0; round < 3; round++)
        for (size_t bytes = 3 * mib; bytes < 50 * mib; bytes = bytes * 2 - mib / 2) {
            char *p[MOST];
            const int n = (int)(all / bytes);
            for (int i = 0; i < n; i++)
                cr_assert((p[i] = hone__pool_alloc(bytes)));
            for (int first = 0; first < 2; first++) /* every other one */
                for (int i = first; i < n; i += 2)
                    hone__pool_free(p[i], bytes);
        }
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    const int64_t taken = stats().reserved_bytes - before;
    if (machine.numa_nodes == 1)
        cr_assert(taken <= (int64_t)(all + all / 4), "%lld", (long long)taken);
    hone_memory_trim();
    cr_assert(stats().reserved_bytes - before < (int64_t)(4 * mib));
}
#endif

Test(memory, statistics_follow_every_block)
{
    const int64_t reserved = stats().reserved_bytes;
    void *a = hone__pool_alloc(1000), *b = hone__pool_alloc(1000000);
    hone_memory now = stats();
    cr_assert(now.in_use_bytes >= 1001000 && now.in_use_bytes <= 1251300);
    cr_assert(now.peak_bytes == now.in_use_bytes);
    cr_assert(now.reserved_bytes - reserved >= 1000000);
    const int64_t peak = now.in_use_bytes;
    hone__pool_free(b, 1000000);
    now = stats();
    cr_assert(now.in_use_bytes <= 1280 && now.peak_bytes == peak);
    hone__pool_free(a, 1000);
    now = stats();
    cr_assert(now.in_use_bytes == 0 && now.peak_bytes == peak);
    hone_memory_stats(NULL);
    CHECK_ERROR(HONE_E_NULL, "memory_stats");
}

Test(memory, small_peaks_are_exact)
{
    void *p[100];
    for (int i = 0; i < 100; i++)
        p[i] = hone__pool_alloc(640);
    for (int i = 0; i < 100; i++)
        hone__pool_free(p[i], 640);
    cr_assert(stats().peak_bytes == 64000 && stats().in_use_bytes == 0);
}

#ifndef HONE_SANITIZE
Test(memory, steady_state_takes_nothing_from_the_system)
{
    int64_t reserved = 0;
    for (int step = 0; step < 100; step++) {
        void *p[60];
        for (int i = 0; i < 60; i++)
            p[i] = hone__pool_alloc((size_t)(i * i * i * 10 + 1));
        for (int i = 0; i < 60; i++)
            hone__pool_free(p[i], (size_t)(i * i * i * 10 + 1));
        if (step < 4) /* where blocks of the first step lie depends on what was free below them */
            reserved = stats().reserved_bytes;
        cr_assert(stats().reserved_bytes == reserved);
    }
    hone_memory_trim();
    cr_assert(stats().reserved_bytes < reserved / 100, "%lld of %lld are kept",
              (long long)stats().reserved_bytes, (long long)reserved);
}
#endif

#ifndef HONE_SANITIZE
Test(memory, sizes_that_keep_growing_leave_no_more_than_twice_the_peak)
{
    const size_t most_bytes = (size_t)1 << 30; /* untouched: address space alone */
    for (size_t bytes = HONE__SMALL_BYTES; bytes < most_bytes; bytes += bytes / 5) {
        hone__pool_free(hone__pool_alloc(bytes), bytes);
        const hone_memory now = stats();
        const int64_t most = HONE__KEPT_TIMES * now.peak_bytes + HONE__KEPT_BYTES;
        cr_assert(now.reserved_bytes <= most + 65536,
                  "after %zu bytes %lld are reserved, %lld were used", bytes,
                  (long long)now.reserved_bytes, (long long)now.peak_bytes);
    }
}

/* As training and evaluation do, each with sizes of its own. What is free serves smaller blocks,
 * too. */
Test(memory, two_shapes_by_turns_take_nothing_from_the_system)
{
    static const size_t large[2] = { (size_t)300 << 20, (size_t)200 << 20 };
    int64_t reserved = 0;
    for (int step = 0; step < 20; step++) {
        const size_t bytes = large[step % 2];
        void *p = hone__pool_alloc(bytes), *q = hone__pool_alloc(bytes / 3);
        hone__pool_free(p, bytes);
        hone__pool_free(q, bytes / 3);
        if (step == 1)
            reserved = stats().reserved_bytes;
        cr_assert(step < 1 || stats().reserved_bytes == reserved);
    }
    cr_assert(reserved > (int64_t)large[0], "nothing was kept");
}
#endif

#ifndef HONE_SANITIZE
/* Of less than a huge page: they share some, and go back to the system when all are free. */
Test(memory, middle_blocks_share_huge_pages)
{
    enum { N = 40, BYTES = 300000 };
    char *p[N], *other = hone__pool_alloc(70000);
    int close = 0;
    for (int i = 0; i < N; i++) {
        p[i] = hone__pool_alloc(BYTES);
        cr_assert(p[i] && (uintptr_t)p[i] % 64 == 0);
        memset(p[i], i, BYTES);
        close += i > 0 && llabs(p[i] - p[i - 1]) < 400000;
    }
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    if (machine.numa_nodes == 1)
        cr_assert(close > N / 2, "%d neighbours", close);
    for (int i = 0; i < N; i++)
        cr_assert(p[i][0] == i && p[i][BYTES - 1] == i);
    const int64_t reserved = stats().reserved_bytes;
    for (int i = 1; i < N; i++)
        hone__pool_free(p[i], BYTES);
    hone_memory_trim();
    cr_assert(stats().reserved_bytes < reserved);
    cr_assert(p[0][0] == 0 && p[0][BYTES - 1] == 0);
    hone__pool_free(p[0], BYTES);
    hone__pool_free(other, 70000);
    hone_memory_trim();
    cr_assert(stats().reserved_bytes < 1 << 20, "%lld", (long long)stats().reserved_bytes);
}

/* Where the limit leaves no room for a chunk, a block gets pages of its own. */
Test(memory, a_tight_limit_needs_no_chunk)
{
    void *small = hone__pool_alloc(100);
    CHECK_OK(hone_memory_limit(stats().reserved_bytes + 200000));
    void *p = hone__pool_alloc(100000);
    cr_assert(p, "%s", hone_error_message());
    CHECK_OK(hone_memory_limit(0));
    hone__pool_free(p, 100000);
    hone__pool_free(small, 100);
}
#endif

Test(memory, trim_spares_what_is_in_use)
{
    enum { N = 3000 };
    static char *p[N];
    for (int i = 0; i < N; i++) {
        p[i] = hone__pool_alloc(1000);
        memset(p[i], i & 127, 1000);
    }
    for (int i = 0; i < N; i++)
        if (i % 1100 != 0) {
            hone__pool_free(p[i], 1000);
            p[i] = NULL;
        }
    hone_memory_trim();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            if (i % 1100 == 0)
                cr_assert(p[i][0] == (i & 127) && p[i][999] == (i & 127));
            else
                memset(p[i] = hone__pool_alloc(1000), 0, 1000);
        }
        for (int i = 0; i < N; i++)
            if (i % 1100 != 0)
                hone__pool_free(p[i], 1000);
        hone_memory_trim();
    }
    for (int i = 0; i < N; i += 1100)
        hone__pool_free(p[i], 1000);
    cr_assert(stats().in_use_bytes == 0);
}

/* ---- placement (tests/numa looks where pages really lie) ----------------------------------- */

#ifndef HONE_SANITIZE
/* Kernels with larger pages unmap whole ones: a cut within a page would take the block's header. */
Test(memory, larger_pages_are_kept_and_given_back_whole)
{
    const size_t page = 1 << 16, bytes = 3000000;
    hone__page_bytes_are(page);
    char *p = hone__pool_alloc(bytes);
    unsigned char resident[16];
    cr_assert(p && mincore(p - page, page, resident) == 0);
    memset(p, 1, bytes);
    hone__pool_free(p, bytes);
    cr_assert(hone__pool_alloc(bytes) == p);
    hone__pool_free(p, bytes);
    hone_memory_trim();
    cr_assert(mincore(p - page, page, resident) != 0 && mincore(p, page, resident) != 0);
}
#endif

Test(memory, placements_that_are_not_there)
{
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    CHECK_FAILS(hone_set_placement((hone_placement)4, 0), HONE_E_VALUE, "set_placement: 4");
    CHECK_FAILS(hone_set_placement((hone_placement)-1, 0), HONE_E_VALUE, "no placement");
    CHECK_FAILS(hone_set_placement(HONE_PLACE_NODE, -1), HONE_E_VALUE, "node -1");
    CHECK_FAILS(hone_set_placement(HONE_PLACE_NODE, machine.numa_nodes), HONE_E_VALUE,
                "but there are 0 to");
    CHECK_OK(hone_set_placement(HONE_PLACE_NODE, machine.numa_nodes - 1));
    CHECK_OK(hone_set_placement(HONE_PLACE_LOCAL, 99));
}

#ifndef HONE_SANITIZE
Test(memory, blocks_return_to_their_place)
{
    enum { BYTES = 1000000 };
    const hone_placement all[] = { HONE_PLACE_LOCAL, HONE_PLACE_NODE, HONE_PLACE_PARTITION,
                                   HONE_PLACE_INTERLEAVE };
    void *of[4];
    setenv("HWLOC_SYNTHETIC", "NUMANode:2 Core:2 PU:1", 1); /* nothing can be bound there */
    for (int i = 0; i < 4; i++) {
        CHECK_OK(hone_set_placement(all[i], 1));
        of[i] = hone__pool_alloc(BYTES);
        memset(of[i], i, BYTES);
    }
    for (int i = 0; i < 4; i++)
        hone__pool_free(of[i], BYTES); /* while another placement is set */
    for (int i = 3; i > 0; i--) {
        CHECK_OK(hone_set_placement(all[i], 1));
        void *again = hone__pool_alloc(BYTES);
        cr_assert(again == of[i], "placement %d got a block of another", i);
        hone__pool_free(again, BYTES);
    }
}
#endif

/* ---- several threads ---------------------------------------------------------------------- */

enum { BLOCKS = 2000 };
static void *handed[BLOCKS];

static void *free_all(void *ignored)
{
    (void)ignored;
    for (int i = 0; i < BLOCKS; i++)
        hone__pool_free(handed[i], (size_t)i * 40);
    return NULL;
}

static void *alloc_all(void *ignored)
{
    (void)ignored;
    for (int i = 0; i < BLOCKS; i++)
        memset(handed[i] = hone__pool_alloc((size_t)i * 40), i & 255, (size_t)i * 40);
    return NULL;
}

static void run_thread(void *(*body)(void *))
{
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, body, NULL) == 0);
    pthread_join(thread, NULL);
}

Test(memory, blocks_freed_elsewhere_come_back)
{
    alloc_all(NULL);
    run_thread(free_all);
    cr_assert(stats().in_use_bytes == 0);
    const int64_t reserved = stats().reserved_bytes;
    for (int i = 0; i < 5; i++) {
        alloc_all(NULL);
        run_thread(free_all);
    }
    /* The freeing threads took over one heap, and this one got its blocks back. */
    cr_assert(stats().in_use_bytes == 0 && stats().reserved_bytes == reserved);
    run_thread(alloc_all);
    cr_assert(stats().in_use_bytes > 0);
    free_all(NULL);
    cr_assert(stats().in_use_bytes == 0);
}

static void *churn(void *seed)
{
    enum { SLOTS = 64 };
    void *p[SLOTS] = { 0 };
    size_t bytes[SLOTS] = { 0 };
    uint32_t random = *(uint32_t *)seed;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        const int slot = (int)(random >> 26);
        hone__pool_free(p[slot], bytes[slot]);
        bytes[slot] = (random >> 8) % 5000 + 1;
        p[slot] = hone__pool_alloc(bytes[slot]);
        memset(p[slot], 7, bytes[slot]);
    }
    for (int slot = 0; slot < SLOTS; slot++)
        hone__pool_free(p[slot], bytes[slot]);
    return NULL;
}

Test(memory, threads_churn_side_by_side)
{
    uint32_t seeds[4] = { 1, 2, 3, 4 };
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        cr_assert(pthread_create(&threads[i], NULL, churn, &seeds[i]) == 0);
    for (int i = 0; i < 20; i++)
        hone_memory_trim();
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert(stats().in_use_bytes == 0);
}

/* ---- refusals ----------------------------------------------------------------------------- */

Test(memory, what_cannot_be_had_is_an_error_with_its_size)
{
    CHECK_FAILS(hone__pool_alloc((size_t)1 << 50), HONE_E_NOMEM,
                "out of memory: 1125899906842624 bytes wanted");
    CHECK_FAILS(hone__pool_alloc(SIZE_MAX), HONE_E_NOMEM, "out of memory");
    CHECK_FAILS(hone__malloc(SIZE_MAX - 3), HONE_E_NOMEM, "out of memory");
    cr_assert(stats().in_use_bytes == 0);
}

#ifndef HONE_SANITIZE /* whose shadow memory doesn't fit the limit */
Test(memory, a_refusal_makes_the_pools_give_back)
{
    const size_t large = (size_t)200 << 20;
    const struct rlimit limit = { (size_t)700 << 20, RLIM_INFINITY };
    cr_assert(setrlimit(RLIMIT_AS, &limit) == 0);
    void *p = mmap(NULL, 4 * large, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        cr_skip_test("the limit is not kept here (emulators of a CPU don't)");
    p = hone__pool_alloc(large);
    cr_assert(p);
    hone__pool_free(p, large);
    p = hone__pool_alloc(2 * large); /* fits only without the free block */
    cr_assert(p, "%s", hone_error_message());
    CHECK_FAILS(hone__pool_alloc(2 * large), HONE_E_NOMEM, "out of memory");
    hone__pool_free(p, 2 * large);
}
#endif

static bool make(int64_t n)
{
    HONE_SCOPE();
    return hone__own(hone__new("make", HONE_U8, 1, &n)) != NULL;
}

Test(memory, past_the_limit_it_goes_on_with_less)
{
    const int64_t mib = 1 << 20;
    CHECK_OK(hone_memory_limit(20 * mib));
    cr_assert(make(10 * mib));
    cr_assert(!make(30 * mib));
    CHECK_ERROR(HONE_E_NOMEM, "the limit is 20971520");
    cr_assert(make(15 * mib)); /* fits only after the 10 MiB are given back */
    cr_assert(stats().reserved_bytes <= 20 * mib && stats().in_use_bytes == 0);
    CHECK_OK(hone_memory_limit(1));
    cr_assert(!make(100 * mib));
    CHECK_ERROR(HONE_E_NOMEM, "the limit is 1)");
    CHECK_OK(hone_memory_limit(0));
    cr_assert(make(30 * mib));
    CHECK_FAILS(hone_memory_limit(-1), HONE_E_VALUE, "memory_limit");
}

Test(memory, what_was_refused_is_not_reserved)
{
    void *p = hone__book_realloc(NULL, 0, 1000);
    cr_assert(p);
    const int64_t before = stats().reserved_bytes;
    CHECK_OK(hone_memory_limit(1));
    CHECK_FAILS(hone__book_realloc(p, 1000, 5000), HONE_E_NOMEM, "5000 bytes wanted");
    cr_assert(stats().reserved_bytes == before);
    CHECK_OK(hone_memory_limit(0));
#ifndef HONE_SANITIZE /* which ends the program here */
    CHECK_FAILS(hone__book_realloc(p, 1000, (size_t)1 << 60), HONE_E_NOMEM, "out of memory");
    cr_assert(stats().reserved_bytes == before);
#endif
    p = hone__book_realloc(p, 1000, 5000);
    cr_assert(p && stats().reserved_bytes == before + 4000);
    hone__book_realloc(p, 5000, 0);
    cr_assert(stats().reserved_bytes == before - 1000);
}

#ifndef HONE_SANITIZE
Test(memory, debug_4_tells_what_the_system_gives)
{
    setenv("HONE_DEBUG", "4", 1);
    FILE *file = tmpfile();
    cr_assert(file);
    const int keep = dup(2);
    dup2(fileno(file), 2);
    cr_assert(make(4000000));
    hone_memory_trim();
    fflush(stderr);
    dup2(keep, 2);
    char text[800] = "";
    rewind(file);
    cr_assert(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    cr_assert(strstr(text, "hone: memory: mapped ") && strstr(text, "hone: memory: unmapped "));
}
#endif

Test(memory, failures_come_on_demand)
{
    hone__fail_allocation(1);
    void *a = hone__pool_alloc(100);
    cr_assert(a);
    CHECK_FAILS(hone__malloc(100), HONE_E_NOMEM, "out of memory: ");
    void *b = hone__malloc(100);
    cr_assert(b && hone__fail_allocation(-1) == 3);
    hone__free(b);
    hone__pool_free(a, 100);
    hone__fail_allocation(0);
    CHECK_FAILS(hone__obj_alloc(HONE__OBJ_TENSOR, sizeof(hone_tensor)), HONE_E_NOMEM, "memory");
    hone__fail_allocation(0);
    hone__fail_allocation(-1);
    hone__free(hone__malloc(1));
    cr_assert(hone_error_code() == HONE_OK);
}

/* ---- small blocks ------------------------------------------------------------------------- */

Test(memory, malloc_and_its_kin)
{
    char *s = strcpy(hone__malloc(8), "seven!!");
    s = hone__realloc(s, 200000);
    cr_assert_str_eq(s, "seven!!");
    s = hone__realloc(s, 3);
    cr_assert(memcmp(s, "sev", 3) == 0);
    hone__free(s);
    s = hone__realloc(NULL, 10);
    hone__free(s);
    hone__free(NULL);
    for (size_t n = 0; n < 5000; n += 7) {
        char *zeros = hone__calloc(n);
        for (size_t i = 0; i < n; i++)
            cr_assert(zeros[i] == 0);
        memset(zeros, 1, n);
        hone__free(zeros);
    }
    cr_assert(stats().in_use_bytes == 0);
    hone__fail_allocation(0);
    s = hone__malloc(5);
    CHECK_FAILS(s, HONE_E_NOMEM, "");
    s = strcpy(hone__malloc(5), "kept");
    hone__fail_allocation(0);
    CHECK_FAILS(hone__realloc(s, 1000), HONE_E_NOMEM, "");
    cr_assert_str_eq(s, "kept");
    hone__free(s);
}

Test(memory, growing_lists)
{
    int *list = NULL;
    int64_t room = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert(hone__grow(&list, &room, i + 1, sizeof *list));
        list[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        cr_assert(list[i] == i);
    cr_assert(room == 1024); /* 16, 32, ... */
    const int *there = list;
    cr_assert(hone__grow(&list, &room, 1024, sizeof *list) && list == there);
    cr_assert(hone__grow(&list, &room, 5000, sizeof *list) && room == 5000 && list[999] == 999);
    there = list;
    hone__fail_allocation(0);
    CHECK_FAILS(hone__grow(&list, &room, 5001, sizeof *list), HONE_E_NOMEM, "");
    const int64_t too_many[] = { INT64_MAX, INT64_MAX / 4, INT64_C(1) << 60 };
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(hone__grow(&list, &room, too_many[i], sizeof *list), HONE_E_NOMEM, "");
    cr_assert(list == there && room == 5000 && list[999] == 999);
    hone__free(list);
}
