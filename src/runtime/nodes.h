/* nodes.h: which memory belongs to which CPUs. Several NUMA nodes may have the same CPUs (HBM or CXL
 * memory beside DRAM), some have none. Each CPU has ONE node that pools use for it, and everybody
 * asks hone__node_of which; the others are used only by their number (HONE_PLACE_NODE). */
#ifndef HONE_RUNTIME_NODES_H
#define HONE_RUNTIME_NODES_H

#include <hwloc.h>

/** The node (hwloc's logical index) that pools use for a CPU, or for a core's CPUs: of those local
 * to it, but for the ones that hwloc knows to answer much later than the fastest, the one with the
 * most memory. */
int hone__node_of(hwloc_topology_t topology, hwloc_const_bitmap_t cpus);

/** Fills in what topology.h tells of nodes. Returns how many of them pools use, 1 at least.
 *  @param allowed  CPUs that this process may use; NULL: all. */
int hone__nodes_read(hwloc_topology_t topology, hwloc_const_bitmap_t allowed);

/** From now on hone__topology_bind binds by this topology, which it keeps. */
void hone__nodes_bind_by(hwloc_topology_t topology);

#endif
