/* machine.c: see machine.h. Faults and switches come from getrusage and /proc: perf's own are 0 for
 * users who may not see the kernel. */
#include "profile/machine.h"

#include "core/text.h"
#include "runtime/stalls.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- small files */

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    const bool ok = f && fgets(text, (int)size, f);
    if (f)
        fclose(f);
    if (ok)
        text[strcspn(text, "\n")] = 0;
    return ok;
}

static bool read_number(const char *path, int64_t *value)
{
    char text[64];
    return read_text(path, text, sizeof text) && hone__read_i64(text, strlen(text), value);
}

/* ---- the process */

/* "nr_switches" and the like of a thread's sched file; -1: there is none. */
static int64_t migrations_of(const char *tid)
{
    char path[96], line[160];
    int64_t n = -1;
    hone__format(path, sizeof path, "/proc/self/task/%.20s/sched", tid);
    FILE *f = fopen(path, "re");
    while (f && n < 0 && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strstr(line, "nr_migrations") && colon)
            n = strtoll(colon + 1, NULL, 10);
    }
    if (f)
        fclose(f);
    return n;
}

static int64_t migrations(void)
{
    int64_t sum = -1;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *d; tasks && (d = readdir(tasks));) {
        const int64_t n = d->d_name[0] == '.' ? -1 : migrations_of(d->d_name);
        if (n >= 0)
            sum = sum < 0 ? n : sum + n;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

void hone__process_read(hone__process_counts *counts)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    *counts = (hone__process_counts){
        .minor_faults = u.ru_minflt,
        .major_faults = u.ru_majflt,
        .voluntary_switches = u.ru_nvcsw,
        .involuntary_switches = u.ru_nivcsw,
        .migrations = migrations(),
        .cpu_seconds = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
    };
}

/* ---- energy */

/* Packages, and the memory below them: cores and graphics are parts of their package. */
static bool counts_apart(const char *name)
{
    return strncmp(name, "package", 7) == 0 || strncmp(name, "psys", 4) == 0 ||
           strcmp(name, "dram") == 0;
}

typedef void zone_taker(const char *place, void *ctx);

static int each_zone(const char *root, zone_taker *take, void *ctx)
{
    static const char *const classes[] = { "intel-rapl", "amd-rapl" };
    int n = 0;
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++)
        for (int package = 0; package < 8; package++)
            for (int part = -1; part < 4; part++) {
                char place[200], path[240], name[64];
                hone__format(place, sizeof place,
                             part < 0 ? "%s/sys/class/powercap/%s:%d"
                                      : "%s/sys/class/powercap/%s:%d:%d",
                             root, classes[c], package, part);
                hone__format(path, sizeof path, "%s/name", place);
                if (!read_text(path, name, sizeof name) || !counts_apart(name))
                    continue;
                n++;
                take(place, ctx);
            }
    return n;
}

static void take_energy(const char *place, void *ctx)
{
    hone__energy *e = ctx;
    char path[240];
    int64_t uj, range;
    hone__format(path, sizeof path, "%s/energy_uj", place);
    if (e->n == HONE__ENERGY_ZONES || !read_number(path, &uj))
        return;
    hone__format(path, sizeof path, "%s/max_energy_range_uj", place);
    if (!read_number(path, &range))
        range = 0;
    e->uj[e->n] = (uint64_t)uj;
    e->range[e->n++] = (uint64_t)range;
}

void hone__energy_read(const char *root, hone__energy *energy)
{
    energy->n = 0;
    each_zone(root, take_energy, energy);
}

double hone__energy_joules(const hone__energy *before, const hone__energy *after)
{
    double uj = 0;
    if (before->n == 0 || before->n != after->n)
        return NAN;
    for (int i = 0; i < after->n; i++) {
        const bool wrapped = after->uj[i] < before->uj[i];
        uj += (double)(after->uj[i] + (wrapped ? after->range[i] : 0)) - (double)before->uj[i];
    }
    return uj * 1e-6;
}

static void take_errno(const char *place, void *ctx)
{
    char path[240];
    hone__format(path, sizeof path, "%s/energy_uj", place);
    if (access(path, R_OK) != 0)
        *(int *)ctx = errno;
}

void hone__energy_reason(const char *root, char *reason, size_t size)
{
    int error = 0;
    const int zones = each_zone(root, take_errno, &error);
    reason[0] = 0;
    if (zones == 0)
        hone__format(reason, size,
                     "energy isn't counted: no %s/sys/class/powercap/*-rapl; virtual machines and "
                     "most boards have none",
                     root);
    else if (error == EACCES || error == EPERM)
        hone__format(reason, size,
                     "energy isn't counted: only root may read energy_uj here; chmod a+r "
                     "/sys/class/powercap/*/energy_uj as root allows it");
}

/* ---- frequency */

