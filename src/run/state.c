/* state.c: the parameters and buffers of a module, to and from a safetensors file. */
#include "core/access.h"
#include "core/core.h"
#include "core/map.h"
#include "core/reserve.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "nn/walk.h"
#include "run/config.h"
#include "run/layout.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

/* Whether files of the two layouts hold its last two dims turned against each other: its field says
 * so. */
static bool is_weight(const hone__found *found)
{
    return found->kind == HONE_FIELD_WEIGHT && ((const hone_tensor *)found->value)->ndim >= 2;
}

/* Whether a file with that layout holds this tensor transposed. */
static bool is_transposed(const hone__found *found, hone_layout layout)
{
    return layout == HONE_LAYOUT_OUT_IN && is_weight(found);
}

/* ---- saving */

bool hone__state_tensors(const char *where, hone_module *module, hone_layout layout,
                         hone_named_list *list)
{
    const hone__found_list all = hone__collect(where, module, HONE__STATE, INT32_MAX, false);
    *list = (hone_named_list){ NULL, all.n };
    if (all.at)
        list->at = hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *list->at)));
    if (!list->at)
        return false;
    for (int i = 0; i < all.n; i++) {
        hone_tensor *t = all.at[i].value;
        if (is_transposed(&all.at[i], layout) && !(t = hone_transpose(t, -2, -1)))
            return false;
        list->at[i] = (hone_named){ all.at[i].name, t };
    }
    return true;
}

hone_status hone_save_state_with(hone_module *module, const char *path,
                                 const hone_state_options *options)
{
    const hone_layout layout =
        options && options->layout == HONE_LAYOUT_IN_OUT ? HONE_LAYOUT_IN_OUT : HONE_LAYOUT_OUT_IN;
    if (!HONE__KNOWS_OPTIONS("save_state", options))
        return hone__error_last();
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_named_list list;
    if (!hone__state_tensors("save_state", module, layout, &list))
        return hone__error_last();
    hone_metadata pairs[2];
    hone_metadata_list metadata = hone__layout_metadata(layout, pairs);
    const hone_metadata_list more =
        options && options->metadata ? *options->metadata : (hone_metadata_list){ NULL, 0 };
    hone_metadata *all =
        hone__own_block(hone__malloc(hone__bytes((int64_t)metadata.n + more.n, sizeof *all)));
    if (!all)
        return hone__error_last();
    memcpy(all, metadata.at, (size_t)metadata.n * sizeof *all);
    if (more.n)
        memcpy(all + metadata.n, more.at, (size_t)more.n * sizeof *all);
    metadata = (hone_metadata_list){ all, metadata.n + more.n };
    return hone__safetensors_save("save_state", path, list, &metadata, NULL);
}

hone_status hone_save_state(hone_module *module, const char *path)
{
    return hone_save_state_with(module, path, NULL);
}

/* ---- turning what lies in a list */

bool hone__turn_weights(const char *where, hone_module *module, hone_named_list tensors)
{
    const hone__found_list all = hone__collect(where, module, HONE__STATE, INT32_MAX, false);
    hone__map weights;
    if (!all.at || !hone__map_begin(&weights, all.n, true))
        return false;
    for (int i = 0; i < all.n; i++)
        if (is_weight(&all.at[i]))
            hone__map_add(&weights, all.at[i].name, i);
    bool ok = true;
    int turned = 0;
    for (int i = 0; ok && i < tensors.n; i++) {
        if (hone__map_find(&weights, tensors.at[i].name) < 0 || tensors.at[i].tensor->ndim < 2)
            continue;
        tensors.at[i].tensor = hone_transpose(tensors.at[i].tensor, -2, -1);
        ok = tensors.at[i].tensor;
        turned++;
    }
    hone__map_end(&weights);
    if (ok && turned == 0)
        hone_error_set(HONE_E_STATE, "%s: none of the tensors is a weight of the network", where);
    return ok && turned > 0;
}

/* ---- loading: names */

typedef struct {
    const char **at;
    int n;
} names;

/* Of the current scope, but for the file. */
typedef struct {
    const hone_file *file;
    hone__found_list all;
    const char **file_names;       /* as the module should have them, one an entry */
    const hone_file_entry **entry; /* one an element of all; NULL: missing */
    names missing, unexpected, mismatched;
    hone_layout layout;
    bool round; /* floats into the module's dtype */
} loading;

