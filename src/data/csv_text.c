/* csv_text.c: texts by a hash table, then by their bytes. */
#include "data/csv_text.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hashed(const char *text, int64_t length)
{
    uint64_t h = 14695981039346656037u;
    for (int64_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static int64_t length_of(const hone__texts *t, int32_t i)
{
    return (i + 1 < t->n ? t->begin[i + 1] : t->n_bytes) - t->begin[i] - 1;
}

/* Where the text is, or would be. */
static int64_t place_of(const hone__texts *t, const char *text, int64_t length)
{
    int64_t at = (int64_t)(hashed(text, length) & (uint64_t)(t->n_slots - 1));
    for (; t->slot[at] >= 0; at = (at + 1) & (t->n_slots - 1)) {
        const int32_t i = t->slot[at];
        if (length_of(t, i) == length && memcmp(t->bytes + t->begin[i], text, (size_t)length) == 0)
            break;
    }
    return at;
}

static bool grow_slots(hone__texts *t)
{
    const int64_t n = t->n_slots ? 2 * t->n_slots : 64;
    int32_t *slot = hone__malloc(hone__bytes(n, sizeof *slot));
    if (!slot)
        return false;
    memset(slot, -1, (size_t)n * sizeof *slot);
    hone__free(t->slot);
    t->slot = slot;
    t->n_slots = n;
    for (int32_t i = 0; i < t->n; i++)
        t->slot[place_of(t, t->bytes + t->begin[i], length_of(t, i))] = i;
    return true;
}

static bool make_room(hone__texts *t, int64_t length)
{
    if (2 * (int64_t)(t->n + 1) > t->n_slots && !grow_slots(t))
        return false;
    return hone__grow(&t->bytes, &t->room, t->n_bytes + length + 1, 1) &&
           hone__grow(&t->begin, &t->room_texts, (int64_t)t->n + 1, sizeof *t->begin);
}

int32_t hone__texts_find(const hone__texts *t, const char *text, int64_t length)
{
    return t->n_slots ? t->slot[place_of(t, text, length)] : -1;
}

int32_t hone__texts_add(hone__texts *t, const char *text, int64_t length)
{
    const int32_t found = hone__texts_find(t, text, length);
    if (found >= 0)
        return found;
    if (t->n == INT32_MAX / 2 || !make_room(t, length))
        return -1;
    const int64_t slot = place_of(t, text, length);
    t->begin[t->n] = t->n_bytes;
    memcpy(t->bytes + t->n_bytes, text, (size_t)length);
    t->n_bytes += length;
    t->bytes[t->n_bytes++] = 0;
    t->slot[slot] = t->n;
    return t->n++;
}

typedef struct {
    const char *text;
    int32_t was;
} entry;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->text, ((const entry *)b)->text);
}

bool hone__texts_sort(hone__texts *t, int32_t *text, int64_t n)
{
    entry *all = hone__malloc(hone__bytes(t->n + 1, sizeof *all));
    int32_t *place = hone__malloc(hone__bytes(t->n + 1, sizeof *place));
    t->sorted = hone__malloc(hone__bytes(t->n + 1, sizeof *t->sorted));
    const bool done = all && place && t->sorted;
    for (int32_t i = 0; done && i < t->n; i++)
        all[i] = (entry){ t->bytes + t->begin[i], i };
    if (done && t->n > 0)
        qsort(all, (size_t)t->n, sizeof *all, by_bytes);
    for (int32_t i = 0; done && i < t->n; i++) {
        t->sorted[i] = all[i].text;
        place[all[i].was] = i;
    }
    for (int64_t i = 0; done && i < n; i++)
        text[i] = text[i] < 0 ? -1 : place[text[i]];
    hone__free(all);
    hone__free(place);
    return done;
}

void hone__texts_free(hone__texts *t)
{
    hone__free(t->bytes);
    hone__free(t->begin);
    hone__free(t->slot);
    hone__free(t->sorted);
    *t = (hone__texts){ 0 };
}
