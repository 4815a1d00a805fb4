/* names.c: paths of modules, and the sites that memory comes from. Ids stay for the process's life: a
 * block that was marked in one profile may go in another. */
#include "profile/record.h"

#include "core/core.h"
#include "nn/walk.h"
#include "runtime/lock.h"
#include "runtime/memory.h"

#include <string.h>

atomic_uint hone__module_generation = 1;

/* ---- texts */

enum { TEXT_SLOTS = 4096 }; /* beyond that equal texts are kept twice */
static const char *texts[TEXT_SLOTS];

static uint64_t hash_of(const void *at, size_t bytes)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ ((const unsigned char *)at)[i]) * 0x100000001b3u;
    return h;
}

const char *hone__interned(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    const uint64_t h = hash_of(text, bytes);
    for (int i = 0; i < 64; i++) {
        const char **slot = &texts[(h + (uint64_t)i) % TEXT_SLOTS];
        if (*slot && strcmp(*slot, text) == 0)
            return *slot;
        if (*slot)
            continue;
        char *copy = hone__book_try(bytes);
        if (copy)
            *slot = memcpy(copy, text, bytes);
        return copy ? copy : "";
    }
    return "";
}

/* ---- paths */

enum { MOST_PATHS = 1 << 16, MAP = 1 << 14 };
static const char **paths; /* by id; 0: outside */
static uint32_t n_paths = 1, room_paths;

const char *hone__module_path(uint32_t id)
{
    return id > 0 && id < n_paths ? paths[id] : "";
}

static uint32_t path_id(const char *path)
{
    const char *text = hone__interned(path);
    for (uint32_t i = 1; i < n_paths; i++)
        if (paths[i] == text)
            return i;
    if (n_paths >= room_paths && n_paths < MOST_PATHS) {
        const uint32_t room = room_paths ? 2 * room_paths : 256;
        const char **more =
            hone__book_realloc(paths, room_paths * sizeof *paths, room * sizeof *paths);
        if (!more)
            return 0;
        paths = more;
        room_paths = room;
    }
    if (n_paths >= room_paths)
        return 0;
    paths[n_paths] = text;
    return n_paths++;
}

/* ---- which pointers are whose: modules, and storages of parameters */

typedef struct {
    const void *key;
    uint32_t id;
} entry;
static entry *modules, *storages; /* MAP each; open addressing */
static int n_modules, n_storages;

static entry *find(entry *map, const void *key)
{
    for (size_t i = ((uintptr_t)key >> 4) % MAP;; i = (i + 1) % MAP)
        if (!map[i].key || map[i].key == key)
            return &map[i];
}

static void put(entry *map, int *n, const void *key, uint32_t id)
{
    entry *e = find(map, key);
    if (!e->key && *n >= MAP / 2)
        return;
    *n += !e->key;
    *e = (entry){ key, id };
}

static bool ready(void)
{
    if (!modules)
        modules = hone__book_try(MAP * sizeof *modules);
    if (!storages)
        storages = hone__book_try(MAP * sizeof *storages);
    return modules && storages;
}

/* The first outermost module's own names stand alone, those of others behind theirs. */
static void prefix_of(const hone_module *root, char *text, size_t size)
{
    static int roots;
    text[0] = 0;
    if (roots++ > 0)
        hone__format(text, size, "%s%d:", root->type->name, roots);
}

static void learn_tree(const hone_module *root)
{
    HONE_SCOPE();
    char prefix[80], path[512];
    prefix_of(root, prefix, sizeof prefix);
    hone__format(path, sizeof path, "%s%s", prefix, root->type->name);
    put(modules, &n_modules, root, path_id(path));
    hone_module *top = (hone_module *)(uintptr_t)root;
    const hone__found_list all = hone__collect("profile", top, HONE__MODULES, INT32_MAX, true);
    for (int i = 0; all.at && i < all.n; i++) {
        if (all.at[i].value == root)
            continue;
        hone__format(path, sizeof path, "%s%s", prefix, all.at[i].name);
        put(modules, &n_modules, all.at[i].value, path_id(path));
    }
    const hone__found_list state = hone__collect("profile", top, HONE__PARAMETERS, INT32_MAX, true);
    for (int i = 0; state.at && i < state.n; i++) {
        const char *dot = strrchr(state.at[i].name, '.');
        const int length = dot ? (int)(dot - state.at[i].name) : 0;
        hone__format(path, sizeof path, "%s%.*s", prefix, length, state.at[i].name);
        if (!dot)
            hone__format(path, sizeof path, "%s%s", prefix, root->type->name);
        put(storages, &n_storages, ((const hone_tensor *)state.at[i].value)->storage,
            path_id(path));
    }
}

uint32_t hone__module_id(const void *module, const void *root)
{
    const bool pending = hone_error_code() != HONE_OK;
    hone__lock(HONE__LOCK_PROFILE);
    uint32_t id = 0;
    if (ready()) {
        if (!find(modules, root ? root : module)->key)
            learn_tree(root ? root : module);
        const hone_module *m = module;
        if (!find(modules, module)->key) /* none of the outermost one's fields */
            put(modules, &n_modules, module, path_id(m->type->name));
        id = find(modules, module)->id;
    }
    hone__unlock(HONE__LOCK_PROFILE);
    if (!pending)
        hone_error_clear(); /* names are no reason for a forward to fail */
    return id;
}

uint32_t hone__module_of_storage(const void *storage)
{
    return storages && storage ? find(storages, storage)->id : 0;
}

static void rebuild(entry *map, int *n, const void *without)
{
    entry *old = hone__book_try(MAP * sizeof *old);
    if (!old)
        return;
    memcpy(old, map, MAP * sizeof *old);
    memset(map, 0, MAP * sizeof *map);
    *n = 0;
    for (int i = 0; i < MAP; i++)
        if (old[i].key && old[i].key != without)
            put(map, n, old[i].key, old[i].id);
    hone__book_realloc(old, MAP * sizeof *old, 0);
}

void hone__module_forget(const void *module)
{
    hone__lock(HONE__LOCK_PROFILE);
    if (modules && find(modules, module)->key) {
        rebuild(modules, &n_modules, module);
        atomic_fetch_add(&hone__module_generation, 1);
    }
    hone__unlock(HONE__LOCK_PROFILE);
}

/* ---- sites */

enum { SITES = 1 << 13, OTHERS = SITES - 1 }; /* of 65536 that a storage could say */
static hone__memory_site *sites;
static atomic_uint n_sites = 1;

hone__memory_site *hone__memory_site_at(unsigned id)
{
    return &sites[id < SITES ? id : OTHERS];
}

unsigned hone__sites(void)
{
    return sites ? atomic_load(&n_sites) : 1;
}

unsigned hone__site_id(const char *op, uint32_t module)
{
    unsigned id = OTHERS;
    hone__lock(HONE__LOCK_PROFILE);
    const unsigned n = atomic_load(&n_sites);
    for (id = 1; id < n; id++)
        if (sites[id].op == op && sites[id].module == module)
            break;
    if (id == n && n < OTHERS) {
        sites[n].op = op;
        sites[n].module = module;
        atomic_store(&n_sites, n + 1);
    } else if (id == n) {
        id = OTHERS;
    }
    hone__unlock(HONE__LOCK_PROFILE);
    return id;
}

bool hone__sites_ready(void)
{
    if (!sites)
        sites = hone__book_try(SITES * sizeof *sites);
    if (sites)
        sites[OTHERS].op = "others";
    return sites;
}