static void *room(int n, size_t size)
{
    return hone__own_block(hone__calloc(hone__bytes((int64_t)n + 1, size)));
}

/* The file's names, with the one prefix in place of the other. False: E_NOMEM. */
static bool map_names(loading *l, const hone_state_options *options)
{
    const char *from = options && options->file_prefix ? options->file_prefix : "";
    const char *to = options && options->module_prefix ? options->module_prefix : "";
    const size_t from_length = strlen(from), to_length = strlen(to);
    for (int i = 0; i < l->file->n; i++) {
        const char *name = l->file->at[i].name;
        l->file_names[i] = name;
        if ((from_length == 0 && to_length == 0) || strncmp(name, from, from_length) != 0)
            continue;
        const size_t rest = strlen(name) - from_length + 1;
        char *mapped = hone__own_block(hone__malloc(to_length + rest));
        if (!mapped)
            return false;
        memcpy(mapped, to, to_length);
        memcpy(mapped + to_length, name + from_length, rest);
        l->file_names[i] = mapped;
    }
    return true;
}

static void add_name(names *list, const char *name)
{
    list->at[list->n++] = name;
}

/* What a file has in the place of a name: safetensors.torch.save_model writes "decoder.weight":
 * "encoder.weight" into the metadata of what is tied. -1: nothing. */
static int find_in_metadata(const loading *l, const char *name, const hone__map *in_file)
{
    const hone_metadata_list metadata = l->file->metadata;
    for (int k = 0; k < metadata.n; k++)
        if (strcmp(metadata.at[k].key, name) == 0)
            return hone__map_find(in_file, metadata.at[k].value);
    return -1;
}

/* Which of the file's tensors is which of the module's; of two of one name the first counts. A name
 * that the file lacks may be tied to another one, which it has. */
static void match_entries(loading *l, hone__map *in_file, hone__map *in_module, hone__map *tied)
{
    for (int i = 0; i < l->file->n; i++)
        hone__map_add(in_file, l->file_names[i], i);
    for (int i = 0; i < l->all.n; i++) {
        int at = hone__map_find(in_file, l->all.at[i].name);
        at = at >= 0 ? at : find_in_metadata(l, l->all.at[i].name, in_file);
        hone__map_add(in_module, l->all.at[i].name, i);
        if (at >= 0)
            hone__map_add(tied, l->all.at[i].value, at);
        l->entry[i] = at < 0 ? NULL : &l->file->at[at];
    }
    for (int i = 0; i < l->all.n; i++) {
        const int at = l->entry[i] ? -1 : hone__map_find(tied, l->all.at[i].value);
        if (at >= 0)
            l->entry[i] = &l->file->at[at];
        else if (!l->entry[i])
            add_name(&l->missing, l->all.at[i].name);
    }
    for (int i = 0; i < l->file->n; i++)
        if (hone__map_find(in_module, l->file_names[i]) < 0)
            add_name(&l->unexpected, l->file->at[i].name);
}

/* What the module and the file have in common, and what each lacks. */
static bool match(loading *l, hone_module *module, const hone_file *file,
                  const hone_state_options *options)
{
    hone__map in_file, in_module, tied;
    *l = (loading){ .file = file,
                    .round = options && options->round,
                    .all = hone__collect("load_state", module, HONE__STATE, INT32_MAX, false) };
    if (!l->all.at)
        return false;
    l->entry = room(l->all.n, sizeof *l->entry);
    l->file_names = room(file->n, sizeof *l->file_names);
    l->missing.at = room(l->all.n, sizeof *l->missing.at);
    l->mismatched.at = room(l->all.n, sizeof *l->mismatched.at);
    l->unexpected.at = room(file->n, sizeof *l->unexpected.at);
    if (!l->entry || !l->file_names || !l->missing.at || !l->mismatched.at || !l->unexpected.at ||
        !map_names(l, options) || !hone__map_begin(&in_file, file->n, true))
        return false;
    bool ok = hone__map_begin(&in_module, l->all.n, true);
    if (ok) {
        ok = hone__map_begin(&tied, l->all.n, false);
        if (ok) {
            match_entries(l, &in_file, &in_module, &tied);
            hone__map_end(&tied);
        }
        hone__map_end(&in_module);
    }
    hone__map_end(&in_file);
    return ok;
}

