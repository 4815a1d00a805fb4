/* shards_save.c: a state cut into files, in its order; the index comes last. */
#include "core/core.h"
#include "core/map.h"
#include "io/replace.h"
#include "io/safetensors.h"
#include "io/shards.h"
#include "io/store.h"
#include "io/writer.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* FILE-00002-of-00003.safetensors */
static char *shard_path(const char *path, int i, int n)
{
    const size_t stem = strlen(path) - strlen(".safetensors"), room = stem + 64;
    char *shard = hone__own_block(hone__malloc(room));
    if (shard)
        hone__format(shard, room, "%.*s-%05d-of-%05d.safetensors", (int)stem, path, i + 1, n);
    return shard;
}

/* Where each file begins in the list; starts[n] is the list's end. */
typedef struct {
    int *starts, n;
    char **path;   /* of each file */
    int64_t bytes; /* of all */
} cut;

static bool make_cut(const char *path, hone_named_list tensors, const hone__cell *floats,
                     int64_t most, cut *c)
{
    c->starts = hone__own_block(hone__malloc(hone__bytes((int64_t)tensors.n + 2, sizeof(int))));
    if (!c->starts)
        return false;
    int64_t here = 0;
    c->starts[0] = 0;
    c->n = 1;
    c->bytes = 0;
    for (int i = 0; i < tensors.n; i++) {
        const hone_tensor *t = tensors.at[i].tensor;
        const int64_t bytes = hone__cell_bytes(hone__stored_as(t, floats), t->numel);
        if (here > 0 && bytes > most - here) {
            c->starts[c->n++] = i;
            here = 0;
        }
        here += bytes;
        c->bytes += bytes;
    }
    c->starts[c->n] = tensors.n;
    c->path = hone__own_block(hone__malloc(hone__bytes(c->n, sizeof *c->path)));
    for (int s = 0; c->path && s < c->n; s++)
        if (!(c->path[s] = shard_path(path, s, c->n)))
            return false;
    return c->path;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void put_index(hone__writer *w, hone_named_list tensors, const cut *c)
{
    hone__write_text(w, "{\n  \"metadata\": {\n    \"total_size\": ");
    hone__write_number(w, c->bytes);
    hone__write_text(w, "\n  },\n  \"weight_map\": {");
    for (int s = 0; s < c->n; s++) {
        for (int i = c->starts[s]; i < c->starts[s + 1]; i++) {
            hone__write_text(w, i ? ",\n    " : "\n    ");
            hone__write_json(w, tensors.at[i].name);
            hone__write_text(w, ": ");
            hone__write_json(w, name_of(c->path[s]));
        }
    }
    hone__write_text(w, "\n  }\n}\n");
}

static hone_status write_index(const char *where, const char *path, hone_named_list tensors,
                               const cut *c)
{
    hone__writer w = { NULL, 0 };
    char *index = hone__index_path(path);
    if (!index)
        return hone__error_last();
    put_index(&w, tensors, c);
    w.bytes = hone__own_block(hone__malloc(w.n));
    w.n = 0;
    if (!w.bytes)
        return hone__error_last();
    put_index(&w, tensors, c);
    return hone__replace_file(where, index, &(hone__part){ w.bytes, w.n }, 1);
}

/* Where a shard is written to before it is in its place. */
static char *new_path(const char *shard)
{
    char *path = shard ? hone__own_block(hone__malloc(strlen(shard) + sizeof ".new")) : NULL;
    return path ? strcat(strcpy(path, shard), ".new") : NULL;
}

static hone_status write_shards(const char *where, hone_named_list tensors, const cut *c,
                                const hone_file_save_options *o)
{
    hone_status status = HONE_OK;
    for (int s = 0; s < c->n && status == HONE_OK; s++) {
        const char *to = new_path(c->path[s]);
        const hone_named_list part = { tensors.at + c->starts[s], c->starts[s + 1] - c->starts[s] };
        status = to ? hone__safetensors_save(where, to, part, o->metadata, o->floats)
                    : hone__error_last();
    }
    for (int s = 0; s < c->n && status != HONE_OK; s++) {
        const char *to = new_path(c->path[s]);
        if (to)
            unlink(to);
    }
    return status;
}

static hone_status put_in_place(const char *where, const cut *c)
{
    for (int s = 0; s < c->n; s++) {
        const char *from = new_path(c->path[s]);
        if (!from)
            return hone__error_last();
        if (rename(from, c->path[s]) != 0)
            return hone_error_set(HONE_E_IO, "%s: can't rename %s: %s", where, from,
                                  strerror(errno));
    }
    return HONE_OK;
}

/* Those of the old files whose names are none of the new ones. */
static hone_status remove_old(const hone__shard_list *old, const cut *c)
{
    hone__map kept;
    if (!hone__map_begin(&kept, c->n, true))
        return hone__error_last();
    for (int s = 0; s < c->n; s++)
        hone__map_add(&kept, c->path[s], s);
    for (int s = 0; s < old->n; s++)
        if (hone__map_find(&kept, old->at[s]) < 0)
            unlink(old->at[s]);
    hone__map_end(&kept);
    return HONE_OK;
}

/* The old files stay until all new ones are on the disk, under other names. Then the old index goes, the new files
 * get their names, the new index comes, and what is old goes: no index ever has files of two states. */
hone_status hone__shards_save(const char *where, const char *path, hone_named_list tensors,
                              const hone_file_save_options *o)
{
    cut c;
    hone__shard_list old;
    const hone__cell *floats = o->floats ? hone__cell_named(o->floats) : NULL;
    if (!hone__names_fit(where, tensors, o->metadata) ||
        !make_cut(path, tensors, floats, o->shard_bytes, &c))
        return hone__error_last();
    if (c.n == 1)
        return hone__safetensors_save(where, path, tensors, o->metadata, o->floats);
    if (!hone__shards_listed(where, path, &old))
        return hone__error_last();
    hone_status status = write_shards(where, tensors, &c, o);
    if (status == HONE_OK)
        status = hone__index_remove(where, path);
    if (status == HONE_OK)
        status = put_in_place(where, &c);
    if (status == HONE_OK)
        status = write_index(where, path, tensors, &c);
    if (status == HONE_OK && unlink(path) != 0 && errno != ENOENT)
        status = hone_error_set(HONE_E_IO, "%s: can't remove %s: %s", where, path, strerror(errno));
    return status == HONE_OK ? remove_old(&old, &c) : status;
}
