/* trace.c: see trace.h. The JSON object format: complete slices (X), flows from a forward to its
 * backward (s, f), counter tracks (C), names of threads (M).
 *
 * Importers want the slices of a thread to nest, microseconds, and one tid a thread: events of a step
 * are sorted by thread, begin and length, and what would stick out of the slice around it is cut. After
 * each step the file is a whole JSON text, which the next step's events go on from, so that a run that
 * is killed leaves a valid trace. A pipe gets its end when it ends. */
#include "profile/trace.h"

#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    int fd; /* 0: none is open */
    bool seekable;
    int64_t size; /* of what is there, without the end */
    int error;
    int64_t lost; /* events */
    char path[256];
    char *text; /* of the step that is written */
    size_t used, room;
    int64_t origin; /* ticks */
    uint64_t first_seq;
    int32_t named[64]; /* threads that have a name already */
    int n_named;
    int64_t n_events;
} t;

static const char end_text[] = "\n]}\n";

/* ---- text */

static void put(const char *format, ...) HONE_PRINTF(1, 2);
static void put(const char *format, ...)
{
    enum { MOST = 2048 };
    if (t.room - t.used < MOST) {
        const size_t room = t.room ? 2 * t.room : 1 << 16;
        char *more = hone__book_realloc(t.text, t.room, room);
        if (!more) {
            hone_error_clear();
            t.lost++;
            return;
        }
        t.text = more;
        t.room = room;
    }
    va_list args;
    va_start(args, format);
    const int n = hone__vformat(t.text + t.used, t.room - t.used, format, args);
    va_end(args);
    const size_t most = t.room - t.used - 1; /* what is longer is cut */
    t.used += n < 0 ? 0 : (size_t)n < most ? (size_t)n : most;
}

static void put_quoted(const char *text)
{
    char quoted[600];
    size_t n = 0;
    quoted[n++] = '"';
    for (; *text && n < sizeof quoted - 8; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            quoted[n++] = '\\';
        if (c >= 0x20)
            quoted[n++] = (char)c;
    }
    quoted[n++] = '"';
    quoted[n] = 0;
    put("%s", quoted);
}

/* What begins an event: the comma before it, but for the first. */
static void next_event(void)
{
    put(t.n_events++ ? ",\n" : "\n");
}

/* Microseconds with fractions: whole nanoseconds. */
typedef struct {
    char s[32];
} time_text;
static time_text us(int64_t ns)
{
    time_text text;
    ns = ns > 0 ? ns : 0;
    hone__format(text.s, sizeof text.s, "%lld.%03lld", (long long)(ns / 1000),
                 (long long)(ns % 1000));
    return text;
}

static int64_t ns_of(int64_t ticks)
{
    return (int64_t)((double)(ticks - t.origin) * hone__ns_per_tick() + 0.5);
}

/* ---- the file */

static bool write_all(const char *text, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = write(t.fd, text, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            t.error = n < 0 ? errno : ENOSPC;
            return false;
        }
        text += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* Appends the text, and the end behind it; on a failure the file is what it was. */
static void flush(void)
{
    const size_t end_bytes = sizeof end_text - 1;
    const int64_t before = t.size;
    bool ok = t.error == 0;
    if (ok && t.seekable) {
        put("%s", end_text);
        ok = lseek(t.fd, before, SEEK_SET) == before && write_all(t.text, t.used);
        if (ok)
            t.size = before + (int64_t)(t.used - end_bytes);
        else if (ftruncate(t.fd, before) == 0 && lseek(t.fd, before, SEEK_SET) == before) {
            const int error = t.error;
            write_all(end_text, end_bytes); /* where the old one was: there is room for it */
            t.error = error ? error : errno;
        }
    } else if (ok) {
        ok = write_all(t.text, t.used);
    }
    t.used = 0;
}

bool hone__trace_open(const char *path, const char *title)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        hone_error_set(HONE_E_IO, "profile: %s can't be written: %s", path, strerror(errno));
        return false;
    }
    t.fd = fd;
    t.seekable = lseek(fd, 0, SEEK_CUR) >= 0;
    t.size = t.lost = t.n_events = 0;
    t.error = t.n_named = 0;
    t.first_seq = 0;
    t.origin = hone__ticks();
    hone__format(t.path, sizeof t.path, "%s", path);
    put("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"hone\":");
    put_quoted(title);
    put("},\"traceEvents\":[");
    next_event();
    put("{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"hone\"}"
        "}");
    flush();
    return true;
}

bool hone__trace_is_open(void)
{
    return t.path[0] != 0;
}

bool hone__trace_close(void)
{
    const int error_before = t.error;
    if (!t.seekable && error_before == 0)
        write_all(end_text, sizeof end_text - 1);
    if (close(t.fd) != 0 && t.error == 0)
        t.error = errno;
    hone__book_realloc(t.text, t.room, 0);
    t.text = NULL;
    t.room = t.used = 0;
    const bool ok = t.error == 0 && t.lost == 0;
    if (!ok)
        hone_error_set(HONE_E_IO, "profile: %s lacks the later steps: %s", t.path,
                       t.error ? strerror(t.error) : "out of memory");
    t.path[0] = 0;
    return ok;
}

