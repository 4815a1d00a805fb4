/* safetensors_save.c: the same names, shapes and data give the same bytes. */
#include "core/core.h"
#include "io/replace.h"
#include "io/safetensors.h"
#include "io/store.h"
#include "runtime/memory.h"

#include <hone/autograd.h>

#include <string.h>

/* ---- the header: written twice, first to measure it */

typedef struct {
    char *text; /* NULL: count only */
    size_t n;
} writer;

static void put_bytes(writer *w, const char *text, size_t n)
{
    if (w->text)
        memcpy(w->text + w->n, text, n);
    w->n += n;
}

static void put(writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_number(writer *w, int64_t number)
{
    char digits[24];
    hone__format(digits, sizeof digits, "%lld", (long long)number);
    put(w, digits);
}

static void put_string(writer *w, const char *text)
{
    put(w, "\"");
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        char escape[8];
        if (c == '"' || c == '\\')
            put(w, "\\");
        if (c >= 0x20) {
            put_bytes(w, text, 1);
        } else {
            hone__format(escape, sizeof escape, "\\u%04x", c);
            put(w, escape);
        }
    }
    put(w, "\"");
}

static void put_entry(writer *w, const hone__stored *stored, int64_t begin, int64_t end)
{
    const hone_tensor *t = stored->tensor;
    put_string(w, stored->name);
    put(w, ":{\"dtype\":\"");
    put(w, stored->cell->name);
    put(w, "\",\"shape\":[");
    for (int d = 0; d < t->ndim; d++) {
        put(w, d > 0 ? "," : "");
        put_number(w, t->shape[d]);
    }
    put(w, "],\"data_offsets\":[");
    put_number(w, begin);
    put(w, ",");
    put_number(w, end);
    put(w, "]}");
}

static void put_header(writer *w, const hone__stored *list, int n,
                       const hone_metadata_list *metadata)
{
    bool any = false;
    put(w, "{");
    if (metadata && metadata->n > 0) {
        put(w, "\"__metadata__\":{");
        for (int i = 0; i < metadata->n; i++) {
            put(w, i > 0 ? "," : "");
            put_string(w, metadata->at[i].key);
            put(w, ":");
            put_string(w, metadata->at[i].value);
        }
        put(w, "}");
        any = true;
    }
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const int64_t end = at + (int64_t)list[i].bytes;
        put(w, any ? "," : "");
        put_entry(w, &list[i], at, end);
        any = true;
        at = end;
    }
    put(w, "}");
    while (w->n % 8) /* the data begins at a multiple of 8 */
        put(w, " ");
}

/* ---- saving */

/* Larger elements first, so that all data is aligned; else the order stays. */
static hone__stored *in_file_order(hone_named_list tensors, const hone__cell *floats)
{
    const size_t bytes = hone__bytes((int64_t)tensors.n + 1, sizeof(hone__stored));
    hone__stored *list = hone__own_block(hone__malloc(bytes));
    int n = 0;
    for (int bits = 64; list && bits >= 8; bits /= 2) {
        for (int i = 0; i < tensors.n; i++) {
            const hone_named *named = &tensors.at[i];
            if (hone__stored_as(named->tensor, floats)->bits != bits)
                continue;
            if (!hone__store(named, floats, &list[n++]))
                return NULL;
        }
    }
    return list;
}

hone_status hone__safetensors_save(const char *where, const char *path, hone_named_list tensors,
                                   const hone_metadata_list *metadata, const char *floats)
{
    const hone__cell *cell = floats ? hone__cell_named(floats) : NULL;
    if (!path)
        return hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
    if (!tensors.at)
        return hone__error_null(where);
    if (!hone__ready())
        return hone__error_last();
    HONE_SCOPE();
    if (!hone__names_fit(where, tensors, metadata))
        return hone__error_last();
    const hone__stored *list = in_file_order(tensors, cell);
    hone__part *parts =
        hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 2, sizeof *parts)));
    if (!list || !parts)
        return hone__error_last();
    writer header = { NULL, 0 };
    put_header(&header, list, tensors.n, metadata);
    if (header.n > HONE__HEADER_MOST)
        return hone_error_set(HONE_E_VALUE,
                              "%s: names, shapes and metadata of %s take %zu bytes, the format "
                              "has room for %d",
                              where, path, header.n, HONE__HEADER_MOST);
    header.text = hone__own_block(hone__malloc(header.n));
    if (!header.text)
        return HONE_E_NOMEM;
    header.n = 0;
    put_header(&header, list, tensors.n, metadata);
    const uint64_t header_bytes = header.n; /* little-endian, as this machine */
    parts[0] = (hone__part){ &header_bytes, 8 };
    parts[1] = (hone__part){ header.text, header.n };
    for (int i = 0; i < tensors.n; i++)
        parts[2 + i] = (hone__part){ list[i].data, list[i].bytes };
    return hone__replace_file(where, path, parts, tensors.n + 2);
}

hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                  const hone_metadata_list *metadata)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return hone__safetensors_save("safetensors_save", path, tensors, metadata, NULL);
}
