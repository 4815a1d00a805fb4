/* state.c: the parameters and buffers of a module, to and from a safetensors file. */
#include "core/access.h"
#include "core/core.h"
#include "io/safetensors.h"
#include "nn/walk.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

#define LAYOUT_KEY "layout"
#define IN_OUT     "in,out"
#define OUT_IN     "out,in"

/* Whether a file with that layout holds this tensor transposed. */
static bool is_transposed(const hone__found *found, hone_layout layout)
{
    const hone_tensor *t = found->value;
    return layout == HONE_LAYOUT_OUT_IN && found->kind == HONE_FIELD_WEIGHT && t->ndim == 2;
}

/* ---- saving */

hone_status hone_save_state_with(hone_module *module, const char *path,
                                 const hone_state_options *options)
{
    const hone_layout layout =
        options && options->layout == HONE_LAYOUT_OUT_IN ? HONE_LAYOUT_OUT_IN : HONE_LAYOUT_IN_OUT;
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone__found_list all = hone__collect("save_state", module, HONE__STATE, INT32_MAX, false);
    hone_named_list list = { NULL, all.n };
    if (all.at)
        list.at = hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *list.at)));
    if (!list.at)
        return hone_error_code();
    for (int i = 0; i < all.n; i++) {
        hone_tensor *t = all.at[i].value;
        if (is_transposed(&all.at[i], layout))
            t = hone_transpose(t, 0, 1);
        list.at[i] = (hone_named){ all.at[i].name, t };
    }
    hone_metadata tag = { LAYOUT_KEY, layout == HONE_LAYOUT_OUT_IN ? OUT_IN : IN_OUT };
    return hone__tensor_file_save("save_state", path, list, &(hone_metadata_list){ &tag, 1 });
}

hone_status hone_save_state(hone_module *module, const char *path)
{
    return hone_save_state_with(module, path, NULL);
}

/* ---- loading */

typedef struct {
    hone__tensor_file file;
    hone__found_list all;
    const hone__entry **entry; /* one an element of all */
    hone_tensor **read;        /* the same: the file's tensor in the module's layout */
    hone_layout layout;
} loading;

/* What the file's metadata says about its layout, else what the caller says. A file of which nobody
 * says it can't be read: a square weight would be taken the wrong way. */
static bool find_layout(loading *l, const hone_state_options *options)
{
    const hone_metadata_list *metadata = &l->file.metadata;
    l->layout = options ? options->layout : HONE_LAYOUT_AUTO;
    for (int i = 0; i < metadata->n; i++) {
        if (strcmp(metadata->at[i].key, LAYOUT_KEY) != 0)
            continue;
        const char *value = metadata->at[i].value;
        l->layout = strcmp(value, IN_OUT) == 0   ? HONE_LAYOUT_IN_OUT
                    : strcmp(value, OUT_IN) == 0 ? HONE_LAYOUT_OUT_IN
                                                 : HONE_LAYOUT_AUTO;
        if (l->layout == HONE_LAYOUT_AUTO) {
            hone_error_set(HONE_E_FORMAT, "load_state: %s: its layout \"%.32s\" is unknown",
                           l->file.path, value);
            return false;
        }
    }
    bool matters = false;
    for (int i = 0; i < l->all.n; i++)
        matters = matters || is_transposed(&l->all.at[i], HONE_LAYOUT_OUT_IN);
    if (matters && l->layout == HONE_LAYOUT_AUTO) {
        hone_error_set(HONE_E_FORMAT,
                       "load_state: %s doesn't say how its weights lie: HONE_LAYOUT_OUT_IN reads "
                       "PyTorch's, HONE_LAYOUT_IN_OUT hone's own",
                       l->file.path);
        return false;
    }
    return true;
}

static const hone__entry *find_entry(const hone__tensor_file *file, const char *name)
{
    for (int i = 0; i < file->n; i++)
        if (strcmp(file->at[i].name, name) == 0)
            return &file->at[i];
    return NULL;
}

static bool is_expected(const loading *l, const char *name)
{
    for (int i = 0; i < l->all.n; i++)
        if (strcmp(l->all.at[i].name, name) == 0)
            return true;
    return false;
}

/* Lists of names for one message; what doesn't fit is cut. */
typedef struct {
    char text[200];
    int n;
} names;

static void add_name(names *list, const char *name)
{
    const size_t used = strlen(list->text);
    hone__format(list->text + used, sizeof list->text - used, "%s%s", list->n++ > 0 ? ", " : "",
                 name);
}

