/* pool_large.c: large blocks, in lists per place and class. See pool.h for the scheme. */
#include "runtime/holes.h"
#include "runtime/lock.h"
#include "runtime/placement.h"
#include "runtime/topology.h"

#include <hone/runtime.h>
#include <sys/mman.h>

#define CHUNK_MOST_BYTES ((size_t)16 << 20)

typedef hone__large large;
typedef hone__chunk chunk;

typedef struct {
    large *free[HONE__LARGE_CLASSES]; /* of blocks that keep their sizes */
    chunk *chunks;                    /* the newest first, which is the one that has room */
    size_t chunk_bytes;
    hone__holes holes;
} place_lists;

static place_lists places[HONE__PLACES];

static place_lists *open_place(int place)
{
    hone__lock((hone__lock_id)(HONE__LOCK_PLACES + place));
    return &places[place];
}

static void close_place(int place)
{
    hone__unlock((hone__lock_id)(HONE__LOCK_PLACES + place));
}

static large *header_of(void *p)
{
    return (large *)((char *)p - HONE__HEADER);
}

static void *block_of(large *header)
{
    return (char *)header + HONE__HEADER;
}

static void put(place_lists *lists, large *block, int class_index)
{
    large **list = &lists->free[class_index - HONE__SMALL_CLASSES];
    block->next = *list;
    *list = block;
}

/* ---- blocks that are mappings ------------------------------------------------------------- */

void hone__wish_for_huge_pages(void *p, size_t bytes)
{
    madvise(p, bytes, MADV_HUGEPAGE);
}

static large *map_block(size_t bytes, size_t wanted, int place)
{
    const bool huge = bytes >= HONE__HUGE_BYTES;
    const size_t page = hone__page_bytes(), alignment = huge ? HONE__HUGE_BYTES : page;
    char *mapping = hone__map(page + bytes, page, alignment);
    if (!mapping)
        return NULL;
    char *p = mapping + page;
    if (huge)
        hone__wish_for_huge_pages(p, bytes);
    *header_of(p) = (large){ .bytes = bytes, .place = place };
    hone__place_block(place, p, bytes, wanted, alignment);
    return header_of(p);
}

static void unmap_block(large *block)
{
    const size_t page = hone__page_bytes();
    hone__unmap((char *)block_of(block) - page, page + block->bytes);
}

/* ---- blocks that are parts of a chunk ----------------------------------------------------- */

/* The pages of a block may lie anywhere: not where each thread's part of it, or every other page,
 * belongs to another node. */
static bool is_one_node(int place)
{
    const bool bound = place >= HONE__PLACE_BOUND && place < HONE__PLACE_BOUND + HONE__NODES;
    return bound || hone__topology_get()->pool_nodes < 2;
}

/* Streams through many blocks take 1.4 to 1.6 times as long on pages of 4 KiB, once the TLB can't
 * hold them all. */
static bool may_share_pages(size_t bytes, int place)
{
    return bytes < HONE__HOLE_LEAST && is_one_node(place);
}

static bool may_lie_in_holes(size_t bytes, int place)
{
    return bytes >= HONE__HOLE_LEAST && is_one_node(place);
}

static large *carve(chunk *c, size_t bytes, int place)
{
    if (!c || c->end - c->bump < (ptrdiff_t)(HONE__HEADER + bytes))
        return NULL;
    large *block = (large *)c->bump;
    *block = (large){ .bytes = bytes, .place = place, .kind = HONE__OF_CHUNK, .chunk = c };
    c->bump += HONE__HEADER + bytes;
    c->carved++;
    return block;
}

/* What is left becomes blocks of the classes that fit. */
static void retire(place_lists *lists, chunk *c, int place)
{
    while (c->end - c->bump > (ptrdiff_t)(HONE__HEADER + HONE__SMALL_BYTES)) {
        const size_t left = (size_t)(c->end - c->bump) - HONE__HEADER;
        hone__size_class size = hone__size_class_of(left);
        if (size.bytes > left)
            size = hone__size_class_of(left * 4 / 5); /* the class below, at least nearly */
        if (size.index < HONE__SMALL_CLASSES)
            return;
        put(lists, carve(c, size.bytes, place), size.index);
    }
}

/* Each chunk of a place is as large as those before together, so that little memory serves a small
 * program and few mappings a large one. */
