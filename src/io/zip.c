/* zip.c: members by index, read from any place, several threads at once. */
#include "io/zip.h"

#include "core/core.h"
#include "core/map.h"
#include "io/replace.h"
#include "runtime/lock.h"
#include "runtime/memory.h"

#if HONE_HAS_LIBZIP

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

struct hone__zip {
    zip_t *zip; /* one thread's at a time */
};

static zip_t *zip_of(const hone_file *f)
{
    return ((hone__zip *)f->own)->zip;
}

int64_t hone__zip_count(const hone_file *f)
{
    return zip_get_num_entries(zip_of(f), 0);
}

static bool failed(const hone_file *f, zip_error_t *error)
{
    const int code = zip_error_code_zip(error);
    const hone_status status = code == ZIP_ER_MEMORY                        ? HONE_E_NOMEM
                               : code == ZIP_ER_OPEN || code == ZIP_ER_READ ? HONE_E_IO
                                                                            : HONE_E_FORMAT;
    hone_error_set(status, "%s: %s can't be read as a zip archive: %s", f->where, f->path,
                   zip_error_strerror(error));
    zip_error_fini(error);
    return false;
}

/* Of two members with one name readers take different ones. */
static bool names_differ(hone_file *f)
{
    hone__map names;
    const int64_t n = hone__zip_count(f);
    if (n > INT32_MAX)
        return hone__file_bad(f, "it has %lld members", (long long)n);
    if (!hone__map_begin(&names, n, true))
        return false;
    bool good = true;
    for (int64_t i = 0; i < n && good; i++) {
        const char *name = zip_get_name(zip_of(f), (zip_uint64_t)i, ZIP_FL_ENC_GUESS);
        good = !name || hone__map_add(&names, name, (int)i) ||
               hone__file_bad(f, "it has two members called \"%.200s\"", name);
    }
    hone__map_end(&names);
    return good;
}

bool hone__zip_open(hone_file *f)
{
    zip_error_t error;
    zip_error_init(&error);
    hone__zip *own = hone__calloc(sizeof *own);
    if (!own)
        return false;
    /* The file that is open, not what its path may lead to by now; libzip closes its own number. */
    const int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!file)
        zip_error_set(&error, ZIP_ER_OPEN, errno);
    zip_source_t *source = file ? zip_source_filep_create(file, 0, -1, &error) : NULL;
    own->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (own->zip) {
        f->own = own;
        return names_differ(f); /* closed by whoever closes the file */
    }
    if (source)
        zip_source_free(source);
    else if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    hone__free(own);
    return failed(f, &error);
}

void hone__zip_close(hone_file *f)
{
    hone__zip *own = f->own;
    if (!own)
        return;
    zip_discard(own->zip);
    hone__free(own);
    f->own = NULL;
}

const char *hone__zip_name(const hone_file *f, int64_t member)
{
    const char *name = zip_get_name(zip_of(f), (zip_uint64_t)member, ZIP_FL_ENC_GUESS);
    return name && name[0] && name[strlen(name) - 1] != '/' ? name : NULL;
}

static bool stat_of(const hone_file *f, int64_t member, zip_stat_t *st)
{
    const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    return zip_stat_index(zip_of(f), (zip_uint64_t)member, 0, st) == 0 &&
           (st->valid & wanted) == wanted && st->size <= INT64_MAX;
}

int64_t hone__zip_bytes(const hone_file *f, int64_t member)
{
    zip_stat_t st;
    return stat_of(f, member, &st) ? (int64_t)st.size : -1;
}

int64_t hone__zip_find(const hone_file *f, const char *name)
{
    return zip_name_locate(zip_of(f), name, ZIP_FL_ENC_GUESS);
}

/* By reading, where libzip can't seek (in what is compressed), at the beginning, and before the end of a
 * member, which may have been read in parts: after a seek it looks at no checksum. */
