/* file.h: a file of named tensors, opened and checked, its data still on the disk; what all formats
 * share.
 *
 * A format finds the entries (names, dtypes, shapes, where the data lie) without reading data, and
 * reads the stored bytes of one of them; hone__file_read makes a tensor of them: widens, turns bytes
 * around, and applies strides. No format knows a tensor of hone's, and none knows a module. */
#ifndef HONE_IO_FILE_H
#define HONE_IO_FILE_H

#include "io/cell.h"

#include <hone/files.h>

/** How the data of an entry lie, beside what users see of it. Zero: row by row. */
typedef struct {
    const hone__cell *cell; /* NULL: a dtype that hone doesn't know, or no tensor */
    const int64_t *stride;  /* in elements, all >= 0; NULL: row-major */
    int64_t stored;         /* elements there are, from the first one on; with a stride */
    int64_t first;          /* bytes before the first one, in its member */
    int member;             /* the format's own: of a zip, of a list of shards */
    bool swapped;           /* big-endian */
    bool negated;           /* what is stored is -x */
    const char *refusal;    /* why it can't be read ("holds Python objects"), or NULL */
} hone__lie;

typedef struct hone__file_format {
    const char *name;           /* "safetensors" */
    const char *const *endings; /* of names of such files, ended by NULL: "safetensors" */
    /** Whether a file that begins with these n bytes (n up to HONE__HEAD) is one. */
    bool (*is)(const hone_file *f, const unsigned char *head, size_t n);
    /** Fills f; false with an error set. */
    bool (*open)(hone_file *f);
    /** `bytes` of the data of entry i, from byte `from` of them; false with an error set. NULL: they
     * lie in the file at the entry's offset. */
    bool (*read)(const hone_file *f, int i, void *data, int64_t from, int64_t bytes);
    void (*close)(hone_file *f); /* NULL: nothing to do */
    /** NULL: hone doesn't write such files. Options are complete. */
    hone_status (*save)(const char *where, const char *path, hone_named_list tensors,
                        const hone_file_save_options *options);
} hone__file_format;

extern const hone__file_format hone__safetensors_format, hone__npy_format, hone__npz_format,
    hone__pt_format, hone__gguf_format, hone__llmc_format, hone__shards_format;

/** Bytes of the beginning that formats are told by. */
enum { HONE__HEAD = 64 };

struct hone_file {
    const hone__file_format *format;
    const char *where;         /* for messages: a constant */
    const hone__cell *unnamed; /* what bytes without a dtype are, or NULL */
    char *path;                /* a copy */
    int fd;                    /* -1: none (a folder) */
    int64_t bytes;             /* of the file */
    hone_file_entry *at;
    hone__lie *lie; /* one an entry */
    int n;
    int64_t room;
    hone_metadata_list metadata;
    int64_t metadata_room;
    struct hone__file_block *blocks; /* what hone__file_room gave */
    hone_file **parts;               /* shards, a folder's file */
    int n_parts;
    void *own; /* the format's */
};

/** The format that a name's ending tells; NULL: none. */
const hone__file_format *hone__format_of_name(const char *path);

/** Opens f->path and finds its length; false with E_IO. *folder: it is one. */
bool hone__file_open_path(hone_file *f, bool *folder);

/** Opens a file, of that format or, with NULL, of the one that its content tells. NULL on error. */
hone_file *hone__file_open(const char *where, const char *path, const hone__file_format *format,
                           const hone_file_options *options);

/** What becomes a dtype that holds each value; the rest that hone has no dtype for is an error. */
typedef enum {
    HONE__CONVERT_NONE,
    HONE__CONVERT_HALVES, /* F16 and BF16 */
    HONE__CONVERT_ALL,
    HONE__KEEP_HALVES = 4, /* besides, as a bit: F16 and BF16 become hone's dtypes of that name */
} hone__convert;

/** Of a file's options. */
static inline hone__convert hone__converts(const hone_file_options *o)
{
    const int kept = o && o->keep_halves ? HONE__KEEP_HALVES : 0;
    return (hone__convert)((o && o->convert ? HONE__CONVERT_ALL : HONE__CONVERT_NONE) | kept);
}

/** A tensor of the entry, of that name; owned by the current scope, NULL on error. */
hone_tensor *hone__file_read(const hone_file *f, int i, hone__convert convert);
/** Floats become *as (NULL: what they are read as), rounded once. */
hone_tensor *hone__file_read_as(const hone_file *f, int i, hone__convert convert,
                                const hone_dtype *as);
hone_tensor *hone__file_read_named(const char *where, const hone_file *f, const char *name,
                                   hone__convert convert);

/** hone_file_load in the name of `where`; format NULL: whatever it is. */
hone_named_list hone__file_load(const char *where, const char *path,
                                const hone__file_format *format, hone_metadata_list *metadata,
                                hone__convert convert, const hone_file_options *options);

/** The entry of that name; -1. */
int hone__file_find(const hone_file *f, const char *name);

/* ---- for formats */

/** Memory until the file is closed; NULL with E_NOMEM. */
void *hone__file_room(hone_file *f, size_t bytes);
char *hone__file_text(hone_file *f, const char *text, size_t length);
/** One more entry, with a zeroed lie; name, dtype and shape must last. -1: E_NOMEM. */
int hone__file_add(hone_file *f, hone_file_entry entry);
bool hone__file_add_metadata(hone_file *f, const char *key, const char *value);

/** Reads from f->fd; false with E_IO, or E_FORMAT if the file ends before. */
bool hone__file_read_at(const hone_file *f, void *data, int64_t bytes, int64_t place);

/** E_FORMAT: "WHERE: PATH is no valid FORMAT file: " and the text. Returns false. */
bool hone__file_bad(const hone_file *f, const char *format, ...) HONE_PRINTF(2, 3);

/** Elements of a shape; -1 if that is negative or more than an int64 can count, without an error. */
int64_t hone__file_numel(int ndim, const int64_t *shape);

#endif
