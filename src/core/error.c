/* error.c: the pending error of each thread. */
#include "core/core.h"

#include <hone/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Thread_local hone_status hone__error_pending;

static _Thread_local struct {
    uint64_t count;   /* of all errors so far */
    hone_status last; /* of them, kept or not */
    char message[512];
} pending;

static atomic_int policy = HONE_RETURN;

hone_status hone_error_code(void)
{
    return hone__error_pending;
}

const char *hone_error_message(void)
{
    return pending.message;
}

void hone_error_clear(void)
{
    hone__error_pending = HONE_OK;
    pending.message[0] = 0;
}

static const struct {
    const char *name, *text;
} statuses[] = {
#define STATUS_ROW(code, name, text) { name, text },
    HONE_ERROR_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static bool is_status(hone_status status)
{
    return (int)status >= 0 && (size_t)status < sizeof statuses / sizeof *statuses;
}

const char *hone_status_name(hone_status status)
{
    return is_status(status) ? statuses[status].name : "?";
}

const char *hone_status_text(hone_status status)
{
    return is_status(status) ? statuses[status].text : "not a status";
}

hone_status hone_error_set(hone_status status, const char *format, ...)
{
    pending.count++;
    pending.last = status;
    const bool first = hone__error_pending == HONE_OK;
    const bool aborts = atomic_load_explicit(&policy, memory_order_relaxed) == HONE_ABORT;
    const bool prints = hone__debug() >= 1;
    if (!first && !aborts && !prints)
        return status;

    char message[sizeof pending.message];
    va_list args;
    va_start(args, format);
    hone__vformat(message, sizeof message, format, args);
    va_end(args);
    if (first && status != HONE_OK) {
        hone__error_pending = status;
        memcpy(pending.message, message, sizeof message);
    }
    if (prints || aborts)
        fprintf(stderr, "hone: error (%s): %s\n", hone_status_name(status), message);
    if (aborts)
        abort();
    return status;
}

void hone_error_policy(hone_policy new_policy)
{
    atomic_store_explicit(&policy, (int)new_policy, memory_order_relaxed);
}

uint64_t hone__error_count(void)
{
    return pending.count;
}

bool hone__error_since(uint64_t count)
{
    return hone__error_pending != HONE_OK && pending.count != count;
}

void hone__error_prefix(const char *prefix)
{
    char message[sizeof pending.message];
    snprintf(message, sizeof message, "%s%s", prefix, pending.message);
    memcpy(pending.message, message, sizeof message);
}

hone_status hone__error_last(void)
{
    return pending.last;
}

hone_status hone__error_missing(const char *where, const char *what)
{
    if (hone__error_pending == HONE_OK)
        return hone_error_set(HONE_E_NULL, "%s: NULL was given where %s is needed", where, what);
    pending.count++;
    return pending.last = hone__error_pending;
}

hone_status hone__error_null(const char *where)
{
    return hone__error_missing(where, "a tensor");
}

void hone__assert_failed(const char *cond, const char *file, int line, const char *func)
{
    fprintf(stderr, "hone: defect in hone: %s:%d: %s: %s\n", file, line, func, cond);
    abort();
}
