/* idx.c: the IDX format of the MNIST files: two zero bytes, the type, the number of dims, the
 * extents, the data; all numbers big-endian; often gzipped.
 *
 * Source: the description at the foot of LeCun's page on MNIST. */
#include <hone/data.h>
#include "core/core.h"
#include "data/data.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define DEFLATE_MAX_RATIO 1032 /* no gzip stream expands its bytes more than that */

typedef struct {
    const char *where, *path;
    hone__idx_problem *problem; /* what is wrong with the file */
    gzFile gz;
    int64_t file_bytes; /* on disk */
    bool regular;       /* can be opened again, from its beginning */
    bool direct;        /* not gzipped */

    uint8_t type;
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
    int64_t data_bytes;
} idx_file;

enum {
    IDX_U8 = 0x08,
    IDX_I8 = 0x09,
    IDX_I16 = 0x0B,
    IDX_I32 = 0x0C,
    IDX_F32 = 0x0D,
    IDX_F64 = 0x0E
};

static int64_t element_bytes(uint8_t type)
{
    switch (type) {
    case IDX_U8:
    case IDX_I8:
        return 1;
    case IDX_I16:
        return 2;
    case IDX_I32:
    case IDX_F32:
        return 4;
    case IDX_F64:
        return 8;
    default:
        return 0;
    }
}

static hone_dtype dtype_of(uint8_t type)
{
    return type == IDX_U8    ? HONE_U8
           : type == IDX_F32 ? HONE_F32
           : type == IDX_F64 ? HONE_F64
                             : HONE_I32;
}

/* Nothing is set yet: somebody may look for another file. */
static void refuse(idx_file *f, hone_status code, const char *format, ...) HONE_PRINTF(3, 4);
static void refuse(idx_file *f, hone_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    hone__vformat(f->problem->text, sizeof f->problem->text, format, args);
    va_end(args);
    f->problem->code = code;
}

static bool open_file(idx_file *f)
{
    struct stat st = { 0 };
    errno = 0;
    if (stat(f->path, &st) == 0 && S_ISDIR(st.st_mode))
        errno = EISDIR;
    else
        f->gz = gzopen(f->path, "rb");
    if (!f->gz) {
        refuse(f, HONE_E_IO, "can't open %s: %s", f->path, strerror(errno ? errno : ENOMEM));
        return false;
    }
    f->regular = S_ISREG(st.st_mode);
    f->file_bytes = f->regular ? (int64_t)st.st_size : INT64_MAX / (2 * DEFLATE_MAX_RATIO);
    gzbuffer(f->gz, 1 << 17);
    f->direct = gzdirect(f->gz);
    return true;
}

/* Reads exactly `bytes`; what the file lacks is named by `part`. */
static bool read_bytes(idx_file *f, void *data, int64_t bytes, const char *part)
{
    char *at = data;
    for (int64_t left = bytes; left > 0;) {
        const int n = gzread(f->gz, at, left > 1 << 30 ? 1u << 30 : (unsigned)left);
        if (n > 0) {
            at += n;
            left -= n;
            continue;
        }
        int code = Z_OK;
        const char *reason = gzerror(f->gz, &code);
        if (code == Z_ERRNO)
            refuse(f, HONE_E_IO, "can't read %s: %s", f->path, strerror(errno));
        else if (code == Z_OK || code == Z_BUF_ERROR)
            refuse(f, HONE_E_FORMAT, "%s is truncated%s: its %s has %lld of %lld bytes", f->path,
                   f->direct ? "" : " (gzip)", part, (long long)(bytes - left), (long long)bytes);
        else
            refuse(f, HONE_E_FORMAT, "%s is damaged: %s", f->path, reason);
        return false;
    }
    return true;
}

static int64_t big_endian32(const uint8_t *p)
{
    return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
}

