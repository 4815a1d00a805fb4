/* map.c: open addressing, at most half full. */
#include "core/map.h"
#include "runtime/memory.h"

#include <string.h>

bool hone__map_begin(hone__map *map, int64_t n, bool names)
{
    int64_t room = 8;
    while (room < 2 * n)
        room *= 2;
    const size_t keys = hone__bytes(room, sizeof *map->keys);
    char *block = hone__calloc(keys + hone__bytes(room, sizeof *map->values));
    if (block)
        *map = (hone__map){ (const void **)block, (int *)(void *)(block + keys), (uint64_t)room - 1,
                            names };
    return block != NULL;
}

void hone__map_end(hone__map *map)
{
    hone__free(map->keys);
    map->keys = NULL;
}

/* FNV-1a of a name; an address by a multiplication. */
static uint64_t hashed(const hone__map *map, const void *key)
{
    uint64_t h = 14695981039346656037u;
    if (!map->names)
        return ((uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u) >> 16;
    for (const unsigned char *at = key; *at; at++)
        h = (h ^ *at) * 1099511628211u;
    return h ^ h >> 29;
}

static bool equal(const hone__map *map, const void *a, const void *b)
{
    return a == b || (map->names && strcmp(a, b) == 0);
}

/* Where the key is, or would be. */
static uint64_t place_of(const hone__map *map, const void *key)
{
    uint64_t at = hashed(map, key) & map->mask;
    while (map->keys[at] && !equal(map, map->keys[at], key))
        at = (at + 1) & map->mask;
    return at;
}

int hone__map_find(const hone__map *map, const void *key)
{
    const uint64_t at = place_of(map, key);
    return map->keys[at] ? map->values[at] : -1;
}

bool hone__map_add(hone__map *map, const void *key, int value)
{
    const uint64_t at = place_of(map, key);
    if (map->keys[at])
        return false;
    map->keys[at] = key;
    map->values[at] = value;
    return true;
}
