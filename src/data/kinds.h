/* kinds.h: what a kind of data is. A new one is a file of src/data with its hone__data_kind, and a line
 * in kinds.def; the program, its help and `hone data` take it from there. */
#ifndef HONE_DATA_KINDS_H
#define HONE_DATA_KINDS_H

#include "data/records.h"

#include <hone/formats.h>

#include <stddef.h>

/** What was seen of a path. */
typedef struct {
    const char *path;
    bool folder;
    int64_t bytes; /* of a file */
    uint8_t head[512];
    size_t n_head;
} hone__data_look;

typedef enum {
    HONE__ARG_TEXT, /* const char *, copied to what lives as long as the data */
    HONE__ARG_INT,  /* int64_t within least..most */
    HONE__ARG_REAL, /* double within least..most */
    HONE__ARG_WORD  /* int, the number of one of the words in `value` ("refuse|skip") */
} hone__data_argument_kind;

/** An argument of a kind. */
typedef struct {
    const char *name, *value, *help; /* "damaged", "refuse|skip", "..."; name NULL ends a table */
    hone__data_argument_kind kind;
    size_t offset; /* of the field in the kind's struct, which begins zeroed */
    double least, most;
} hone__data_argument;

/** A request. */
typedef struct {
    const char *source; /* as it was given, for messages */
    const char *path;   /* behind "KIND:", or all; "" of a built-in set */
    hone_source_options o;
    const void *arguments; /* the kind's struct, filled */
} hone__data_request;

typedef struct hone__data_kind {
    const char *name;
    const char *form, *help; /* "csv:FILE", "a table whose first line has the columns' names" */
    const hone__data_argument *arguments; /* NULL: there are none */
    size_t argument_bytes;                /* of their struct */
    bool built_in;                        /* its name alone is a source */
    /** Whether this is such data; NULL: it has to be named. */
    bool (*knows)(const hone__data_look *look);
    /** Fills data->train, unless o.no_train, data->test and what is known; on failure what was filled
     * is freed by the caller. */
    hone_status (*open)(const hone__data_request *request, hone_source *data);
} hone__data_kind;

extern const hone__data_kind *const hone__data_kinds[];
extern const int hone__data_kind_count;
/** The kind that a source names or is; NULL + error. *path: what is behind "KIND:". */
const hone__data_kind *hone__data_kind_of(const char *source, const char **path);

/** Zeroed memory / a copy of text that lives as long as the data; NULL + E_NOMEM. */
void *hone__data_take(hone_source *data, size_t bytes);
char *hone__data_copy(hone_source *data, const char *text, size_t length);
/** Adds a line to data->note. */
hone_status hone__data_note(hone_source *data, const char *format, ...) HONE_PRINTF(2, 3);

/** Cuts a set that has no test set of its own: the last sample of each ten (of `part`, default 0.1) in a
 * fixed order drawn by the number of samples alone becomes test, the others train; o.whole: all become
 * test. Takes what `all` holds. */
hone_status hone__data_cut(const hone__data_request *request, hone_dataset *all, double part,
                           hone_source *data);

/** Tokens that lie in a blob. */
typedef struct {
    hone__blob *blob;
    hone__raw raw;
    int64_t first, n; /* where they begin, in bytes; how many there are */
    int64_t most;     /* the highest that may be there; 0: any */
} hone__token_blob;
/** Tokens begin..end-1 as windows of o.window tokens; the path must live as long as the set. */
hone_status hone__data_windows(const hone__data_request *request, const char *path,
                               const hone__token_blob *tokens, int64_t begin, int64_t end,
                               hone_dataset *set);
/** Sets of o.window tokens each, of which the last `part` (0: a tenth) are test; o.whole: all. */
hone_status hone__data_tokens(const hone__data_request *request, const hone__token_blob *tokens,
                              double part, hone_source *data);

/** Puts sets of one layout after each other and takes them; at most `limit` samples (0: all). */
hone_status hone__dataset_join(hone_dataset *part, int n, int64_t limit, hone_dataset *set);

#endif