/* ---- events */

static int by_thread_and_time(const void *a, const void *b)
{
    const hone__event *x = a, *y = b;
    if (x->tid != y->tid)
        return x->tid < y->tid ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    return (x->depth > y->depth) - (x->depth < y->depth);
}

static void name_thread(int tid, bool calls)
{
    for (int i = 0; i < t.n_named; i++)
        if (t.named[i] == tid)
            return;
    if (t.n_named < 64)
        t.named[t.n_named++] = tid;
    next_event();
    put("{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":\"%s "
        "%d\"}}",
        tid, calls ? "caller" : "team", tid);
}

static const char *category(const hone__event *e)
{
    static const char *const phases[] = { "forward", "backward", "update" };
    return e->kind == HONE__EVENT_SPAN   ? "span"
           : e->kind == HONE__EVENT_WAIT ? "wait"
           : e->kind == HONE__EVENT_WORK ? "team"
                                         : phases[e->phase < 3 ? e->phase : 0];
}

static void put_slice(const hone__event *e, int64_t end)
{
    const hone__row *row = e->row >= 0 ? &hone__tally.rows[e->row] : NULL;
    const char *name = e->kind == HONE__EVENT_WAIT ? "wait" : e->name ? e->name : "region";
    next_event();
    put("{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%s,\"dur\":%s,\"cat\":\"%s\",\"name\":", e->tid,
        us(ns_of(e->begin)).s, us(ns_of(end) - ns_of(e->begin)).s, category(e));
    put_quoted(name);
    put(",\"args\":{\"module\":");
    put_quoted(hone__module_path(e->module));
    if (row) {
        put(",\"shapes\":");
        put_quoted(row->shapes);
        if (row->calls > 0)
            put(",\"multiply_adds\":%.0f,\"bytes\":%.0f", row->madds / (double)row->calls,
                row->bytes / (double)row->calls);
    }
    put("}}");
}

/* An arrow from a forward to its backward: it binds to the slices that run at these times. */
static void put_flow(const hone__event *e)
{
    const bool starts = e->kind == HONE__EVENT_OP;
    if (e->seq == 0 || e->kind > HONE__EVENT_NODE)
        return;
    if (t.first_seq == 0 && starts)
        t.first_seq = e->seq;
    if (!starts && (t.first_seq == 0 || e->seq < t.first_seq))
        return;
    next_event();
    put("{\"ph\":\"%s\",\"pid\":1,\"tid\":%d,\"ts\":%s,\"id\":%llu,\"cat\":\"gradient\",\"name\":"
        "\"gradient\"%s}",
        starts ? "s" : "f", e->tid, us(ns_of(e->begin)).s, (unsigned long long)e->seq,
        starts ? "" : ",\"bp\":\"e\"");
}

static void put_counter(const char *name, int64_t ns, double value)
{
    next_event();
    put("{\"ph\":\"C\",\"pid\":1,\"tid\":0,\"ts\":%s,\"name\":\"%s\",\"args\":{\"value\":%.6g}}",
        us(ns).s, name, value);
}

/* The slices around the one that comes, by their ends. */
static void put_slices(const hone__events *events)
{
    enum { DEEPEST = 256 };
    int64_t around[DEEPEST];
    int n = 0, tid = -1;
    for (int64_t i = 0; i < events->n; i++) {
        const hone__event *e = &events->at[i];
        if (e->tid != tid) {
            tid = e->tid;
            n = 0;
            name_thread(tid, e->kind != HONE__EVENT_WORK && e->kind != HONE__EVENT_WAIT);
        }
        while (n > 0 && around[n - 1] <= e->begin)
            n--;
        const int64_t end = n > 0 && around[n - 1] < e->end ? around[n - 1] : e->end;
        if (n == DEEPEST)
            continue;
        around[n++] = end;
        put_slice(e, end);
        put_flow(e);
    }
}

void hone__trace_step(hone__events *events, const hone__memory_point *points, int64_t n_points,
                      double gflops, double ghz, double watts)
{
    const int64_t begin = ns_of(events->begin);
    if (t.error)
        return;
    if (events->n > 1)
        qsort(events->at, (size_t)events->n, sizeof *events->at, by_thread_and_time);
    put_slices(events);
    for (int64_t i = 0; i < n_points; i++)
        put_counter("memory (bytes)", ns_of(points[i].at), (double)points[i].bytes);
    put_counter("GFLOP/s", begin, gflops);
    if (!isnan(ghz))
        put_counter("frequency (GHz)", begin, ghz);
    if (!isnan(watts))
        put_counter("power (W)", begin, watts);
    flush();
}
