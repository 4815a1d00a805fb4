/* safetensors_save.c: the same names, shapes and data give the same bytes. */
#include "core/core.h"
#include "io/replace.h"
#include "io/safetensors.h"
#include "io/shards.h"
#include "io/store.h"
#include "io/writer.h"
#include "runtime/memory.h"

#include <hone/autograd.h>

#include <string.h>

/* ---- the header: written twice, first to measure it */

static void put_entry(hone__writer *w, const hone__stored *stored, int64_t begin, int64_t end)
{
    const hone_tensor *t = stored->tensor;
    hone__write_json(w, stored->name);
    hone__write_text(w, ":{\"dtype\":\"");
    hone__write_text(w, stored->cell->name);
    hone__write_text(w, "\",\"shape\":[");
    for (int d = 0; d < t->ndim; d++) {
        hone__write_text(w, d > 0 ? "," : "");
        hone__write_number(w, t->shape[d]);
    }
    hone__write_text(w, "],\"data_offsets\":[");
    hone__write_number(w, begin);
    hone__write_text(w, ",");
    hone__write_number(w, end);
    hone__write_text(w, "]}");
}

static void put_header(hone__writer *w, const hone__stored *list, int n,
                       const hone_metadata_list *metadata)
{
    bool any = false;
    hone__write_text(w, "{");
    if (metadata && metadata->n > 0) {
        hone__write_text(w, "\"__metadata__\":{");
        for (int i = 0; i < metadata->n; i++) {
            hone__write_text(w, i > 0 ? "," : "");
            hone__write_json(w, metadata->at[i].key);
            hone__write_text(w, ":");
            hone__write_json(w, metadata->at[i].value);
        }
        hone__write_text(w, "}");
        any = true;
    }
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const int64_t end = at + (int64_t)list[i].bytes;
        hone__write_text(w, any ? "," : "");
        put_entry(w, &list[i], at, end);
        any = true;
        at = end;
    }
    hone__write_text(w, "}");
    while (w->n % 8) /* the data begins at a multiple of 8 */
        hone__write_text(w, " ");
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
    hone__writer header = { NULL, 0 };
    put_header(&header, list, tensors.n, metadata);
    if (header.n > HONE__HEADER_MOST)
        return hone_error_set(HONE_E_VALUE,
                              "%s: names, shapes and metadata of %s take %zu bytes, the format "
                              "has room for %d",
                              where, path, header.n, HONE__HEADER_MOST);
    header.bytes = hone__own_block(hone__malloc(header.n));
    if (!header.bytes)
        return HONE_E_NOMEM;
    header.n = 0;
    put_header(&header, list, tensors.n, metadata);
    const uint64_t header_bytes = header.n; /* little-endian, as this machine */
    parts[0] = (hone__part){ &header_bytes, 8 };
    parts[1] = (hone__part){ header.bytes, header.n };
    for (int i = 0; i < tensors.n; i++)
        parts[2 + i] = (hone__part){ list[i].data, list[i].bytes };
    const hone_status status = hone__replace_file(where, path, parts, tensors.n + 2);
    return status == HONE_OK ? hone__shards_remove(where, path) : status;
}

hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                  const hone_metadata_list *metadata)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return hone__safetensors_save("safetensors_save", path, tensors, metadata, NULL);
}
