#include "machine.h"

#include "runtime/parallel.h"
#include "runtime/topology.h"

#include <hwloc.h>
#include <stdlib.h>
#include <unistd.h>

SUITE(topology);

/* ---- machines that hwloc makes up --------------------------------------------------------- */

Test(topology, two_nodes)
{
    setenv("HWLOC_SYNTHETIC",
           "NUMANode:2 L3:1(size=8388608) L2:4(size=1048576) L1d:1(size=32768) Core:1 PU:2", 1);
    const hone__topology *m = hone__topology_get();
    cr_assert(m->numa_nodes == 2 && m->cores == 8 && m->logical_cpus == 16);
    cr_assert(m->affinity_cores == 8 && m->fast_cores == 8);
    cr_assert(m->l1_bytes == 32 << 10 && m->l2_bytes == 1 << 20 && m->l3_bytes == 8 << 20);
    cr_assert(m->l3_cores == 4);
    /* CPUs 8.. are of the second node in this machine; the thread's real one tells. */
    cr_assert(hone__topology_current_node() == 0 || hone__topology_current_node() == 1);
    cr_assert(m->cpu_name[sizeof m->cpu_name - 1] == 0);
}

Test(topology, no_caches)
{
    setenv("HWLOC_SYNTHETIC", "Package:2 Core:2 PU:1", 1);
    const hone__topology *m = hone__topology_get();
    cr_assert(m->packages == 2 && m->cores == 4 && m->numa_nodes == 1);
    cr_assert(m->l1_bytes == 0 && m->l2_bytes == 0 && m->l3_bytes == 0 && m->l3_cores == 0);
    CHECK_OK(hone_init());
}

/* Four slow cores, then two fast ones, as on an ARM board. test_kinds.c has more of them. */
static void export_two_kinds(const char *path)
{
    hwloc_topology_t topology;
    cr_assert(hwloc_topology_init(&topology) == 0);
    cr_assert(hwloc_topology_set_synthetic(topology, "Core:6 PU:1") == 0);
    cr_assert(hwloc_topology_load(topology) == 0);
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    hwloc_bitmap_set_range(cpus, 0, 3);
    struct hwloc_info_s capacity = { "LinuxCapacity", "446" };
    cr_assert(hwloc_cpukinds_register(topology, cpus, 1, 1, &capacity, 0) == 0);
    hwloc_bitmap_zero(cpus);
    hwloc_bitmap_set_range(cpus, 4, 5);
    capacity.value = "1024";
    cr_assert(hwloc_cpukinds_register(topology, cpus, 10, 1, &capacity, 0) == 0);
    cr_assert(hwloc_topology_export_xml(topology, path, 0) == 0);
    hwloc_bitmap_free(cpus);
    hwloc_topology_destroy(topology);
}

Test(topology, two_kinds_of_cores)
{
    char path[] = "/tmp/hone_topology_XXXXXX";
    close(mkstemp(path));
    export_two_kinds(path);
    setenv("HWLOC_XMLFILE", path, 1);
    const hone__topology *m = hone__topology_get();
    unlink(path);
    cr_assert(m->cores == 6 && m->affinity_cores == 6, "%d %d", m->cores, m->affinity_cores);
    cr_assert(m->fast_cores == 2, "%d", m->fast_cores);
}

/* ---- a topology that can't be read: the kernel's numbers are left -------------------------- */

static void check_kernel_only(void)
{
    test_clear_environment();
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(machine.cores >= 1 && machine.logical_cpus >= 1 && machine.numa_nodes >= 1);
    cr_assert(machine.threads >= 1 && machine.threads <= machine.affinity_cpus);
    hone_tensor *t = T(HONE_F32, (2), 1, 2);
    cr_assert(hone_at(t, 1) == 2);
}

Test(topology, synthetic_nonsense)
{
    setenv("HWLOC_SYNTHETIC", "three cores, please", 1);
    check_kernel_only();
}

Test(topology, no_file)
{
    setenv("HWLOC_XMLFILE", "/not/here.xml", 1);
    check_kernel_only();
}

Test(topology, broken_file)
{
    char path[] = "/tmp/hone_topology_XXXXXX";
    const int file = mkstemp(path);
    cr_assert(write(file, "<topology><object", 17) == 17);
    close(file);
    setenv("HWLOC_XMLFILE", path, 1);
    check_kernel_only();
    unlink(path);
}

Test(topology, no_sys)
{
    setenv("HWLOC_FSROOT", "/not/here", 1);
    check_kernel_only();
}

/* ---- from a machine to a number of threads ------------------------------------------------ */

static void check_threads(const hone__topology *machine, int threads, const char *reason)
{
    char got[96];
    const int n = hone__machine_threads(machine, got, sizeof got);
    cr_assert(n == threads, "%d threads (%s), %d wanted", n, got, threads);
    cr_assert_str_eq(got, reason);
}

Test(topology, threads_of_a_machine)
{
    hone__topology m = {
        .logical_cpus = 16, .affinity_cpus = 16, .affinity_cores = 16, .fast_cores = 16
    };
    check_threads(&m, 16, "all CPUs");
    m.affinity_cpus = m.affinity_cores = m.fast_cores = 6;
    check_threads(&m, 6, "CPUs in the affinity mask");
    m.affinity_cores = m.fast_cores = 3;
    check_threads(&m, 3, "one a core");
    m.fast_cores = 2;
    check_threads(&m, 2, "one a core of the fast kind");
    m.cgroup_cpus = 1.5;
    check_threads(&m, 1, "the cgroup's quota of 1.50 CPUs");
    m.cgroup_cpus = 0.25; /* below one CPU: one thread, not none */
    check_threads(&m, 1, "the cgroup's quota of 0.25 CPUs");
    m.cgroup_cpus = 100;
    check_threads(&m, 2, "one a core of the fast kind");
}

/* Threads that the OpenMP runtime binds: to places in turn, or spread over them. */
Test(topology, threads_of_a_machine_with_places)
{
    const char *reason = "CPUs in the places of OMP_PROC_BIND";
    hone__topology m = { .logical_cpus = 16,
                         .runtime_binds = true,
                         .affinity_cpus = 16,
                         .affinity_cores = 8,
                         .fast_cores = 4 };
    check_threads(&m, 8, reason);
    m.places_in_turn = 16; /* a hyperthread each: 8 threads would be on 4 cores */
    check_threads(&m, 16, reason);
    m.places_in_turn = 2; /* packages */
    check_threads(&m, 8, reason);
    m.affinity_cpus = m.affinity_cores = 1;
    check_threads(&m, 1, reason);
    m.affinity_cpus = m.affinity_cores = 4;
    m.cgroup_cpus = 2.5;
    check_threads(&m, 2, "the cgroup's quota of 2.50 CPUs");
}
