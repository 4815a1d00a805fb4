/* counters.c: see counters.h. One group a thread, so that all count the same stretches. Counts are
 * read by a system call at each op's ends, which is measured and told; only what a user may see is
 * counted (exclude_kernel), since most systems allow no more. */
#include "profile/counters.h"

#include "core/core.h"
#include "profile/numa.h"
#include "runtime/lock.h"
#include "runtime/thread_end.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HONE_PFM
#include <dlfcn.h>
#include <perfmon/pfmlib_perf_event.h>
#endif

typedef struct {
    const char *name;
    uint32_t type;
    uint64_t config;
    enum {
        ASKED,
        ALWAYS,
        NODES
    } when; /* ALWAYS unless others are asked for, NODES if there are several */
} event;

#define CACHE(cache, op, result)                                                                   \
    (PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_##op << 8 |                              \
     PERF_COUNT_HW_CACHE_RESULT_##result << 16)
static const event known[] = {
    { "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, ALWAYS },
    { "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, ALWAYS },
    { "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, ALWAYS },
    { "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, ALWAYS },
    { "stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
      ALWAYS },
    { "stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, ALWAYS },
    { "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, ASKED },
    { "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, ASKED },
    { "L1-dcache-load-misses", PERF_TYPE_HW_CACHE, CACHE(L1D, READ, MISS), ASKED },
    { "LLC-load-misses", PERF_TYPE_HW_CACHE, CACHE(LL, READ, MISS), ASKED },
    { "dTLB-load-misses", PERF_TYPE_HW_CACHE, CACHE(DTLB, READ, MISS), ASKED },
    { "node-loads", PERF_TYPE_HW_CACHE, CACHE(NODE, READ, ACCESS), NODES },
    { "node-load-misses", PERF_TYPE_HW_CACHE, CACHE(NODE, READ, MISS), NODES },
    { "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, ASKED },
    { "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, ASKED },
    { "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, ASKED },
};
enum { KNOWN = sizeof known / sizeof *known, NAME = 48 };

/* What is counted. Under a lock of its own: a thread of the profile before may still open what that
 * one counted. */
static struct {
    char name[NAME];
    struct perf_event_attr attr;
} wanted[HONE__EVENTS];
atomic_int hone__n_counters;
static atomic_uint generation = 1;

typedef struct {
    unsigned generation; /* that the descriptors are of; 0: none is open */
    int n, fd[HONE__EVENTS];
} group;
static _Thread_local group own;

const char *hone__counter_name(int i)
{
    return wanted[i].name;
}

/* ---- a thread's group */

static void close_own(void)
{
    for (int i = own.n; i-- > 0;)
        close(own.fd[i]);
    own = (group){ 0 };
}

void hone__counters_thread_ends(void)
{
    close_own();
}

static int open_one(const struct perf_event_attr *attr, int leader)
{
    return (int)syscall(SYS_perf_event_open, attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

static bool open_own(void)
{
    close_own();
    hone__lock(HONE__LOCK_COUNTERS);
    const unsigned now = atomic_load(&generation);
    bool ok = true;
    for (int i = 0; ok && i < hone__n_counters; i++) {
        const int fd = open_one(&wanted[i].attr, i == 0 ? -1 : own.fd[0]);
        ok = fd >= 0;
        if (ok)
            own.fd[own.n++] = fd;
    }
    hone__unlock(HONE__LOCK_COUNTERS);
    if (!ok)
        close_own();
    own.generation = now; /* also if it failed: it isn't tried again */
    return ok && own.n > 0 && ioctl(own.fd[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) == 0;
}

typedef struct {
    uint64_t n, enabled, running, value[HONE__EVENTS];
} reading;

static bool read_group(reading *r)
{
    if (own.generation != atomic_load_explicit(&generation, memory_order_relaxed) &&
        (!hone__record_at_thread_end() || !open_own()))
        return false;
    return own.n > 0 && read(own.fd[0], r, sizeof *r) > 0;
}

void hone__counters_read(uint64_t *counts, int n)
{
    reading r;
    if (read_group(&r) && own.n >= n)
        memcpy(counts, r.value, sizeof *counts * (size_t)n);
    else
        memset(counts, 0, sizeof *counts * (size_t)n);
}

double hone__counter_scale(void)
{
    reading r;
    if (hone__n_counters == 0 || !read_group(&r) || r.running == 0)
        return 1;
    return (double)r.enabled / (double)r.running;
}

/* ---- which */

static void set_attr(struct perf_event_attr *attr, uint32_t type, uint64_t config)
{
    *attr = (struct perf_event_attr){
        .type = type,
        .size = sizeof *attr,
        .config = config,
    };
}

static void set_common(struct perf_event_attr *attr)
{
    attr->exclude_kernel = attr->exclude_hv = 1;
    attr->read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
}

/* A name that isn't in the table, by libpfm4 where hone was built with its header; opened when it is
 * asked for, so that nobody needs it who doesn't ask. */
static bool find_by_library(const char *name, struct perf_event_attr *attr)
{
#ifdef HONE_PFM
    void *library = dlopen("libpfm.so.4", RTLD_NOW | RTLD_LOCAL);
    pfm_err_t (*initialize)(void) =
        library ? (pfm_err_t(*)(void))dlsym(library, "pfm_initialize") : NULL;
    pfm_err_t (*encode)(const char *, int, pfm_os_t, void *) =
        library ? (pfm_err_t(*)(const char *, int, pfm_os_t, void *))dlsym(
                      library, "pfm_get_os_event_encoding")
                : NULL;
    *attr = (struct perf_event_attr){ .size = sizeof *attr };
    pfm_perf_encode_arg_t arg = { .attr = attr, .size = sizeof arg };
    return initialize && encode && initialize() == PFM_SUCCESS &&
           encode(name, PFM_PLM3, PFM_OS_PERF_EVENT, &arg) == PFM_SUCCESS;
#else
    (void)name, (void)attr;
    return false;
#endif
}

static bool find_event(const char *name, struct perf_event_attr *attr)
{
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, name) == 0) {
            set_attr(attr, known[i].type, known[i].config);
            return true;
        }
    return find_by_library(name, attr);
}

static void refuse_event(const char *name)
{
    char all[400] = "";
    size_t used = 0;
    for (int i = 0; i < KNOWN && used < sizeof all; i++)
        used += (size_t)hone__format(all + used, sizeof all - used, "%s%s", i ? ", " : "",
                                     known[i].name);
#ifdef HONE_PFM
    const char *library = "and what libpfm4, if it is installed, knows of this CPU";
#else
    const char *library = "(hone was built without libpfm4, which knows more)";
#endif
    hone_error_set(HONE_E_VALUE, "profile: no event \"%.60s\"; there are %s %s", name, all,
                   library);
}

/* Adds it if this machine has it; its errno. */
static int try_event(const char *name, const struct perf_event_attr *attr, int *leader)
{
    struct perf_event_attr a = *attr;
    set_common(&a);
    a.disabled = *leader < 0; /* the others count when the leader does */
    const int fd = open_one(&a, *leader);
    if (fd < 0)
        return errno;
    if (*leader < 0)
        *leader = fd;
    else
        close(fd);
    const int i = atomic_load(&hone__n_counters);
    hone__format(wanted[i].name, NAME, "%s", name);
    wanted[i].attr = a;
    atomic_store(&hone__n_counters, i + 1);
    return 0;
}

/* ---- why not */

static int paranoid(void)
{
    int level = -100;
    FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
    if (f && fscanf(f, "%d", &level) != 1)
        level = -100;
    if (f)
        fclose(f);
    return level;
}

static void explain(int error, const char *name, char *reason, size_t size)
{
    if (error == ENOENT || error == ENODEV || error == EOPNOTSUPP)
        hone__format(
            reason, size,
            "%s isn't counted: this machine shows no such counter (perf_event_open: %s); a "
            "virtual machine has a PMU only if its host gives it one",
            name, strerror(error));
    else if (error == EACCES)
        hone__format(reason, size,
                     "%s isn't counted: perf_event_paranoid is %d; sysctl "
                     "kernel.perf_event_paranoid=2 or less, or CAP_PERFMON, allows it",
                     name, paranoid());
    else if (error == EPERM)
        hone__format(reason, size,
                     "%s isn't counted: a sandbox forbids perf_event_open; a container needs a "
                     "seccomp profile that allows it, or CAP_PERFMON",
                     name);
    else if (error == ENOSYS)
        hone__format(reason, size, "%s isn't counted: this kernel has no perf_event_open", name);
    else
        hone__format(reason, size, "%s isn't counted: perf_event_open: %s", name, strerror(error));
}

/* ---- open and close */

static bool open_given(const char *names, int *leader, char *reason, size_t size)
{
    for (const char *at = names; *at;) {
        char name[NAME];
        struct perf_event_attr attr;
        const size_t length = strcspn(at, ",");
        hone__format(name, sizeof name, "%.*s", (int)length, at);
        if (length == 0 || length >= sizeof name || !find_event(name, &attr)) {
            refuse_event(name);
            return false;
        }
        if (hone__n_counters == HONE__EVENTS) {
            hone_error_set(HONE_E_VALUE, "profile: %d events at most, \"%s\" is one more",
                           (int)HONE__EVENTS, name);
            return false;
        }
        const int error = try_event(name, &attr, leader);
        if (error && !*reason)
            explain(error, name, reason, size);
        at += length + (at[length] == ',');
    }
    return true;
}

static void open_generic(int *leader, char *reason, size_t size)
{
    int first_error = 0;
    for (int i = 0; i < KNOWN; i++) {
        struct perf_event_attr attr;
        if (known[i].when == ASKED || (known[i].when == NODES && hone__count_nodes() < 2))
            continue;
        set_attr(&attr, known[i].type, known[i].config);
        const int error = try_event(known[i].name, &attr, leader);
        first_error = first_error ? first_error : error;
    }
    if (hone__n_counters == 0)
        explain(first_error, "hardware events: cycles", reason, size);
}

bool hone__counters_open(const char *names, char *reason, size_t size)
{
    int leader = -1;
    bool ok = true;
    reason[0] = 0;
    hone__lock(HONE__LOCK_COUNTERS);
    hone__n_counters = 0;
    if (names && strcmp(names, "none") != 0)
        ok = open_given(names, &leader, reason, size);
    else if (!names)
        open_generic(&leader, reason, size);
    if (leader >= 0)
        close(leader);
    if (!ok)
        hone__n_counters = 0;
    atomic_fetch_add(&generation, 1);
    hone__unlock(HONE__LOCK_COUNTERS);
    return ok;
}

void hone__counters_close(void)
{
    close_own();
    hone__lock(HONE__LOCK_COUNTERS);
    hone__n_counters = 0;
    atomic_fetch_add(&generation, 1);
    hone__unlock(HONE__LOCK_COUNTERS);
}
