/* file.c: what all formats share: opening, entries, messages. */
#include "io/file.h"

#include "core/core.h"
#include "core/reserve.h"
#include "io/shards.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data in files is little-endian");

/* In the order in which they are asked. */
static const hone__file_format *const formats[] = {
    &hone__safetensors_format, &hone__npy_format,  &hone__npz_format,    &hone__pt_format,
    &hone__gguf_format,        &hone__llmc_format, &hone__shards_format,
};

enum { N_FORMATS = sizeof formats / sizeof *formats };

/* ---- memory, entries, messages */

struct hone__file_block {
    struct hone__file_block *next;
    max_align_t data[];
};

void *hone__file_room(hone_file *f, size_t bytes)
{
    struct hone__file_block *block = hone__malloc(sizeof *block + bytes);
    if (!block)
        return NULL;
    block->next = f->blocks;
    f->blocks = block;
    return block->data;
}

char *hone__file_text(hone_file *f, const char *text, size_t length)
{
    char *copy = hone__file_room(f, length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

int hone__file_add(hone_file *f, hone_file_entry entry)
{
    int64_t room = f->room; /* of both lists, which grow alike */
    if (!hone__grow(&f->at, &room, (int64_t)f->n + 1, sizeof *f->at) ||
        !hone__grow(&f->lie, &f->room, (int64_t)f->n + 1, sizeof *f->lie))
        return -1;
    f->at[f->n] = entry;
    f->lie[f->n] = (hone__lie){ 0 };
    return f->n++;
}

bool hone__file_add_metadata(hone_file *f, const char *key, const char *value)
{
    const int64_t wanted = (int64_t)f->metadata.n + 1;
    if (!hone__grow(&f->metadata.at, &f->metadata_room, wanted, sizeof *f->metadata.at))
        return false;
    f->metadata.at[f->metadata.n++] = (hone_metadata){ key, value };
    return true;
}

int hone__file_find(const hone_file *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->at[i].name, name) == 0)
            return i;
    return -1;
}

bool hone__file_bad(const hone_file *f, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    hone__vformat(text, sizeof text, format, args);
    va_end(args);
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid %s file: %s", f->where, f->path,
                   f->format->name, text);
    return false;
}

int64_t hone__file_numel(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    bool overflow = false;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0)
            return -1;
        if (shape[d] == 0) /* a 0 ends all growth */
            n = 0;
    }
    for (int d = 0; d < ndim && n; d++)
        overflow = overflow || __builtin_mul_overflow(n, shape[d], &n);
    return overflow ? -1 : n;
}

/* ---- opening */

bool hone__file_read_at(const hone_file *f, void *data, int64_t bytes, int64_t place)
{
    char *at = data;
    while (bytes > 0) {
        const ssize_t n = pread(f->fd, at, bytes < 1 << 30 ? (size_t)bytes : 1u << 30, place);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return hone__file_bad(f, "it is truncated");
        if (n < 0) {
            hone_error_set(HONE_E_IO, "%s: can't read %s: %s", f->where, f->path, strerror(errno));
            return false;
        }
        at += n;
        place += n;
        bytes -= n;
    }
    return true;
}

bool hone__file_open_path(hone_file *f, bool *folder)
{
    struct stat st;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    int error = f->fd < 0 || fstat(f->fd, &st) != 0 ? errno : 0;
    *folder = !error && S_ISDIR(st.st_mode);
    if (*folder && f->format)
        error = EISDIR;
    if (error) {
        hone_error_set(HONE_E_IO, "%s: can't open %s: %s", f->where, f->path, strerror(error));
        return false;
    }
    if (*folder)
        return true;
    if (!S_ISREG(st.st_mode)) {
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", f->where, f->path);
        return false;
    }
    f->bytes = st.st_size;
    return true;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n > m && text[n - m - 1] == '.' && strcasecmp(text + n - m, ending) == 0;
}

const hone__file_format *hone__format_of_name(const char *path)
{
    for (int i = 0; i < N_FORMATS; i++)
        for (int k = 0; formats[i]->endings && formats[i]->endings[k]; k++)
            if (ends_with(path, formats[i]->endings[k]))
                return formats[i];
    return NULL;
}

