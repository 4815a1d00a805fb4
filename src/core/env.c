/* env.c: what HONE_DEBUG prints, and that everything is set up once, before the first operation. */
#include "core/core.h"
#include "runtime/lock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The high half of hone__readiness. */
enum { READY = 0, UNKNOWN = HONE__NOT_SET_UP, FAILED };

atomic_int hone__debug_level = -1;
static char failure[256]; /* written once, before state becomes FAILED */

bool hone__env_int(const char *name, long min, long max, long *value, char *message, size_t size)
{
    const char *text = getenv(name);
    if (!text || !*text)
        return true;
    char *end;
    const long n = strtol(text, &end, 10);
    if (*end == 0 && n >= min && n <= max) {
        *value = n;
        return true;
    }
    hone__format(message, size, "%s=%.64s: a whole number from %ld to %ld is wanted", name, text,
                 min, max);
    return false;
}

/* Errors are printed by level, so the level can't wait for hone_init; nonsense counts as 0 here
 * and is reported by hone_init. */
int hone__debug_read(void)
{
    char ignored[128];
    long level = 0;
    hone__env_int("HONE_DEBUG", 0, 4, &level, ignored, sizeof ignored);
    atomic_store_explicit(&hone__debug_level, (int)level, memory_order_relaxed);
    return (int)level;
}

void hone__debug_print(int level, const char *format, ...)
{
    if (hone__debug() < level)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    hone__vformat(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "hone: %s\n", line);
}

static int set_up_now(void)
{
    return (int)(hone__readiness_now() >> HONE__SET_UP_BITS);
}

static int initialise(void)
{
    hone__lock(HONE__LOCK_INIT);
    int now = set_up_now();
    if (now == UNKNOWN) {
        now = hone__set_up(failure, sizeof failure) ? READY : FAILED;
        const uint64_t change = (uint64_t)(UNKNOWN ^ now) << HONE__SET_UP_BITS;
        atomic_fetch_xor_explicit(&hone__readiness, change, memory_order_release);
    }
    hone__unlock(HONE__LOCK_INIT);
    return now;
}

bool hone__become_ready(void)
{
    int now = set_up_now();
    if (now == UNKNOWN)
        now = initialise();
    if (now == READY)
        return true;
    hone_error_set(HONE_E_CONFIG, "%s", failure);
    return false;
}
