/* topology.h: what hwloc and the kernel know about the machine. */
#ifndef HONE_RUNTIME_TOPOLOGY_H
#define HONE_RUNTIME_TOPOLOGY_H

#include "runtime/cpus.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int logical_cpus, cores, packages, numa_nodes;
    bool runtime_binds; /* OMP_PROC_BIND and the like: the OpenMP runtime binds the threads */
    int places_in_turn; /* then: places that it fills one after the other; 0: it spreads threads */
    int pool_nodes;     /* of numa_nodes, those that pools use unless told: see nodes.h */
    int affinity_cpus; /* logical CPUs a team may run on: those of OpenMP's places, else the mask */
    int affinity_cores; /* cores with at least one of them */
    int fast_cores;     /* of these, the ones that are no little ones beside big ones */
    double cgroup_cpus; /* 0: no quota */
    int64_t l1_bytes, l2_bytes, l3_bytes; /* data caches one core sees; 0: unknown */
    int l3_cores; /* cores that share an L3 with the first one; 0: unknown */
    char cpu_name[64];
} hone__topology;

/** Reads the machine, once. What hwloc can't tell is filled in from the kernel or left at 0. */
void hone__topology_load(void);
const hone__topology *hone__topology_get(void);

/** NUMA node (hwloc's index) that pools use for the CPU this thread runs on now; 0 before
 * hone__topology_load. */
int hone__topology_current_node(void);

/** The affinity_cpus themselves; empty if the kernel doesn't tell. */
hone__cpus hone__topology_cpus(void);
/** Are all CPUs of the set one core's? After hone__topology_load. */
bool hone__topology_in_one_core(const hone__cpus *set);

/** The kernel's number of a CPU for thread 0, 1, ... of a team: one a core that this process may
 * use, but for little ones, in hwloc's order, then from the first again. -1: unknown. */
int hone__topology_core_cpu(int thread);

/** NUMA node (hwloc's index) that pools use for that core; 0: unknown. */
int hone__topology_core_node(int thread);

/** Cores that this process may use and whose node (hwloc's index) this is. */
int hone__topology_node_cores(int node);
/** Asks for the pages of [p, p + bytes) at this node, or page by page around those that pools use if
 * it is -1.
 * Those that exist stay where they are. A wish: other nodes are taken where this one is full. */
void hone__topology_bind(void *p, size_t bytes, int node);

/** CPUs that the cgroup of `proc_cgroup` (the text of /proc/self/cgroup) may use by its own and its
 * ancestors' quotas, v2 cpu.max and v1 cfs_quota under `root` (/sys/fs/cgroup). 0: no quota. */
double hone__cgroup_cpus(const char *proc_cgroup, const char *root);

#endif
