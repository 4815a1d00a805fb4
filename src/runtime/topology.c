/* topology.c: cores, caches and NUMA nodes from hwloc, limits from the kernel. */
#include "runtime/topology.h"
#include "core/core.h"
#include "runtime/lock.h"
#include "runtime/nodes.h"
#include "runtime/openmp.h"
#include "runtime/quiet.h"

#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CPUS HONE__MAX_CPUS

static hone__topology machine;
static atomic_bool loaded;
static int core_cpu[MAX_CPUS];      /* of the machine.fast_cores, if the cores are this system's */
static uint8_t core_node[MAX_CPUS]; /* of the same cores */
static bool cores_known;
static hone__cpus team_cpus;       /* that a team may use */
static uint16_t core_of[MAX_CPUS]; /* by the kernel's CPU number, from 1; 0: unknown */

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

/* The mask comes first: LLVM's runtime binds the thread when it is asked anything. */
static void read_kernel(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    machine.logical_cpus = online > 0 ? (int)online : 1;
    hone__cpus_of_thread(&team_cpus);
    hone__openmp_binding binding;
    hone__openmp_read_binding(&binding);
    machine.runtime_binds = binding.binds;
    machine.places_in_turn = binding.in_turn;
    if (binding.binds)
        team_cpus = binding.cpus;
    char text[4096];
    if (read_text("/proc/self/cgroup", text, sizeof text))
        machine.cgroup_cpus = hone__cgroup_cpus(text, "/sys/fs/cgroup");
    machine.cores = machine.affinity_cores = machine.fast_cores = 0;
    machine.packages = machine.numa_nodes = machine.pool_nodes = 1;
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

/* ---- kinds of cores ----------------------------------------------------------------------- */

/* hwloc ranks kinds by clocks, too: its best kind may be one core of eight equal ones whose turbo
 * goes 1 % higher. What makes a core a little one is its design, or far less capacity. */
typedef struct {
    bool is_atom;  /* Intel's little cores */
    long capacity; /* as Linux measures it, of 1024; 0: unknown */
} core_kind;

/* hwloc before 2.10 doesn't read it. A machine that is made up by other means has no such file. */
static hwloc_bitmap_t read_atoms(hwloc_topology_t topology)
{
    char path[4096], text[4096];
    const char *root = getenv("HWLOC_FSROOT");
    hwloc_bitmap_t atoms = hwloc_bitmap_alloc();
    hone__format(path, sizeof path, "%s/sys/devices/cpu_atom/cpus", root ? root : "");
    if (atoms && (root || hwloc_topology_is_thissystem(topology)) &&
        read_text(path, text, sizeof text)) {
        text[strcspn(text, "\n")] = 0; /* behind it a last number that is no range is passed over */
        hwloc_bitmap_list_sscanf(atoms, text);
    }
    return atoms;
}

static core_kind kind_of(hwloc_topology_t topology, hwloc_const_bitmap_t atoms, int cpu)
{
    core_kind kind = { atoms && hwloc_bitmap_isset(atoms, (unsigned)cpu), 0 };
    hwloc_bitmap_t one = hwloc_bitmap_alloc();
    struct hwloc_info_s *infos = NULL;
    unsigned n = 0;
    if (one)
        hwloc_bitmap_only(one, (unsigned)cpu);
    const int index = one ? hwloc_cpukinds_get_by_cpuset(topology, one, 0) : -1;
    if (index >= 0)
        hwloc_cpukinds_get_info(topology, (unsigned)index, NULL, NULL, &n, &infos, 0);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(infos[i].name, "CoreType") == 0)
            kind.is_atom = strcmp(infos[i].value, "IntelAtom") == 0;
        else if (strcmp(infos[i].name, "LinuxCapacity") == 0)
            kind.capacity = strtol(infos[i].value, NULL, 10);
    }
    hwloc_bitmap_free(one);
    return kind;
}

static hwloc_obj_t next_core(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
                             hwloc_obj_t core)
{
    do
        core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core);
    while (core && !hwloc_bitmap_intersects(core->cpuset, allowed));
    return core;
}

/* Cores of at least this capacity, and the next lower one (0: there is none). Intel's little cores
 * don't count beside others. */
static long cores_from(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
                       hwloc_const_bitmap_t atoms, const core_kind *least, long *next)
{
    long n = 0;
    *next = 0;
    for (hwloc_obj_t core = NULL; (core = next_core(topology, allowed, core));) {
        const core_kind kind = kind_of(topology, atoms, first_cpu(core->cpuset, allowed));
        if (kind.is_atom && !least->is_atom)
            continue;
        if (kind.capacity >= least->capacity)
            n++;
        else if (kind.capacity > *next)
            *next = kind.capacity;
    }
    return n;
}

/* The slowest core of the team. Shares are equal, so a team is as fast as its number of cores times
 * the slowest one: cores near the fastest join if that grows, far slower ones if it grows by half.
 * For capacity is measured on integers, and little cores have narrower vectors and smaller caches
 * than it tells: on an RK3588 (four of 1024, four of 530) all eight are slower than the four. */
static core_kind slowest_of_team(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
                                 hwloc_const_bitmap_t atoms, core_kind best)
{
    long next, speed = 0;
    core_kind slowest = best;
    for (core_kind least = best; least.capacity > 0; least.capacity = next) {
        const long now = cores_from(topology, allowed, atoms, &least, &next) * least.capacity;
        const bool is_near = 4 * least.capacity >= 3 * best.capacity;
        if (is_near ? now >= speed : 2 * now >= 3 * speed) {
            speed = now;
            slowest = least;
        }
    }
    return slowest;
}

