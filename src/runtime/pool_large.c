/* pool_large.c: large blocks, in lists per place and class. See pool.h for the scheme. */
#include "runtime/placement.h"
#include "runtime/pool.h"

#include <pthread.h>
#include <sys/mman.h>

#define PAGE_BYTES                                                                                 \
    ((size_t)4096) /* room for the header; what the kernel's pages are is no matter */
#define HUGE_BYTES ((size_t)2 << 20)

/* The page before a block. */
typedef struct large {
    struct large *next; /* in a list */
    size_t bytes;       /* of the block */
    int place;
} large;

typedef struct {
    pthread_mutex_t lock;
    large *free[HONE__CLASSES - HONE__SMALL_CLASSES];
} place_lists;

static place_lists places[HONE__PLACES] = { [0 ... HONE__PLACES -
                                             1] = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static large *header_of(void *p)
{
    return (large *)((char *)p - PAGE_BYTES);
}

static void *map_block(size_t bytes, size_t wanted, int place)
{
    const bool huge = bytes >= HUGE_BYTES;
    large *block = hone__map(PAGE_BYTES + bytes, PAGE_BYTES, huge ? HUGE_BYTES : PAGE_BYTES);
    if (!block)
        return NULL;
    char *p = (char *)block + PAGE_BYTES;
    if (huge)
        madvise(p, bytes, MADV_HUGEPAGE); /* a wish: without huge pages it only gets slower */
    block->bytes = bytes;
    block->place = place;
    hone__place_block(place, p, bytes, wanted, huge ? HUGE_BYTES : PAGE_BYTES);
    return p;
}

void *hone__large_alloc(hone__size_class size, size_t wanted)
{
    const int place = hone__place_now();
    place_lists *lists = &places[place];
    large **list = &lists->free[size.index - HONE__SMALL_CLASSES];
    pthread_mutex_lock(&lists->lock);
    large *block = *list;
    if (block)
        *list = block->next;
    pthread_mutex_unlock(&lists->lock);
    return block ? (char *)block + PAGE_BYTES : map_block(size.bytes, wanted, place);
}

void hone__large_free(void *p, int class_index)
{
    large *block = header_of(p);
    place_lists *lists = &places[block->place];
    large **list = &lists->free[class_index - HONE__SMALL_CLASSES];
    pthread_mutex_lock(&lists->lock);
    block->next = *list;
    *list = block;
    pthread_mutex_unlock(&lists->lock);
}

static void trim_place(place_lists *lists)
{
    for (int c = 0; c < HONE__CLASSES - HONE__SMALL_CLASSES; c++) {
        pthread_mutex_lock(&lists->lock);
        large *block = lists->free[c];
        lists->free[c] = NULL;
        pthread_mutex_unlock(&lists->lock);
        while (block) {
            large *next = block->next;
            hone__unmap(block, PAGE_BYTES + block->bytes);
            block = next;
        }
    }
}

void hone__large_trim(void)
{
    for (int place = 0; place < HONE__PLACES; place++)
        trim_place(&places[place]);
}

void hone__large_lock(void)
{
    for (int place = 0; place < HONE__PLACES; place++)
        pthread_mutex_lock(&places[place].lock);
}

void hone__large_unlock(void)
{
    for (int place = HONE__PLACES - 1; place >= 0; place--)
        pthread_mutex_unlock(&places[place].lock);
}