/* "a, b, c" for a message; what doesn't fit is cut. */
typedef struct {
    char s[200];
} names_text;

static names_text text_of(const names *list)
{
    names_text text = { "none" };
    size_t used = 0;
    for (int i = 0; i < list->n && used < sizeof text.s; i++)
        used += (size_t)hone__format(text.s + used, sizeof text.s - used, "%s%s", i > 0 ? ", " : "",
                                     list->at[i]);
    return text;
}

static hone_status names_fit(const loading *l)
{
    if (l->missing.n == 0 && l->unexpected.n == 0)
        return HONE_OK;
    return hone_error_set(HONE_E_STATE,
                          "load_state: %s doesn't fit the module: missing: %s; unexpected: %s",
                          l->file->path, text_of(&l->missing).s, text_of(&l->unexpected).s);
}

static size_t text_bytes(const names *list)
{
    size_t bytes = 0;
    for (int i = 0; i < list->n; i++)
        bytes += strlen(list->at[i]) + 1;
    return bytes;
}

static hone_name_list copy_names(const names *list, const char ***at, char **text)
{
    const hone_name_list copy = { *at, list->n };
    for (int i = 0; i < list->n; i++) {
        const size_t bytes = strlen(list->at[i]) + 1;
        memcpy(*text, list->at[i], bytes);
        *(*at)++ = *text;
        *text += bytes;
    }
    return copy;
}

/* Both lists in one block, which no scope owns. */
static void *report_block(hone_module *module, const hone_file *file,
                          const hone_state_options *options)
{
    HONE_SCOPE();
    loading l;
    hone_state_report *report = options->report;
    if (!match(&l, module, file, options))
        return NULL;
    const size_t n = (size_t)l.missing.n + (size_t)l.unexpected.n + 1;
    const char **at =
        hone__malloc(n * sizeof *at + text_bytes(&l.missing) + text_bytes(&l.unexpected));
    if (!at)
        return NULL;
    void *const block = at;
    char *text = (char *)(at + n);
    report->missing = copy_names(&l.missing, &at, &text);
    report->unexpected = copy_names(&l.unexpected, &at, &text);
    return block;
}

/* For the caller's scope, and before anything is changed. */
static hone_status make_report(hone_module *module, const hone_file *file,
                               const hone_state_options *options)
{
    if (hone__own_block(report_block(module, file, options)))
        return HONE_OK;
    *options->report = (hone_state_report){ 0 };
    return hone__error_last();
}

/* ---- loading: layout, shapes, dtypes */

static bool shape_fits(const loading *l, int i, hone_layout layout)
{
    const hone_file_entry *e = l->entry[i];
    const hone_tensor *t = l->all.at[i].value;
    const bool transposed = is_transposed(&l->all.at[i], layout);
    bool fits = e->ndim == t->ndim;
    for (int d = 0; fits && d < t->ndim; d++) {
        const bool turned = transposed && d >= t->ndim - 2;
        fits = e->shape[turned ? 2 * t->ndim - 3 - d : d] == t->shape[d];
    }
    return fits;
}

static bool weights_fit(const loading *l, hone_layout layout)
{
    for (int i = 0; i < l->all.n; i++)
        if (l->entry[i] && is_weight(&l->all.at[i]) && !shape_fits(l, i, layout))
            return false;
    return true;
}

static bool has_weights(const loading *l)
{
    for (int i = 0; i < l->all.n; i++)
        if (l->entry[i] && is_weight(&l->all.at[i]))
            return true;
    return false;
}

/* What the caller says, else what the file says, else what the shapes leave: weights of which all
 * are square fit both ways, and taken the wrong way they would give another network. */
