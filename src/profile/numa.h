/* numa.h: at which node pages lie, and whether the threads that work on them run there. */
#ifndef HONE_PROFILE_NUMA_H
#define HONE_PROFILE_NUMA_H

#include "core/core.h"
#include "profile/record.h"

enum { HONE__MOST_NODES = 64 };

/** Counts pages of [data, data + bytes) by the kernel's number of their node, a sample of at most 64:
 * pages[HONE__MOST_NODES]. 0: the kernel doesn't tell. */
int hone__pages_by_node(const void *data, size_t bytes, int *pages);

/** Is told of each large operand how many pages of a sample lie on each node: HONE__SEEN_NODES. */
typedef void hone__pages_taker(void *ctx, const hone_tensor *t, const uint16_t *pages);
/** Of a sample of the large operands' pages, the share that lies on another node than the thread
 * whose part of the work they are (region: of a team's; NULL: the caller's); below 0: there are none,
 * or the kernel doesn't tell. */
float hone__remote_share(hone_tensor *const *in, int n_in, hone_tensor *const *out, int n_out,
                         const hone__region_watch *region, hone__pages_taker *take, void *ctx);

/** The kernel's node of a CPU; -1: unknown. */
int hone__node_of_cpu(int cpu);
/** NUMA nodes of this machine that have memory; kernel's numbers below HONE__MOST_NODES. */
int hone__count_nodes(void);

#endif