static bool names_fit(loading *l)
{
    names missing = { "", 0 }, unexpected = { "", 0 };
    for (int i = 0; i < l->all.n; i++) {
        l->entry[i] = find_entry(&l->file, l->all.at[i].name);
        if (!l->entry[i])
            add_name(&missing, l->all.at[i].name);
    }
    if (missing.n > 0 || l->file.n > l->all.n) {
        for (int i = 0; i < l->file.n; i++)
            if (!is_expected(l, l->file.at[i].name))
                add_name(&unexpected, l->file.at[i].name);
    }
    if (missing.n == 0 && unexpected.n == 0)
        return true;
    hone_error_set(
        HONE_E_STATE, "load_state: %s doesn't fit the module: missing: %s; unexpected: %s",
        l->file.path, missing.n ? missing.text : "none", unexpected.n ? unexpected.text : "none");
    return false;
}

static bool tensor_fits(const loading *l, int i)
{
    const hone__entry *e = l->entry[i];
    const hone_tensor *t = l->all.at[i].value;
    if (e->dtype != hone_dtype_of(t)) {
        hone_error_set(HONE_E_DTYPE, "load_state: %s: \"%s\" is %s, the module's is %s",
                       l->file.path, e->name, hone_dtype_name(e->dtype),
                       hone_dtype_name(hone_dtype_of(t)));
        return false;
    }
    const bool transposed = is_transposed(&l->all.at[i], l->layout);
    bool fits = e->ndim == t->ndim;
    for (int d = 0; fits && d < t->ndim; d++)
        fits = e->shape[transposed ? 1 - d : d] == t->shape[d];
    if (!fits)
        hone_error_set(HONE_E_SHAPE, "load_state: %s: \"%s\" has shape %s%s, the module's %s",
                       l->file.path, e->name, hone__shape_text(e->ndim, e->shape).s,
                       transposed ? " (out, in)" : "", hone__shape_text(t->ndim, t->shape).s);
    return fits;
}

/* Every tensor of the module can be written: a buffer may be expanded, or computed. */
static hone_status can_be_written(const loading *l)
{
    for (int i = 0; i < l->all.n; i++) {
        char where[200];
        hone__format(where, sizeof where, "load_state: the module's \"%s\"", l->all.at[i].name);
        const hone_status status = hone__can_copy_in(where, l->all.at[i].value);
        if (status != HONE_OK)
            return status;
    }
    return HONE_OK;
}

/* Everything is checked and read before the first parameter changes. */
static hone_status load(loading *l, const hone_state_options *options)
{
    l->entry = hone__own_block(hone__calloc(hone__bytes((int64_t)l->all.n + 1, sizeof *l->entry)));
    l->read = hone__own_block(hone__calloc(hone__bytes((int64_t)l->all.n + 1, sizeof *l->read)));
    if (!l->entry || !l->read || !find_layout(l, options) || !names_fit(l))
        return hone_error_code();
    for (int i = 0; i < l->all.n; i++)
        if (!tensor_fits(l, i))
            return hone_error_code();
    const hone_status writable = can_be_written(l);
    if (writable != HONE_OK)
        return writable;
    for (int i = 0; i < l->all.n; i++) {
        l->read[i] = hone__tensor_file_read(&l->file, l->entry[i]);
        if (l->read[i] && is_transposed(&l->all.at[i], l->layout))
            l->read[i] = hone_contiguous(hone_transpose(l->read[i], 0, 1));
        if (!l->read[i])
            return hone_error_code();
    }
    for (int i = 0; i < l->all.n; i++) {
        const hone_tensor *from = l->read[i];
        const hone_status status =
            hone_copy_in(l->all.at[i].value, hone__data(from),
                         (size_t)from->numel * hone_dtype_size(hone_dtype_of(from)));
        if (status != HONE_OK)
            return status;
    }
    return HONE_OK;
}

hone_status hone_load_state_with(hone_module *module, const char *path,
                                 const hone_state_options *options)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    loading l = { .all = hone__collect("load_state", module, HONE__STATE, INT32_MAX, false) };
    if (!l.all.at || !hone__ready() || !hone__tensor_file_open("load_state", path, &l.file))
        return hone_error_code();
    const hone_status status = load(&l, options);
    hone__tensor_file_close(&l.file);
    return status;
}

hone_status hone_load_state(hone_module *module, const char *path)
{
    return hone_load_state_with(module, path, NULL);
}
