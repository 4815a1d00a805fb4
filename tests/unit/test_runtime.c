#include "machine.h"

#include "runtime/parallel.h"
#include "runtime/topology.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(runtime);

/* ---- the environment ---------------------------------------------------------------------- */

static void check_refused(const char *name, const char *value)
{
    unsetenv("HONE_NUM_THREADS");
    setenv(name, value, 1);
    const hone_status status = hone_init();
    cr_assert(status == HONE_E_CONFIG, "%s=%s was accepted", name, value);
    char text[100];
    snprintf(text, sizeof text, "%s=%s: a whole number from", name, value);
    CHECK_ERROR(HONE_E_CONFIG, text);
    hone_machine machine;
    CHECK_FAILS(hone_machine_get(&machine), HONE_E_CONFIG, name);
    CHECK_FAILS(hone_set_threads(2), HONE_E_CONFIG, name);
    cr_assert(hone_threads() == 1);
    CHECK_ERROR(HONE_E_CONFIG, name);
}

Test(runtime, num_threads_banana)
{
    check_refused("HONE_NUM_THREADS", "banana");
}
Test(runtime, num_threads_0)
{
    check_refused("HONE_NUM_THREADS", "0");
}
Test(runtime, num_threads_negative)
{
    check_refused("HONE_NUM_THREADS", "-3");
}
Test(runtime, num_threads_too_large)
{
    check_refused("HONE_NUM_THREADS", "1025");
}
Test(runtime, num_threads_past_every_integer)
{
    check_refused("HONE_NUM_THREADS", "99999999999999999999999");
}
Test(runtime, num_threads_with_a_tail)
{
    check_refused("HONE_NUM_THREADS", "2x");
}
Test(runtime, force_threads_nonsense)
{
    check_refused("HONE_FORCE_THREADS", "two");
}
#ifndef __clang__ /* LLVM's OpenMP runtime reads it first and ends the program itself */
Test(runtime, omp_threads_nonsense)
{
    check_refused("OMP_NUM_THREADS", "many");
}
#endif
Test(runtime, debug_nonsense)
{
    check_refused("HONE_DEBUG", "5");
}

Test(runtime, isa_unknown)
{
    setenv("HONE_ISA", "sse9", 1);
    CHECK_FAILS(hone_init(), HONE_E_CONFIG, "HONE_ISA=sse9 is unknown (this machine has scalar");
}

Test(runtime, isa_of_another_machine)
{
#if defined(__x86_64__)
    setenv("HONE_ISA", "neon", 1);
#else
    setenv("HONE_ISA", "avx2", 1);
#endif
    CHECK_FAILS(hone_init(), HONE_E_CONFIG, "is not available (this machine has scalar");
}

Test(runtime, isa_scalar)
{
    setenv("HONE_ISA", "scalar", 1);
    CHECK_OK(hone_init());
    cr_assert_str_eq(hone_isa(), "scalar");
}

Test(runtime, num_threads_bounds)
{
    test_clear_environment();
    setenv("HONE_NUM_THREADS", "1", 1);
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(hone_threads() == 1 && machine.threads == 1);
    cr_assert(machine.affinity_cpus == 1 ||
              strcmp(machine.threads_reason, "HONE_NUM_THREADS=1") == 0);
}

Test(runtime, num_threads_does_not_raise)
{
    test_clear_environment();
    setenv("HONE_NUM_THREADS", "1000", 1);
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(machine.threads <= machine.affinity_cpus);
}

Test(runtime, omp_num_threads_bounds)
{
    test_clear_environment();
    setenv("OMP_NUM_THREADS", "1,4", 1);
    cr_assert(hone_threads() == 1);
}

static cpu_set_t first_cpu(void)
{
    cpu_set_t one, all;
    cr_assert(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && CPU_COUNT(&one) == 0)
            CPU_SET(cpu, &one);
    return one;
}

