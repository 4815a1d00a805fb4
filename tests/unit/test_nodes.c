/* Machines whose NUMA nodes share their CPUs or have none. */
#include "machine.h"

#include "runtime/memory.h"
#include "runtime/nodes.h"
#include "runtime/placement.h"
#include "runtime/topology.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(nodes);

/* ---- in place of hwloc's own: these machines count as this one, and what would be bound is
 * written down */

enum { MOST_BOUND = 16, MOST_NODES = 8 };

static struct {
    size_t bytes;
    unsigned long nodes; /* a bit each, by hwloc's index */
    hwloc_membind_policy_t policy;
} bound[MOST_BOUND];
static int n_bound;

int hwloc_topology_is_thissystem(hwloc_topology_t topology)
{
    (void)topology;
    return 1;
}

/* This process may use all CPUs of the machine that is made up. */
int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
    (void)pid;
    memset(set, 0xff, bytes);
    return 0;
}

int hwloc_set_area_membind(hwloc_topology_t topology, const void *p, size_t bytes,
                           hwloc_const_bitmap_t nodes, hwloc_membind_policy_t policy, int flags)
{
    (void)p;
    cr_assert(n_bound < MOST_BOUND && (flags & HWLOC_MEMBIND_BYNODESET));
    bound[n_bound].bytes = bytes;
    bound[n_bound].nodes = 0;
    for (int i = hwloc_bitmap_first(nodes); i >= 0; i = hwloc_bitmap_next(nodes, i))
        bound[n_bound].nodes |=
            1ul << hwloc_get_numanode_obj_by_os_index(topology, (unsigned)i)->logical_index;
    bound[n_bound++].policy = policy;
    return 0;
}

/* What binds one block of 64 MiB. */
static void place(hone_placement placement, int node)
{
    const size_t bytes = (size_t)64 << 20;
    n_bound = 0;
    CHECK_OK(hone_set_placement(placement, node));
    hone__place_block(hone__place_now(), NULL, bytes, bytes, 4096);
    CHECK_OK(hone_set_placement(HONE_PLACE_LOCAL, 0));
}

/* A partition of the block has these shares, in 64ths; interleaving goes around all of them. */
static void check_placements(int nodes, const int *shares)
{
    unsigned long all = 0;
    size_t given[MOST_NODES] = { 0 };
    place(HONE_PLACE_PARTITION, 0);
    for (int i = 0; i < n_bound; i++) {
        cr_assert(bound[i].policy == HWLOC_MEMBIND_BIND);
        given[__builtin_ctzl(bound[i].nodes)] += bound[i].bytes;
    }
    for (int node = 0; node < nodes; node++) {
        cr_expect(given[node] == (size_t)shares[node] << 20, "node %d has %zu bytes", node,
                  given[node]);
        all |= (unsigned long)(shares[node] > 0) << node;
    }
    place(HONE_PLACE_INTERLEAVE, 0);
    cr_assert(n_bound == 1 && bound[0].policy == HWLOC_MEMBIND_INTERLEAVE);
    cr_expect(bound[0].nodes == all, "around %lx", bound[0].nodes);
    for (int node = 0; node < nodes; node++) {
        place(HONE_PLACE_NODE, node);
        cr_expect(n_bound == 1 && bound[0].nodes == 1ul << node, "by its name: %d", node);
    }
    CHECK_FAILS(hone_set_placement(HONE_PLACE_NODE, nodes), HONE_E_VALUE, "but there are 0 to");
}

static int used(const int *shares, int nodes)
{
    int n = 0;
    for (int node = 0; node < nodes; node++)
        n += shares[node] > 0;
    return n;
}

/* @param nodes   that the machine has.
 * @param shares  of a partition, in 64ths; more than 0 for the nodes that pools use. */
static void check_machine(int nodes, const int *shares)
{
    const hone__topology *m = hone__topology_get();
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(m->numa_nodes == nodes, "%d nodes", m->numa_nodes);
    cr_expect(m->pool_nodes == used(shares, nodes), "%d are used", m->pool_nodes);
    cr_expect(machine.numa_nodes == nodes && machine.pool_nodes == m->pool_nodes);
    int cores = 0;
    for (int node = 0; node < nodes; node++) {
        cr_expect((hone__topology_node_cores(node) > 0) == (shares[node] > 0), "node %d has %d",
                  node, hone__topology_node_cores(node));
        cores += hone__topology_node_cores(node);
    }
    cr_expect(cores == m->affinity_cores, "%d cores are somewhere", cores);
    for (int thread = 0; thread < m->fast_cores; thread++)
        cr_expect(shares[hone__topology_core_node(thread)] > 0, "thread %d", thread);
    cr_expect(shares[hone__topology_current_node()] > 0);
    check_placements(nodes, shares);
    char *p = hone__pool_alloc(1 << 20); /* and blocks can be had */
    cr_assert(p);
    memset(p, 1, 1 << 20);
    hone__pool_free(p, 1 << 20);
}

/* ---- by their memory ------------------------------------------------------------------------ */

static void check_synthetic(const char *machine, int nodes, const int *shares)
{
    test_clear_environment();
    setenv("HWLOC_SYNTHETIC", machine, 1);
    check_machine(nodes, shares);
}

