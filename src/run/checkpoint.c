/* checkpoint.c: a checkpoint and the copy of its parts' state, which serves again from save to save:
 * after the first one a save takes no memory but for names and numbers. */
#include "run/checkpoint.h"
#include "core/reserve.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char where[] = "checkpoint";
enum { MOST_KEPT = 1000000, LONGEST_ENDING = 16 };

static char *copy_text(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = hone__malloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* A link stays one: what it leads to is replaced, and those before lie beside that. */
static char *copy_path(const char *path)
{
    char target[PATH_MAX];
    struct stat st;
    const bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && realpath(path, target) &&
                      strlen(target) + LONGEST_ENDING < PATH_MAX;
    return copy_text(link ? target : path);
}

static bool add_metadata(hone_checkpoint *c, const char *key, const char *value)
{
    if (!hone__grow(&c->metadata, &c->metadata_room, c->n_metadata + 1, sizeof *c->metadata))
        return false;
    const hone_metadata pair = { copy_text(key), copy_text(value) };
    if (pair.key && pair.value) {
        c->metadata[c->n_metadata++] = pair;
        return true;
    }
    hone__free((void *)(uintptr_t)pair.key);
    hone__free((void *)(uintptr_t)pair.value);
    return false;
}

hone_checkpoint *hone_checkpoint_new(const char *path, const hone_checkpoint_options *options)
{
    const hone_checkpoint_options o = options ? *options : (hone_checkpoint_options){ 0 };
    if (!path) {
        hone__error_missing(where, "a path");
        return NULL;
    }
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return NULL;
    if (o.keep < 0 || o.keep > MOST_KEPT) {
        hone_error_set(HONE_E_VALUE, "%s: keep is %lld (1 to %d are wanted)", where,
                       (long long)o.keep, MOST_KEPT);
        return NULL;
    }
    if (strlen(path) + LONGEST_ENDING >= PATH_MAX) {
        hone_error_set(HONE_E_VALUE, "%s: a path of %zu bytes", where, strlen(path));
        return NULL;
    }
    hone_checkpoint *c = hone__calloc(sizeof *c);
    if (!c)
        return NULL;
    c->keep = o.keep ? o.keep : 1;
    c->foreground = o.foreground;
    c->path = copy_path(path);
    c->loaded = copy_text("");
    if (c->path && c->loaded && add_metadata(c, HONE__RUN_KIND, HONE__RUN_VERSION) &&
        add_metadata(c, "layout", "in,out"))
        return c;
    hone_checkpoint_free(c);
    return NULL;
}

static void free_copy(hone_checkpoint *c)
{
    for (int i = 0; i < c->n_copy; i++) {
        hone__free((void *)(uintptr_t)c->copy[i].name);
        hone_release(c->copy[i].tensor);
    }
    hone__free(c->copy);
    hone_release(c->sums);
    c->copy = NULL;
    c->sums = NULL;
    c->n_copy = 0;
}

void hone_checkpoint_free(hone_checkpoint *c)
{
    if (!c)
        return;
    hone__run_settle(c);
    free_copy(c);
    for (int i = 0; i < c->n_parts; i++)
        hone__free(c->parts[i].name);
    for (int i = 0; i < c->n_metadata; i++) {
        hone__free((void *)(uintptr_t)c->metadata[i].key);
        hone__free((void *)(uintptr_t)c->metadata[i].value);
    }
    hone__free(c->parts);
    hone__free(c->metadata);
    hone__free(c->path);
    hone__free(c->loaded);
    hone__free(c);
}

hone_status hone_checkpoint_fact(hone_checkpoint *c, const char *name, const char *value)
{
    if (!c || !name || !value)
        return hone__error_missing(where, !c ? "a checkpoint" : !name ? "a name" : "a value");
    HONE_SCOPE();
    const size_t bytes = strlen(name) + sizeof HONE__RUN_FACT;
    char *key = hone__own_block(hone__malloc(bytes));
    if (!key)
        return HONE_E_NOMEM;
    hone__format(key, bytes, HONE__RUN_FACT "%s", name);
    hone__run_settle(c); /* its thread reads them */
    for (int i = 0; i < c->n_metadata; i++) {
        if (strcmp(c->metadata[i].key, key) != 0)
            continue;
        char *copy = copy_text(value);
        if (!copy)
            return HONE_E_NOMEM;
        hone__free((void *)(uintptr_t)c->metadata[i].value);
        c->metadata[i].value = copy;
        return HONE_OK;
    }
    return add_metadata(c, key, value) ? HONE_OK : HONE_E_NOMEM;
}

/* ---- the state of all parts */

hone__run_path hone__run_before(const hone_checkpoint *c, int64_t before)
{
    hone__run_path path;
    if (before == 0)
        hone__format(path.s, sizeof path.s, "%s", c->path);
    else
        hone__format(path.s, sizeof path.s, "%s.%lld", c->path, (long long)before);
    return path;
}

hone__run_path hone__run_new(const hone_checkpoint *c)
{
    hone__run_path path;
    hone__format(path.s, sizeof path.s, "%s.new", c->path);
    return path;
}

static const char *whole_name(const hone__run_part *p, const char *name)
{
    if (!name[0])
        return p->name;
    const size_t bytes = strlen(p->name) + 1 + strlen(name) + 1;
    char *whole = hone__own_block(hone__malloc(bytes));
    if (whole)
        hone__format(whole, bytes, "%s.%s", p->name, name);
    return whole;
}

hone_named_list hone__run_state(const hone_checkpoint *c)
{
    const hone_named_list failed = { NULL, 0 };
    hone_named_list *lists =
        hone__own_block(hone__malloc(hone__bytes((int64_t)c->n_parts + 1, sizeof *lists)));
    int64_t n = 0;
    for (int i = 0; i < c->n_parts && lists; i++) {
        lists[i] = c->parts[i].type->state(&c->parts[i]);
        if (!lists[i].at)
            return failed;
        n += lists[i].n;
    }
    hone_named_list all = { hone__own_block(hone__malloc(hone__bytes(n + 1, sizeof *all.at))), 0 };
    if (!lists || !all.at)
        return failed;
    for (int i = 0; i < c->n_parts; i++)
        for (int k = 0; k < lists[i].n; k++) {
            const char *name = whole_name(&c->parts[i], lists[i].at[k].name);
            if (!name)
                return failed;
            all.at[all.n++] = (hone_named){ name, lists[i].at[k].tensor };
        }
    return all;
}

/* ---- the copy */

static bool is_same(const hone_named *copy, const hone_named *now)
{
    return strcmp(copy->name, now->name) == 0 && copy->tensor->dtype == now->tensor->dtype &&
           hone__same_shape(copy->tensor, now->tensor);
}

static bool copy_serves_again(const hone_checkpoint *c, hone_named_list state)
{
    if (!c->copy || c->n_copy != state.n)
        return false;
    for (int i = 0; i < state.n; i++)
        if (!is_same(&c->copy[i], &state.at[i]))
            return false;
    return true;
}

static bool make_copy(hone_checkpoint *c, hone_named_list state)
{
    free_copy(c);
    c->copy = hone__malloc(hone__bytes((int64_t)state.n + 1, sizeof *c->copy));
    c->sums = hone_retain(hone_zeros(HONE_I64, (int64_t)state.n + 1));
    if (!c->copy || !c->sums)
        return false;
    for (int i = 0; i < state.n; i++) {
        const hone_tensor *t = state.at[i].tensor;
        char *name = copy_text(state.at[i].name);
        hone_tensor *room = hone__new(where, hone_dtype_of(t), t->ndim, t->shape);
        c->copy[c->n_copy++] = (hone_named){ name, room };
        if (!name || !room)
            return false;
    }
    return true;
}

static bool copy_state(hone_checkpoint *c)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone_named_list state = hone__run_state(c);
    if (!state.at)
        return false;
    if (!copy_serves_again(c, state) && !make_copy(c, state)) {
        free_copy(c);
        return false;
    }
    for (int i = 0; i < state.n; i++)
        if (!hone_copy_(c->copy[i].tensor, hone_detach(state.at[i].tensor)))
            return false;
    return true;
}

hone_status hone_checkpoint_save(hone_checkpoint *c)
{
    if (!c)
        return hone__error_missing("checkpoint_save", "a checkpoint");
    hone__run_settle(c); /* its thread reads the copy */
    const hone_status before = hone__run_result(c);
    if (!copy_state(c))
        return hone__error_last();
    const hone_status status = hone__run_write(c);
    return before == HONE_OK ? status : before;
}
