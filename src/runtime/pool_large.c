/* pool_large.c: large blocks, in lists per NUMA node and class. See pool.h for the scheme. */
#include "runtime/pool.h"
#include "runtime/topology.h"

#include <pthread.h>
#include <sys/mman.h>

#define PAGE_BYTES                                                                                 \
    ((size_t)4096) /* room for the header; what the kernel's pages are is no matter */
#define HUGE_BYTES ((size_t)2 << 20)
#define MAX_NODES  32

/* The page before a block. */
typedef struct large {
    struct large *next; /* in a list */
    size_t bytes;       /* of the block */
    int node;
} large;

typedef struct {
    pthread_mutex_t lock;
    large *free[HONE__CLASSES - HONE__SMALL_CLASSES];
} node_lists;

static node_lists nodes[MAX_NODES] = { [0 ... MAX_NODES - 1] = { .lock =
                                                                     PTHREAD_MUTEX_INITIALIZER } };

static large *header_of(void *p)
{
    return (large *)((char *)p - PAGE_BYTES);
}

static int current_node(void)
{
    const int node = hone__topology_current_node();
    return node < MAX_NODES ? node : 0;
}

static void *map_block(size_t bytes, int node)
{
    const bool huge = bytes >= HUGE_BYTES;
    large *block = hone__map(PAGE_BYTES + bytes, PAGE_BYTES, huge ? HUGE_BYTES : PAGE_BYTES);
    if (!block)
        return NULL;
    char *p = (char *)block + PAGE_BYTES;
    if (huge)
        madvise(p, bytes, MADV_HUGEPAGE); /* a wish: without huge pages it only gets slower */
    block->bytes = bytes;
    block->node = node;
    return p;
}

void *hone__large_alloc(hone__size_class size)
{
    const int node = current_node();
    node_lists *lists = &nodes[node];
    large **list = &lists->free[size.index - HONE__SMALL_CLASSES];
    pthread_mutex_lock(&lists->lock);
    large *block = *list;
    if (block)
        *list = block->next;
    pthread_mutex_unlock(&lists->lock);
    return block ? (char *)block + PAGE_BYTES : map_block(size.bytes, node);
}

void hone__large_free(void *p, int class_index)
{
    large *block = header_of(p);
    node_lists *lists = &nodes[block->node];
    large **list = &lists->free[class_index - HONE__SMALL_CLASSES];
    pthread_mutex_lock(&lists->lock);
    block->next = *list;
    *list = block;
    pthread_mutex_unlock(&lists->lock);
}

static void trim_node(node_lists *lists)
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
    for (int node = 0; node < MAX_NODES; node++)
        trim_node(&nodes[node]);
}

void hone__large_lock(void)
{
    for (int node = 0; node < MAX_NODES; node++)
        pthread_mutex_lock(&nodes[node].lock);
}

void hone__large_unlock(void)
{
    for (int node = MAX_NODES - 1; node >= 0; node--)
        pthread_mutex_unlock(&nodes[node].lock);
}