/* Cores the team may run on, and how many of them are no little ones beside others. */
static void count_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
    hwloc_bitmap_t atoms = read_atoms(topology);
    core_kind best = { true, 0 };
    for (hwloc_obj_t core = NULL; (core = next_core(topology, allowed, core));) {
        const core_kind kind = kind_of(topology, atoms, first_cpu(core->cpuset, allowed));
        best.is_atom = best.is_atom && kind.is_atom;
        best.capacity = kind.capacity > best.capacity ? kind.capacity : best.capacity;
        machine.affinity_cores++;
    }
    const core_kind slowest = slowest_of_team(topology, allowed, atoms, best);
    for (hwloc_obj_t core = NULL; (core = next_core(topology, allowed, core));) {
        const int cpu = first_cpu(core->cpuset, allowed);
        const core_kind kind = kind_of(topology, atoms, cpu);
        if ((kind.is_atom && !best.is_atom) || machine.fast_cores == MAX_CPUS ||
            (kind.capacity > 0 && kind.capacity < slowest.capacity))
            continue;
        core_node[machine.fast_cores] = (uint8_t)hone__node_of(topology, core->cpuset);
        core_cpu[machine.fast_cores++] = cpu;
    }
    hwloc_bitmap_free(atoms);
    cores_known = machine.fast_cores > 0 && hwloc_topology_is_thissystem(topology);
}

static void number_cores(hwloc_topology_t topology)
{
    const int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    machine.cores = n > 0 ? n : 0;
    for (int i = 0; i < n && hwloc_topology_is_thissystem(topology); i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i);
        for (int cpu = hwloc_bitmap_first(core->cpuset); cpu >= 0 && cpu < MAX_CPUS;
             cpu = hwloc_bitmap_next(core->cpuset, cpu))
            core_of[cpu] = (uint16_t)(i + 1);
    }
}

/* The CPUs that the team may use. One core for the calling thread says nothing about the process if
 * its other threads have more; what the program gave all of its threads is its limit. */
static hwloc_bitmap_t allowed_cpus(hwloc_topology_t topology)
{
    if (!hwloc_topology_is_thissystem(topology) || hone__cpus_count(&team_cpus) < 1)
        return hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
    enum { WORDS = sizeof team_cpus.bits / sizeof *team_cpus.bits };
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
    if (!allowed)
        return NULL;
    hwloc_bitmap_from_ulongs(allowed, WORDS, team_cpus.bits);
    if (!machine.runtime_binds && hone__topology_in_one_core(&team_cpus) &&
        hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS) == 0)
        hwloc_bitmap_to_ulongs(allowed, WORDS, team_cpus.bits);
    hwloc_bitmap_and(allowed, allowed, hwloc_topology_get_topology_cpuset(topology));
    return allowed;
}

static void read_hwloc(hwloc_topology_t topology)
{
    number_cores(topology);
    hwloc_bitmap_t allowed = allowed_cpus(topology);
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
    const int nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    machine.numa_nodes = nodes > 0 ? nodes : 1;
    machine.pool_nodes = hone__nodes_read(topology, allowed);
    hwloc_bitmap_free(allowed);
}

static void load(void)
{
    read_kernel();
    read_cpu_name();
    hwloc_topology_t topology;
    hone__quiet_begin();
    if (hwloc_topology_init(&topology) == 0) {
        /* The x86 component binds the thread to each core in turn to ask it what Linux knows. */
        hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
        if (hwloc_topology_load(topology) == 0)
            read_hwloc(topology);
        if (machine.numa_nodes > 1 && hwloc_topology_is_thissystem(topology))
            hone__nodes_bind_by(topology);
        else
            hwloc_topology_destroy(topology);
    }
    hone__quiet_end();
    machine.affinity_cpus = hone__cpus_count(&team_cpus);
    if (machine.affinity_cpus < 1)
        machine.affinity_cpus = machine.logical_cpus;
    if (machine.affinity_cores < 1)
        machine.affinity_cores = machine.fast_cores = machine.affinity_cpus;
    if (machine.cores < 1)
        machine.cores = machine.logical_cpus;
}

void hone__topology_load(void)
{
    if (__builtin_expect(atomic_load_explicit(&loaded, memory_order_acquire), 1))
        return;
    hone__lock(HONE__LOCK_TOPOLOGY);
    if (!atomic_load_explicit(&loaded, memory_order_relaxed))
        load();
    atomic_store_explicit(&loaded, true, memory_order_release);
    hone__unlock(HONE__LOCK_TOPOLOGY);
}

const hone__topology *hone__topology_get(void)
{
    hone__topology_load();
    return &machine;
}

hone__cpus hone__topology_cpus(void)
{
    hone__topology_load();
    return team_cpus;
}

bool hone__topology_in_one_core(const hone__cpus *set)
{
    int core = 0;
    if (hone__cpus_count(set) == 1)
        return true;
    for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (!(set->bits[cpu / HONE__CPU_BITS] >> cpu % HONE__CPU_BITS & 1))
            continue;
        if (core_of[cpu] == 0 || (core > 0 && core_of[cpu] != core))
            return false;
        core = core_of[cpu];
    }
    return core > 0;
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
