/* shards.c: the index, read and checked both ways: each tensor of the map is in its file, each one in a
 * file is in the map. */
#include "io/shards.h"

#include "core/core.h"
#include "core/map.h"
#include "io/json.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_INDEX = 1 << 26, MOST_SHARDS = 10000 };

/* ---- the text */

typedef struct {
    const char *tensor, *file;
} mapped;

typedef struct {
    hone_file *file;
    mapped *at;
    int n, room;
    const char **shards;
    int n_shards, shards_room;
} index_text;

static void *grown(hone_file *f, const void *at, int n, int *room, size_t size)
{
    if (n < *room)
        return (void *)(uintptr_t)at;
    void *more = hone__file_room(f, (size_t)(2 * *room + 64) * size);
    if (more && n)
        memcpy(more, at, (size_t)n * size);
    *room = 2 * *room + 64;
    return more;
}

/* Only beside the index. */
static bool is_beside(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

static bool add_mapped(index_text *x, const char *tensor, const char *file)
{
    if (!is_beside(file))
        return hone__file_bad(x->file, "\"%.200s\" is in \"%.200s\", which isn't beside the index",
                              tensor, file);
    int s = 0;
    while (s < x->n_shards && strcmp(x->shards[s], file) != 0)
        s++;
    if (s == MOST_SHARDS)
        return hone__file_bad(x->file, "it has more than %d files", MOST_SHARDS);
    x->at = grown(x->file, x->at, x->n, &x->room, sizeof *x->at);
    x->shards = grown(x->file, x->shards, x->n_shards, &x->shards_room, sizeof *x->shards);
    if (!x->at || !x->shards)
        return false;
    if (s == x->n_shards)
        x->shards[x->n_shards++] = file;
    x->at[x->n++] = (mapped){ tensor, x->shards[s] };
    return true;
}

static bool read_map(index_text *x, hone__json *j)
{
    bool first = true;
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *tensor = hone__json_string(j);
        hone__json_take(j, ':');
        const char *file = hone__json_string(j);
        if (!j->problem && !add_mapped(x, tensor, file))
            return false;
    }
    return true;
}

static bool read_text(index_text *x, char *text, int64_t bytes)
{
    hone__json j = { .at = text, .end = text + bytes };
    bool first = true, seen = false;
    hone__json_take(&j, '{');
    while (hone__json_more(&j, '}', &first)) {
        const char *key = hone__json_string(&j);
        hone__json_take(&j, ':');
        const bool map = key && strcmp(key, "weight_map") == 0;
        if (map && seen)
            return hone__file_bad(x->file, "weight_map is there twice");
        seen = seen || map;
        if (map ? !read_map(x, &j) : (hone__json_skip(&j), false))
            return false;
    }
    if (!j.problem)
        hone__json_ends(&j);
    if (j.problem)
        return hone__file_bad(x->file, "%s", j.problem);
    return seen || hone__file_bad(x->file, "it has no weight_map");
}

static bool read_index(index_text *x)
{
    hone_file *f = x->file;
    if (f->bytes > MOST_INDEX)
        return hone__file_bad(f, "it has %lld bytes", (long long)f->bytes);
    char *text = hone__file_room(f, (size_t)f->bytes + 1);
    return text && hone__file_read_at(f, text, f->bytes, 0) && read_text(x, text, f->bytes);
}

/* ---- the files */

static const char *beside(hone_file *f, const char *name)
{
    const char *slash = strrchr(f->path, '/');
    const size_t folder = slash ? (size_t)(slash - f->path) + 1 : 0, n = strlen(name) + 1;
    char *path = hone__file_room(f, folder + n);
    if (path) {
        memcpy(path, f->path, folder);
        memcpy(path + folder, name, n);
    }
    return path;
}

/* The shard's tensors, each of which the map must have in this file. */
static bool add_shard(index_text *x, const hone__map *in_map, bool *found, int s)
{
    hone_file *f = x->file;
    const char *path = beside(f, x->shards[s]);
    hone_file *part =
        path ? hone__file_open(f->where, path, &hone__safetensors_format, NULL) : NULL;
    if (!part)
        return false;
    f->parts[f->n_parts++] = part;
    for (int i = 0; i < part->n; i++) {
        const int m = hone__map_find(in_map, part->at[i].name);
        if (m < 0 || strcmp(x->at[m].file, x->shards[s]) != 0)
            return hone__file_bad(f, "%s has \"%.200s\", which weight_map %s%s", x->shards[s],
                                  part->at[i].name, m < 0 ? "doesn't have" : "has in ",
                                  m < 0 ? "" : x->at[m].file);
        found[m] = true;
        const int k = hone__file_add(f, part->at[i]);
        if (k < 0)
            return false;
        f->lie[k] = part->lie[i];
        f->lie[k].member = s;
        f->lie[k].first = part->at[i].offset;
        f->at[k].offset = -1;
    }
    return true;
}

