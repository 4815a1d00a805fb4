/* topology.c: cores, caches and NUMA nodes from hwloc, limits from the kernel. */
#include "runtime/topology.h"
#include "core/core.h"

#include <hwloc.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define MAX_CPUS  4096
#define MAX_NODES 256

static hone__topology machine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint8_t node_of_cpu[MAX_CPUS]; /* by the kernel's CPU number */
static int node_cores[MAX_NODES];
static int core_cpu[MAX_CPUS];      /* of the machine.fast_cores, if the cores are this system's */
static uint8_t core_node[MAX_CPUS]; /* of the same cores */
static bool cores_known;
static hwloc_topology_t several_nodes; /* kept to bind by; NULL if there is one node */

/* ---- the kernel --------------------------------------------------------------------------- */

static char *read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    const size_t n = fread(text, 1, size - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

static int affinity_count(const cpu_set_t *set)
{
    return CPU_COUNT_S(MAX_CPUS / 8, set);
}

static void read_kernel(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    machine.logical_cpus = online > 0 ? (int)online : 1;
    cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
    if (set && sched_getaffinity(0, MAX_CPUS / 8, set) == 0)
        machine.affinity_cpus = affinity_count(set);
    if (machine.affinity_cpus < 1)
        machine.affinity_cpus = machine.logical_cpus;
    if (set)
        CPU_FREE(set);
    char text[4096];
    if (read_text("/proc/self/cgroup", text, sizeof text))
        machine.cgroup_cpus = hone__cgroup_cpus(text, "/sys/fs/cgroup");
    machine.cores = machine.affinity_cores = machine.fast_cores = 0;
    machine.packages = machine.numa_nodes = 1;
}

static void read_cpu_name(void)
{
    char text[8192];
    if (!read_text("/proc/cpuinfo", text, sizeof text))
        return;
    const char *line = strstr(text, "model name");
    const char *name = line ? strchr(line, ':') : NULL;
    if (!name)
        return;
    name += 1 + strspn(name + 1, " \t");
    const size_t n = strcspn(name, "\n");
    hone__format(machine.cpu_name, sizeof machine.cpu_name, "%.*s", (int)n, name);
}

/* ---- cgroups ------------------------------------------------------------------------------ */

/* Quota of one group in CPUs, 0 if it has none. */
static double quota_of(const char *directory, bool v2)
{
    char path[1200], text[128];
    long long quota = 0, period = 0;
    if (v2) {
        hone__format(path, sizeof path, "%s/cpu.max", directory);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2)
            return 0; /* "max" is no number */
    } else {
        hone__format(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lld", &quota) != 1)
            return 0;
        hone__format(path, sizeof path, "%s/cpu.cfs_period_us", directory);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lld", &period) != 1)
            return 0;
    }
    return quota > 0 && period > 0 ? (double)quota / (double)period : 0;
}

/* The least quota of a group and its ancestors. In a container the path may be the host's and not
 * exist here; its root does. */
static double least_quota(const char *mount, const char *group, bool v2)
{
    char directory[1100];
    double least = 0;
    hone__format(directory, sizeof directory, "%s%s", mount, group);
    for (;;) {
        const double quota = quota_of(directory, v2);
        if (quota > 0 && (least <= 0 || quota < least))
            least = quota;
        char *slash = strrchr(directory, '/');
        if (!slash || (size_t)(slash - directory) < strlen(mount))
            return least;
        *slash = 0;
    }
}

static bool has_controller(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = list; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == 0))
            return true;
    return false;
}

/* One line of /proc/self/cgroup: "0::/group" (v2) or "N:cpu,cpuacct:/group" (v1). */
static double line_quota(char *line, const char *root)
{
    char *list = strchr(line, ':');
    char *group = list ? strchr(list + 1, ':') : NULL;
    if (!group)
        return 0;
    *group++ = 0;
    list++;
    char mount[256];
    if (*list == 0) {
        const double quota = least_quota(root, group, true);
        if (quota > 0)
            return quota;
        hone__format(mount, sizeof mount, "%s/unified", root); /* beside v1 hierarchies */
        return least_quota(mount, group, true);
    }
    if (!has_controller(list, "cpu"))
        return 0;
    hone__format(mount, sizeof mount, "%s/%s", root, list);
    const double quota = least_quota(mount, group, false);
    if (quota > 0)
        return quota;
    hone__format(mount, sizeof mount, "%s/cpu", root);
    return least_quota(mount, group, false);
}

double hone__cgroup_cpus(const char *proc_cgroup, const char *root)
{
    double least = 0;
    while (*proc_cgroup) {
        const size_t n = strcspn(proc_cgroup, "\n");
        char line[1024];
        hone__format(line, sizeof line, "%.*s", (int)n, proc_cgroup);
        const double quota = line_quota(line, root);
        if (quota > 0 && (least <= 0 || quota < least))
            least = quota;
        proc_cgroup += n + (proc_cgroup[n] == '\n');
    }
    return least;
}

/* ---- hwloc -------------------------------------------------------------------------------- */

static int64_t cache_bytes(hwloc_topology_t topology, hwloc_obj_t cpu, hwloc_obj_type_t type)
{
    hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, type, cpu);
    return cache ? (int64_t)cache->attr->cache.size : 0;
}

static int first_cpu(hwloc_const_bitmap_t of_core, hwloc_const_bitmap_t allowed)
{
    int cpu = hwloc_bitmap_first(of_core);
    while (cpu >= 0 && !hwloc_bitmap_isset(allowed, (unsigned)cpu))
        cpu = hwloc_bitmap_next(of_core, cpu);
    return cpu;
}

