/* checkpoint_read.c: from a checkpoint's file to the parts of a run. The file is read and compared with
 * its checksums first; then part by part takes its own, and if one can't, all get back what they
 * had. */
#include "run/checkpoint.h"
#include "core/reserve.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>
#include <unistd.h>

static const char where[] = "checkpoint_load";

/* ---- the file */

typedef struct {
    const char *path;
    hone_named_list tensors; /* but for the checksums; owned by the current scope */
    hone_metadata_list metadata;
} content;

static const char *value_of(hone_metadata_list all, const char *key)
{
    for (int i = 0; i < all.n; i++)
        if (strcmp(all.at[i].key, key) == 0)
            return all.at[i].value;
    return NULL;
}

static bool bad(const content *f, const char *what, const char *more)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s %s%s", where, f->path, what, more);
    return false;
}

/* Takes the checksums out of the list. NULL: they aren't there, or not as many as there must be. */
static hone_tensor *take_sums(content *f)
{
    for (int i = 0; i < f->tensors.n; i++) {
        if (strcmp(f->tensors.at[i].name, HONE__RUN_SUMS) != 0)
            continue;
        hone_tensor *sums = f->tensors.at[i].tensor;
        f->tensors.n--;
        memmove(&f->tensors.at[i], &f->tensors.at[i + 1],
                (size_t)(f->tensors.n - i) * sizeof *f->tensors.at);
        const bool fits = sums->dtype == HONE_I64 && sums->ndim == 1 &&
                          sums->shape[0] == (int64_t)f->tensors.n + 1;
        return fits ? sums : NULL;
    }
    return NULL;
}

static bool is_whole(content *f)
{
    const char *kind = value_of(f->metadata, HONE__RUN_KIND);
    if (!kind)
        return bad(f, "is no checkpoint of hone", "");
    if (strcmp(kind, HONE__RUN_VERSION) != 0)
        return bad(f, "is of another version of hone: ", kind);
    hone_tensor *wanted = take_sums(f);
    if (!wanted)
        return bad(f, "is damaged: its checksums are missing", "");
    const hone_named **order =
        hone__own_block(hone__malloc(hone__bytes((int64_t)f->tensors.n + 1, sizeof(void *))));
    int64_t *sums =
        hone__own_block(hone__malloc(hone__bytes((int64_t)f->tensors.n + 1, sizeof *sums)));
    if (!order || !sums)
        return false;
    hone__run_sums(f->tensors, f->metadata, order, sums);
    const int64_t *all = hone__data(wanted);
    if (sums[0] != all[0])
        return bad(f, "is damaged: its facts don't have their checksum", "");
    for (int i = 0; i < f->tensors.n; i++)
        if (sums[1 + i] != all[1 + i])
            return bad(f, "is damaged: this doesn't have its checksum: ", order[i]->name);
    return true;
}

static bool read_file(content *f)
{
    f->tensors = hone_safetensors_load(f->path, &f->metadata);
    return f->tensors.at && is_whole(f);
}

/* ---- facts */

/* Adds "batch was 100 and is 50" to the text. */
static void add_difference(char *text, size_t size, const char *name, const char *was,
                           const char *is)
{
    const size_t n = strlen(text);
    hone__format(text + n, size - n, "%s%.40s was %.60s and is %.60s", n ? ", " : "", name,
                 was ? was : "not told", is ? is : "not told");
}

static bool facts_fit(const hone_checkpoint *c, const content *f)
{
    char text[400] = "";
    const size_t prefix = strlen(HONE__RUN_FACT);
    const hone_metadata_list both[] = { { c->metadata, c->n_metadata }, f->metadata };
    for (int from = 0; from < 2; from++)
        for (int i = 0; i < both[from].n; i++) {
            const char *key = both[from].at[i].key;
            const char *is = value_of(both[0], key), *was = value_of(both[1], key);
            const bool differs = !is || !was || strcmp(is, was) != 0;
            if (differs && strncmp(key, HONE__RUN_FACT, prefix) == 0 && (from == 0 || !is))
                add_difference(text, sizeof text, key + prefix, was, is);
        }
    if (text[0])
        hone_error_set(HONE_E_VALUE, "%s: %.60s is of another run: %s", where, f->path, text);
    return !text[0];
}

/* ---- parts */

