/* topology.h: what hwloc and the kernel know about the machine. */
#ifndef HONE_RUNTIME_TOPOLOGY_H
#define HONE_RUNTIME_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int logical_cpus, cores, packages, numa_nodes;
    int affinity_cpus;  /* logical CPUs this process may run on */
    int affinity_cores; /* cores with at least one of them */
    int fast_cores;     /* of these, the ones of the most capable kind (big.LITTLE); all if alike */
    double cgroup_cpus; /* 0: no quota */
    int64_t l1_bytes, l2_bytes, l3_bytes; /* data caches one core sees; 0: unknown */
    int l3_cores; /* cores that share an L3 with the first one; 0: unknown */
    char cpu_name[64];
} hone__topology;

/** Reads the machine, once. What hwloc can't tell is filled in from the kernel or left at 0. */
void hone__topology_load(void);
const hone__topology *hone__topology_get(void);

/** NUMA node (hwloc's index) this thread runs on now; 0 before hone__topology_load. */
int hone__topology_current_node(void);

/** The kernel's number of a CPU for thread 0, 1, ... of a team: one a core that this process may
 * use, of the most capable kind, in hwloc's order, then from the first again. -1: unknown. */
int hone__topology_core_cpu(int thread);

/** NUMA node (hwloc's index) of that core; 0: unknown. */
int hone__topology_core_node(int thread);

/** Cores of a node (hwloc's index) that this process may use. */
int hone__topology_node_cores(int node);
/** Asks for the pages of [p, p + bytes) at this node, or page by page around all nodes if it is -1.
 * Those that exist stay where they are. A wish: other nodes are taken where this one is full. */
void hone__topology_bind(void *p, size_t bytes, int node);

/** CPUs that the cgroup of `proc_cgroup` (the text of /proc/self/cgroup) may use by its own and its
 * ancestors' quotas, v2 cpu.max and v1 cfs_quota under `root` (/sys/fs/cgroup). 0: no quota. */
double hone__cgroup_cpus(const char *proc_cgroup, const char *root);

#endif
