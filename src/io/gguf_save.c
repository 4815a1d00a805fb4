/* gguf_save.c: writing, with ggml's own limits: 4 dims, names of 63 bytes, no u8 and bool. */
#include "core/core.h"
#include "io/gguf.h"
#include "io/replace.h"
#include "io/store.h"
#include "io/writer.h"
#include "runtime/memory.h"

#include <string.h>

enum { MOST_NAME = 63, MOST_DIMS = 4 };

#define ARCHITECTURE "general.architecture"

static void put_u32(hone__writer *w, uint32_t x)
{
    hone__write(w, &x, 4);
}

static void put_u64(hone__writer *w, uint64_t x)
{
    hone__write(w, &x, 8);
}

static void put_text(hone__writer *w, const char *text)
{
    put_u64(w, strlen(text));
    hone__write(w, text, strlen(text));
}

static void put_pair(hone__writer *w, const char *key, const char *value)
{
    put_text(w, key);
    put_u32(w, HONE__GGUF_STRING);
    put_text(w, value);
}

static size_t aligned(size_t n)
{
    return (n + HONE__GGUF_ALIGNMENT - 1) / HONE__GGUF_ALIGNMENT * HONE__GGUF_ALIGNMENT;
}

static bool has_key(const hone_metadata_list *metadata, const char *key)
{
    for (int i = 0; metadata && i < metadata->n; i++)
        if (strcmp(metadata->at[i].key, key) == 0)
            return true;
    return false;
}

static void put_header(hone__writer *w, const hone__stored *list, int n,
                       const hone_metadata_list *metadata)
{
    const bool named = has_key(metadata, ARCHITECTURE);
    const int n_metadata = metadata ? metadata->n : 0;
    hone__write(w, "GGUF", 4);
    put_u32(w, HONE__GGUF_VERSION);
    put_u64(w, (uint64_t)n);
    put_u64(w, (uint64_t)n_metadata + !named);
    if (!named) /* every file has one */
        put_pair(w, ARCHITECTURE, "hone");
    for (int i = 0; i < n_metadata; i++)
        put_pair(w, metadata->at[i].key, metadata->at[i].value);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const hone_tensor *t = list[i].tensor;
        put_text(w, list[i].name);
        put_u32(w, t->ndim);
        for (int d = t->ndim; d-- > 0;)
            put_u64(w, (uint64_t)t->shape[d]);
        put_u32(w, (uint32_t)hone__gguf_type(list[i].cell));
        put_u64(w, at);
        at = aligned(at + list[i].bytes);
    }
}

static bool fits(const char *where, const hone__stored *s)
{
    if (hone__gguf_type(s->cell) < 0)
        hone_error_set(HONE_E_DTYPE, "%s: \"%s\" is %s, which GGUF doesn't have", where, s->name,
                       s->cell->name);
    else if (s->tensor->ndim > MOST_DIMS)
        hone_error_set(HONE_E_SHAPE, "%s: \"%s\" has %d dims, in GGUF there are %d at most", where,
                       s->name, s->tensor->ndim, MOST_DIMS);
    else if (strlen(s->name) > MOST_NAME)
        hone_error_set(HONE_E_VALUE,
                       "%s: \"%s\" is longer than the %d bytes that names have in GGUF", where,
                       s->name, MOST_NAME);
    else
        return true;
    return false;
}

/* Header, data, and zeros up to the alignment between them. */
static hone_status write(const char *where, const char *path, const hone__stored *list, int n,
                         const hone_metadata_list *metadata)
{
    static const char zeros[HONE__GGUF_ALIGNMENT];
    hone__part *parts =
        hone__own_block(hone__malloc(hone__bytes(2 * (int64_t)n + 2, sizeof *parts)));
    hone__writer w = { NULL, 0 };
    put_header(&w, list, n, metadata);
    w.bytes = hone__own_block(hone__malloc(w.n));
    if (!parts || !w.bytes)
        return hone__error_last();
    w.n = 0;
    put_header(&w, list, n, metadata);
    int k = 0;
    parts[k++] = (hone__part){ w.bytes, w.n };
    parts[k++] = (hone__part){ zeros, aligned(w.n) - w.n };
    for (int i = 0; i < n; i++) {
        parts[k++] = (hone__part){ list[i].data, list[i].bytes };
        parts[k++] = (hone__part){ zeros, aligned(list[i].bytes) - list[i].bytes };
    }
    return hone__replace_file(where, path, parts, k);
}

hone_status hone__gguf_save(const char *where, const char *path, hone_named_list tensors,
                            const hone_file_save_options *o)
{
    const hone__cell *floats = o->floats ? hone__cell_named(o->floats) : NULL;
    hone__stored *list =
        hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 1, sizeof *list)));
    if (!list || !hone__names_fit(where, tensors, o->metadata))
        return hone__error_last();
    for (int i = 0; i < tensors.n; i++)
        if (!hone__store(&tensors.at[i], floats, &list[i]) || !fits(where, &list[i]))
            return hone__error_last();
    return write(where, path, list, tensors.n, o->metadata);
}