hone_tensor *hone__run_find(const hone__run_part *p, hone_named_list state, const hone__map *map,
                            hone_named wanted)
{
    const char *dot = wanted.name[0] ? "." : "";
    int i = map ? hone__map_find(map, wanted.name) : -1;
    for (int k = 0; k < state.n && !map && i < 0; k++)
        if (strcmp(state.at[k].name, wanted.name) == 0)
            i = k;
    if (i < 0) {
        hone_error_set(HONE_E_STATE, "\"%s%s%s\" is missing", p->name, dot, wanted.name);
        return NULL;
    }
    hone_tensor *t = state.at[i].tensor;
    const bool same_shape = hone__same_shape(t, wanted.tensor);
    if (same_shape && t->dtype == wanted.tensor->dtype)
        return t;
    hone_error_set(same_shape ? HONE_E_DTYPE : HONE_E_SHAPE, "\"%s%s%s\" is %s, but the run's %s",
                   p->name, dot, wanted.name, hone__tensor_text(t).s,
                   hone__tensor_text(wanted.tensor).s);
    return NULL;
}

/* The longest part's name that a tensor's begins with; the rest of it is the tensor's own. -1: no
 * part's. `room` has place for the name. */
static int part_of(const hone__map *parts, const char *name, char *room, const char **own)
{
    size_t n = strlen(name);
    memcpy(room, name, n + 1);
    *own = name + n;
    for (;;) {
        const int part = hone__map_find(parts, room);
        if (part >= 0)
            return part;
        char *dot = strrchr(room, '.');
        if (!dot)
            return -1;
        *dot = 0;
        *own = name + (dot - room) + 1;
    }
}

/* The tensors of each part, by their own names; of the current scope. NULL on error. */
static hone_named_list *sort(const hone_checkpoint *c, hone_named_list all, bool anyway)
{
    const int64_t n = c->n_parts;
    hone__map parts;
    hone_named_list *lists = hone__own_block(hone__calloc(hone__bytes(n + 1, sizeof *lists)));
    hone_named *at = hone__own_block(hone__malloc(hone__bytes(all.n + n + 1, sizeof *at)));
    int *part = hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *part)));
    const char **own =
        hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof(char *))));
    size_t longest = 0;
    for (int i = 0; i < all.n; i++)
        longest = strlen(all.at[i].name) > longest ? strlen(all.at[i].name) : longest;
    char *room = hone__own_block(hone__malloc(longest + 1));
    if (!lists || !at || !part || !own || !room || !hone__map_begin(&parts, n, true))
        return NULL;
    for (int i = 0; i < c->n_parts; i++)
        hone__map_add(&parts, c->parts[i].name, i);
    const char *stranger = NULL;
    for (int i = 0; i < all.n; i++) {
        part[i] = part_of(&parts, all.at[i].name, room, &own[i]);
        if (part[i] >= 0)
            lists[part[i]].n++;
        else if (!stranger)
            stranger = all.at[i].name;
    }
    hone__map_end(&parts);
    if (stranger && !anyway) {
        hone_error_set(HONE_E_STATE, "\"%s\" is in the file, but not in the run", stranger);
        return NULL;
    }
    for (int i = 0; i < c->n_parts; i++) {
        lists[i].at = at; /* also of none */
        at += lists[i].n + 1;
        lists[i].n = 0;
    }
    for (int i = 0; i < all.n; i++)
        if (part[i] >= 0)
            lists[part[i]].at[lists[part[i]].n++] = (hone_named){ own[i], all.at[i].tensor };
    return lists;
}

/* What all parts are now, as copies. */
static hone_named_list state_before(const hone_checkpoint *c)
{
    hone_named_list state = hone__run_state(c);
    for (int i = 0; i < state.n; i++)
        if (!(state.at[i].tensor = hone_clone(hone_detach(state.at[i].tensor))))
            return (hone_named_list){ NULL, 0 };
    return state;
}

/* False at the first part that can't take its own. */
static bool put(const hone_checkpoint *c, const hone_named_list *lists, bool anyway)
{
    for (int i = 0; i < c->n_parts; i++) {
        const hone__run_part *p = &c->parts[i];
        if (!(anyway && lists[i].n == 0) && p->type->load(p, lists[i], anyway) != HONE_OK)
            return false;
    }
    return true;
}

