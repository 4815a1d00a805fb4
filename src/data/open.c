/* open.c: from a source's name to its kind and its sets. */
#include "core/core.h"
#include "core/reserve.h"
#include "data/kinds.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const where = "source_open";

#define HONE_DATA_KIND(name) extern const hone__data_kind hone__data_kind_##name;
#include "data/kinds.def"
#undef HONE_DATA_KIND

const hone__data_kind *const hone__data_kinds[] = {
#define HONE_DATA_KIND(name) &hone__data_kind_##name,
#include "data/kinds.def"
#undef HONE_DATA_KIND
};
const int hone__data_kind_count = sizeof hone__data_kinds / sizeof *hone__data_kinds;

/* ---- what lives as long as the data */

typedef struct block {
    struct block *next;
    _Alignas(max_align_t) char bytes[];
} block;

void *hone__data_take(hone_source *data, size_t bytes)
{
    block *b = hone__calloc(sizeof *b + bytes);
    if (!b)
        return NULL;
    b->next = data->own;
    data->own = b;
    return b->bytes;
}

char *hone__data_copy(hone_source *data, const char *text, size_t length)
{
    char *copy = hone__data_take(data, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

hone_status hone__data_note(hone_source *data, const char *format, ...)
{
    char line[1000];
    va_list args;
    va_start(args, format);
    hone__vformat(line, sizeof line, format, args);
    va_end(args);
    const size_t before = data->note ? strlen(data->note) : 0, n = strlen(line);
    char *all = hone__data_take(data, before + n + 2);
    if (!all)
        return hone__error_last();
    if (before) {
        memcpy(all, data->note, before);
        all[before] = '\n';
    }
    memcpy(all + before + (before > 0), line, n);
    data->note = all;
    return HONE_OK;
}

void hone_source_free(hone_source *data)
{
    if (!data)
        return;
    hone_dataset_free(&data->train);
    hone_dataset_free(&data->test);
    for (block *b = data->own, *next; b; b = next) {
        next = b->next;
        hone__free(b);
    }
    *data = (hone_source){ 0 };
}

/* ---- the kind */

static const hone__data_kind *kind_named(const char *name, size_t length)
{
    for (int i = 0; i < hone__data_kind_count; i++)
        if (strlen(hone__data_kinds[i]->name) == length &&
            memcmp(hone__data_kinds[i]->name, name, length) == 0)
            return hone__data_kinds[i];
    return NULL;
}

/* False + error: nothing is there, or it can't be read. */
static bool look_at(const char *path, hone__data_look *look)
{
    struct stat st;
    *look = (hone__data_look){ .path = path };
    FILE *file = NULL;
    int error = 0;
    if (stat(path, &st) != 0)
        error = errno;
    else if (S_ISDIR(st.st_mode))
        look->folder = true;
    else if (!S_ISREG(st.st_mode)) { /* a pipe would make it wait, and can't be read twice */
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", where, path);
        return false;
    } else if (!(file = fopen(path, "rb")))
        error = errno;
    if (file) {
        look->bytes = (int64_t)st.st_size;
        look->n_head = fread(look->head, 1, sizeof look->head, file);
        error = ferror(file) ? errno : 0;
        fclose(file);
    }
    if (error)
        hone_error_set(HONE_E_IO, "%s: %s: %s", where, path, strerror(error));
    return !error;
}

static void list_kinds(char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < hone__data_kind_count && used < size; i++)
        if (hone__data_kinds[i]->knows)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     hone__data_kinds[i]->name);
}

static const hone__data_kind *kind_by_content(const char *path)
{
    hone__data_look look;
    char kinds[300] = "";
    if (!look_at(path, &look))
        return NULL;
    for (int i = 0; i < hone__data_kind_count; i++)
        if (hone__data_kinds[i]->knows && hone__data_kinds[i]->knows(&look))
            return hone__data_kinds[i];
    list_kinds(kinds, sizeof kinds);
    hone_error_set(HONE_E_FORMAT, "%s: %s is none of %s; KIND:%s says what it is", where, path,
                   kinds, path);
    return NULL;
}

const hone__data_kind *hone__data_kind_of(const char *source, const char **path)
{
    const size_t n = strcspn(source, ":");
    const hone__data_kind *kind = kind_named(source, n);
    if (kind && (source[n] ? source[n] == ':' : kind->built_in)) {
        *path = source[n] ? source + n + 1 : "";
        return kind;
    }
    *path = source;
    return kind_by_content(source);
}

/* ---- arguments: name=value, name="a, b" */

static hone_status bad_argument(const hone__data_request *r, const hone__data_kind *kind,
                                const char *name, size_t n)
{
    char have[400] = "";
    size_t used = 0;
    for (const hone__data_argument *a = kind->arguments; a && a->name && used < sizeof have; a++)
        used +=
            (size_t)snprintf(have + used, sizeof have - used, "%s%s", used ? ", " : "", a->name);
    return hone_error_set(HONE_E_VALUE, "%s: %s: data of kind %s has no argument '%.*s'%s%s", where,
                          r->source, kind->name, (int)(n < 60 ? n : 60), name,
                          used ? ", but " : "; it takes none", have);
}

