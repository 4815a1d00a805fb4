/* Which cores a team uses: machines made up as Linux would show them, in a /sys of their own
 * (HWLOC_FSROOT), since clocks and capacities can't be told otherwise. */
#include "support.h"

#include "runtime/parallel.h"
#include "runtime/topology.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(kinds);

static char root[64];

static void make_directories(char *path)
{
    for (char *slash = path + sizeof "/tmp/"; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
}

static void put_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, name);
    make_directories(path);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
}

static void put_cpu_file(int cpu, const char *name, const char *text)
{
    char path[100];
    snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/%s", cpu, name);
    put_file(path, text);
}

static void put_cpu_number(int cpu, const char *name, int n)
{
    char text[16];
    if (n <= 0)
        return; /* this machine has no such file */
    snprintf(text, sizeof text, "%d\n", n);
    put_cpu_file(cpu, name, text);
}

typedef struct {
    int cpus, max_khz, base_khz, capacity, threads; /* 0: as the kernel tells nothing */
} kind;

/* One package with these kinds of cores in turn; kinds end with { 0 }. */
static void make_machine(const kind *kinds)
{
    snprintf(root, sizeof root, "/tmp/hone_kinds_XXXXXX");
    cr_assert(mkdtemp(root) != NULL);
    char all[32], package[32], siblings[32];
    int n = 0;
    for (const kind *k = kinds; k->cpus > 0; k++)
        n += k->cpus;
    snprintf(all, sizeof all, "0-%d\n", n - 1);
    snprintf(package, sizeof package, "%x\n", (1u << n) - 1);
    put_file("sys/devices/system/cpu/online", all);
    put_file("sys/devices/system/cpu/possible", all);
    put_file("proc/cpuinfo", "");
    int cpu = 0;
    for (const kind *k = kinds; k->cpus > 0; k++) {
        const int threads = k->threads > 0 ? k->threads : 1;
        for (int i = 0; i < k->cpus; i++, cpu++) {
            const int first = cpu - i % threads;
            char core[16];
            snprintf(siblings, sizeof siblings, "%x\n", ((1u << threads) - 1) << first);
            snprintf(core, sizeof core, "%d\n", first);
            put_cpu_file(cpu, "topology/core_id", core);
            put_cpu_file(cpu, "topology/physical_package_id", "0\n");
            put_cpu_file(cpu, "topology/thread_siblings", siblings);
            put_cpu_file(cpu, "topology/core_siblings", package);
            put_cpu_file(cpu, "topology/core_cpus", siblings);
            put_cpu_file(cpu, "topology/package_cpus", package);
            put_cpu_number(cpu, "cpufreq/cpuinfo_max_freq", k->max_khz);
            put_cpu_number(cpu, "cpufreq/base_frequency", k->base_khz);
            put_cpu_number(cpu, "cpu_capacity", k->capacity);
        }
    }
}

static void check_cores(int cores, int used)
{
    char command[100];
    setenv("HWLOC_FSROOT", root, 1);
    const hone__topology *m = hone__topology_get();
    snprintf(command, sizeof command, "rm -r %s", root);
    cr_assert(system(command) == 0);
    cr_assert(m->cores == cores && m->affinity_cores == cores, "%d cores", m->cores);
    cr_assert(m->fast_cores == used, "%d of %d cores", m->fast_cores, cores);
}

#define MACHINE(...) make_machine((const kind[]){ __VA_ARGS__, { 0 } })

Test(kinds, equal_cores)
{
    MACHINE({ 8, 3000000 });
    check_cores(8, 8);
}

Test(kinds, nothing_is_told)
{
    MACHINE({ 6 });
    check_cores(6, 6);
}

/* Turbo limits of one chip's cores. */
Test(kinds, one_favoured_core)
{
    MACHINE({ 1, 5100000 }, { 7, 5050000 });
    check_cores(8, 8);
}

Test(kinds, each_core_with_a_clock_of_its_own)
{
    MACHINE({ 1, 5100000 }, { 1, 5075000 }, { 1, 5050000 }, { 1, 5025000 }, { 1, 4900000 },
            { 1, 4875000 }, { 1, 4850000 }, { 1, 4100000 });
    check_cores(8, 8);
}

