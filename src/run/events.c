/* events.c: TensorBoard's event files. The messages are protobuf-c's (events.proto); around each stand
 * its length and two checksums (TFRecord): CRC-32C, which zlib hasn't got, bit by bit, as a record has a
 * hundred bytes. */
#include "core/core.h"
#include "core/reserve.h"
#include "runtime/memory.h"

#include <hone/events.h>

#include <errno.h>
#include <string.h>

#ifdef HONE_HAS_PROTOBUF_C

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "events.pb-c.c"
#pragma GCC diagnostic pop

static const char where[] = "events";

struct hone_events {
    int fd;
    int64_t from_step;
    int64_t bytes; /* of whole records in the file */
    char path[];
};

/* ---- a record */

static uint32_t crc32c(const uint8_t *data, size_t n)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* As the format keeps it, so that a checksum of checksums means something. */
static uint32_t masked(const uint8_t *data, size_t n)
{
    const uint32_t crc = crc32c(data, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static bool write_all(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = write(fd, data, bytes < 1u << 30 ? bytes : 1u << 30);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* A record that wasn't written wholly would hide all that comes after it. */
static hone_status write_event(hone_events *e, const Hone__Event *event)
{
    const uint64_t bytes = hone__event__get_packed_size(event);
    const size_t head = 12, tail = 4, all = head + bytes + tail;
    uint8_t *record = hone__malloc(all);
    if (!record)
        return HONE_E_NOMEM;
    memcpy(record, &bytes, 8); /* little-endian, as this machine */
    const uint32_t of_length = masked(record, 8);
    memcpy(record + 8, &of_length, 4);
    hone__event__pack(event, record + head);
    const uint32_t of_data = masked(record + head, bytes);
    memcpy(record + head + bytes, &of_data, 4);
    const bool ok = write_all(e->fd, record, all);
    const int error = errno;
    hone__free(record);
    if (ok) {
        e->bytes += (int64_t)all;
        return HONE_OK;
    }
    if (ftruncate(e->fd, e->bytes) != 0)
        errno = 0; /* then it can't be helped */
    return hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, e->path, strerror(error));
}

static Hone__Event event_at(int64_t step)
{
    Hone__Event event = HONE__EVENT__INIT;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event.wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    event.step = step;
    return event;
}

/* ---- the file */

/* Each folder on the way. */
static bool make_dir(const char *dir)
{
    char path[PATH_MAX];
    if (hone__format(path, sizeof path, "%s", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = *path ? strchr(path + 1, '/') : NULL; slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

static const char stem[] = "events.out.tfevents.";

/* A time behind those of the files that are there: readers go by names, and a clock may have gone back,
 * or a run be taken up in the same second. Ten digits. */
static bool time_behind(const char *dir, long long *to)
{
    DIR *d = opendir(dir);
    long long latest = (long long)time(NULL), other;
    if (!d)
        return false;
    for (struct dirent *entry; (entry = readdir(d));)
        if (strncmp(entry->d_name, stem, sizeof stem - 1) == 0 &&
            sscanf(entry->d_name + sizeof stem - 1, "%10lld.", &other) == 1 && other >= latest)
            latest = other + 1;
    closedir(d);
    *to = latest;
    return true;
}

static bool open_file(hone_events *e, const char *dir, size_t room)
{
    char host[64] = "";
    long long seconds;
    if (!make_dir(dir) || !time_behind(dir, &seconds))
        return false;
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/')
            *c = '-';
    hone__format(e->path, room, "%s/%s%010lld.%s.%ld", dir, stem, seconds, host[0] ? host : "hone",
                 (long)getpid());
    e->fd = open(e->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    return e->fd >= 0;
}

/* The version of the format, by which readers take the next for what it is. */
static bool begin(hone_events *e)
{
    Hone__Event version = event_at(e->from_step), start = event_at(e->from_step);
    Hone__Session session = HONE__SESSION__INIT;
    version.what_case = HONE__EVENT__WHAT_FILE_VERSION;
    version.file_version = (char[]){ "brain.Event:2" };
    session.status = 1;
    start.what_case = HONE__EVENT__WHAT_SESSION_LOG;
    start.session_log = &session;
    return write_event(e, &version) == HONE_OK && write_event(e, &start) == HONE_OK;
}

hone_events *hone_events_new(const char *dir, const hone_events_options *options)
{
    enum { NAME = 120 };
    const int64_t from_step = options ? options->from_step : 0;
    if (!dir) {
        hone__error_missing(where, "a directory");
        return NULL;
    }
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return NULL;
    if (from_step < 0) {
        hone_error_set(HONE_E_VALUE, "%s: from_step is %lld", where, (long long)from_step);
        return NULL;
    }
    const size_t room = strlen(dir) + NAME;
    hone_events *e = hone__malloc(sizeof *e + room);
    if (!e)
        return NULL;
    *e = (hone_events){ .fd = -1, .from_step = from_step };
    if (!open_file(e, dir, room))
        hone_error_set(HONE_E_IO, "%s: can't write to %s: %s", where, dir, strerror(errno));
    else if (begin(e))
        return e;
    if (e->fd >= 0)
        unlink(e->path);
    hone_events_free(e);
    return NULL;
}

void hone_events_free(hone_events *e)
{
    if (!e)
        return;
    if (e->fd >= 0)
        close(e->fd);
    hone__free(e);
}

/* ---- events */

static hone_status tell(hone_events *e, const char *tag, int64_t step, Hone__Value *value)
{
    if (step < e->from_step || !tag[0])
        return hone_error_set(HONE_E_VALUE, "%s: \"%.60s\" at step %lld of a run from step %lld",
                              where, tag, (long long)step, (long long)e->from_step);
    Hone__Event event = event_at(step);
    Hone__Summary summary = HONE__SUMMARY__INIT;
    value->tag = (char *)(uintptr_t)tag;
    summary.n_value = 1;
    summary.value = &value;
    event.what_case = HONE__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(e, &event);
}

hone_status hone_events_scalar(hone_events *e, const char *tag, int64_t step, double number)
{
    if (!e || !tag)
        return hone__error_missing(where, e ? "a tag" : "an event file");
    Hone__Value value = HONE__VALUE__INIT;
    value.value_case = HONE__VALUE__VALUE_SIMPLE_VALUE;
    value.simple_value = (float)number;
    return tell(e, tag, step, &value);
}

hone_status hone_events_text(hone_events *e, const char *tag, int64_t step, const char *text)
{
    if (!e || !tag || !text)
        return hone__error_missing(where, !e ? "an event file" : !tag ? "a tag" : "a text");
    Hone__Plugin plugin = HONE__PLUGIN__INIT;
    Hone__Metadata metadata = HONE__METADATA__INIT;
    Hone__Shape shape = HONE__SHAPE__INIT;
    Hone__Text tensor = HONE__TEXT__INIT;
    Hone__Value value = HONE__VALUE__INIT;
    ProtobufCBinaryData bytes = { strlen(text), (uint8_t *)(uintptr_t)text };
    plugin.plugin_name = (char[]){ "text" };
    metadata.plugin_data = &plugin;
    tensor.dtype = 7;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = 1;
    tensor.string_val = &bytes;
    value.metadata = &metadata;
    value.value_case = HONE__VALUE__VALUE_TENSOR;
    value.tensor = &tensor;
    return tell(e, tag, step, &value);
}

#else /* without protobuf-c */

hone_events *hone_events_new(const char *dir, const hone_events_options *options)
{
    (void)dir, (void)options;
    hone_error_set(HONE_E_CONFIG, "events: hone was built without protobuf-c, which TensorBoard's "
                                  "files are made with");
    return NULL;
}

void hone_events_free(hone_events *e)
{
    (void)e;
}

hone_status hone_events_scalar(hone_events *e, const char *tag, int64_t step, double value)
{
    (void)e, (void)tag, (void)step, (void)value;
    return hone__error_missing("events", "an event file");
}

hone_status hone_events_text(hone_events *e, const char *tag, int64_t step, const char *text)
{
    (void)e, (void)tag, (void)step, (void)text;
    return hone__error_missing("events", "an event file");
}

#endif
