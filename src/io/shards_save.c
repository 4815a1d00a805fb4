/* shards_save.c: a state cut into files, in its order; the index comes last. */
#include "core/core.h"
#include "io/replace.h"
#include "io/safetensors.h"
#include "io/shards.h"
#include "io/store.h"
#include "io/writer.h"
#include "runtime/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Where each file begins in the list; starts[n] is the list's end. */
typedef struct {
    int *starts, n;
    int64_t bytes; /* of all */
} cut;

static bool make_cut(hone_named_list tensors, const hone__cell *floats, int64_t most, cut *c)
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
    return true;
}

/* FILE-00002-of-00003.safetensors */
static char *shard_path(const char *path, int i, int n)
{
    const size_t stem = strlen(path) - strlen(".safetensors"), room = stem + 64;
    char *shard = hone__own_block(hone__malloc(room));
    if (shard)
        hone__format(shard, room, "%.*s-%05d-of-%05d.safetensors", (int)stem, path, i + 1, n);
    return shard;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool put_index(hone__writer *w, const char *path, hone_named_list tensors, const cut *c)
{
    hone__write_text(w, "{\n  \"metadata\": {\n    \"total_size\": ");
    hone__write_number(w, c->bytes);
    hone__write_text(w, "\n  },\n  \"weight_map\": {");
    for (int s = 0; s < c->n; s++) {
        const char *shard = shard_path(path, s, c->n);
        for (int i = c->starts[s]; shard && i < c->starts[s + 1]; i++) {
            hone__write_text(w, i ? ",\n    " : "\n    ");
            hone__write_json(w, tensors.at[i].name);
            hone__write_text(w, ": ");
            hone__write_json(w, name_of(shard));
        }
        if (!shard)
            return false;
    }
    hone__write_text(w, "\n  }\n}\n");
    return true;
}

static hone_status write_index(const char *where, const char *path, hone_named_list tensors,
                               const cut *c)
{
    hone__writer w = { NULL, 0 };
    char *index = hone__index_path(path);
    if (!index || !put_index(&w, path, tensors, c))
        return hone__error_last();
    w.bytes = hone__own_block(hone__malloc(w.n));
    w.n = 0;
    if (!w.bytes || !put_index(&w, path, tensors, c))
        return hone__error_last();
    return hone__replace_file(where, index, &(hone__part){ w.bytes, w.n }, 1);
}

/* What is read goes with the index; while files of the same names are being replaced there is none,
 * and never one that mixes old and new ones. */
hone_status hone__shards_save(const char *where, const char *path, hone_named_list tensors,
                              const hone_file_save_options *o)
{
    cut c;
    const hone__cell *floats = o->floats ? hone__cell_named(o->floats) : NULL;
    if (!hone__names_fit(where, tensors, o->metadata) ||
        !make_cut(tensors, floats, o->shard_bytes, &c))
        return hone__error_last();
    if (c.n == 1) {
        return hone__safetensors_save(where, path, tensors, o->metadata, o->floats);
    }
    hone_status status = hone__shards_remove(where, path);
    for (int s = 0; s < c.n && status == HONE_OK; s++) {
        const char *shard = shard_path(path, s, c.n);
        const hone_named_list part = { tensors.at + c.starts[s], c.starts[s + 1] - c.starts[s] };
        status = shard ? hone__safetensors_save(where, shard, part, o->metadata, o->floats)
                       : hone__error_last();
    }
    if (status == HONE_OK)
        status = write_index(where, path, tensors, &c);
    if (status == HONE_OK && unlink(path) != 0 && errno != ENOENT)
        status = hone_error_set(HONE_E_IO, "%s: can't remove %s: %s", where, path, strerror(errno));
    return status;
}
