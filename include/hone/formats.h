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
 * tells. `hone help data` lists the kinds and their arguments.
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
    HONE_RESERVE(38);
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

#ifdef __cplusplus
}
#endif
#endif