/* As taskset does it: for all threads of the process, the test runner's too. */
static void bind_process(const cpu_set_t *cpus)
{
    DIR *tasks = opendir("/proc/self/task");
    cr_assert(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks));)
        if (task->d_name[0] != '.')
            cr_assert(sched_setaffinity(atoi(task->d_name), sizeof *cpus, cpus) == 0);
    closedir(tasks);
}

Test(runtime, affinity_bounds)
{
    test_clear_environment();
    const cpu_set_t one = first_cpu();
    bind_process(&one);
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(machine.affinity_cpus == 1 && machine.threads == 1);
}

static void *wait_for_end(void *ended)
{
    while (!atomic_load((atomic_bool *)ended))
        usleep(1000);
    return NULL;
}

static void note_mask(void *ctx, int thread, int n_threads)
{
    cpu_set_t mask;
    CPU_ZERO(&mask);
    sched_getaffinity(0, sizeof mask, &mask);
    (void)n_threads;
    ((int *)ctx)[thread] = CPU_COUNT(&mask);
}

/* A program that binds its own thread to a core has not bound the others. */
Test(runtime, a_bound_thread_is_not_the_process)
{
    test_clear_environment();
    cpu_set_t all;
    cr_assert(sched_getaffinity(0, sizeof all, &all) == 0);
    const int cpus = CPU_COUNT(&all);
    pthread_t other;
    atomic_bool ended = false;
    cr_assert(pthread_create(&other, NULL, wait_for_end, &ended) == 0);
    const cpu_set_t one = first_cpu();
    cr_assert(sched_setaffinity(0, sizeof one, &one) == 0);
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    atomic_store(&ended, true);
    pthread_join(other, NULL);
    cr_assert(machine.affinity_cpus == cpus, "%d", machine.affinity_cpus);
    cr_assert(machine.threads >= 2 || machine.cores < 2);
    int masks[2] = { 0, cpus };
    hone__parallel_team(2, note_mask, masks);
    cr_assert(masks[0] == 1 && masks[1] == cpus, "%d %d", masks[0], masks[1]);
}

Test(runtime, machine_is_plausible)
{
    test_clear_environment();
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(machine.logical_cpus >= machine.cores && machine.cores >= machine.packages);
    cr_assert(machine.packages >= 1 && machine.numa_nodes >= 1);
    cr_assert(machine.affinity_cpus >= 1 && machine.threads >= 1);
    cr_assert(machine.cgroup_cpus >= 0 && machine.l1_bytes >= 0);
    cr_assert(strlen(machine.threads_reason) > 0);
    CHECK_FAILS(hone_machine_get(NULL), HONE_E_NULL, "machine_get");
    cr_assert(strlen(hone_version()) >= 5);
}

Test(runtime, force_threads_is_exact)
{
    test_clear_environment();
    setenv("HONE_FORCE_THREADS", "5", 1);
    setenv("HONE_NUM_THREADS", "2", 1);
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    cr_assert(machine.threads == 5);
    cr_assert_str_eq(machine.threads_reason, "HONE_FORCE_THREADS=5");
    cr_assert(hone__team_for(1.0, 100) == 5 && hone__team_for(1.0, 3) == 3);
    cr_assert(hone__team_for(1e9, 1) == 1);
}

Test(runtime, set_threads)
{
    test_clear_environment();
    CHECK_OK(hone_set_threads(1));
    cr_assert(hone_threads() == 1 && hone__team_size() == 1);
    CHECK_OK(hone_set_threads(3));
    cr_assert(hone_threads() == 3);
    CHECK_FAILS(hone_set_threads(0), HONE_E_VALUE, "set_threads: 0 threads");
    CHECK_FAILS(hone_set_threads(1025), HONE_E_VALUE, "1 to 1024");
    cr_assert(hone_threads() == 3);
}

static void note_size(void *ctx, int thread, int n_threads)
{
    if (thread == 0)
        *(int *)ctx = n_threads;
}

/* Twice the threads would be slower, as they wait for each other; the team keeps its size in name.
 */
