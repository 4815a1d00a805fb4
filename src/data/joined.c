/* joined.c: several sets one after the other. */
#include "core/core.h"
#include "data/kinds.h"
#include "runtime/memory.h"

typedef struct {
    hone_dataset *part;
    int64_t *end; /* of each, in all */
    int n;
    int64_t size;
} joined;

static int64_t joined_size(const hone_dataset *set)
{
    return ((const joined *)set->state)->size;
}

/* The part that sample `index` is in, and its number there. */
static const hone_dataset *part_of(const joined *j, int64_t *index)
{
    int low = 0, high = j->n - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (*index < j->end[middle])
            high = middle;
        else
            low = middle + 1;
    }
    *index -= low ? j->end[low - 1] : 0;
    return &j->part[low];
}

static hone_status joined_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    const joined *j = set->state;
    if (index < 0)
        return hone_dataset_layout(&j->part[0], -1, layout);
    const hone_dataset *part = part_of(j, &index);
    return hone_dataset_layout(part, index, layout);
}

static hone_status joined_read(const hone_dataset *set, const hone_sample_place *place,
                               void *const *out)
{
    hone_sample_place there = *place;
    const hone_dataset *part = part_of(set->state, &there.index);
    return hone_dataset_read(part, &there, out);
}

static void joined_destroy(hone_dataset *set)
{
    joined *j = set->state;
    for (int i = 0; i < j->n; i++)
        hone_dataset_free(&j->part[i]);
    hone__free(j->part);
    hone__free(j->end);
    hone__free(j);
}

static const hone_dataset_class joined_class = { .name = "joined",
                                                 .size = joined_size,
                                                 .destroy = joined_destroy,
                                                 .layout = joined_layout,
                                                 .read = joined_read };

hone_status hone__dataset_join(hone_dataset *part, int n, int64_t limit, hone_dataset *set)
{
    joined *j = hone__calloc(sizeof *j);
    *set = (hone_dataset){ 0 };
    if (!j)
        return hone__error_last();
    j->part = hone__calloc(hone__bytes(n, sizeof *j->part));
    j->end = hone__calloc(hone__bytes(n, sizeof *j->end));
    *set = (hone_dataset){ .type = &joined_class, .state = j };
    if (!j->part || !j->end) {
        hone_dataset_free(set);
        return hone__error_last();
    }
    for (; j->n < n; j->n++) {
        j->part[j->n] = part[j->n];
        part[j->n] = (hone_dataset){ 0 };
        j->size += hone_dataset_size(&j->part[j->n]);
        j->end[j->n] = j->size;
    }
    j->size = limit && limit < j->size ? limit : j->size;
    return HONE_OK;
}
