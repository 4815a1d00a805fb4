/* safetensors_save.c: the same names, shapes and data give the same bytes. */
#include "core/core.h"
#include "io/json.h"
#include "io/replace.h"
#include "io/safetensors.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <stdlib.h>
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

static void put_entry(writer *w, const hone_named *named, int64_t begin, int64_t end)
{
    const hone_tensor *t = named->tensor;
    put_string(w, named->name);
    put(w, ":{\"dtype\":\"");
    put(w, hone__entry_dtype_name(hone_dtype_of(t)));
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

static void put_header(writer *w, hone_named_list tensors, const hone_metadata_list *metadata)
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
    for (int i = 0; i < tensors.n; i++) {
        const hone_tensor *t = tensors.at[i].tensor;
        const int64_t end = at + t->numel * (int64_t)hone_dtype_size(hone_dtype_of(t));
        put(w, any ? "," : "");
        put_entry(w, &tensors.at[i], at, end);
        any = true;
        at = end;
    }
    put(w, "}");
    while (w->n % 8) /* the data begins at a multiple of 8 */
        put(w, " ");
}

/* ---- checks */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const int length = hone__utf8_length(text, left);
        if (length == 0)
            return false;
        text += length;
        left -= (size_t)length;
    }
    return true;
}

static bool name_fits(const char *where, const char *name)
{
    if (name && is_utf8(name) && strcmp(name, "__metadata__") != 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: \"%s\" can't be a name", where, name ? name : "(NULL)");
    return false;
}

static bool metadata_fits(const char *where, const hone_metadata *pair)
{
    if (pair->key && is_utf8(pair->key) && pair->value && is_utf8(pair->value))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: the metadata \"%s\" is no UTF-8 text", where,
                   pair->key ? pair->key : "(NULL)");
    return false;
}

static bool names_fit(const char *where, hone_named_list tensors,
                      const hone_metadata_list *metadata)
{
    const int n_keys = metadata ? metadata->n : 0;
    const int most = tensors.n > n_keys ? tensors.n : n_keys;
    const char **names =
        hone__own_block(hone__malloc(hone__bytes((int64_t)most + 1, sizeof *names)));
    if (!names)
        return false;
    for (int list = 0; list < 2; list++) { /* tensors, metadata */
        const int n = list == 0 ? tensors.n : n_keys;
        for (int i = 0; i < n; i++) {
            names[i] = list == 0 ? tensors.at[i].name : metadata->at[i].key;
            if (list == 0 &&
                (!name_fits(where, names[i]) || !hone__needs_tensor(where, tensors.at[i].tensor)))
                return false;
            if (list == 1 && !metadata_fits(where, &metadata->at[i]))
                return false;
        }
        qsort(names, (size_t)n, sizeof *names, by_text);
        for (int i = 1; i < n; i++) {
            if (strcmp(names[i - 1], names[i]) == 0) {
                hone_error_set(HONE_E_VALUE, "%s: the name \"%s\" is there twice", where, names[i]);
                return false;
            }
        }
    }
    return true;
}

/* ---- saving */

/* Larger elements first, so that all data is aligned; else the order stays. Contiguous. */
static hone_named_list in_file_order(hone_named_list tensors)
{
    hone_named_list list = {
        hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 1, sizeof *list.at))), 0
    };
    for (size_t size = 8; list.at && size >= 1; size /= 2) {
        for (int i = 0; i < tensors.n; i++) {
            if (hone_dtype_size(hone_dtype_of(tensors.at[i].tensor)) != size)
                continue;
            hone_tensor *t = hone_contiguous(tensors.at[i].tensor);
            if (!t)
                return (hone_named_list){ NULL, 0 };
            list.at[list.n++] = (hone_named){ tensors.at[i].name, t };
        }
    }
    return list;
}

hone_status hone__tensor_file_save(const char *where, const char *path, hone_named_list tensors,
                                   const hone_metadata_list *metadata)
{
    if (!path)
        return hone_error_set(HONE_E_NULL, "%s: the path is NULL", where);
    if (!tensors.at)
        return hone__error_null(where);
    if (!hone__ready())
        return hone__error_last();
    HONE_SCOPE();
    if (!names_fit(where, tensors, metadata))
        return hone__error_last();
    const hone_named_list list = in_file_order(tensors);
    hone__part *parts =
        hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 2, sizeof *parts)));
    if (!list.at || !parts)
        return hone__error_last();
    writer header = { NULL, 0 };
    put_header(&header, list, metadata);
    if (header.n > HONE__HEADER_MOST)
        return hone_error_set(HONE_E_VALUE,
                              "%s: names, shapes and metadata of %s take %zu bytes, the format "
                              "has room for %d",
                              where, path, header.n, HONE__HEADER_MOST);
    header.text = hone__own_block(hone__malloc(header.n));
    if (!header.text)
        return HONE_E_NOMEM;
    header.n = 0;
    put_header(&header, list, metadata);
    const uint64_t header_bytes = header.n; /* little-endian, as this machine */
    parts[0] = (hone__part){ &header_bytes, 8 };
    parts[1] = (hone__part){ header.text, header.n };
    for (int i = 0; i < list.n; i++) {
        const hone_tensor *t = list.at[i].tensor;
        parts[2 + i] =
            (hone__part){ hone__data(t), (size_t)t->numel * hone_dtype_size(hone_dtype_of(t)) };
    }
    return hone__replace_file(where, path, parts, list.n + 2);
}

hone_status hone_safetensors_save(const char *path, hone_named_list tensors,
                                  const hone_metadata_list *metadata)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return hone__tensor_file_save("safetensors_save", path, tensors, metadata);
}
