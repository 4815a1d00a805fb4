/* safetensors_load.c: opening and reading. Nothing in a file is believed before it is checked. */
#include "core/access.h"
#include "core/core.h"
#include "core/reserve.h"
#include "io/half.h"
#include "io/safetensors.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors data is little-endian");

/* ---- the file */

static bool read_at(const hone__tensor_file *f, void *data, int64_t bytes, int64_t place)
{
    char *at = data;
    while (bytes > 0) {
        const ssize_t n = pread(f->fd, at, bytes < 1 << 30 ? (size_t)bytes : 1u << 30, place);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return hone__tensor_file_bad(f, "it is truncated");
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

static bool open_file(hone__tensor_file *f, int64_t *file_bytes)
{
    struct stat st;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    int error = f->fd < 0 || fstat(f->fd, &st) != 0 ? errno : 0;
    if (!error && S_ISDIR(st.st_mode))
        error = EISDIR;
    if (error) {
        hone_error_set(HONE_E_IO, "%s: can't open %s: %s", f->where, f->path, strerror(error));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", f->where, f->path);
        return false;
    }
    *file_bytes = st.st_size;
    return true;
}

static bool read_file(hone__tensor_file *f)
{
    int64_t file_bytes, header_bytes;
    if (!open_file(f, &file_bytes))
        return false;
    if (file_bytes < 8)
        return hone__tensor_file_bad(f, "it is shorter than 8 bytes");
    if (!read_at(f, &header_bytes, 8, 0))
        return false;
    if (header_bytes > HONE__HEADER_MOST)
        return hone__tensor_file_bad(f, "its header's length is past the format's 100000000 bytes");
    if (header_bytes < 2 || header_bytes > file_bytes - 8)
        return hone__tensor_file_bad(f, "its header's length doesn't fit the file");
    f->text = hone__malloc((size_t)header_bytes);
    f->data_begin = 8 + header_bytes;
    return f->text && read_at(f, f->text, header_bytes, 8) &&
           hone__tensor_header_read(f, header_bytes, file_bytes - f->data_begin);
}

bool hone__tensor_file_open(const char *where, const char *path, hone__tensor_file *f)
{
    *f = (hone__tensor_file){ .where = where, .path = path, .fd = -1 };
    if (!path) {
        hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
        return false;
    }
    if (read_file(f))
        return true;
    hone__tensor_file_close(f);
    return false;
}

void hone__tensor_file_close(hone__tensor_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    hone__free(f->text);
    hone__free(f->shapes);
    hone__free(f->at);
    hone__free(f->metadata.at);
    *f = (hone__tensor_file){ .fd = -1 };
}

/* ---- tensors */

static bool hone_has(const hone__tensor_file *f, const hone_safetensors_entry *e, bool half_to_f32)
{
    if (e->ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "%s: %s: \"%s\" has %d dims, a tensor of hone %d at most",
                       f->where, f->path, e->name, e->ndim, HONE_MAX_DIMS);
        return false;
    }
    const bool half = hone__entry_is_half(e->dtype);
    if (half ? half_to_f32 : hone__entry_dtype(e->dtype) >= 0)
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: %s: \"%s\" has dtype %.32s, which %s", f->where, f->path,
                   e->name, e->dtype,
                   half ? "is read as f32 if half_to_f32 asks for it" : "hone doesn't have");
    return false;
}

hone_tensor *hone__tensor_file_read(const hone__tensor_file *f, const hone_safetensors_entry *e,
                                    bool half_to_f32)
{
    if (!hone_has(f, e, half_to_f32))
        return NULL;
    const bool half = hone__entry_is_half(e->dtype);
    const hone_dtype dtype = half ? HONE_F32 : (hone_dtype)hone__entry_dtype(e->dtype);
    hone_tensor *t = hone__own(hone__new(f->where, dtype, e->ndim, e->shape));
    if (!t)
        return NULL;
    char *data = hone__data(t);
    if (!read_at(f, data + (half ? e->bytes : 0), e->bytes, e->offset))
        return NULL;
    if (half)
        hone__halves_to_f32(data, t->numel, e->dtype[0] == 'B' ? hone__bf16_bits : hone__f16_bits);
    if (dtype == HONE_BOOL)
        hone__make_bools((uint8_t *)data, t->numel, 1);
    return t;
}