Test(nodes, of_their_own)
{
    check_synthetic("package:2 [numa(memory=64GB)] core:4 pu:1", 2, (int[]){ 32, 32 });
}

Test(nodes, hbm_after_dram)
{
    check_synthetic("package:2 [numa(memory=64GB)] [numa(memory=16GB)] core:4 pu:1", 4,
                    (int[]){ 32, 0, 32, 0 });
}

Test(nodes, hbm_before_dram)
{
    check_synthetic("package:2 [numa(memory=16GB)] [numa(memory=64GB)] core:4 pu:2", 4,
                    (int[]){ 0, 32, 0, 32 });
}

Test(nodes, one_package_with_hbm)
{
    check_synthetic("package:1 [numa(memory=16GB)] [numa(memory=64GB)] core:4 pu:1", 2,
                    (int[]){ 0, 64 });
}

Test(nodes, dram_of_the_machine_and_hbm_of_a_part)
{
    check_synthetic("[numa(memory=256GB)] package:2 [numa(memory=16GB)] core:4 pu:1", 3,
                    (int[]){ 0, 0, 64 });
}

Test(nodes, of_as_much_memory)
{
    check_synthetic("package:2 [numa(memory=8GB)] [numa(memory=8GB)] core:4 pu:1", 4,
                    (int[]){ 32, 0, 32, 0 });
}

/* ---- by what hwloc knows of them ------------------------------------------------------------ */

typedef void (*edit)(hwloc_topology_t topology);

static hwloc_obj_t node_at(hwloc_topology_t topology, unsigned i)
{
    return hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, i);
}

static void set_latency(hwloc_topology_t topology, unsigned i, hwloc_uint64_t ns)
{
    hwloc_obj_t node = node_at(topology, i);
    struct hwloc_location local = { .type = HWLOC_LOCATION_TYPE_CPUSET,
                                    .location.cpuset = node->cpuset };
    cr_assert(hwloc_memattr_set_value(topology, HWLOC_MEMATTR_ID_LATENCY, node, &local, 0, ns) ==
              0);
}

static void check_edited(const char *machine, edit change, int nodes, const int *shares)
{
    char path[] = "/tmp/hone_nodes_XXXXXX";
    hwloc_topology_t topology;
    test_clear_environment();
    close(mkstemp(path));
    cr_assert(hwloc_topology_init(&topology) == 0);
    cr_assert(hwloc_topology_set_synthetic(topology, machine) == 0);
    cr_assert(hwloc_topology_load(topology) == 0);
    change(topology);
    cr_assert(hwloc_topology_export_xml(topology, path, 0) == 0);
    hwloc_topology_destroy(topology);
    setenv("HWLOC_XMLFILE", path, 1);
    hone__topology_load();
    unlink(path);
    check_machine(nodes, shares);
}

static void cxl_is_slow(hwloc_topology_t topology)
{
    for (unsigned i = 0; i < 4; i++)
        set_latency(topology, i, i % 2 ? 110 : 260);
}

/* Twice the memory of DRAM, and it comes first. */
Test(nodes, cxl_that_is_larger)
{
    check_edited("package:2 [numa(memory=512GB)] [numa(memory=256GB)] core:4 pu:1", cxl_is_slow, 4,
                 (int[]){ 0, 32, 0, 32 });
}

static void hbm_is_alike(hwloc_topology_t topology)
{
    for (unsigned i = 0; i < 4; i++)
        set_latency(topology, i, i % 2 ? 130 : 110);
}

Test(nodes, hbm_of_nearly_the_same_latency)
{
    check_edited("package:2 [numa(memory=16GB)] [numa(memory=64GB)] core:4 pu:1", hbm_is_alike, 4,
                 (int[]){ 0, 32, 0, 32 });
}

static void only_one_is_known(hwloc_topology_t topology)
{
    set_latency(topology, 0, 300);
}

Test(nodes, where_one_latency_is_known)
{
    check_edited("package:1 [numa(memory=16GB)] [numa(memory=64GB)] core:4 pu:1", only_one_is_known,
                 2, (int[]){ 0, 64 });
}

/* Restricting leaves the other package's node, which then has no CPUs. */
static void keep_package(hwloc_topology_t topology, unsigned i)
{
    hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, i);
    hwloc_bitmap_t cpus = hwloc_bitmap_dup(package->cpuset);
    cr_assert(hwloc_topology_restrict(topology, cpus, 0) == 0);
    hwloc_bitmap_free(cpus);
    cr_assert(hwloc_bitmap_iszero(node_at(topology, 1)->cpuset));
}

static void keep_first_package(hwloc_topology_t topology)
{
    keep_package(topology, 0);
}

static void keep_second_package(hwloc_topology_t topology)
{
    keep_package(topology, 1);
}

Test(nodes, without_cpus)
{
    check_edited("package:2 [numa(memory=64GB)] core:4 pu:1", keep_first_package, 2,
                 (int[]){ 64, 0 });
}

Test(nodes, without_cpus_whose_number_is_the_first)
{
    check_edited("package:2 [numa(memory=64GB)] core:4 pu:1", keep_second_package, 2,
                 (int[]){ 64, 0 });
}