static double chain_ghz(void)
{
    enum { ADDITIONS = 20000 };
    const uint64_t one = 1; /* in a register: Golden Cove adds constants up before they are run */
    double best = 0;
    for (int round = 0; round < 3; round++) {
        uint64_t x = 1;
        const int64_t begin = hone__now_ns();
        for (int i = 0; i < ADDITIONS / 10; i++) {
#if defined(__x86_64__)
#define ONE "add %1, %0\n"
#elif defined(__aarch64__)
#define ONE "add %0, %0, %1\n"
#endif
#ifdef ONE
            __asm__ volatile(ONE ONE ONE ONE ONE ONE ONE ONE ONE ONE : "+r"(x) : "r"(one));
#undef ONE
#else
            for (int j = 0; j < 10; j++)
                __asm__ volatile("" : "+r"(x)), x += one;
#endif
        }
        const double ghz = ADDITIONS / (double)(hone__now_ns() - begin);
        best = ghz > best ? ghz : best;
    }
    return best;
}

double hone__frequency_ghz(const char *root, bool *measured)
{
    char path[200];
    int64_t khz;
    const int cpu = sched_getcpu();
    hone__format(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
                 root, cpu < 0 ? 0 : cpu);
    *measured = !read_number(path, &khz) || khz <= 0;
    return *measured ? chain_ghz() : 1e-6 * (double)khz;
}

/* ---- boards */

/* Numbers may have gaps; these are read after each step, so not all that could be are tried. */
enum { MOST_DEVICES = 64, LONGEST_GAP = 4 };

double hone__temperature(const char *root)
{
    double highest = NAN;
    for (int zone = 0, gap = 0; zone < MOST_DEVICES && gap < LONGEST_GAP; zone++) {
        char path[200];
        int64_t milli;
        hone__format(path, sizeof path, "%s/sys/class/thermal/thermal_zone%d/temp", root, zone);
        const bool there = read_number(path, &milli);
        gap = there ? 0 : gap + 1;
        if (there && !(1e-3 * (double)milli <= highest))
            highest = 1e-3 * (double)milli;
    }
    return highest;
}

static bool cools_cores(const char *type)
{
    return strstr(type, "cpufreq") || strcmp(type, "Processor") == 0 ||
           strcmp(type, "intel_powerclamp") == 0;
}

/* Bits 0 to 3: under-voltage, capped, throttled, the soft limit of temperature. */
static bool slowed_by_firmware(const char *root, char *by, size_t size)
{
    static const char *const why[] = { "the voltage is too low", "the clock is capped",
                                       "the cores are throttled", "the soft limit of temperature" };
    char path[200], text[32];
    hone__format(path, sizeof path, "%s/sys/devices/platform/soc/soc:firmware/get_throttled", root);
    const unsigned long bits = read_text(path, text, sizeof text) ? strtoul(text, NULL, 16) : 0;
    for (int i = 0; i < 4; i++)
        if (bits >> i & 1) {
            hone__format(by, size, "%s (get_throttled is %s)", why[i], text);
            return true;
        }
    return false;
}

bool hone__slowed(const char *root, char *by, size_t size)
{
    for (int i = 0, gap = 0; i < MOST_DEVICES && gap < LONGEST_GAP; i++) {
        char path[200], type[64];
        int64_t state;
        hone__format(path, sizeof path, "%s/sys/class/thermal/cooling_device%d/type", root, i);
        const bool there = read_text(path, type, sizeof type);
        gap = there ? 0 : gap + 1;
        if (!there || !cools_cores(type))
            continue;
        hone__format(path, sizeof path, "%s/sys/class/thermal/cooling_device%d/cur_state", root, i);
        if (read_number(path, &state) && state > 0) {
            hone__format(by, size, "cooling device %s is at state %lld", type, (long long)state);
            return true;
        }
    }
    return slowed_by_firmware(root, by, size);
}

int64_t hone__throttled(const char *root)
{
    int64_t sum = -1;
    for (int cpu = 0; cpu < 1024; cpu++) {
        char path[200];
        int64_t n;
        hone__format(path, sizeof path,
                     "%s/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", root,
                     cpu);
        if (!read_number(path, &n)) {
            if (cpu > 64)
                break;
            continue;
        }
        sum = sum < 0 ? n : sum + n;
    }
    return sum;
}

static bool capacity_of(const char *root, int cpu, int64_t *capacity)
{
    char path[200];
    hone__format(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cpu_capacity", root, cpu);
    return read_number(path, capacity);
}

bool hone__is_little(const char *root, int cpu, bool *known)
{
    int64_t own, other, largest = 0;
    *known = capacity_of(root, cpu, &own);
    for (int i = 0; *known && i < 256 && capacity_of(root, i, &other); i++)
        largest = other > largest ? other : largest;
    return *known && 4 * own < 3 * largest;
}