static hone_status bad_value(const hone__data_request *r, const hone__data_argument *a,
                             const char *value)
{
    if (a->kind == HONE__ARG_INT || a->kind == HONE__ARG_REAL)
        return hone_error_set(HONE_E_VALUE, "%s: %s: %s=%.60s (%g to %g is wanted)", where,
                              r->source, a->name, value, a->least, a->most);
    return hone_error_set(HONE_E_VALUE, "%s: %s: %s=%.60s (%s is wanted)", where, r->source,
                          a->name, value, a->value);
}

/* The number of a word in "a|b|c"; -1: it isn't there. */
static int word_of(const char *words, const char *word)
{
    const size_t n = strlen(word);
    for (int i = 0;; i++) {
        const size_t length = strcspn(words, "|");
        if (length == n && memcmp(words, word, n) == 0)
            return i;
        if (!words[length])
            return -1;
        words += length + 1;
    }
}

static hone_status set_argument(const hone__data_request *r, const hone__data_argument *a,
                                const char *value, void *fields)
{
    char *field = (char *)fields + a->offset;
    const size_t n = strlen(value);
    int64_t whole;
    double real;
    switch (a->kind) {
    case HONE__ARG_TEXT:
        memcpy(field, &value, sizeof value);
        return HONE_OK;
    case HONE__ARG_INT:
        if (!hone__read_i64(value, n, &whole) || (double)whole < a->least ||
            (double)whole > a->most)
            return bad_value(r, a, value);
        memcpy(field, &whole, sizeof whole);
        return HONE_OK;
    case HONE__ARG_REAL:
        if (!hone__read_f64(value, n, &real) || !(real >= a->least && real <= a->most))
            return bad_value(r, a, value);
        memcpy(field, &real, sizeof real);
        return HONE_OK;
    case HONE__ARG_WORD: {
        const int word = word_of(a->value, value);
        if (word < 0)
            return bad_value(r, a, value);
        memcpy(field, &word, sizeof word);
        return HONE_OK;
    }
    }
    return HONE_OK;
}

/* The value that begins at *at, quoted or up to the next comma, as a copy; *at goes behind it. */
static char *take_value(hone_source *data, const char **at)
{
    const char quote = **at == '"' || **at == '\'' ? **at : 0;
    const char *begin = *at + (quote != 0);
    size_t n = quote ? strcspn(begin, quote == '"' ? "\"" : "'") : strcspn(begin, ",");
    *at = begin + n + (quote && begin[n]);
    while (!quote && n > 0 && begin[n - 1] == ' ')
        n--;
    return hone__data_copy(data, begin, n);
}

static hone_status read_arguments(const hone__data_request *r, const hone__data_kind *kind,
                                  const char *text, void *fields, hone_source *data)
{
    const char *at = text ? text : "";
    for (at += strspn(at, " ,"); *at; at += strspn(at, " ,")) {
        const size_t n = strcspn(at, "=, ");
        const hone__data_argument *a = kind->arguments;
        while (a && a->name && !(strlen(a->name) == n && memcmp(a->name, at, n) == 0))
            a++;
        if (!a || !a->name)
            return bad_argument(r, kind, at, n);
        const char *name = at;
        at += n + strspn(at + n, " ");
        if (*at != '=')
            return hone_error_set(HONE_E_VALUE, "%s: %s: %.*s=%s is wanted", where, r->source,
                                  (int)n, name, a->value);
        at += 1 + strspn(at + 1, " ");
        const char *value = take_value(data, &at);
        if (!value || set_argument(r, a, value, fields) != HONE_OK)
            return hone__error_last();
    }
    return HONE_OK;
}

/* ---- opening */

static hone_status open_kind(const hone__data_kind *kind, hone__data_request *r, hone_source *data)
{
    data->kind = kind->name;
    void *fields = hone__data_take(data, kind->argument_bytes);
    if (!fields || read_arguments(r, kind, r->o.arguments, fields, data) != HONE_OK)
        return hone__error_last();
    r->arguments = fields;
    HONE_SCOPE();
    return kind->open(r, data);
}

hone_status hone_source_open(const char *source, const hone_source_options *options,
                             hone_source *data)
{
    if (!data)
        return hone__error_missing(where, "a place for the data");
    *data = (hone_source){ 0 };
    if (!source)
        return hone__error_missing(where, "a source");
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return hone__error_last();
    hone__data_request r = { .source = source };
    if (options)
        r.o = *options;
    if (r.o.limit < 0 || r.o.window < 0)
        return hone_error_set(HONE_E_VALUE, "%s: %s: a limit of %lld, a window of %lld", where,
                              source, (long long)r.o.limit, (long long)r.o.window);
    if (r.o.window == 0)
        r.o.window = 64;
    const hone__data_kind *kind = hone__data_kind_of(source, &r.path);
    if (!kind)
        return hone__error_last();
    const hone_status status = open_kind(kind, &r, data);
    if (status != HONE_OK)
        hone_source_free(data);
    return status;
}
