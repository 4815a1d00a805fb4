/* What the machine tells of itself, from made-up files: energy that wraps, frequency, temperature,
 * little cores; and how values a step are kept. */
#include "support.h"

#include "profile/counters.h"
#include "profile/tally.h"
#include "profile/machine.h"
#include "profile/numa.h"
#include "profile/roofs.h"

#include <hone/hone.h>

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(profile_machine);

static char root[] = "/tmp/hone-machine-XXXXXX";

static void put(const char *path, const char *text)
{
    char whole[300];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *c = whole + strlen(root) + 1; *c; c++)
        if (*c == '/') {
            *c = 0;
            mkdir(whole, 0777);
            *c = '/';
        }
    FILE *f = fopen(whole, "w");
    cr_assert(f, "%s", whole);
    fprintf(f, "%s\n", text);
    fclose(f);
}

static void make_root(void)
{
    strcpy(root, "/tmp/hone-machine-XXXXXX");
    cr_assert(mkdtemp(root));
}

static void drop_root(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert_eq(system(command), 0);
}

Test(profile_machine, energy_of_packages_wraps)
{
    hone__energy before, after;
    char reason[200];
    make_root();
    hone__energy_reason(root, reason, sizeof reason);
    cr_assert(strstr(reason, "energy isn't counted: no "), "%s", reason);
    hone__energy_read(root, &before);
    cr_assert(isnan(hone__energy_joules(&before, &before)));
    put("/sys/class/powercap/intel-rapl:0/name", "package-0");
    put("/sys/class/powercap/intel-rapl:0/energy_uj", "9000000");
    put("/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "10000000");
    put("/sys/class/powercap/intel-rapl:0:0/name", "core"); /* a part of the package */
    put("/sys/class/powercap/intel-rapl:0:0/energy_uj", "1");
    put("/sys/class/powercap/intel-rapl:0:1/name", "dram");
    put("/sys/class/powercap/intel-rapl:0:1/energy_uj", "100");
    put("/sys/class/powercap/intel-rapl:0:1/max_energy_range_uj", "10000000");
    hone__energy_read(root, &before);
    cr_assert_eq(before.n, 2);
    put("/sys/class/powercap/intel-rapl:0/energy_uj", "500000");
    put("/sys/class/powercap/intel-rapl:0:0/energy_uj", "999999");
    put("/sys/class/powercap/intel-rapl:0:1/energy_uj", "250100");
    hone__energy_read(root, &after);
    cr_assert_float_eq(hone__energy_joules(&before, &after), 1.5 + 0.25, 1e-12);
    hone__energy_reason(root, reason, sizeof reason);
    cr_assert_str_eq(reason, "");
    drop_root();
}

Test(profile_machine, frequency_from_a_file_or_by_a_chain)
{
    bool measured;
    char path[100];
    make_root();
    const double ghz = hone__frequency_ghz(root, &measured);
    cr_assert(measured);
    cr_assert(ghz > 0.05 && ghz < 10, "%g", ghz);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
             sched_getcpu());
    put(path, "1800000");
    cr_assert_float_eq(hone__frequency_ghz(root, &measured), 1.8, 1e-12);
    cr_assert(!measured);
    drop_root();
}