static bool reads_half(const hone_safetensors_options *options)
{
    return options && options->half_to_f32;
}

/* The names point into the header, which goes with the list; the metadata too. */
static bool hand_over_text(hone__tensor_file *f)
{
    char *text = f->text;
    hone_metadata *metadata = f->metadata.at;
    f->text = NULL;
    f->metadata.at = NULL;
    const bool text_kept = hone__own_block(text), metadata_kept = hone__own_block(metadata);
    return text_kept && metadata_kept;
}

hone_named_list hone_safetensors_load_with(const char *path, hone_metadata_list *metadata,
                                           const hone_safetensors_options *options)
{
    const hone_named_list failed = { NULL, 0 };
    hone__tensor_file f;
    if (metadata)
        *metadata = (hone_metadata_list){ NULL, 0 };
    if (!HONE__KNOWS_OPTIONS("safetensors_load", options) || !hone__ready() ||
        !hone__tensor_file_open("safetensors_load", path, &f))
        return failed;
    hone_named_list list = {
        hone__own_block(hone__malloc(hone__bytes((int64_t)f.n + 1, sizeof *list.at))), f.n
    };
    bool ok = list.at != NULL;
    for (int i = 0; ok && i < f.n; i++) {
        list.at[i] =
            (hone_named){ f.at[i].name, hone__tensor_file_read(&f, &f.at[i], reads_half(options)) };
        ok = list.at[i].tensor != NULL;
    }
    const hone_metadata_list texts = f.metadata;
    ok = ok && hand_over_text(&f);
    hone__tensor_file_close(&f);
    if (ok && metadata)
        *metadata = texts;
    return ok ? list : failed;
}

hone_named_list hone_safetensors_load(const char *path, hone_metadata_list *metadata)
{
    return hone_safetensors_load_with(path, metadata, NULL);
}

/* ---- one tensor at a time */

struct hone_safetensors {
    hone__tensor_file file;
    char path[]; /* a copy, for messages */
};

hone_safetensors *hone_safetensors_open(const char *path)
{
    static const char where[] = "safetensors_open";
    hone__tensor_file file;
    if (!hone__ready() || !hone__tensor_file_open(where, path, &file))
        return NULL;
    hone_safetensors *open = hone__malloc(sizeof *open + strlen(path) + 1);
    if (!open) {
        hone__tensor_file_close(&file);
        return NULL;
    }
    strcpy(open->path, path);
    open->file = file;
    open->file.where = "safetensors_read"; /* all that can still fail */
    open->file.path = open->path;
    return open;
}

void hone_safetensors_close(hone_safetensors *file)
{
    if (!file)
        return;
    hone__tensor_file_close(&file->file);
    hone__free(file);
}

hone_safetensors_list hone_safetensors_entries(const hone_safetensors *file)
{
    if (!file) {
        hone__error_missing("safetensors_entries", "a file");
        return (hone_safetensors_list){ NULL, 0 };
    }
    return (hone_safetensors_list){ file->file.at, file->file.n };
}

hone_metadata_list hone_safetensors_metadata(const hone_safetensors *file)
{
    if (!file) {
        hone__error_missing("safetensors_metadata", "a file");
        return (hone_metadata_list){ NULL, 0 };
    }
    return file->file.metadata;
}

hone_tensor *hone_safetensors_read_with(const hone_safetensors *file, const char *name,
                                        const hone_safetensors_options *options)
{
    if (!file || !name) {
        hone__error_missing("safetensors_read", file ? "a name" : "a file");
        return NULL;
    }
    if (!HONE__KNOWS_OPTIONS("safetensors_read", options))
        return NULL;
    for (int i = 0; i < file->file.n; i++)
        if (strcmp(file->file.at[i].name, name) == 0)
            return hone__tensor_file_read(&file->file, &file->file.at[i], reads_half(options));
    hone_error_set(HONE_E_INDEX, "safetensors_read: %s has no tensor \"%s\"", file->path, name);
    return NULL;
}

hone_tensor *hone_safetensors_read(const hone_safetensors *file, const char *name)
{
    return hone_safetensors_read_with(file, name, NULL);
}
