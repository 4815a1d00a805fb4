/** @file formats.h
 * Data as people have it, by name: a directory, a file, or a built-in set.
 *
 *      hone_source data;
 *      if (hone_source_open("houses.csv", &(hone_source_options){ .arguments = "target=price" }, &data) != HONE_OK) ...
 *      hone_loader *loader = hone_loader_new(&data.train, NULL);
 *      ...
 *      hone_loader_free(loader);
 *      hone_source_free(&data);
 *
 * A source is KIND:PATH, the name of a built-in set, or a path alone, whose kind the file's content
 * tells. `hone data --kinds` lists the kinds and their arguments.
 */
#ifndef HONE_FORMATS_H
#define HONE_FORMATS_H

#include <hone/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a model learns of a set. */
typedef enum {
    HONE_TASK_NONE,    /**< there is no target */
    HONE_TASK_CLASSES, /**< y i64 [n], 0..n_classes-1 */
    HONE_TASK_NUMBERS, /**< y f32 [n, m] */
    HONE_TASK_TOKENS   /**< x and y i64 [n, window], y one token further on */
} hone_task;

/** The sets behind a source and what is known of them. */
typedef struct {
    hone_dataset train, test; /**< either may be empty */
    const char *kind;         /**< "csv" */
    hone_task task;
    int64_t n_classes;              /**< CLASSES: of them; TOKENS: values of a token; else 0 */
    const char *const *class_names; /**< n_classes; NULL: they have no names */
    int64_t n_columns;              /**< x is [n, n_columns] with names; else 0 */
    const char *const *column_names;
    bool pictures; /**< x are bytes [rows, columns] or [channels, rows, columns] of light, 0..255 */
    double entropy;  /**< of a text where it is known, nats a token; else 0 */
    int64_t skipped; /**< samples left out because they were damaged */
    /** Of a table: a text that says how its columns became inputs and classes, for hone_source_options;
     * else NULL. */
    const char *columns;
    const char
        *note; /**< what else is worth telling, lines without the last newline; NULL: nothing */
    void *own; /**< what all this lies in */
} hone_source;

typedef struct {
    const char *arguments; /**< "target=price, missing=mean": see the kinds; NULL: none */
    int64_t limit;         /**< at most the first so many samples of each set; 0: all */
    int64_t window;        /**< tokens of a text's window; default 64 */
    bool no_train;         /**< the training set isn't needed, and stays empty */
    bool whole; /**< all samples of a source that has no test set of its own are `test` */
    /** The text of the source that a model was trained on: a table's columns are taken by their names, scaled
     * and numbered as there; NULL: by itself. Other kinds ignore it. */
    const char *columns;
    HONE_RESERVE(24);
} hone_source_options;

/** Opens a source.
 *  @param options  may be NULL.
 *  @param data     zeroed on error.
 *  Errors:  HONE_E_IO (not there, not readable), HONE_E_FORMAT (damaged, of no kind that hone knows; the
 *           message names file, and line or offset), HONE_E_VALUE (an argument), HONE_E_NULL,
 *           HONE_E_NOMEM. */
HONE_API hone_status hone_source_open(const char *source, const hone_source_options *options,
                                      hone_source *data);

/** Drops what it holds and zeroes it. NULL is ignored. */
HONE_API void hone_source_free(hone_source *data);

/* ---- CSV */

typedef enum {
    HONE_COLUMN_WHOLE, /**< all are whole numbers within int64 */
    HONE_COLUMN_REAL,  /**< all are numbers, correctly rounded to f64; or there is none */
    HONE_COLUMN_TEXT   /**< something else, 007 too */
} hone_column_kind;

/** A column of a table. What it holds is told by the whole file. */
typedef struct {
    const char *name;
    hone_column_kind kind;
    int64_t n_missing;
    const bool *missing;      /**< [n_rows]; NULL: none is */
    const int64_t *whole;     /**< WHOLE: [n_rows], 0 where missing */
    const double *real;       /**< REAL: [n_rows], NaN where missing */
    const int32_t *text;      /**< TEXT: [n_rows], which of the texts; -1 where missing */
    const char *const *texts; /**< those that occur, sorted by their bytes */
    int64_t n_texts;
} hone_column;

typedef struct {
    int64_t n_rows;
    int64_t n_columns;
    const hone_column *column;
    int64_t skipped; /**< rows left out because they were damaged */
    void *own;
} hone_table;

typedef struct {
    char separator;    /**< default: the one of , ; tab | that the first line has most of */
    bool no_header;    /**< columns are called 0, 1, ... */
    bool skip_damaged; /**< rows with more or fewer fields than names are left out */
    HONE_RESERVE(29);
} hone_csv_options;

/** Reads a CSV file: names in the first line, fields in quotes where they hold separators, newlines or
 * quotes ("" is one), blank lines left out (of one column: a missing value). Missing are, quoted or not,
 * pandas's 19 words: the empty field, #N/A, #N/A N/A, #NA, -1.#IND, -1.#QNAN, -NaN, -nan, 1.#IND, 1.#QNAN,
 * <NA>, N/A, NA, NULL, NaN, None, n/a, nan, null. Blanks around numbers and these words don't count.
 *  @param options  may be NULL.
 *  @param table    zeroed on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (a row with more or fewer fields than there are names, a name twice, a
 *           quote never closed, a NUL or what is no UTF-8 in a text: the message names the line),
 *           HONE_E_VALUE, HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_csv_read(const char *path, const hone_csv_options *options,
                                   hone_table *table);
/** NULL is ignored. */
HONE_API void hone_table_free(hone_table *table);

#ifdef __cplusplus
}
#endif
#endif
