/* model.c: networks from texts, files and names. */
#include <hone/model.h>

#include "core/core.h"
#include "run/build.h"
#include "run/config.h"
#include "run/named.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- from a text */

static hone_module *build(hone__builder *b, const hone__source *arguments)
{
    hone__expr *list;
    hone__frame outside = { .b = b };
    hone__value value;
    const hone__place place = b->models->place;
    if (!hone__parse_arguments(b->arena, arguments, &list))
        return NULL;
    hone__arguments a = { NULL, 0 };
    if (!hone__eval_arguments(&outside, list, &a) ||
        !hone__build_model(b, b->models, place, &a, &value))
        return NULL;
    return hone_module_retain(value.module);
}

hone_module *hone_model_parse(const char *text, const char *where, const char *arguments)
{
    if (!text) {
        hone__error_missing("model_parse", "a text");
        return NULL;
    }
    hone__arena arena = { NULL };
    const hone__source source = { where ? where : "model", text };
    const hone__source given = { "arguments", arguments ? arguments : "" };
    hone__model *models;
    hone__builder b = { .arena = &arena };
    hone_module *made = NULL;
    HONE_SCOPE();
    if (hone__ready() && hone__parse(&arena, &source, &models)) {
        b.models = models;
        made = build(&b, &given);
    }
    hone__builder_free(&b);
    hone__arena_free(&arena);
    return made;
}

/* ---- from a file */

enum { MOST_BYTES = 1 << 20 };

static char *not_readable(const char *path, const char *why)
{
    hone_error_set(HONE_E_IO, "model_load: %.200s: %s", path, why);
    return NULL;
}

/* A file's text, which hone__free() frees; NULL: the reason is told. */
static char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return not_readable(path, strerror(errno));
    char *text = hone__calloc(MOST_BYTES + 1);
    const size_t n = text ? fread(text, 1, MOST_BYTES + 1, file) : 0;
    const int error = ferror(file) ? errno : 0;
    fclose(file);
    if (text && error)
        not_readable(path, strerror(error));
    else if (text && n > MOST_BYTES)
        hone_error_set(HONE_E_FORMAT, "model_load: %.200s: more than a megabyte", path);
    else if (text && strlen(text) != n)
        hone_error_set(HONE_E_FORMAT, "model_load: %.200s: no text (a byte of 0 at %zu)", path,
                       strlen(text));
    else
        return text;
    hone__free(text);
    return NULL;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

hone_module *hone_model_load(const char *path, const char *arguments)
{
    if (!path) {
        hone__error_missing("model_load", "a path");
        return NULL;
    }
    char *text = text_of(path);
    hone_module *made = text ? hone_model_parse(text, name_of(path), arguments) : NULL;
    hone__free(text);
    return made;
}

/* ---- by name */

hone_module *hone_model_named(const char *name, const char *arguments)
{
    const char *text = hone_model_text(name);
    return text ? hone_model_parse(text, name, arguments) : NULL;
}

hone_module *hone_model(const char *spec)
{
    if (!spec) {
        hone__error_missing("model", "a name or a file");
        return NULL;
    }
    if (hone__has_config(spec)) {
        HONE_SCOPE();
        const char *named = hone__config_spec("model", spec);
        return named ? hone_model(named) : NULL;
    }
    char name[64] = "";
    const char *colon = strchr(spec, ':');
    const size_t n = colon ? (size_t)(colon - spec) : strlen(spec);
    if (n < sizeof name)
        memcpy(name, spec, n);
    const char *text = hone__model_text(name);
    if (text)
        return hone_model_parse(text, name, colon ? colon + 1 : NULL);
    if (!strchr(spec, '/') && !strchr(spec, '.')) /* no file: the message lists the names */
        return hone_model_named(name, NULL);
    colon = strrchr(spec, ':'); /* before a file's arguments */
    if (colon && strchr(colon, '/'))
        colon = NULL;
    char *path = hone__calloc(strlen(spec) + 1);
    if (!path)
        return NULL;
    memcpy(path, spec, colon ? (size_t)(colon - spec) : strlen(spec));
    hone_module *made = hone_model_load(path, colon ? colon + 1 : NULL);
    hone__free(path);
    return made;
}

/* ---- what it takes */

static int64_t signature(const char *name, const char *text, char *buffer, size_t bytes)
{
    hone__arena arena = { NULL };
    const hone__source source = { name, text };
    hone__model *models;
    int length = -1;
    if (hone__parse(&arena, &source, &models)) {
        const char *begin = strchr(models->place.at, '('), *end = begin;
        for (int depth = 0; *end; end++) {
            depth += (*end == '(') - (*end == ')');
            if (depth == 0)
                break;
        }
        length =
            hone__format(buffer, buffer ? bytes : 0, "%s%.*s)", name, (int)(end - begin), begin);
    }
    hone__arena_free(&arena);
    return length;
}

int64_t hone_model_signature(const char *name, char *buffer, size_t bytes)
{
    const char *known = name ? hone__model_text(name) : NULL;
    if (known || !name || (!strchr(name, '/') && !strchr(name, '.'))) {
        known = hone_model_text(name); /* whose message lists the names */
        return known ? signature(name, known, buffer, bytes) : -1;
    }
    char *text = text_of(name);
    const int64_t length = text ? signature(name_of(name), text, buffer, bytes) : -1;
    hone__free(text);
    return length;
}
