/* replace.h: writing a file so that its place holds the old or the new one, never half of it. */
#ifndef HONE_IO_REPLACE_H
#define HONE_IO_REPLACE_H

#include <hone/error.h>

#include <stddef.h>

typedef struct {
    const void *data;
    size_t bytes;
} hone__part;

/** Writes the parts, one after the other, as the file `path`: beside it first, then moved there
 * when all is on the disk. On an error the old file stays as it was and nothing else is left; what
 * a killed process left beside this file is removed. What is there but no regular file (a pipe, a
 * device) is written to directly. Signals of writing (SIGPIPE, SIGXFSZ) become errors. Errors:
 * HONE_E_IO, in the name of `where`, with the path and the system's reason. */
hone_status hone__replace_file(const char *where, const char *path, const hone__part *parts,
                               int n_parts);

/** Whether hone__replace_file could do so now, which is tried as far as the old file, or that there
 * is none, stays as it is: 0, or an errno. */
int hone__replace_try(const char *path);

/** What the names of unfinished files for `path` begin with, in its directory. */
typedef struct {
    char s[32];
} hone__beside_stem_text;
hone__beside_stem_text hone__beside_stem(const char *path);

#endif