Test(kinds, two_base_clocks)
{
    MACHINE({ 4, 3900000, 2700000 }, { 12, 3900000, 2100000 });
    check_cores(16, 16);
}

Test(kinds, clocks_of_cores_with_two_threads)
{
    MACHINE({ 2, 5700000, 0, 0, 2 }, { 14, 5500000, 0, 0, 2 });
    check_cores(8, 8);
}

Test(kinds, capacities_that_differ_by_little)
{
    MACHINE({ 4, 2000000, 0, 1018 }, { 4, 2000000, 0, 1024 });
    check_cores(8, 8);
}

Test(kinds, three_quarters_of_the_capacity_are_enough)
{
    MACHINE({ 2, 0, 0, 767 }, { 3, 0, 0, 768 }, { 1, 0, 0, 1024 });
    check_cores(6, 4);
}

/* Shares are equal: seven cores wait for one that is a quarter slower. */
Test(kinds, one_slower_core_holds_up_seven)
{
    MACHINE({ 1, 0, 0, 800 }, { 7, 0, 0, 1024 });
    check_cores(8, 7);
}

/* Most cores are far slower than the fastest, and together far faster. */
Test(kinds, one_fast_core_alone_is_no_team)
{
    MACHINE({ 4, 0, 0, 250 }, { 3, 0, 0, 700 }, { 1, 0, 0, 1024 });
    check_cores(8, 4);
}

/* An RK3588: its eight cores are slower than the four big ones. */
Test(kinds, four_little_four_big)
{
    MACHINE({ 4, 1800000, 0, 530 }, { 2, 2256000, 0, 1018 }, { 2, 2304000, 0, 1024 });
    check_cores(8, 4);
}

/* Little ones that are as many times more as they are slower, and half as many again. */
Test(kinds, many_little_cores)
{
    MACHINE({ 12, 0, 0, 512 }, { 4, 0, 0, 1024 });
    check_cores(16, 16);
}

Test(kinds, big_and_little)
{
    MACHINE({ 4, 1800000, 0, 446 }, { 2, 2200000, 0, 1024 });
    check_cores(6, 2);
}

Test(kinds, one_three_and_four)
{
    MACHINE({ 4, 1800000, 0, 250 }, { 3, 2420000, 0, 871 }, { 1, 2840000, 0, 1024 });
    check_cores(8, 4);
}

/* Clocks alone would say so, but no capacity is told: it may be turbo. */
Test(kinds, slow_cores_of_unknown_capacity)
{
    MACHINE({ 4, 1400000 }, { 4, 2000000 });
    check_cores(8, 8);
}

Test(kinds, intels_little_cores)
{
    MACHINE({ 4, 5000000, 3600000, 0, 2 }, { 4, 3800000, 2700000 });
    put_file("sys/devices/cpu_core/cpus", "0-3\n");
    put_file("sys/devices/cpu_core/type", "4\n");
    put_file("sys/devices/cpu_atom/cpus", "4-7\n");
    put_file("sys/devices/cpu_atom/type", "10\n");
    check_cores(6, 2);
}

/* The last one stands alone in the list. */
Test(kinds, intels_little_cores_of_a_list)
{
    MACHINE({ 4, 5000000, 3600000 }, { 2, 3800000, 2700000 }, { 1, 5000000, 3600000 },
            { 1, 3800000, 2700000 });
    put_file("sys/devices/cpu_core/cpus", "0-3,6\n");
    put_file("sys/devices/cpu_core/type", "4\n");
    put_file("sys/devices/cpu_atom/cpus", "4-5,7\n");
    put_file("sys/devices/cpu_atom/type", "10\n");
    check_cores(8, 5);
}

/* Where all are little, none is left out. */
Test(kinds, intels_little_cores_alone)
{
    MACHINE({ 4, 3400000 });
    put_file("sys/devices/cpu_atom/cpus", "0-3\n");
    check_cores(4, 4);
}
