/* Large blocks side by side (runtime/holes.h), without the lists before them, so that sanitizers see
 * them, too. */
#include "support.h"

#include "runtime/holes.h"

#include <string.h>

SUITE(holes);

#define MIB ((size_t)1 << 20)

static int64_t reserved(void)
{
    hone_memory now;
    hone_memory_stats(&now);
    return now.reserved_bytes;
}

static char *data_of(hone__large *block)
{
    return (char *)block + HONE__HEADER;
}

static hone__large *take(hone__holes *holes, size_t bytes)
{
    hone__large *block = hone__holes_take(holes, bytes);
    if (!block && hone__holes_grow(holes, bytes, 0))
        block = hone__holes_take(holes, bytes);
    cr_assert(block && block->bytes >= bytes && (uintptr_t)data_of(block) % 4096 == 0);
    return block;
}

/* Every block of a region, from `first` on: each knows its neighbours, and no two holes are
 * neighbours. */
static size_t check_region(const hone__large *first)
{
    size_t free = 0;
    cr_assert(!first->below && (uintptr_t)first % (2 * MIB) == 4096 - HONE__HEADER);
    for (const hone__large *b = first;;) {
        const hone__large *above = (const hone__large *)((const char *)b + HONE__HEADER + b->bytes);
        free += b->free ? b->bytes : 0;
        if (b->last) {
            cr_assert((uintptr_t)above % (2 * MIB) == 2 * MIB - HONE__HEADER);
            return free;
        }
        cr_assert(above->below == b && !(b->free && above->free));
        b = above;
    }
}

static const hone__large *region_of(const hone__large *block)
{
    while (block->below)
        block = block->below;
    return block;
}

Test(holes, blocks_of_any_sizes_stay_apart)
{
    enum { SLOTS = 40, CALLS = 4000 };
    const int64_t before = reserved();
    hone__holes holes = { .lowest = NULL };
    hone__large *of[SLOTS] = { NULL };
    size_t bytes[SLOTS];
    uint32_t random = 7;
    for (int call = 0; call < CALLS; call++) {
        random = random * 1664525u + 1013904223u;
        const int slot = (int)(random >> 16) % SLOTS;
        if (of[slot]) {
            const char *p = data_of(of[slot]);
            cr_assert(p[0] == slot && p[bytes[slot] - 1] == slot && p[bytes[slot] / 2] == slot);
            hone__holes_give(&holes, of[slot]);
            of[slot] = NULL;
        } else {
            bytes[slot] = MIB + (random >> 8) % (6 * MIB);
            char *p = data_of(of[slot] = take(&holes, bytes[slot]));
            p[0] = p[bytes[slot] - 1] = p[bytes[slot] / 2] = (char)slot;
            check_region(region_of(of[slot]));
        }
        if (call % 500 == 499)
            hone__holes_trim(&holes);
    }
    for (int slot = 0; slot < SLOTS; slot++)
        if (of[slot])
            hone__holes_give(&holes, of[slot]);
    hone__holes_trim(&holes);
    cr_assert(reserved() == before && !holes.lowest);
    for (int i = 0; i < HONE__LARGE_CLASSES; i++)
        cr_assert(!holes.list[i] && holes.any[i / 64] == 0);
}

Test(holes, neighbours_become_one)
{
    hone__holes holes = { .lowest = NULL };
    hone__large *whole = take(&holes, 30 * MIB);
    hone__holes_give(&holes, whole);
    const int64_t taken = reserved();
    for (int order = 0; order < 6; order++) {
        hone__large *of[3];
        for (int i = 0; i < 3; i++)
            of[i] = take(&holes, 9 * MIB);
        const int first = order / 2, second = (first + 1 + order % 2) % 3;
        hone__holes_give(&holes, of[first]);
        hone__holes_give(&holes, of[second]);
        hone__holes_give(&holes, of[3 - first - second]);
        whole = take(&holes, 30 * MIB);
        hone__holes_give(&holes, whole);
        cr_assert(reserved() == taken);
    }
    hone__holes_trim(&holes);
}

