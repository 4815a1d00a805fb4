/* zip.h: zip archives, by libzip.
 *
 * libzip (zip64, data descriptors, central directory first, bounded memory) against minizip (an
 * older interface, no check of what it reads) and against own code: the zip is the part of .npz and .pt
 * where a damaged file does most harm, and libzip is the one that distributions keep patched. Built
 * without it, hone says so and reads and writes no zip. */
#ifndef HONE_IO_ZIP_H
#define HONE_IO_ZIP_H

#include "io/file.h"

typedef struct hone__zip hone__zip;

/** Opens f->path; false with E_IO, E_FORMAT, or E_CONFIG without libzip. f->own becomes the zip. */
bool hone__zip_open(hone_file *f);
/** f->own; the format's close. */
void hone__zip_close(hone_file *f);

int64_t hone__zip_count(const hone_file *f);
/** Belongs to the zip; NULL: a folder, or a name that can't be read. */
const char *hone__zip_name(const hone_file *f, int64_t member);
/** Bytes of a member's content, as the central directory has it. */
int64_t hone__zip_bytes(const hone_file *f, int64_t member);
/** The member of that name; -1. */
int64_t hone__zip_find(const hone_file *f, const char *name);
/** Reads part of a member; to its end, its checksum is tested (but one that is 0). Several threads may.
 * False with E_FORMAT or E_IO. */
bool hone__zip_read(const hone_file *f, int64_t member, void *data, int64_t from, int64_t bytes);

/** Whether it is what torch.save writes (pt.c): npz and pt begin alike. */
bool hone__pt_is(hone_file *f);

/** A member to be written: its name and content, in two parts. */
typedef struct {
    const char *name;
    const void *head, *data;
    size_t head_bytes, data_bytes;
} hone__zip_member;

/** Writes an archive of stored members dated 1980-01-01. */
hone_status hone__zip_save(const char *where, const char *path, const hone__zip_member *members,
                           int n);

#endif