static hone_status find_layout(loading *l, hone_layout asked)
{
    const char *unknown;
    const hone_layout stated = hone__layout_stated(l->file->metadata, &unknown);
    l->layout = asked != HONE_LAYOUT_AUTO ? asked : stated;
    if (l->layout != HONE_LAYOUT_AUTO)
        return HONE_OK;
    const bool as_in_out = weights_fit(l, HONE_LAYOUT_IN_OUT);
    const bool as_out_in = weights_fit(l, HONE_LAYOUT_OUT_IN);
    l->layout = as_in_out && !as_out_in ? HONE_LAYOUT_IN_OUT : HONE_LAYOUT_OUT_IN;
    if (!as_in_out || !as_out_in || !has_weights(l))
        return HONE_OK;
    char hint[64] = "";
    if (unknown)
        hone__format(hint, sizeof hint, " (its layout \"%.32s\" is unknown)", unknown);
    return hone_error_set(HONE_E_FORMAT,
                          "load_state: %s doesn't say how its weights lie%s, and square ones fit "
                          "both ways: HONE_LAYOUT_OUT_IN reads PyTorch's, HONE_LAYOUT_IN_OUT "
                          "hone's own",
                          l->file->path, hint);
}

/* What hone reads the entry as where the module has `wanted`. */
static const hone__cell *cell_for(const loading *l, int i, hone_dtype wanted)
{
    const hone__cell *cell = l->file->lie[l->entry[i] - l->file->at].cell;
    return hone__is_half(wanted) ? hone__cell_kept(cell) : cell;
}

/* Halves go into f32: nothing is lost. */
static hone_status dtype_fits(const loading *l, int i)
{
    const hone_file_entry *e = l->entry[i];
    const hone_dtype wanted = hone_dtype_of(l->all.at[i].value);
    const hone__cell *cell = cell_for(l, i, wanted);
    const bool known = cell && cell->kind != HONE__REFUSED;
    const bool same = known && cell->kind == HONE__AS_IT_IS;
    const bool floats = known && hone_dtype_is_float(cell->dtype) && hone_dtype_is_float(wanted);
    if (known && (cell->dtype == wanted || (floats && l->round)))
        return HONE_OK;
    return hone_error_set(HONE_E_DTYPE, "load_state: %s: \"%s\" is %.32s, the module's is %s%s",
                          l->file->path, e->name, same ? hone_dtype_name(cell->dtype) : e->dtype,
                          hone_dtype_name(wanted), floats ? " (the option round converts it)" : "");
}

/* The module's tensor takes the file's: dtype, shape, and that it can be written at all: a buffer
 * may be expanded, or computed. */
static hone_status tensor_fits(const loading *l, int i)
{
    const hone_file_entry *e = l->entry[i];
    const hone_tensor *t = l->all.at[i].value;
    const hone_status status = dtype_fits(l, i);
    if (status != HONE_OK)
        return status;
    if (!shape_fits(l, i, l->layout))
        return hone_error_set(HONE_E_SHAPE,
                              "load_state: %s: \"%s\" has shape %s%s, the module's %s",
                              l->file->path, e->name, hone__shape_text(e->ndim, e->shape).s,
                              is_transposed(&l->all.at[i], l->layout) ? " (out, in)" : "",
                              hone__shape_text(t->ndim, t->shape).s);
    char where[200];
    hone__format(where, sizeof where, "load_state: the module's \"%s\"", e->name);
    return hone__can_copy_in(where, t);
}

/* ---- loading: data */

/* The file's tensor in the module's dtype. */
static hone_tensor *read_rounded(const loading *l, int i)
{
    const hone_dtype wanted = hone_dtype_of(l->all.at[i].value);
    const int convert = HONE__CONVERT_ALL | (hone__is_half(wanted) ? HONE__KEEP_HALVES : 0);
    return hone__file_read_as(l->file, (int)(l->entry[i] - l->file->at), (hone__convert)convert,
                              &wanted);
}

/* The file's tensor as the module has it. */
static hone_tensor *read_tensor(const loading *l, int i)
{
    HONE_SCOPE();
    hone_tensor *t = read_rounded(l, i);
    if (t && is_transposed(&l->all.at[i], l->layout))
        t = hone_contiguous(hone_transpose(t, -2, -1));
    return hone_scope_return(t);
}

/* Lists what has another shape in the file, and passes it by where that is wanted. *block: the
 * caller's list, which no scope owns. */
