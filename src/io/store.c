/* store.c: names that a file can have, tensors as bytes. */
#include "io/store.h"

#include "core/core.h"
#include "io/json.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <stdlib.h>
#include <string.h>

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

bool hone__names_fit(const char *where, hone_named_list tensors, const hone_metadata_list *metadata)
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

/* ---- data */

const hone__cell *hone__stored_as(const hone_tensor *t, const hone__cell *floats)
{
    const hone_dtype dtype = hone_dtype_of(t);
    return floats && hone_dtype_is_float(dtype) ? hone__cell_kept(floats) : hone__cell_of(dtype);
}

bool hone__store(const hone_named *named, const hone__cell *floats, hone__stored *out)
{
    hone_tensor *t = hone_contiguous(named->tensor);
    const hone__cell *cell = t ? hone__stored_as(t, floats) : NULL;
    if (cell && (int)cell->dtype != t->dtype)
        t = hone_to(t, cell->dtype);
    if (!t)
        return false;
    *out = (hone__stored){ named->name, t, cell, hone__data(t),
                           (size_t)hone__cell_bytes(cell, t->numel) };
    return true;
}
