/* holes.c: large blocks side by side, see holes.h. */
#include "runtime/holes.h"
#include "runtime/placement.h"

#define ALIGNMENT ((size_t)4096)
#define LEAD      (ALIGNMENT - HONE__HEADER) /* of a region, before its first header */

static size_t round_up(size_t bytes, size_t to)
{
    return (bytes + to - 1) & ~(to - 1);
}

/* With its header, as far as the next one. */
static size_t extent_of(size_t bytes)
{
    return round_up(bytes + HONE__HEADER, ALIGNMENT);
}

static char *end_of(const hone__large *b)
{
    return (char *)b + HONE__HEADER + b->bytes;
}

/* ---- lists -------------------------------------------------------------------------------- */

static int list_of(size_t bytes)
{
    const int i = hone__size_class_of(bytes ? bytes : 1).index - HONE__SMALL_CLASSES;
    return i < 0 ? 0 : i;
}

static void add_hole(hone__holes *holes, hone__large *hole)
{
    const int i = list_of(hole->bytes);
    hone__large **list = &holes->list[i];
    hole->free = true;
    hole->next = *list;
    hole->link = list;
    if (hole->next)
        hole->next->link = &hole->next;
    *list = hole;
    holes->any[i / 64] |= UINT64_C(1) << i % 64;
}

static void remove_hole(hone__holes *holes, hone__large *hole)
{
    const int i = list_of(hole->bytes);
    hole->free = false;
    *hole->link = hole->next;
    if (hole->next)
        hole->next->link = hole->link;
    if (!holes->list[i])
        holes->any[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* The smallest of a list that has room, of equal ones the uppermost. */
static hone__large *smallest(hone__large *list, size_t bytes)
{
    hone__large *best = NULL;
    for (hone__large *hole = list; hole; hole = hole->next)
        if (hole->bytes >= bytes &&
            (!best || hole->bytes < best->bytes || (hole->bytes == best->bytes && hole > best)))
            best = hole;
    return best;
}

static hone__large *find_hole(const hone__holes *holes, size_t bytes)
{
    const int first = list_of(bytes);
    hone__large *hole = smallest(holes->list[first], bytes);
    for (int i = first + 1; !hole && i < HONE__LARGE_CLASSES; i++) {
        const uint64_t rest = holes->any[i / 64] >> i % 64;
        if (!rest)
            i |= 63;
        else if ((i += __builtin_ctzll(rest)) < HONE__LARGE_CLASSES)
            hole = smallest(holes->list[i], bytes);
    }
    return hole;
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* A new header at `at`, which ends before `end`. */
static hone__large *place_header(char *at, const char *end, hone__large *below, bool last,
                                 int place)
{
    hone__large *b = (hone__large *)at;
    *b = (hone__large){ .bytes = (size_t)(end - at) - HONE__HEADER,
                        .place = place,
                        .kind = HONE__OF_REGION,
                        .below = below,
                        .last = last };
    if (!last)
        ((hone__large *)end)->below = b;
    return b;
}

hone__large *hone__holes_take(hone__holes *holes, size_t bytes)
{
    const size_t extent = extent_of(bytes);
    hone__large *hole = find_hole(holes, extent - HONE__HEADER);
    if (!hole)
        return NULL;
    remove_hole(holes, hole);
    if (hole->bytes < extent + ALIGNMENT)
        return hole; /* too little is left for a hole */
    char *end = end_of(hole);
    hone__large *block = place_header(end - extent, end, hole, hole->last, hole->place);
    hole->bytes -= extent;
    hole->last = false;
    add_hole(holes, hole);
    return block;
}

/* Two neighbours become one. */
static void join(hone__large *lower, const hone__large *upper)
{
    lower->bytes += HONE__HEADER + upper->bytes;
    lower->last = upper->last;
    if (!lower->last)
        ((hone__large *)end_of(lower))->below = lower;
}

void hone__holes_give(hone__holes *holes, hone__large *block)
{
    hone__large *above = block->last ? NULL : (hone__large *)end_of(block), *below = block->below;
    if (above && above->free) {
        remove_hole(holes, above);
        join(block, above);
    }
    if (below && below->free) {
        remove_hole(holes, below);
        join(below, block);
        block = below;
    }
    add_hole(holes, block);
}

/* ---- regions ------------------------------------------------------------------------------ */

static void prepare(char *region, size_t bytes, int place)
{
    hone__wish_for_huge_pages(region, bytes);
    hone__place_block(place, region, bytes, bytes, HONE__HUGE_BYTES);
}

/* More room right below the newest region. */
static bool extend(hone__holes *holes, size_t extent, int place)
{
    if (!holes->lowest)
        return false;
    hone__large *first = (hone__large *)(holes->lowest + LEAD);
    const size_t there = first->free ? HONE__HEADER + first->bytes : 0;
    const size_t more = round_up(extent - there, HONE__HUGE_BYTES);
    char *region = hone__map_at(holes->lowest - more, more);
    if (!region)
        return false;
    prepare(region, more, place);
    hone__holes_give(holes, place_header(region + LEAD, (char *)first, NULL, false, place));
    holes->lowest = region;
    return true;
}

bool hone__holes_grow(hone__holes *holes, size_t bytes, int place)
{
    const size_t extent = extent_of(bytes);
    if (extend(holes, extent, place))
        return true;
    const size_t all = round_up(ALIGNMENT + extent, HONE__HUGE_BYTES);
    char *region = hone__map(all, 0, HONE__HUGE_BYTES);
    if (!region)
        return false;
    prepare(region, all, place);
    hone__holes_give(holes,
                     place_header(region + LEAD, region + all - HONE__HEADER, NULL, true, place));
    holes->lowest = region;
    return true;
}

static char *huge_page_at(const void *p)
{
    return (char *)((uintptr_t)p & ~(uintptr_t)(HONE__HUGE_BYTES - 1));
}

/* Its huge pages go; what is left of it at either side ends, or begins, a region. */
static void trim_hole(hone__holes *holes, hone__large *hole)
{
    char *const end = end_of(hole);
    const bool whole_above = hole->last, whole_below = !hole->below;
    char *const from = whole_below ? huge_page_at(hole)
                                   : huge_page_at((char *)hole + ALIGNMENT + HONE__HUGE_BYTES - 1);
    char *const to = whole_above ? end + HONE__HEADER : huge_page_at(end);
    if (from >= to)
        return;
    const int place = hole->place;
    remove_hole(holes, hole);
    if (!whole_below) {
        hone__large *below = hole->below;
        add_hole(holes, place_header((char *)hole, from - HONE__HEADER, below, true, place));
    }
    if (!whole_above) {
        hone__large *above = (hone__large *)end;
        above->below = NULL;
        if (to + LEAD < end)
            add_hole(holes, place_header(to + LEAD, end, NULL, false, place));
    }
    if (holes->lowest == from)
        holes->lowest = whole_above ? NULL : to;
    hone__unmap(from, (size_t)(to - from));
}

void hone__holes_trim(hone__holes *holes)
{
    for (int i = 0; i < HONE__LARGE_CLASSES; i++)
        for (hone__large *hole = holes->list[i], *next; hole; hole = next) {
            next = hole->next;
            trim_hole(holes, hole);
        }
}
