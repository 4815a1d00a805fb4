/** @file error.h
 * How hone reports what went wrong.
 *
 * A function that makes a tensor returns NULL when it fails; an action returns a hone_status. The
 * reason is kept per thread: a code and one sentence that names the operation, what it got and what
 * it wanted. The FIRST error since hone_error_clear() is kept, so a nest of calls, or a whole
 * program, is checked once at its end; a loop that goes on (over batches) asks hone_error_code()
 * each time, or errs to its end. An action returns the status of its own failure also when an older
 * error is kept. Success neither sets nor clears an error. A function given
 * NULL fails too and keeps the pending error; with none pending it sets HONE_E_NULL. hone never
 * exits, aborts or prints by itself.
 */
#ifndef HONE_ERROR_H
#define HONE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define HONE_API               __attribute__((visibility("default")))
#define HONE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* code, name, what it means */
#define HONE_ERROR_MAP(X)                                                                          \
    X(OK, "ok", "success")                                                                         \
    X(E_NULL, "null", "a NULL was given where a value is needed")                                  \
    X(E_SHAPE, "shape", "shapes, dims or sizes don't fit")                                         \
    X(E_DTYPE, "dtype", "a dtype isn't supported or dtypes don't fit")                             \
    X(E_VALUE, "value", "a value is out of its range")                                             \
    X(E_INDEX, "index", "an index is out of range")                                                \
    X(E_NOMEM, "nomem", "out of memory")                                                           \
    X(E_IO, "io", "a file or directory can't be read or written")                                  \
    X(E_FORMAT, "format", "a file's content isn't what its format demands")                        \
    X(E_STATE, "state", "the call isn't allowed now (freed graph, modified tensor, no gradient)")  \
    X(E_GRADIENT, "gradient", "a gradient check found a wrong gradient")                           \
    X(E_CONFIG, "config", "an environment variable or the machine's setup can't be used")          \
    X(E_INTERNAL, "internal", "a defect in hone")

typedef enum {
#define HONE_ERROR_ENUM(code, name, text) HONE_##code,
    HONE_ERROR_MAP(HONE_ERROR_ENUM)
#undef HONE_ERROR_ENUM
} hone_status;

/** Code of this thread's pending error, HONE_OK if there is none. */
HONE_API hone_status hone_error_code(void);

/** One sentence about this thread's pending error, "" if there is none; never NULL. Valid until the
 * next error or clear. */
HONE_API const char *hone_error_message(void);

/** Forgets this thread's pending error. */
HONE_API void hone_error_clear(void);

/** Short name of a code ("shape"), and what it means; never NULL. */
HONE_API const char *hone_status_name(hone_status status);
HONE_API const char *hone_status_text(hone_status status);

/** Reports an error from a user's own function (custom op, dataset, layer); printf-like. Returns
 * `status`. */
HONE_API hone_status hone_error_set(hone_status status, const char *format, ...) HONE_PRINTF(2, 3);

typedef enum {
    HONE_RETURN, /**< errors are values (default) */
    HONE_ABORT,  /**< print the message to stderr and abort(): for scripts that never check */
} hone_policy;

/** What happens on an error in any thread. */
HONE_API void hone_error_policy(hone_policy policy);

#ifdef __cplusplus
}
#endif
#endif
