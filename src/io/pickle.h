/* pickle.h: what a pickle of protocol 2 says, without doing it.
 *
 * Nothing is run and nothing is looked up: a pickle may name the few functions and classes of a list,
 * and what it would have done with them (call them, set their state) is noted, for the caller to make
 * sense of. There is no library for this in C; the format is a page of opcodes (pickletools in
 * Python's own library says what each does). Memory is bounded by the length of the pickle: each
 * opcode makes one value at most. */
#ifndef HONE_IO_PICKLE_H
#define HONE_IO_PICKLE_H

#include "io/file.h"

typedef enum {
    HONE__PICKLED_NONE,
    HONE__PICKLED_BOOL,    /* number */
    HONE__PICKLED_INT,     /* number */
    HONE__PICKLED_LARGE,   /* text: a number past int64, in hexadecimal */
    HONE__PICKLED_REAL,    /* real */
    HONE__PICKLED_TEXT,    /* text */
    HONE__PICKLED_TUPLE,   /* items */
    HONE__PICKLED_LIST,    /* items */
    HONE__PICKLED_DICT,    /* items: key, value, key, value ... */
    HONE__PICKLED_GLOBAL,  /* text: "torch FloatStorage" */
    HONE__PICKLED_CALL,    /* items: the global, its tuple of arguments */
    HONE__PICKLED_OUTSIDE, /* items: what the persistent id is */
    HONE__PICKLED_MARK,    /* inside the reader only */
} hone__pickled_kind;

typedef struct hone__pickled {
    hone__pickled_kind kind;
    int n, room; /* items */
    union {
        int64_t number;
        double real;
        const char *text;
        struct hone__pickled **items;
    };
} hone__pickled;

/** The value that a pickle of so many bytes makes; it belongs to the file. NULL with E_FORMAT (also for
 * a global that isn't in the list, which it names) or E_NOMEM.
 *  @param globals  "collections OrderedDict", ...; ended by NULL. The one of that name makes dicts. */
const hone__pickled *hone__unpickle(hone_file *f, const unsigned char *bytes, int64_t n,
                                    const char *const *globals);

#endif
