/* records.h: sets whose samples lie in a file's bytes, at equal distances, in whatever type the file
 * has: IDX, CIFAR, npy, token shards, texts. A file is mapped, so it may be larger than memory. */
#ifndef HONE_DATA_RECORDS_H
#define HONE_DATA_RECORDS_H

#include <hone/data.h>

/** Bytes that several may hold: a mapped file, or memory. */
typedef struct hone__blob hone__blob;

/** Maps a file. NULL + E_IO in the name of `where`. */
hone__blob *hone__blob_map(const char *where, const char *path);
/** Memory for n bytes, which the caller fills. NULL + E_NOMEM. */
hone__blob *hone__blob_new(int64_t n);
/** Takes memory of hone__malloc's, also when it fails. NULL + E_NOMEM. */
hone__blob *hone__blob_of(void *memory, int64_t n);
hone__blob *hone__blob_retain(hone__blob *blob);
void hone__blob_release(hone__blob *blob); /* NULL is ignored */
/** Bytes begin..end-1 of a mapped file won't be read again, or not soon: what mapping them took is given back
 * by this thread, not by all at once at the end. */
void hone__blob_done(const hone__blob *blob, int64_t begin, int64_t end);
const uint8_t *hone__blob_at(const hone__blob *blob);
uint8_t *hone__blob_fill(hone__blob *blob); /* of hone__blob_new */
int64_t hone__blob_size(const hone__blob *blob);

/** What a file's numbers are. */
typedef enum {
    HONE__RAW_U8,
    HONE__RAW_I8,
    HONE__RAW_BOOL,
    HONE__RAW_U16,
    HONE__RAW_I16,
    HONE__RAW_U32,
    HONE__RAW_I32,
    HONE__RAW_I64,
    HONE__RAW_F32,
    HONE__RAW_F64
} hone__raw_type;

typedef struct {
    hone__raw_type type;
    bool big; /* big-endian */
} hone__raw;

int64_t hone__raw_bytes(hone__raw_type type);
/** n numbers that lie `step` bytes from each other, as dtype. Integers become integers (or floats), and
 * floats the same float. */
void hone__raw_convert(hone__raw raw, const uint8_t *from, int64_t step, hone_dtype dtype,
                       int64_t n, void *to);

/** A field of each sample. */
typedef struct {
    const char *name; /* a constant */
    hone__blob *blob; /* the set takes a reference of its own */
    hone__raw raw;
    int64_t first, step; /* where sample 0's begins, and from sample to sample, in bytes */
    hone_dtype dtype;
    int ndim;
    int64_t shape[HONE_MAX_DIMS - 1];
    bool turned;  /* its last two dims lie in the file the other way round */
    int64_t plus; /* of a target: added to each number, */
    int64_t most; /* which must be 0..most then; 0: any */
} hone__record_field;

/** A set of n such samples; a field that doesn't lie in its blob is E_FORMAT in the name of `where`, as
 * is, when it is read, a target that is out of range: `path` is the file that the message names, and
 * must live as long as the set. */
hone_status hone__dataset_records(const char *where, const char *path, int64_t n,
                                  const hone__record_field *field, int n_fields, int n_targets,
                                  hone_dataset *set);
/** Samples begin..end-1 alone. */
void hone__records_keep(hone_dataset *set, int64_t begin, int64_t end);

#endif
