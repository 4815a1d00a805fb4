/* quiet.c: see quiet.h. With glibc stderr is a variable, and a stream can be anything: ours looks
 * who writes. */
#include "runtime/quiet.h"
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__

static FILE *stream; /* stays open: another thread may have begun to print to it */
static FILE *real;
static _Thread_local bool is_quiet;
static char kept[1024];
static size_t n_kept;

static ssize_t write_by_thread(void *unused, const char *text, size_t n)
{
    (void)unused;
    if (!is_quiet)
        return (ssize_t)fwrite(text, 1, n, real);
    const size_t room = sizeof kept - 1 - n_kept, some = n < room ? n : room;
    memcpy(kept + n_kept, text, some);
    n_kept += some;
    return (ssize_t)n;
}

void hone__quiet_begin(void)
{
    if (getenv("HWLOC_HIDE_ERRORS"))
        return;
    if (!stream)
        stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_by_thread });
    if (!stream)
        return;
    setvbuf(stream, NULL, _IONBF, 0); /* written by the thread that prints, at once */
    real = stderr;
    n_kept = 0;
    is_quiet = true;
    stderr = stream;
}

void hone__quiet_end(void)
{
    if (!is_quiet)
        return;
    if (stderr == stream)
        stderr = real;
    is_quiet = false;
    kept[n_kept] = 0;
    for (char *line = kept; *line; line += *line == '\n') {
        const size_t n = strcspn(line, "\n");
        hone__debug_print(3, "hwloc: %.*s", (int)n, line);
        line += n;
    }
}

#else

void hone__quiet_begin(void) {}

void hone__quiet_end(void) {}

#endif