static bool read_header(idx_file *f)
{
    uint8_t magic[4], extents[4 * HONE_MAX_DIMS];
    if (!read_bytes(f, magic, sizeof magic, "magic number"))
        return false;
    f->type = magic[2];
    f->ndim = magic[3];
    if (magic[0] || magic[1] || !element_bytes(f->type) || f->ndim > HONE_MAX_DIMS) {
        refuse(f, HONE_E_FORMAT, "%s is no IDX file: its magic number is 0x%02x%02x%02x%02x",
               f->path, magic[0], magic[1], magic[2], magic[3]);
        return false;
    }
    if (!read_bytes(f, extents, 4 * f->ndim, "header"))
        return false;
    f->data_bytes = element_bytes(f->type);
    bool fits = true;
    for (int d = 0; d < f->ndim; d++) {
        f->shape[d] = big_endian32(extents + 4 * d);
        fits = fits && hone__times(f->data_bytes, f->shape[d], &f->data_bytes);
    }
    /* Before memory is taken: can the file hold that much at all? */
    const int64_t header = 4 + 4 * f->ndim;
    const int64_t at_most = f->direct ? f->file_bytes - header : f->file_bytes * DEFLATE_MAX_RATIO;
    if (!fits || f->data_bytes > at_most) {
        refuse(f, HONE_E_FORMAT,
               "%s is truncated or its header is wrong: %s elements don't fit its %lld "
               "bytes",
               f->path, hone__shape_text(f->ndim, f->shape).s, (long long)f->file_bytes);
        return false;
    }
    return true;
}

/* A gzip stream ends in its length, low byte first. */
static bool ends_in_length(FILE *file, int64_t bytes)
{
    uint8_t end[4];
    if (fseek(file, -4, SEEK_END) != 0 || fread(end, 1, sizeof end, file) != sizeof end)
        return false;
    const uint32_t length =
        (uint32_t)end[3] << 24 | (uint32_t)end[2] << 16 | (uint32_t)end[1] << 8 | (uint32_t)end[0];
    return length == (uint32_t)bytes;
}

/* Passes over zeros; true if there were any. */
static bool skip_zeros(z_stream *z)
{
    const uInt before = z->avail_in;
    while (z->avail_in > 0 && *z->next_in == 0) {
        z->next_in++;
        z->avail_in--;
    }
    return z->avail_in < before;
}

/* Decodes what was read, streams one after the other, and passes over zeros behind the last (a
 * tape's or a disk image's padding), as gunzip does. False: this is something else. */
static bool decode(z_stream *z, int *code, bool *padding)
{
    uint8_t out[1 << 15];
    do {
        if (*code == Z_STREAM_END) {
            *padding |= skip_zeros(z);
            if (*padding || z->avail_in == 0)
                return z->avail_in == 0;
            inflateReset(z);
        }
        z->next_out = out;
        z->avail_out = sizeof out;
        *code = inflate(z, Z_NO_FLUSH);
    } while (*code == Z_STREAM_END || (*code == Z_OK && (z->avail_in > 0 || z->avail_out == 0)));
    return *code == Z_OK || *code == Z_BUF_ERROR;
}

/* Whether the file is gzip streams, perhaps with zeros behind them, and nothing else. */
static bool only_streams(FILE *file)
{
    uint8_t in[1 << 13];
    z_stream z = { 0 };
    if (inflateInit2(&z, 15 + 16) != Z_OK) /* 16: with gzip's header */
        return false;
    int code = Z_OK;
    bool good = true, padding = false;
    rewind(file);
    while (good && (z.avail_in = (uInt)fread(in, 1, sizeof in, file)) > 0) {
        z.next_in = in;
        good = decode(&z, &code, &padding);
    }
    inflateEnd(&z);
    return good && code == Z_STREAM_END;
}

/* zlib passes over what follows a gzip stream and is none: a file that was damaged or put together
 * wrongly. The usual file, one stream, is known by its last bytes. */