static bool put_all(const hone_checkpoint *c, hone_named_list tensors, bool anyway)
{
    const hone_named_list before = state_before(c);
    const hone_named_list *old = before.at ? sort(c, before, false) : NULL;
    const hone_named_list *new = old ? sort(c, tensors, anyway) : NULL;
    if (!new)
        return false;
    if (put(c, new, anyway))
        return true;
    put(c, old, false); /* which each of them was: nothing but memory can fail here */
    return false;
}

static bool load_file(hone_checkpoint *c, const char *path, bool anyway, bool *is_damaged)
{
    HONE_SCOPE();
    content f = { .path = path };
    char *loaded = hone__malloc(strlen(path) + 1);
    *is_damaged = false;
    if (!loaded)
        return false;
    strcpy(loaded, path);
    const bool clean = hone_error_code() == HONE_OK;
    bool ok = read_file(&f);
    *is_damaged = !ok && (hone__error_last() == HONE_E_FORMAT || hone__error_last() == HONE_E_IO);
    ok = ok && (anyway || facts_fit(c, &f));
    if (ok && !(ok = put_all(c, f.tensors, anyway)) && clean) {
        char prefix[200];
        hone__format(prefix, sizeof prefix, "%s: %.120s: ", where, path);
        hone__error_prefix(prefix);
    }
    hone__free(ok ? c->loaded : loaded);
    if (ok)
        c->loaded = loaded;
    return ok;
}

/* ---- which file */

enum { NEW = 1 }; /* the second: a kill may have come between two renames */

/* Candidate i, the newest first. */
static hone__run_path candidate(const hone_checkpoint *c, int64_t i)
{
    return i == NEW ? hone__run_new(c) : hone__run_before(c, i == 0 ? 0 : i - NEW);
}

static bool is_there(const hone_checkpoint *c, int64_t i)
{
    const hone__run_path path = candidate(c, i);
    return access(path.s, F_OK) == 0;
}

/* How many there may be: those that are kept now, or were. */
static int64_t candidates(const hone_checkpoint *c)
{
    int64_t n = 1 + NEW;
    while (n < c->keep + NEW || is_there(c, n))
        n++;
    return n;
}

bool hone_checkpoint_exists(const hone_checkpoint *c)
{
    if (!c) {
        hone__error_missing("checkpoint_exists", "a checkpoint");
        return false;
    }
    const int64_t n = candidates(c);
    bool there = false;
    for (int64_t i = 0; i < n && !there; i++)
        there = is_there(c, i);
    return there;
}

/* The first candidate that is whole; the newest one's error if none is. */
static bool load_newest(hone_checkpoint *c, bool anyway)
{
    const int64_t n = candidates(c);
    const bool clean = hone_error_code() == HONE_OK;
    hone_status first = HONE_OK;
    bool is_damaged;
    for (int64_t i = 0; i < n; i++) {
        const hone__run_path path = candidate(c, i);
        if (i > 0 && !is_there(c, i))
            continue;
        if (load_file(c, path.s, anyway, &is_damaged))
            return true;
        if (!is_damaged)
            return false;
        if (first == HONE_OK) {
            first = hone__error_last();
            if (clean)
                hone__format(c->passed_over, sizeof c->passed_over, "%s", hone_error_message());
        }
        if (clean)
            hone_error_clear(); /* there may be an older one */
    }
    if (clean)
        hone_error_set(first, "%s", c->passed_over);
    c->passed_over[0] = 0;
    return false;
}

hone_status hone_checkpoint_load(hone_checkpoint *c, const char *path,
                                 const hone_checkpoint_load_options *options)
{
    if (!c)
        return hone__error_missing(where, "a checkpoint");
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return hone__error_last();
    HONE_SCOPE();
    HONE_NO_GRAD();
    const bool anyway = options && options->anyway;
    bool is_damaged;
    hone__run_settle(c);
    c->passed_over[0] = 0;
    const bool ok = path ? load_file(c, path, anyway, &is_damaged) : load_newest(c, anyway);
    return ok ? HONE_OK : hone__error_last();
}

const char *hone_checkpoint_loaded(const hone_checkpoint *c)
{
    if (!c)
        hone__error_missing("checkpoint_loaded", "a checkpoint");
    return c ? c->loaded : "";
}

const char *hone_checkpoint_passed_over(const hone_checkpoint *c)
{
    if (!c)
        hone__error_missing("checkpoint_passed_over", "a checkpoint");
    return c ? c->passed_over : "";
}