Test(holes, the_smallest_that_fits_serves)
{
    hone__holes holes = { .lowest = NULL };
    hone__large *of[7], *in[3];
    /* a first region for all, or some would lie in one of their own */
    hone__holes_give(&holes, take(&holes, 30 * MIB));
    for (int i = 0; i < 7; i++) /* those of 4, 3 and 8 MiB become holes, apart */
        of[i] = take(&holes, (i == 1 ? 4 : i == 3 ? 3 : i == 5 ? 8 : 1) * MIB);
    for (int i = 1; i < 6; i += 2)
        hone__holes_give(&holes, of[i]);
    cr_assert((in[0] = take(&holes, 3 * MIB - 100)) == of[3]);
    in[1] = take(&holes, 3 * MIB);
    cr_assert(in[1] > of[1] && data_of(in[1]) < data_of(of[1]) + 4 * MIB);
    in[2] = take(&holes, 5 * MIB);
    cr_assert(in[2] > of[5] && data_of(in[2]) < data_of(of[5]) + 8 * MIB);
    for (int i = 0; i < 7; i += 2)
        hone__holes_give(&holes, of[i]);
    for (int i = 0; i < 3; i++)
        hone__holes_give(&holes, in[i]);
    hone__holes_trim(&holes);
}

/* As a step of training: what repeats meets the same pages. */
Test(holes, the_same_calls_get_the_same_addresses)
{
    enum { N = 30 };
    hone__holes holes = { .lowest = NULL };
    hone__large *kept = take(&holes, 5 * MIB), *first[N];
    for (int round = 0; round < 4; round++) {
        hone__large *of[N];
        for (int i = 0; i < N; i++) {
            of[i] = take(&holes, MIB + (size_t)(i * 7919 % 50) * 100000);
            if (i % 3 == 2)
                hone__holes_give(&holes, of[i - 1]);
        }
        for (int i = 0; i < N; i++)
            if (i % 3 != 1)
                hone__holes_give(&holes, of[i]);
        cr_assert(round < 3 || memcmp(first, of, sizeof of) == 0);
        memcpy(first, of, sizeof of);
    }
    hone__holes_give(&holes, kept);
    hone__holes_trim(&holes);
}

Test(holes, trimming_spares_what_is_in_use)
{
    enum { N = 9 };
    const int64_t before = reserved();
    hone__holes holes = { .lowest = NULL };
    hone__large *of[N];
    for (int i = 0; i < N; i++)
        memset(data_of(of[i] = take(&holes, 5 * MIB)), i, 5 * MIB);
    for (int i = 0; i < N; i += 2) /* both ends, and four between */
        hone__holes_give(&holes, of[i]);
    const int64_t taken = reserved();
    hone__holes_trim(&holes);
    cr_assert(taken - reserved() >= (int64_t)(5 * 2 * MIB), "%lld",
              (long long)(taken - reserved()));
    for (int i = 1; i < N; i += 2) {
        const char *p = data_of(of[i]);
        for (size_t k = 0; k < 5 * MIB; k += 4096)
            cr_assert(p[k] == i);
        cr_assert(p[5 * MIB - 1] == i);
        check_region(region_of(of[i]));
    }
    of[0] = take(&holes, 20 * MIB); /* grows again */
    memset(data_of(of[0]), 1, 20 * MIB);
    hone__holes_give(&holes, of[0]);
    for (int i = 1; i < N; i += 2)
        hone__holes_give(&holes, of[i]);
    hone__holes_trim(&holes);
    cr_assert(reserved() == before, "%lld are left", (long long)(reserved() - before));
}

Test(holes, past_the_limit_nothing_grows)
{
    hone__holes holes = { .lowest = NULL };
    hone__large *block = take(&holes, 3 * MIB);
    CHECK_OK(hone_memory_limit(reserved() + (int64_t)(4 * MIB)));
    cr_assert(!hone__holes_grow(&holes, 9 * MIB, 0));
    cr_assert(hone__holes_grow(&holes, 3 * MIB, 0));
    CHECK_OK(hone_memory_limit(0));
    hone__holes_give(&holes, block);
    hone__holes_trim(&holes);
}