static chunk *new_chunk(place_lists *lists, int place)
{
    size_t bytes = lists->chunk_bytes;
    bytes = bytes < HONE__HUGE_BYTES   ? HONE__HUGE_BYTES
            : bytes > CHUNK_MOST_BYTES ? CHUNK_MOST_BYTES
                                       : bytes;
    chunk *c = hone__map(bytes, 0, HONE__HUGE_BYTES);
    if (!c)
        return NULL;
    hone__wish_for_huge_pages(c, bytes);
    hone__place_block(place, c, bytes, bytes, HONE__HUGE_BYTES);
    if (lists->chunks)
        retire(lists, lists->chunks, place);
    *c = (chunk){ lists->chunks, bytes, (char *)c + HONE__HEADER, (char *)c + bytes, 0, 0 };
    lists->chunks = c;
    lists->chunk_bytes += bytes;
    return c;
}

/* ---- taking and giving -------------------------------------------------------------------- */

/* Sizes that keep changing would leave blocks behind in class after class. A loop whose sizes
 * return, in two shapes by turns at most, stays below the bound and meets the system no more. */
static void keep_within_bounds(size_t bytes)
{
    hone_memory now;
    hone__memory_now(&now);
    const int64_t more = (int64_t)bytes, used = now.in_use_bytes + more;
    const int64_t peak = now.peak_bytes > used ? now.peak_bytes : used;
    if (now.reserved_bytes + more > HONE__KEPT_TIMES * peak + HONE__KEPT_BYTES)
        hone__large_trim();
}

/* In a hole, which the system's memory may make. */
static large *take_hole(size_t wanted, int place)
{
    large *block = hone__holes_take(&open_place(place)->holes, wanted);
    close_place(place);
    if (block)
        return block;
    keep_within_bounds(wanted);
    hone__holes *holes = &open_place(place)->holes;
    block = hone__holes_take(holes, wanted); /* of another thread's, by now */
    if (!block && hone__holes_grow(holes, wanted, place))
        block = hone__holes_take(holes, wanted);
    close_place(place);
    return block;
}

/* Of its class: one that is free, or a part of a chunk. */
static large *take_listed(hone__size_class size, int place)
{
    place_lists *lists = open_place(place);
    large **list = &lists->free[size.index - HONE__SMALL_CLASSES], *block = *list;
    if (block)
        *list = block->next;
    else if (may_share_pages(size.bytes, place) &&
             !(block = carve(lists->chunks, size.bytes, place)))
        block = carve(new_chunk(lists, place), size.bytes, place);
    close_place(place);
    return block;
}

void *hone__large_alloc(hone__size_class size, size_t wanted)
{
    const int place = hone__place_now();
    large *block = may_lie_in_holes(wanted, place) ? take_hole(wanted, place) : NULL;
    if (!block)
        block = take_listed(size, place);
    if (!block) { /* also where the limit leaves no room for a chunk or a region */
        keep_within_bounds(size.bytes);
        block = map_block(size.bytes, wanted, place);
    }
    return block ? block_of(block) : NULL;
}

void hone__large_free(void *p)
{
    large *block = header_of(p);
    const int place = block->place; /* the block may go once it is in a list */
    place_lists *lists = open_place(place);
    if (block->kind == HONE__OF_REGION)
        hone__holes_give(&lists->holes, block);
    else
        put(lists, block, hone__size_class_of(block->bytes).index);
    close_place(place);
}

/* ---- giving back -------------------------------------------------------------------------- */

static void count_idle(place_lists *lists)
{
    for (chunk *c = lists->chunks; c; c = c->next)
        c->idle = 0;
    for (int i = 0; i < HONE__LARGE_CLASSES; i++)
        for (large *block = lists->free[i]; block; block = block->next)
            if (block->kind == HONE__OF_CHUNK)
                block->chunk->idle++;
}

static void drop_blocks(large **link)
{
    while (*link) {
        large *block = *link;
        const bool own = block->kind == HONE__OF_ITSELF;
        if (!own && block->chunk->idle < block->chunk->carved) {
            link = &block->next;
            continue;
        }
        *link = block->next;
        if (own)
            unmap_block(block);
    }
}

static void drop_chunks(place_lists *lists)
{
    for (chunk **link = &lists->chunks; *link;) {
        chunk *c = *link;
        if (c->idle < c->carved) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        lists->chunk_bytes -= c->bytes;
        hone__unmap(c, c->bytes);
    }
}

void hone__large_trim(void)
{
    for (int place = 0; place < HONE__PLACES; place++) {
        place_lists *lists = open_place(place);
        count_idle(lists);
        for (int i = 0; i < HONE__LARGE_CLASSES; i++)
            drop_blocks(&lists->free[i]);
        drop_chunks(lists);
        hone__holes_trim(&lists->holes);
        close_place(place);
    }
}