static bool skip(zip_file_t *file, bool seeks, int64_t from)
{
    char buffer[4096];
    if (seeks && from > 1 << 16)
        return zip_fseek(file, from, SEEK_SET) == 0;
    while (from > 0) {
        const int64_t n = zip_fread(file, buffer, from < 4096 ? (zip_uint64_t)from : 4096);
        if (n <= 0)
            return false;
        from -= n;
    }
    return true;
}

static bool read_open(zip_file_t *file, char *data, int64_t bytes, bool to_end)
{
    char one;
    while (bytes > 0) {
        const int64_t n = zip_fread(file, data, (zip_uint64_t)bytes);
        if (n <= 0)
            return false;
        data += n;
        bytes -= n;
    }
    return !to_end || zip_fread(file, &one, 1) == 0; /* looks at the checksum */
}

bool hone__zip_read(const hone_file *f, int64_t member, void *data, int64_t from, int64_t bytes)
{
    hone__zip *own = f->own;
    zip_stat_t st;
    hone__lock(HONE__LOCK_ZIP); /* a name that is asked for first is decoded, and kept */
    const bool known = stat_of(f, member, &st);
    hone__unlock(HONE__LOCK_ZIP);
    if (!known)
        return hone__file_bad(f, "member %lld has no size", (long long)member);
    if (from < 0 || bytes < 0 || from > (int64_t)st.size || bytes > (int64_t)st.size - from)
        return hone__file_bad(f, "\"%s\" ends before its data do", st.name);
    /* A checksum that was never computed is 0: PyTorch can be told to do so. */
    const bool checked = !(st.valid & ZIP_STAT_CRC) || st.crc != 0;
    hone__lock(HONE__LOCK_ZIP);
    zip_file_t *file = zip_fopen_index(own->zip, (zip_uint64_t)member, 0);
    const bool to_end = checked && from + bytes == (int64_t)st.size;
    const bool ok = file && skip(file, st.comp_method == ZIP_CM_STORE && !to_end, from) &&
                    read_open(file, data, bytes, to_end);
    char why[120];
    if (!ok)
        hone__format(why, sizeof why, "%s",
                     file ? zip_file_strerror(file) : zip_strerror(own->zip));
    if (file)
        zip_fclose(file);
    hone__unlock(HONE__LOCK_ZIP);
    return ok || hone__file_bad(f, "\"%s\": %s", st.name, why);
}

/* ---- writing */

/* Head and data as one source, without a copy. */
typedef struct {
    const hone__zip_member *member;
    size_t at;
} two_parts;

static zip_int64_t give(two_parts *t, void *data, size_t bytes)
{
    const hone__zip_member *m = t->member;
    size_t done = 0;
    while (done < bytes && t->at < m->head_bytes + m->data_bytes) {
        const bool in_head = t->at < m->head_bytes;
        const char *from = in_head ? (const char *)m->head + t->at
                                   : (const char *)m->data + (t->at - m->head_bytes);
        size_t n = (in_head ? m->head_bytes : m->head_bytes + m->data_bytes) - t->at;
        n = n < bytes - done ? n : bytes - done;
        memcpy((char *)data + done, from, n);
        t->at += n;
        done += n;
    }
    return (zip_int64_t)done;
}

static zip_int64_t part_source(void *user, void *data, zip_uint64_t bytes, zip_source_cmd_t command)
{
    two_parts *t = user;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        t->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return give(t, data, bytes);
    case ZIP_SOURCE_STAT: {
        zip_stat_t *st = data;
        zip_stat_init(st);
        st->size = t->member->head_bytes + t->member->data_bytes;
        st->valid = ZIP_STAT_SIZE;
        return sizeof *st;
    }
    case ZIP_SOURCE_ERROR: {
        int *codes = data;
        codes[0] = codes[1] = 0;
        return 2 * sizeof *codes;
    }
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              -1);
    default: /* close, free: nothing to do */
        return 0;
    }
}