static hone_status find_mismatched(loading *l, const hone_state_options *options, void **block)
{
    for (int i = 0; i < l->all.n; i++) {
        if (!l->entry[i] || shape_fits(l, i, l->layout))
            continue;
        add_name(&l->mismatched, l->all.at[i].name);
        if (options && options->ignore_mismatched)
            l->entry[i] = NULL;
    }
    if (!options || !options->mismatched)
        return HONE_OK;
    const size_t n = (size_t)l->mismatched.n + 1;
    const char **at = *block = hone__malloc(n * sizeof *at + text_bytes(&l->mismatched));
    if (!at)
        return hone__error_last();
    char *text = (char *)(at + n);
    *options->mismatched = copy_names(&l->mismatched, &at, &text);
    return HONE_OK;
}

/* Names of one tensor, of which the file has different ones: which of them counts nobody can tell. */
static hone_status tied_fit(const loading *l, hone_tensor *const *read)
{
    hone__map first; /* by the module's tensor */
    hone_status status = HONE_OK;
    if (!hone__map_begin(&first, l->all.n, false))
        return hone__error_last();
    for (int i = 0; i < l->all.n && status == HONE_OK; i++) {
        if (!read[i] || hone__map_add(&first, l->all.at[i].value, i))
            continue;
        const int other = hone__map_find(&first, l->all.at[i].value);
        if (l->entry[i] != l->entry[other] && !hone_equal(read[i], read[other]))
            status = hone_error_set(HONE_E_STATE,
                                    "load_state: %s: \"%s\" and \"%s\" differ, and the module has "
                                    "one tensor for both",
                                    l->file->path, l->entry[other]->name, l->entry[i]->name);
    }
    hone__map_end(&first);
    return status;
}

/* Everything is checked and read before the first parameter changes. */
static hone_status load(hone_module *module, const hone_file *file,
                        const hone_state_options *options, void **block)
{
    HONE_SCOPE();
    loading l;
    if (!match(&l, module, file, options))
        return hone__error_last();
    hone_status status = options && options->non_strict ? HONE_OK : names_fit(&l);
    if (status == HONE_OK)
        status = find_layout(&l, options ? options->layout : HONE_LAYOUT_AUTO);
    if (status == HONE_OK)
        status = find_mismatched(&l, options, block);
    for (int i = 0; i < l.all.n && status == HONE_OK; i++)
        if (l.entry[i])
            status = tensor_fits(&l, i);
    hone_tensor **read = status == HONE_OK ? room(l.all.n, sizeof *read) : NULL;
    if (!read)
        return status == HONE_OK ? hone__error_last() : status;
    for (int i = 0; i < l.all.n; i++)
        if (l.entry[i] && !(read[i] = read_tensor(&l, i)))
            return hone__error_last();
    hone_memory_trim(); /* what weights were before they were turned */
    status = tied_fit(&l, read);
    for (int i = 0; i < l.all.n && status == HONE_OK; i++)
        if (read[i])
            status = hone_copy_in(l.all.at[i].value, hone__data(read[i]),
                                  (size_t)read[i]->numel * hone_dtype_size(hone_dtype_of(read[i])));
    return status;
}

hone_status hone_load_state_with(hone_module *module, const char *path,
                                 const hone_state_options *options)
{
    HONE_NO_GRAD();
    hone_state_report *report = options ? options->report : NULL;
    hone_status status = HONE_OK;
    void *block = NULL;
    if (report)
        *report = (hone_state_report){ 0 };
    if (options && options->mismatched)
        *options->mismatched = (hone_name_list){ NULL, 0 };
    if (!HONE__KNOWS_OPTIONS("load_state", options))
        return hone__error_last();
    if (!module)
        return hone__error_missing("load_state", "a module");
    hone_file *file = hone__file_open("load_state", path, NULL, NULL);
    if (!file)
        return hone__error_last();
    if (hone__has_config(path) && !hone__config_rename(path, file)) {
        hone_file_close(file);
        return hone__error_last();
    }
    if (report)
        status = make_report(module, file, options);
    if (status == HONE_OK)
        status = load(module, file, options, &block);
    hone_file_close(file);
    hone_memory_trim(); /* or what was read would stay in the pools, beside what is computed */
    if (block && !hone__own_block(block)) {
        *options->mismatched = (hone_name_list){ NULL, 0 };
        return hone__error_last();
    }
    return status;
}

hone_status hone_load_state(hone_module *module, const char *path)
{
    return hone_load_state_with(module, path, NULL);
}