Test(runtime, no_more_threads_run_than_there_are_cpus)
{
    test_clear_environment();
    const int cpus = test_cpus();
    CHECK_OK(hone_set_threads(2 * cpus));
    cr_assert(hone_threads() == 2 * cpus);
    cr_assert(hone__team_size() == cpus);
    int n = hone__team_for(1e9, 1000);
    for (int tries = 0; n == 1 && cpus > 1 && tries < 500; tries++) {
        usleep(10000); /* the team pauses, because it had to wait for other programs */
        n = hone__team_for(1e9, 1000);
    }
    cr_assert(n == cpus, "%d", n);
    hone__parallel_team(2 * cpus, note_size, &n);
    cr_assert(n == cpus);
}

static atomic_bool all_set;

static void *set_threads_often(void *ignored)
{
    for (int i = 0; i < 100000; i++)
        hone_set_threads(i % 2 ? 3 : 1000);
    atomic_store(&all_set, true);
    return ignored;
}

/* What is read while others set is one of the two, whole. */
Test(runtime, threads_may_be_set_while_others_look)
{
    test_clear_environment();
    CHECK_OK(hone_set_threads(3));
    pthread_t setter;
    hone_machine machine;
    bool whole = true;
    cr_assert(pthread_create(&setter, NULL, set_threads_often, NULL) == 0);
    while (whole && !atomic_load(&all_set)) {
        CHECK_OK(hone_machine_get(&machine));
        whole = strcmp(machine.threads_reason, "hone_set_threads(3)") == 0 ||
                strcmp(machine.threads_reason, "hone_set_threads(1000)") == 0;
    }
    pthread_join(setter, NULL);
    cr_assert(whole, "%s", machine.threads_reason);
}

/* ---- cgroups: a made-up /sys/fs/cgroup ---------------------------------------------------- */

static char root[64];

static void put_file(const char *path, const char *text)
{
    char full[300];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    cr_assert(file, "%s", full);
    fputs(text, file);
    fclose(file);
}

static void make_root(void)
{
    strcpy(root, "/tmp/hone_cgroup_XXXXXX");
    cr_assert(mkdtemp(root));
}

static void remove_root(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", root);
    cr_assert(system(command) == 0);
}

Test(runtime, cgroup_v2_takes_the_least_on_the_way_up)
{
    make_root();
    put_file("a/b/cpu.max", "max 100000\n");
    cr_assert(hone__cgroup_cpus("0::/a/b\n", root) == 0);
    put_file("a/cpu.max", "150000 100000\n");
    cr_assert(hone__cgroup_cpus("0::/a/b\n", root) == 1.5);
    put_file("a/b/cpu.max", "50000 100000\n");
    cr_assert(hone__cgroup_cpus("0::/a/b\n", root) == 0.5);
    put_file("cpu.max", "25000 100000\n");
    cr_assert(hone__cgroup_cpus("0::/a/b\n", root) == 0.25);
    cr_assert(hone__cgroup_cpus("0::/\n", root) == 0.25);
    cr_assert(hone__cgroup_cpus("0::/not/here\n", root) == 0.25);
    put_file("cpu.max", "nonsense\n");
    cr_assert(hone__cgroup_cpus("0::/\n", root) == 0);
    cr_assert(hone__cgroup_cpus("", root) == 0 && hone__cgroup_cpus("x\ny", root) == 0);
    remove_root();
}

Test(runtime, cgroup_v1)
{
    make_root();
    const char *groups = "3:cpuset:/\n2:cpu,cpuacct:/job\n1:cpuacct:/other\n";
    put_file("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
    put_file("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    cr_assert(hone__cgroup_cpus(groups, root) == 0);
    put_file("cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
    cr_assert(hone__cgroup_cpus(groups, root) == 3);
    put_file("cpu/job/cpu.cfs_quota_us", "200000\n");
    put_file("cpu/job/cpu.cfs_period_us", "100000\n");
    cr_assert(hone__cgroup_cpus("2:cpu:/job\n", root) == 2);
    remove_root();
}