/* The format by the beginning; by the name, if that says nothing, for its message. */
static bool find_format(hone_file *f)
{
    unsigned char head[HONE__HEAD];
    const size_t n = f->bytes < HONE__HEAD ? (size_t)f->bytes : HONE__HEAD;
    if (!hone__file_read_at(f, head, (int64_t)n, 0))
        return false;
    for (int i = 0; i < N_FORMATS && !f->format; i++)
        if (formats[i]->is(f, head, n))
            f->format = formats[i];
    if (!f->format)
        f->format = hone__format_of_name(f->path);
    if (f->format)
        return true;
    hone_error_set(HONE_E_FORMAT,
                   "%s: %s begins like none of the files that hone reads (safetensors, npy, npz, "
                   "pt, GGUF, llm.c, an index of shards)",
                   f->where, f->path);
    return false;
}

/* What the caller says of bytes without a dtype. False: E_VALUE. */
static bool find_unnamed(const char *where, const char *dtype, const hone__cell **cell)
{
    *cell = dtype ? hone__cell_named(dtype) : NULL;
    if (!dtype || (*cell && (*cell)->bits <= 16 && (*cell)->bits % 8 == 0))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: void_dtype is a dtype of one or two bytes, not \"%s\"", where,
                   dtype);
    return false;
}

/* The file that it has the weights in. */
static hone_file *open_folder(const char *where, const char *path, const hone_file_options *options)
{
    HONE_SCOPE();
    const char *weights = hone__folder_weights(where, path);
    return weights ? hone__file_open(where, weights, NULL, options) : NULL;
}

hone_file *hone__file_open(const char *where, const char *path, const hone__file_format *format,
                           const hone_file_options *options)
{
    bool folder;
    const hone__cell *unnamed;
    if (!HONE__KNOWS_OPTIONS(where, options) ||
        !find_unnamed(where, options ? options->void_dtype : NULL, &unnamed))
        return NULL;
    if (!path) {
        hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
        return NULL;
    }
    if (!hone__ready())
        return NULL;
    hone_file *f = hone__calloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (hone_file){ .where = where, .format = format, .fd = -1, .unnamed = unnamed };
    f->path = hone__malloc(strlen(path) + 1);
    if (f->path)
        strcpy(f->path, path);
    const bool opened = f->path && hone__file_open_path(f, &folder);
    if (opened && folder) {
        hone_file_close(f);
        return open_folder(where, path, options);
    }
    if (opened && (format || find_format(f)) && f->format->open(f))
        return f;
    hone_file_close(f);
    return NULL;
}

hone_file *hone_file_open_with(const char *path, const hone_file_options *options)
{
    hone_file *f = hone__file_open("file_open", path, NULL, options);
    if (f)
        f->where = "file_read"; /* all that can still fail */
    return f;
}

hone_file *hone_file_open(const char *path)
{
    return hone_file_open_with(path, NULL);
}

void hone_file_close(hone_file *f)
{
    if (!f)
        return;
    if (f->format && f->format->close)
        f->format->close(f);
    for (int i = 0; i < f->n_parts; i++)
        hone_file_close(f->parts[i]);
    if (f->fd >= 0)
        close(f->fd);
    while (f->blocks) {
        struct hone__file_block *next = f->blocks->next;
        hone__free(f->blocks);
        f->blocks = next;
    }
    hone__free(f->at);
    hone__free(f->lie);
    hone__free(f->metadata.at);
    hone__free(f->path);
    hone__free(f);
}

/* ---- what is in it */

const char *hone_file_format(const hone_file *f)
{
    if (f)
        return f->format->name;
    hone__error_missing("file_format", "a file");
    return NULL;
}

hone_file_list hone_file_entries(const hone_file *f)
{
    if (f)
        return (hone_file_list){ f->at ? f->at : (const hone_file_entry *)f->path, f->n };
    hone__error_missing("file_entries", "a file");
    return (hone_file_list){ NULL, 0 };
}

hone_metadata_list hone_file_metadata(const hone_file *f)
{
    if (f)
        return f->metadata;
    hone__error_missing("file_metadata", "a file");
    return (hone_metadata_list){ NULL, 0 };
}
