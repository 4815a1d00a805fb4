/* map.h: from names or addresses to numbers, in constant time. What comes out depends on the keys
 * alone, never on where they lie. */
#ifndef HONE_CORE_MAP_H
#define HONE_CORE_MAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const void **keys; /* NULL: free */
    int *values;
    uint64_t mask;
    bool names; /* keys are strings, which stay the caller's */
} hone__map;

/** Room for n keys. False: E_NOMEM, and there is nothing to end. */
bool hone__map_begin(hone__map *map, int64_t n, bool names);
void hone__map_end(hone__map *map);
/** The key's value, not negative; -1: it isn't there. */
int hone__map_find(const hone__map *map, const void *key);
/** False: it is there already, and keeps its value. */
bool hone__map_add(hone__map *map, const void *key, int value);

#endif
