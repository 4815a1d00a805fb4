/* machine.h: what the machine tells of itself while a profile runs: faults and switches, energy,
 * frequency, temperature. What can't be read is NaN or below 0. */
#ifndef HONE_PROFILE_MACHINE_H
#define HONE_PROFILE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Of the process so far. */
typedef struct {
    int64_t minor_faults, major_faults;
    int64_t voluntary_switches, involuntary_switches;
    int64_t migrations; /* of the threads that there are; -1: the kernel doesn't tell */
    double cpu_seconds;
} hone__process_counts;
void hone__process_read(hone__process_counts *counts);

/* Below, `root` is "" or where a made-up /sys is. */

/** Energy of the packages (and their memory, where it is counted apart) since they began to count, in
 * microjoules, by powercap: sum[] by zone, for hone__energy_joules. */
enum { HONE__ENERGY_ZONES = 16 };
typedef struct {
    int n;
    uint64_t uj[HONE__ENERGY_ZONES], range[HONE__ENERGY_ZONES]; /* it wraps past its range */
} hone__energy;
void hone__energy_read(const char *root, hone__energy *energy);
/** Between two readings; NaN: there are no zones. */
double hone__energy_joules(const hone__energy *before, const hone__energy *after);
/** Why there is none, in one sentence; "" if there is. */
void hone__energy_reason(const char *root, char *reason, size_t size);

/** GHz of the CPU the calling thread runs on; where no file tells, by a chain of additions that
 * depend on each other, one a cycle. *measured: the latter. */
double hone__frequency_ghz(const char *root, bool *measured);

/** Highest temperature of the thermal zones, degrees Celsius; NaN: none. */
double hone__temperature(const char *root);
/** Times that cores were slowed down for their temperature, all cores; -1: not told. */
int64_t hone__throttled(const char *root);
/** What slows the cores down now: a cooling device of theirs that is at work, or a Raspberry Pi's firmware
 * (voltage, limits), as a sentence's end. False: nothing does, or nothing tells. */
bool hone__slowed(const char *root, char *by, size_t size);
/** True if the CPU is a little one beside big ones (cpu_capacity below 3/4 of the largest). *known:
 * the kernel tells capacities. */
bool hone__is_little(const char *root, int cpu, bool *known);

#endif