static bool check_streams(idx_file *f)
{
    if (f->direct || !f->regular)
        return true;
    FILE *file = fopen(f->path, "rb");
    if (!file) {
        refuse(f, HONE_E_IO, "can't open %s: %s", f->path, strerror(errno));
        return false;
    }
    const bool good = ends_in_length(file, 4 + 4 * f->ndim + f->data_bytes) || only_streams(file);
    fclose(file);
    if (!good)
        refuse(f, HONE_E_FORMAT, "%s has something after its gzip stream", f->path);
    return good;
}

/* After the data must come the end, and with gzip a check sum that fits. */
static bool read_end(idx_file *f)
{
    char extra;
    const int n = gzread(f->gz, &extra, 1);
    if (n == 1) {
        refuse(f, HONE_E_FORMAT, "%s is longer than its header says: %s", f->path,
               hone__shape_text(f->ndim, f->shape).s);
        return false;
    }
    int code = Z_OK;
    const char *reason = gzerror(f->gz, &code);
    if (n < 0 || code != Z_OK) {
        refuse(f, HONE_E_FORMAT, "%s is damaged or truncated: %s", f->path, reason);
        return false;
    }
    return check_streams(f);
}

/* Puts big-endian elements into this machine's order and type. They lie at the end of the memory
 * they are converted into, so that none is overwritten before it is read. */
static void convert(const idx_file *f, const uint8_t *from, void *to, int64_t n)
{
    const int64_t size = element_bytes(f->type);
    const bool integer = dtype_of(f->type) == HONE_I32;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (int64_t b = 0; b < size; b++)
            bits = bits << 8 | from[i * size + b];
        if (integer) { /* shift up and down: the sign is extended */
            const int up = 32 - 8 * (int)size;
            ((int32_t *)to)[i] = (int32_t)((uint32_t)bits << up) >> up;
        } else if (size == 4) {
            ((uint32_t *)to)[i] = (uint32_t)bits;
        } else {
            ((uint64_t *)to)[i] = bits;
        }
    }
}

static hone_tensor *read_open(idx_file *f, int ndim)
{
    if (!read_header(f))
        return NULL;
    if (ndim > 0 && (f->type != IDX_U8 || f->ndim != ndim)) {
        refuse(f, HONE_E_FORMAT, "%s has the wrong magic number: 0x%08x (0x%08x is wanted)",
               f->path, (unsigned)f->type << 8 | (unsigned)f->ndim,
               (unsigned)IDX_U8 << 8 | (unsigned)ndim);
        return NULL;
    }
    hone_tensor *t = hone__own(hone__new(f->where, dtype_of(f->type), f->ndim, f->shape));
    if (!t)
        return NULL;
    const int64_t bytes = t->numel * (int64_t)hone_dtype_size(hone_dtype_of(t));
    uint8_t *const data = hone__data(t);
    uint8_t *const raw = bytes > 0 ? data + (bytes - f->data_bytes) : NULL;
    if (!read_bytes(f, raw, f->data_bytes, "data") || !read_end(f))
        return NULL;
    if (f->type != IDX_U8)
        convert(f, raw, data, t->numel);
    return t;
}

hone_tensor *hone__idx_read(const char *where, const char *path, int ndim,
                            hone__idx_problem *problem)
{
    idx_file f = { .where = where, .path = path, .problem = problem };
    problem->code = HONE_OK;
    if (!hone__ready() || !open_file(&f))
        return NULL;
    hone_tensor *t = read_open(&f, ndim);
    gzclose_r(f.gz);
    return t;
}

hone_tensor *hone_idx_read(const char *path)
{
    if (!path) {
        hone_error_set(HONE_E_NULL, "idx_read: the path is NULL");
        return NULL;
    }
    hone__idx_problem problem;
    hone_tensor *t = hone__idx_read("idx_read", path, 0, &problem);
    if (problem.code != HONE_OK)
        hone_error_set(problem.code, "idx_read: %s", problem.text);
    return t;
}