static bool add_shards(index_text *x, const hone__map *in_map, bool *found)
{
    hone_file *f = x->file;
    for (int s = 0; s < x->n_shards; s++)
        if (!add_shard(x, in_map, found, s))
            return false;
    for (int i = 0; i < x->n; i++)
        if (!found[i])
            return hone__file_bad(f, "weight_map has \"%.200s\" in %s, where it isn't",
                                  x->at[i].tensor, x->at[i].file);
    for (int i = 0; f->n_parts > 0 && i < f->parts[0]->metadata.n; i++) {
        const hone_metadata *pair = &f->parts[0]->metadata.at[i];
        if (!hone__file_add_metadata(f, pair->key, pair->value))
            return false;
    }
    return true;
}

static bool add_all(index_text *x)
{
    hone__map in_map;
    hone_file *f = x->file;
    bool *found = hone__file_room(f, (size_t)x->n + 1);
    f->parts = hone__file_room(f, ((size_t)x->n_shards + 1) * sizeof *f->parts);
    if (!found || !f->parts || !hone__map_begin(&in_map, x->n, true))
        return false;
    memset(found, 0, (size_t)x->n + 1);
    bool ok = true;
    for (int i = 0; ok && i < x->n; i++)
        ok = hone__map_add(&in_map, x->at[i].tensor, i) ||
             hone__file_bad(f, "weight_map has \"%.200s\" twice", x->at[i].tensor);
    ok = ok && add_shards(x, &in_map, found);
    hone__map_end(&in_map);
    return ok;
}

/* ---- the format */

static const char *const endings[] = { "index.json", NULL };

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    size_t at = 0;
    (void)f;
    while (at < n && strchr(" \n\t\r", head[at]) && head[at])
        at++;
    return at < n && head[at] == '{';
}

static bool open_index(hone_file *f)
{
    index_text x = { .file = f };
    return read_index(&x) && add_all(&x);
}

static bool read_data(const hone_file *f, int i, void *data, int64_t from, int64_t bytes)
{
    return hone__file_read_at(f->parts[f->lie[i].member], data, bytes, from);
}

const hone__file_format hone__shards_format = {
    .name = "index", .endings = endings, .is = is, .open = open_index, .read = read_data
};

/* ---- removing */

/* An index may list any file: what is no file of tensors is nobody's to remove. */
static bool is_shard(const char *name)
{
    static const char ending[] = ".safetensors";
    const size_t n = strlen(name), m = sizeof ending - 1;
    return n > m && strcmp(name + n - m, ending) == 0;
}

char *hone__index_path(const char *path)
{
    char *index = hone__own_block(hone__malloc(strlen(path) + sizeof ".index.json"));
    if (index) {
        strcpy(index, path);
        strcat(index, ".index.json");
    }
    return index;
}

bool hone__shards_listed(const char *where, const char *path, hone__shard_list *list)
{
    *list = (hone__shard_list){ 0 };
    char *index = hone__index_path(path);
    if (!index || access(index, F_OK) != 0)
        return index;
    hone_file *f = hone__calloc(sizeof *f);
    if (!f)
        return false;
    *f = (hone_file){ .where = where, .format = &hone__shards_format, .path = index, .fd = -1 };
    index_text x = { .file = f };
    bool folder;
    if (!hone__file_open_path(f, &folder) || folder || !read_index(&x)) {
        hone_error_clear(); /* what can't be read lists nothing */
        x.n_shards = 0;
    }
    list->at =
        hone__own_block(hone__malloc(hone__bytes((int64_t)x.n_shards + 1, sizeof *list->at)));
    bool good = list->at;
    for (int s = 0; good && s < x.n_shards; s++) {
        const char *shard = is_shard(x.shards[s]) ? beside(f, x.shards[s]) : NULL;
        if (!shard || strcmp(shard, path) == 0)
            continue;
        char *copy = hone__own_block(hone__malloc(strlen(shard) + 1));
        good = copy;
        if (copy)
            list->at[list->n++] = strcpy(copy, shard);
    }
    f->path = NULL; /* the scope's */
    hone_file_close(f);
    return good;
}

hone_status hone__index_remove(const char *where, const char *path)
{
    const char *index = hone__index_path(path);
    if (!index)
        return hone__error_last();
    return unlink(index) == 0 || errno == ENOENT || errno == ENAMETOOLONG /* none can be there */
               ? HONE_OK
               : hone_error_set(HONE_E_IO, "%s: can't remove %s: %s", where, index,
                                strerror(errno));
}

/* The index first, so that nothing refers to what isn't there. */
hone_status hone__shards_remove(const char *where, const char *path)
{
    hone__shard_list old;
    if (!hone__shards_listed(where, path, &old))
        return hone__error_last();
    const hone_status status = hone__index_remove(where, path);
    for (int s = 0; s < old.n && status == HONE_OK; s++)
        unlink(old.at[s]);
    return status;
}
