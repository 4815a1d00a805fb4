/* numa.c: see numa.h. By move_pages, which moves nothing when it isn't told where to. */
#include "profile/numa.h"

#include "runtime/pool.h"
#include "runtime/topology.h"

#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SAMPLE = 64, FEW = 16, LEAST_BYTES = 64 << 10 };

/* Nodes of n pages spread over [data, data + bytes); how far through the memory each is, to at[]. */
static int sample(const void *data, size_t bytes, int n, int *nodes, double *at)
{
    void *pages[SAMPLE];
    const size_t page = hone__page_bytes();
    const uintptr_t first = (uintptr_t)data / page, last = ((uintptr_t)data + bytes - 1) / page;
    const size_t all = last - first + 1;
    n = (size_t)n < all ? n : (int)all;
    for (int i = 0; i < n; i++) {
        const size_t which = (2 * (size_t)i + 1) * all / (2 * (size_t)n);
        pages[i] = (void *)((first + which) * page);
        at[i] = ((double)which + 0.5) / (double)all;
        nodes[i] = -1;
    }
    return syscall(SYS_move_pages, 0, (unsigned long)n, pages, NULL, nodes, 0) == 0 ? n : 0;
}

int hone__pages_by_node(const void *data, size_t bytes, int *pages)
{
    int nodes[SAMPLE], found = 0;
    double at[SAMPLE];
    for (int i = 0; i < HONE__MOST_NODES; i++)
        pages[i] = 0;
    const int n = data && bytes ? sample(data, bytes, SAMPLE, nodes, at) : 0;
    for (int i = 0; i < n; i++)
        if (nodes[i] >= 0 && nodes[i] < HONE__MOST_NODES) {
            pages[nodes[i]]++;
            found++;
        }
    return found;
}

int hone__node_of_cpu(int cpu)
{
    char path[96];
    for (int node = 0; node < HONE__MOST_NODES; node++) {
        hone__format(path, sizeof path, "/sys/devices/system/cpu/cpu%d/node%d", cpu, node);
        if (access(path, F_OK) == 0)
            return node;
    }
    return -1;
}

int hone__count_nodes(void)
{
    char path[96];
    int n = 0;
    for (int node = 0; node < HONE__MOST_NODES; node++) {
        hone__format(path, sizeof path, "/sys/devices/system/node/node%d", node);
        n += access(path, F_OK) == 0;
    }
    return n > 0 ? n : 1;
}

/* Read once a CPU: an op looks at many. */
static int node_of(int cpu)
{
    enum { CPUS = 1024 };
    static atomic_schar known[CPUS]; /* node + 1; -1: it has none */
    if (cpu < 0 || cpu >= CPUS)
        return -1;
    if (atomic_load(&known[cpu]) == 0) {
        const int node = hone__node_of_cpu(cpu);
        atomic_store(&known[cpu], (signed char)(node < 0 ? -1 : node + 1));
    }
    return atomic_load(&known[cpu]) < 0 ? -1 : atomic_load(&known[cpu]) - 1;
}

typedef struct {
    const hone__region_watch *region;
    hone__pages_taker *take;
    void *ctx;
    int pages, remote;
} looking;

static void look(looking *l, const hone_tensor *t)
{
    int nodes[SAMPLE];
    double at[SAMPLE];
    uint16_t by_node[HONE__SEEN_NODES] = { 0 };
    const size_t bytes = (size_t)t->numel * hone__size_of(t->dtype);
    if (bytes < LEAST_BYTES || bytes > t->storage->bytes)
        return;
    const int n = sample(hone__data(t), bytes, FEW, nodes, at);
    for (int i = 0; i < n; i++) {
        const int cpu =
            l->region ? l->region->part[(int)(at[i] * l->region->n)].cpu : sched_getcpu();
        const int here = node_of(cpu);
        if (nodes[i] < 0)
            continue;
        by_node[nodes[i] < HONE__SEEN_NODES ? nodes[i] : HONE__SEEN_NODES - 1]++;
        l->pages += here >= 0;
        l->remote += here >= 0 && nodes[i] != here;
    }
    if (n > 0)
        l->take(l->ctx, t, by_node);
}

float hone__remote_share(hone_tensor *const *in, int n_in, hone_tensor *const *out, int n_out,
                         const hone__region_watch *region, hone__pages_taker *take, void *ctx)
{
    looking l = { region && region->n > 0 ? region : NULL, take, ctx, 0, 0 };
    for (int i = 0; i < n_in; i++)
        if (hone__is_real(in[i]))
            look(&l, in[i]);
    for (int o = 0; o < n_out; o++)
        if (hone__is_real(out[o]))
            look(&l, out[o]);
    return l.pages > 0 ? (float)l.remote / (float)l.pages : -1;
}
