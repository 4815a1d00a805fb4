/* csv.h: what the files that read CSV share. Fields and rows as pandas cuts them:
 *   - a field that begins with " goes to its closing "; "" inside stands for ", separators and newlines
 *     belong to it, and what follows the closing " up to the separator is added to it as it is;
 *   - any other field goes to the separator or the line's end, quotes and all.
 * What lies in a field is told by csv_cell.c. */
#ifndef HONE_DATA_CSV_H
#define HONE_DATA_CSV_H

#include <stdbool.h>
#include <stdint.h>

/** A field in the file. */
typedef struct {
    const char *at, *end; /* its text, without the quotes around it */
    bool quoted;
    bool composed;    /* has "" in it, or something behind the closing quote: see hone__csv_plain */
    bool open;        /* the closing quote is missing */
    const char *next; /* behind the separator or the line's end */
    bool last;        /* of its row */
} hone__csv_field;

/** The field that begins at `at` < end, or is empty there. */
hone__csv_field hone__csv_next(const char *at, const char *end, char separator);
/** The text of a composed field, which has room for field.end - field.at bytes; its length. */
int64_t hone__csv_plain(const hone__csv_field *field, char *to);

/** Where the rows of at..end begin, those of blank lines left out if `skip_blank`. */
typedef struct {
    int64_t *start; /* in bytes from the file's beginning */
    int64_t n;
    bool quotes;
} hone__csv_rows;

/** Finds them; `begin` is the first one's place. False + error (E_NOMEM; E_FORMAT: a quote that is never
 * closed). rows->start is hone__free's. */
bool hone__csv_rows_find(const char *path, const char *file, int64_t begin, int64_t bytes,
                         char separator, bool skip_blank, hone__csv_rows *rows);
/** The number of the line, from 1, at a place of the file. */
int64_t hone__csv_line(const char *file, int64_t place);

typedef enum {
    HONE__CELL_MISSING,
    HONE__CELL_WHOLE,
    HONE__CELL_REAL,
    HONE__CELL_TEXT
} hone__csv_cell;

/** What a text is, blanks around it apart: one of pandas's 19 words for a missing value; a whole number
 * within int64 (*real is set, too, and tells -0 from 0); a number, correctly rounded, also inf, infinity; or text, as is what begins with zeros
 * that say nothing ("007"). */
hone__csv_cell hone__csv_cell_of(const char *at, const char *end, int64_t *whole, double *real);
/** The same of a plain number that ends at the separator or the line's end; *at goes to what ends it.
 * False: it is none, or a rare one. */
bool hone__csv_fast(const char **at, const char *end, char separator, hone__csv_cell *kind,
                    int64_t *whole, double *real);
/** A row's cells as a thread reads them. */
typedef struct {
    const char *begin, *end; /* of the file */
    char separator;
    int64_t n;     /* of fields */
    uint8_t *kind; /* [n] */
    int64_t *cell; /* [n]: a whole number, or the bits of a double */
} hone__csv_row;

/** Reads plain numbers from *at, where field k begins, on, to the row's end at most (*last). The number of the first
 * field that hone__csv_fast or hone__csv_next have to look at, where *at is if the row goes on. hone__csv_run_avx2 does
 * the same where there is AVX2. */
int64_t hone__csv_run(const hone__csv_row *row, int64_t k, const char **at, bool *last);
int64_t hone__csv_run_avx2(const hone__csv_row *row, int64_t k, const char **at, bool *last);

#endif
