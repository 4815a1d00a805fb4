/* nodes.c: see nodes.h. */
#include "runtime/nodes.h"
#include "runtime/topology.h"

#include <sched.h>

#define MAX_NODES 256

/* DRAM of the own package takes some 100 ns and HBM beside it about as long; memory behind CXL 200
 * and more. */
static const double MUCH_LATER = 1.5;

static uint8_t node_of_cpu[HONE__MAX_CPUS]; /* by the kernel's CPU number */
static int only_node;                       /* of all CPUs; -1: there are several */
static int node_cores[MAX_NODES];
static hwloc_bitmap_t pool_nodes;      /* the kernel's numbers of those that pools use */
static hwloc_topology_t several_nodes; /* kept to bind by; NULL if there is one node */

/* ---- the node of a set of CPUs ------------------------------------------------------------ */

/* 0: unknown. */
static double latency_of(hwloc_topology_t topology, hwloc_obj_t node, hwloc_const_bitmap_t cpus)
{
    hwloc_bitmap_t from = hwloc_bitmap_dup(cpus);
    struct hwloc_location initiator = { .type = HWLOC_LOCATION_TYPE_CPUSET,
                                        .location.cpuset = from };
    hwloc_uint64_t value = 0;
    if (!from || hwloc_memattr_get_value(topology, HWLOC_MEMATTR_ID_LATENCY, node, &initiator, 0,
                                         &value) != 0)
        value = 0;
    hwloc_bitmap_free(from);
    return (double)value;
}

typedef struct {
    hwloc_topology_t topology;
    hwloc_const_bitmap_t cpus, local_to; /* NULL: any node will do */
    double least_latency;                /* 0: unknown */
} choice;

static hwloc_obj_t next_local(const choice *c, hwloc_obj_t node)
{
    do
        node = hwloc_get_next_obj_by_type(c->topology, HWLOC_OBJ_NUMANODE, node);
    while (node && c->local_to && !hwloc_bitmap_isincluded(c->local_to, node->cpuset));
    return node;
}

static hwloc_obj_t choose(choice c)
{
    hwloc_obj_t best = NULL;
    for (hwloc_obj_t node = NULL; (node = next_local(&c, node));) {
        const double latency = latency_of(c.topology, node, c.cpus);
        if (latency > 0 && (c.least_latency <= 0 || latency < c.least_latency))
            c.least_latency = latency;
    }
    for (hwloc_obj_t node = NULL; (node = next_local(&c, node));) {
        if (latency_of(c.topology, node, c.cpus) > MUCH_LATER * c.least_latency)
            continue;
        if (!best || node->attr->numanode.local_memory > best->attr->numanode.local_memory)
            best = node;
    }
    return best;
}

int hone__node_of(hwloc_topology_t topology, hwloc_const_bitmap_t cpus)
{
    hwloc_obj_t node = choose((choice){ topology, cpus, cpus, 0 });
    if (!node)
        node = choose((choice){ topology, cpus, NULL, 0 });
    return node ? (int)(node->logical_index % MAX_NODES) : 0;
}

/* ---- of the machine ----------------------------------------------------------------------- */

static void use_node(hwloc_topology_t topology, int node)
{
    hwloc_obj_t object = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, (unsigned)node);
    if (object && pool_nodes)
        hwloc_bitmap_set(pool_nodes, object->os_index);
}

int hone__nodes_read(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
    int node = 0;
    pool_nodes = hwloc_bitmap_alloc();
    for (hwloc_obj_t cpu = NULL; (cpu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, cpu));) {
        node = hone__node_of(topology, cpu->cpuset);
        if (cpu->os_index < HONE__MAX_CPUS)
            node_of_cpu[cpu->os_index] = (uint8_t)node;
        use_node(topology, node);
    }
    for (hwloc_obj_t core = NULL;
         (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core));)
        node_cores[hone__node_of(topology, core->cpuset)] +=
            !allowed || hwloc_bitmap_intersects(core->cpuset, allowed);
    const int n = pool_nodes ? hwloc_bitmap_weight(pool_nodes) : 1;
    only_node = n > 1 ? -1 : node;
    return n > 1 ? n : 1;
}

void hone__nodes_bind_by(hwloc_topology_t topology)
{
    several_nodes = topology;
}

int hone__topology_current_node(void)
{
    if (only_node >= 0) /* also before anything is read */
        return only_node;
    const int cpu = sched_getcpu();
    return cpu >= 0 && cpu < HONE__MAX_CPUS ? node_of_cpu[cpu] : 0;
}

int hone__topology_node_cores(int node)
{
    return node >= 0 && node < MAX_NODES ? node_cores[node] : 0;
}

void hone__topology_bind(void *p, size_t bytes, int node)
{
    if (!several_nodes)
        return;
    hwloc_obj_t object =
        node < 0 ? NULL : hwloc_get_obj_by_type(several_nodes, HWLOC_OBJ_NUMANODE, (unsigned)node);
    hwloc_const_bitmap_t nodes = node < 0 ? pool_nodes : object ? object->nodeset : NULL;
    if (nodes)
        hwloc_set_area_membind(several_nodes, p, bytes, nodes,
                               node < 0 ? HWLOC_MEMBIND_INTERLEAVE : HWLOC_MEMBIND_BIND,
                               HWLOC_MEMBIND_BYNODESET);
}