Test(profile_machine, boards)
{
    bool known;
    make_root();
    cr_assert(isnan(hone__temperature(root)));
    cr_assert_eq(hone__throttled(root), -1);
    cr_assert(!hone__is_little(root, 0, &known) && !known);
    put("/sys/class/thermal/thermal_zone0/temp", "41500");
    put("/sys/class/thermal/thermal_zone2/temp", "63000");
    put("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3");
    put("/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "4");
    put("/sys/devices/system/cpu/cpu0/cpu_capacity", "1024");
    put("/sys/devices/system/cpu/cpu1/cpu_capacity", "446");
    put("/sys/devices/system/cpu/cpu2/cpu_capacity", "1018");
    cr_assert_float_eq(hone__temperature(root), 63, 1e-12);
    cr_assert_eq(hone__throttled(root), 7);
    cr_assert(!hone__is_little(root, 0, &known) && known);
    cr_assert(hone__is_little(root, 1, &known) && known);
    cr_assert(!hone__is_little(root, 2, &known) && known);
    drop_root();
}

Test(profile_machine, what_slows_a_board_down)
{
    char by[120];
    make_root();
    cr_assert(!hone__slowed(root, by, sizeof by));
    put("/sys/class/thermal/cooling_device0/type", "pwm-fan");
    put("/sys/class/thermal/cooling_device0/cur_state", "3"); /* slows nothing down */
    put("/sys/class/thermal/cooling_device2/type", "thermal-cpufreq-0");
    put("/sys/class/thermal/cooling_device2/cur_state", "0");
    cr_assert(!hone__slowed(root, by, sizeof by));
    put("/sys/class/thermal/cooling_device2/cur_state", "2");
    cr_assert(hone__slowed(root, by, sizeof by));
    cr_assert_str_eq(by, "cooling device thermal-cpufreq-0 is at state 2");
    put("/sys/class/thermal/cooling_device2/cur_state", "0");
    put("/sys/devices/platform/soc/soc:firmware/get_throttled", "50000"); /* has been, isn't now */
    cr_assert(!hone__slowed(root, by, sizeof by));
    put("/sys/devices/platform/soc/soc:firmware/get_throttled", "50005");
    cr_assert(hone__slowed(root, by, sizeof by));
    cr_assert_str_eq(by, "the voltage is too low (get_throttled is 50005)");
    drop_root();
}

Test(profile_machine, process_counts_faults)
{
    enum { PAGES = 64 };
    hone__process_counts before, after;
    hone__process_read(&before);
    char *p = malloc(PAGES << 12);
    for (int i = 0; i < PAGES; i++)
        ((volatile char *)p)[i << 12] = 1;
    sched_yield();
    hone__process_read(&after);
    free(p);
    cr_assert_geq(after.minor_faults, before.minor_faults);
    cr_assert_geq(after.voluntary_switches + after.involuntary_switches,
                  before.voluntary_switches + before.involuntary_switches);
    cr_assert_geq(after.cpu_seconds, before.cpu_seconds);
}

/* The generic events, or one sentence why not. */
Test(profile_machine, counters_or_the_reason)
{
    char reason[300];
    cr_assert(hone__counters_open(NULL, reason, sizeof reason));
    if (hone__n_counters == 0)
        cr_assert(strstr(reason, "isn't counted: "), "%s", reason);
    hone__counters_close();
    cr_assert(hone__counters_open("none", reason, sizeof reason));
    cr_assert_eq(hone__n_counters, 0);
    cr_assert_str_eq(reason, "");
    cr_assert(hone__counters_open("task-clock", reason, sizeof reason));
    if (hone__n_counters == 1) {
        uint64_t a, b;
        hone__counters_read(&a, 1);
        for (volatile int i = 0; i < 1000000; i++)
            ;
        hone__counters_read(&b, 1);
        cr_assert_gt(b, a + 10000);
    }
    hone__counters_close();
}

/* Names that are libpfm4's, where hone was built with it and it is installed. */
Test(profile_machine, names_of_libpfm4)
{
    static const char name[] = "perf::PERF_COUNT_SW_TASK_CLOCK";
    char reason[300];
    if (!hone__counters_open(name, reason, sizeof reason)) {
        cr_assert(strstr(hone_error_message(), "no event \"perf::PERF_COUNT_SW_TASK_CLOCK\""), "%s",
                  hone_error_message());
        cr_assert(strstr(hone_error_message(), "libpfm4"), "%s", hone_error_message());
        cr_skip("no libpfm4");
    }
    if (hone__n_counters == 1) {
        uint64_t a, b;
        cr_assert_str_eq(hone__counter_name(0), name);
        hone__counters_read(&a, 1);
        for (volatile int i = 0; i < 1000000; i++)
            ;
        hone__counters_read(&b, 1);
        cr_assert_gt(b, a + 10000);
    } else {
        cr_assert(strstr(reason, "isn't counted: "), "%s", reason);
    }
    hone__counters_close();
}

Test(profile_machine, samples_thin_out)
{
    hone__samples s = { .n = 0 };
    double q[5];
    hone__samples_quarters(&s, q);
    cr_assert_eq(q[2], 0);
    for (int i = 0; i < 10001; i++)
        hone__samples_add(&s, i);
    cr_assert_leq(s.n, HONE__SAMPLES);
    cr_assert_gt(s.n, HONE__SAMPLES / 3);
    hone__samples_quarters(&s, q);
    cr_assert_eq(q[0], 0);
    cr_assert_float_eq(q[2], 5000, 500);
    cr_assert_float_eq(q[3] - q[1], 5000, 500);
    hone__samples one = { .n = 0 };
    hone__samples_add(&one, 7);
    hone__samples_quarters(&one, q);
    cr_assert(q[0] == 7 && q[4] == 7);
}

Test(profile_machine, pages_have_a_node)
{
    int pages[HONE__MOST_NODES];
    char *p = malloc(1 << 20);
    memset(p, 1, 1 << 20);
    const int n = hone__pages_by_node(p, 1 << 20, pages);
    int sum = 0;
    for (int i = 0; i < HONE__MOST_NODES; i++)
        sum += pages[i];
    cr_assert_eq(sum, n);
    free(p);
    cr_assert_geq(hone__count_nodes(), 1);
}

Test(profile_machine, roofs_are_in_order)
{
    hone__roofs r;
    cr_assert_eq(hone_init(), HONE_OK);
    cr_assert(hone__roofs_measure(&r));
    cr_assert_gt(r.n_isas, 0);
    cr_assert_gt(r.tile[HONE__GEMM_F32][0], 0);
    cr_assert_gt(r.tile[HONE__GEMM_BF16][0], 0);
    cr_assert_gt(r.gbps[HONE__MEM_L1][HONE__STREAM_READ][0], 0);
    /* twice the work takes twice the time; what is large lies further away */
    const double flops = hone__roof_seconds(&r, HONE__GEMM_F32, 1, 1e9, 1, 0);
    cr_assert_float_eq(hone__roof_seconds(&r, HONE__GEMM_F32, 1, 2e9, 1, 0), 2 * flops,
                       1e-6 * flops);
    cr_assert_float_eq(flops, 1 / r.tile[0][0], 1e-9);
    cr_assert_eq(hone__roof_seconds(&r, HONE__GEMM_F32, 1, 0, 0, 0), 0);
}