/* One member; a source that wasn't taken is freed. */
static bool add(zip_t *zip, two_parts *t)
{
    enum { FIRST_DAY = 0x21 }; /* 1980-01-01 */
    zip_source_t *source = zip_source_function(zip, part_source, t);
    const zip_int64_t i =
        source ? zip_file_add(zip, t->member->name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (source && i < 0)
        zip_source_free(source);
    return i >= 0 && zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(zip, (zip_uint64_t)i, 0, FIRST_DAY, 0) == 0;
}

/* The archive in memory: it goes to its place as every file does, whole or not at all. */
static bool compose(zip_source_t *archive, const hone__zip_member *members, two_parts *parts, int n,
                    zip_error_t *error)
{
    zip_source_keep(archive);
    zip_t *zip = zip_open_from_source(archive, ZIP_TRUNCATE, error);
    if (!zip) {
        zip_source_free(archive);
        return false;
    }
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        parts[i] = (two_parts){ &members[i], 0 };
        ok = add(zip, &parts[i]);
    }
    if (ok && zip_close(zip) == 0)
        return true;
    zip_error_set(error, zip_error_code_zip(zip_get_error(zip)), 0);
    zip_discard(zip);
    return false;
}

static hone_status write_out(const char *where, const char *path, zip_source_t *archive)
{
    zip_stat_t st;
    if (zip_source_stat(archive, &st) != 0 || zip_source_open(archive) != 0)
        return hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, path,
                              zip_error_strerror(zip_source_error(archive)));
    char *bytes = hone__malloc(st.size + 1);
    hone_status status = HONE_E_NOMEM;
    if (bytes && zip_source_read(archive, bytes, st.size) == (zip_int64_t)st.size)
        status = hone__replace_file(where, path, &(hone__part){ bytes, st.size }, 1);
    hone__free(bytes);
    zip_source_close(archive);
    return status;
}

/* No members: libzip writes no empty archive. */
static hone_status write_empty(const char *where, const char *path)
{
    static const char end[22] = "PK\x05\x06";
    return hone__replace_file(where, path, &(hone__part){ end, sizeof end }, 1);
}

hone_status hone__zip_save(const char *where, const char *path, const hone__zip_member *members,
                           int n)
{
    zip_error_t error;
    if (n == 0)
        return write_empty(where, path);
    two_parts *parts = hone__malloc(hone__bytes(n, sizeof *parts));
    if (!parts)
        return HONE_E_NOMEM;
    zip_error_init(&error);
    zip_source_t *archive = zip_source_buffer_create(NULL, 0, 0, &error);
    hone_status status;
    if (archive && compose(archive, members, parts, n, &error))
        status = write_out(where, path, archive);
    else
        status = hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, path,
                                zip_error_strerror(&error));
    if (archive)
        zip_source_free(archive);
    zip_error_fini(&error);
    hone__free(parts);
    return status;
}

#else /* without libzip */

static hone_status without(const char *where, const char *path)
{
    return hone_error_set(HONE_E_CONFIG,
                          "%s: %s is a zip archive (.npz, .pt), and this hone was "
                          "built without libzip",
                          where, path);
}

bool hone__zip_open(hone_file *f)
{
    without(f->where, f->path);
    return false;
}

void hone__zip_close(hone_file *f)
{
    (void)f;
}

int64_t hone__zip_count(const hone_file *f)
{
    (void)f;
    return 0;
}

const char *hone__zip_name(const hone_file *f, int64_t member)
{
    (void)f, (void)member;
    return NULL;
}

int64_t hone__zip_bytes(const hone_file *f, int64_t member)
{
    (void)f, (void)member;
    return -1;
}

int64_t hone__zip_find(const hone_file *f, const char *name)
{
    (void)f, (void)name;
    return -1;
}

bool hone__zip_read(const hone_file *f, int64_t member, void *data, int64_t from, int64_t bytes)
{
    (void)member, (void)data, (void)from, (void)bytes;
    without(f->where, f->path);
    return false;
}

hone_status hone__zip_save(const char *where, const char *path, const hone__zip_member *members,
                           int n)
{
    (void)members, (void)n;
    return without(where, path);
}

#endif
