/* npy.h: numpy's files: a header, a Python dict of descr, fortran_order and shape, then the data. */
#ifndef HONE_IO_NPY_H
#define HONE_IO_NPY_H

#include "io/file.h"

/** What comes before the header's text: 6 bytes of magic, 2 of version, 2 or 4 of length. */
enum { HONE__NPY_BEFORE = 12 };

/** Bytes that the data begin after, by the first HONE__NPY_BEFORE bytes (n: how many there are); -1
 * with E_FORMAT.
 *  @param what  for messages: "" or "x.npy: ". */
int64_t hone__npy_begin(const hone_file *f, const char *what, const unsigned char *head, size_t n);

/** Adds the array of that name, whose header has been read to its end (its `begin` bytes), with
 * `bytes` of data behind it. False with E_FORMAT or E_NOMEM. */
bool hone__npy_add(hone_file *f, const char *what, const char *name, unsigned char *header,
                   int64_t begin, int64_t bytes);

/** The header of version 1 of an array, filled up with blanks to a multiple of 64, owned by the current
 * scope; NULL: E_NOMEM, or E_DTYPE. */
char *hone__npy_header(const char *where, const hone__cell *cell, int ndim, const int64_t *shape,
                       size_t *bytes);

#endif