static uint8_t node_of(hwloc_topology_t topology, hwloc_obj_t core)
{
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)))
        if (hwloc_bitmap_isincluded(core->cpuset, node->cpuset))
            return (uint8_t)node->logical_index;
    return 0;
}

/* Cores the process may run on, and how many of them are of the most capable kind among them. */
static void count_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
    const int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    int best = -1;
    machine.cores = n > 0 ? n : 0;
    for (int i = 0; i < n; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i);
        if (!core || !hwloc_bitmap_intersects(core->cpuset, allowed))
            continue;
        machine.affinity_cores++;
        int efficiency = 0;
        const int kind = hwloc_cpukinds_get_by_cpuset(topology, core->cpuset, 0);
        if (kind >= 0)
            hwloc_cpukinds_get_info(topology, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0);
        if (efficiency > best) {
            best = efficiency;
            machine.fast_cores = 0;
        }
        if (efficiency == best && machine.fast_cores < MAX_CPUS) {
            core_node[machine.fast_cores] = node_of(topology, core);
            core_cpu[machine.fast_cores++] = first_cpu(core->cpuset, allowed);
        }
    }
    cores_known = machine.fast_cores > 0 && hwloc_topology_is_thissystem(topology);
}

static void read_nodes(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
    const int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    machine.numa_nodes = n > 0 ? n : 1;
    for (int i = 0; i < n && i < MAX_NODES; i++) {
        hwloc_obj_t node = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, (unsigned)i);
        for (int cpu = hwloc_bitmap_first(node->cpuset); cpu >= 0 && cpu < MAX_CPUS;
             cpu = hwloc_bitmap_next(node->cpuset, cpu))
            node_of_cpu[cpu] = (uint8_t)i;
        for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_inside_cpuset_by_type(
                                           topology, node->cpuset, HWLOC_OBJ_CORE, core));)
            node_cores[i] += !allowed || hwloc_bitmap_intersects(core->cpuset, allowed);
    }
}

static void read_hwloc(hwloc_topology_t topology)
{
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
    if (!allowed || hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS) != 0) {
        hwloc_bitmap_free(allowed);
        allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
    }
    hwloc_obj_t cpu = NULL;
    if (allowed && hwloc_bitmap_first(allowed) >= 0)
        cpu = hwloc_get_pu_obj_by_os_index(topology, (unsigned)hwloc_bitmap_first(allowed));
    if (cpu) {
        machine.l1_bytes = cache_bytes(topology, cpu, HWLOC_OBJ_L1CACHE);
        machine.l2_bytes = cache_bytes(topology, cpu, HWLOC_OBJ_L2CACHE);
        machine.l3_bytes = cache_bytes(topology, cpu, HWLOC_OBJ_L3CACHE);
        hwloc_obj_t l3 = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, cpu);
        if (l3)
            machine.l3_cores =
                hwloc_get_nbobjs_inside_cpuset_by_type(topology, l3->cpuset, HWLOC_OBJ_CORE);
        count_cores(topology, allowed);
    }
    const int logical = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    const int packages = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    machine.logical_cpus = logical > 0 ? logical : machine.logical_cpus;
    machine.packages = packages > 0 ? packages : 1;
    read_nodes(topology, allowed);
    hwloc_bitmap_free(allowed);
}

static void load(void)
{
    read_kernel();
    read_cpu_name();
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) == 0) {
        /* The x86 component binds the thread to each core in turn to ask it what Linux knows. */
        hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
        if (hwloc_topology_load(topology) == 0)
            read_hwloc(topology);
        if (machine.numa_nodes > 1 && hwloc_topology_is_thissystem(topology))
            several_nodes = topology;
        else
            hwloc_topology_destroy(topology);
    }
    if (machine.affinity_cores < 1)
        machine.affinity_cores = machine.fast_cores = machine.affinity_cpus;
    if (machine.cores < 1)
        machine.cores = machine.logical_cpus;
}

void hone__topology_load(void)
{
    pthread_once(&once, load);
}

const hone__topology *hone__topology_get(void)
{
    hone__topology_load();
    return &machine;
}

int hone__topology_current_node(void)
{
    if (machine.numa_nodes < 2) /* also before it is loaded */
        return 0;
    const int cpu = sched_getcpu();
    return cpu >= 0 && cpu < MAX_CPUS ? node_of_cpu[cpu] : 0;
}

int hone__topology_core_cpu(int thread)
{
    const int cpu = cores_known ? core_cpu[thread % machine.fast_cores] : -1;
    return cpu < MAX_CPUS ? cpu : -1;
}

int hone__topology_core_node(int thread)
{
    return machine.fast_cores > 0 ? core_node[thread % machine.fast_cores] : 0;
}

int hone__topology_node_cores(int node)
{
    return node < MAX_NODES ? node_cores[node] : 0;
}

void hone__topology_bind(void *p, size_t bytes, int node)
{
    if (!several_nodes)
        return;
    hwloc_obj_t object =
        node < 0 ? hwloc_get_root_obj(several_nodes)
                 : hwloc_get_obj_by_type(several_nodes, HWLOC_OBJ_NUMANODE, (unsigned)node);
    if (object)
        hwloc_set_area_membind(several_nodes, p, bytes, object->nodeset,
                               node < 0 ? HWLOC_MEMBIND_INTERLEAVE : HWLOC_MEMBIND_BIND,
                               HWLOC_MEMBIND_BYNODESET);
}
