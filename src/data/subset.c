/* subset.c: parts of sets, without copies: lists of numbers. */
#include "core/core.h"
#include "core/reserve.h"
#include "data/order.h"
#include "data/view.h"
#include "loops/shuffle.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

typedef struct {
    hone_dataset below; /* in memory: a reference to each tensor */
    bool owns_tensors;
    int64_t n, *index;
} subset;

static int64_t subset_size(const hone_dataset *set)
{
    return ((const subset *)set->state)->n;
}

static hone_status subset_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    const subset *s = set->state;
    return hone_dataset_layout(&s->below, index < 0 ? -1 : s->index[index], layout);
}

/* Its number in the whole set, so that what is drawn for a sample stays. */
static hone_status subset_read(const hone_dataset *set, const hone_sample_place *place,
                               void *const *out)
{
    const subset *s = set->state;
    hone_sample_place below = *place;
    below.index = s->index[place->index];
    return hone_dataset_read(&s->below, &below, out);
}

static hone_status subset_collate(const hone_dataset *set, hone_tensor *const *sample, int64_t n,
                                  int n_fields, hone_tensor **batch)
{
    const subset *s = set->state;
    return s->below.type->collate(&s->below, sample, n, n_fields, batch);
}

static void subset_destroy(hone_dataset *set)
{
    subset *s = set->state;
    if (s->owns_tensors)
        hone_dataset_free(&s->below);
    hone__free(s->index);
    hone__free(s);
}

static const hone_dataset_class subset_class = { .name = "subset",
                                                 .size = subset_size,
                                                 .destroy = subset_destroy,
                                                 .layout = subset_layout,
                                                 .read = subset_read };
static const hone_dataset_class collated_class = { .name = "subset",
                                                   .size = subset_size,
                                                   .destroy = subset_destroy,
                                                   .layout = subset_layout,
                                                   .read = subset_read,
                                                   .collate = subset_collate };

const hone_dataset *hone__view_below(const hone_dataset *set)
{
    if (set->type == &subset_class || set->type == &collated_class)
        return &((const subset *)set->state)->below;
    return hone__transformed_below(set);
}

int64_t hone__view_index(const hone_dataset *set, int64_t index)
{
    const bool is_subset = set->type == &subset_class || set->type == &collated_class;
    return is_subset ? ((const subset *)set->state)->index[index] : index;
}

static bool keep_tensors(subset *s, const hone_dataset *set)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    s->below = (hone_dataset){ 0 };
    s->owns_tensors = true;
    hone_tensor *x = hone_contiguous(set->x);
    hone_tensor *y = set->y == HONE_NONE ? HONE_NONE : hone_contiguous(set->y);
    return x && y && hone_dataset_from(x, y, &s->below) == HONE_OK;
}

hone_status hone_dataset_subset(const hone_dataset *set, const int64_t *index, int64_t n,
                                hone_dataset *out)
{
    const char *const where = "dataset_subset";
    if (!out)
        return hone__error_missing(where, "a data set");
    *out = (hone_dataset){ 0 };
    if (!set || !index)
        return hone__error_missing(where, set ? "the samples' numbers" : "a data set");
    const int64_t size = hone_dataset_size(set);
    if (n < 1)
        return hone_error_set(HONE_E_VALUE, "%s: %lld samples (at least 1 is wanted)", where,
                              (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= size)
            return hone_error_set(HONE_E_VALUE, "%s: sample %lld of %lld", where,
                                  (long long)index[i], (long long)size);
    if (set->type && set->type->sample)
        return hone_error_set(
            HONE_E_STATE,
            "%s: %s gives its samples one thread at a time, as tensors; a part of "
            "a set wants layout and read",
            where, set->type->name);
    subset *s = hone__calloc(sizeof *s);
    if (!s)
        return hone__error_last();
    *out =
        (hone_dataset){ .type = set->type && set->type->collate ? &collated_class : &subset_class,
                        .state = s };
    s->below = *set;
    s->n = n;
    s->index = hone__malloc(hone__bytes(n, sizeof *index));
    if (s->index)
        memcpy(s->index, index, (size_t)n * sizeof *index);
    if (!s->index || (!set->type && !keep_tensors(s, set))) {
        hone_dataset_free(out);
        return hone__error_last();
    }
    return HONE_OK;
}

/* ---- splits */

/* Part p ends where the running sum of the shares does, rounded. */
static int64_t end_of(const double *part, int p, int64_t n)
{
    double sum = 0;
    for (int i = 0; i <= p; i++)
        sum += part[i];
    const double end = sum * (double)n + 0.5;
    return end < (double)n ? (int64_t)end : n;
}

static hone_status check(const hone_dataset *set, const double *part, int n_parts)
{
    double sum = 0;
    if (n_parts < 1)
        return hone_error_set(HONE_E_VALUE, "dataset_split: %d parts", n_parts);
    for (int p = 0; p < n_parts; p++) {
        if (!(part[p] > 0 && part[p] <= 1))
            return hone_error_set(HONE_E_VALUE, "dataset_split: part %d is %g (above 0, up to 1)",
                                  p, part[p]);
        sum += part[p];
    }
    if (sum > 1 + 1e-9)
        return hone_error_set(HONE_E_VALUE, "dataset_split: the parts add up to %g", sum);
    for (int p = 0; p < n_parts; p++)
        if (end_of(part, p, hone_dataset_size(set)) ==
            (p > 0 ? end_of(part, p - 1, hone_dataset_size(set)) : 0))
            return hone_error_set(HONE_E_VALUE, "dataset_split: %g of %lld samples is none",
                                  part[p], (long long)hone_dataset_size(set));
    return HONE_OK;
}

static bool fill_order(const hone_dataset *set, const hone_split_options *o, int64_t n,
                       int64_t *order)
{
    if (o->stratify) {
        const hone_loader_options by_class = { .shuffle = true, .seed = o->seed, .stratify = true };
        hone__order classes;
        const bool done = hone__order_begin(set, &by_class, &classes);
        if (done)
            hone__order_fill(&classes, 0, order);
        hone__order_end(&classes);
        return done;
    }
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    if (!o->in_order)
        hone__shuffle(n, order, o->seed, hone__stream(HONE__STREAM_SPLIT, (uint64_t)n));
    return true;
}

hone_status hone_dataset_split(const hone_dataset *set, const double *part, int n_parts,
                               const hone_split_options *options, hone_dataset *out)
{
    const hone_split_options o = options ? *options : (hone_split_options){ 0 };
    if (!set || !part || !out)
        return hone__error_missing("dataset_split", !set ? "a data set" : "parts");
    memset(out, 0, (size_t)(n_parts > 0 ? n_parts : 0) * sizeof *out);
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("dataset_split", options) ||
        check(set, part, n_parts) != HONE_OK)
        return hone__error_last();
    const int64_t n = hone_dataset_size(set);
    int64_t *order = hone__malloc(hone__bytes(n, sizeof *order)), begin = 0;
    bool done = order && fill_order(set, &o, n, order);
    for (int p = 0; done && p < n_parts; p++) {
        const int64_t end = end_of(part, p, n);
        done = hone_dataset_subset(set, order + begin, end - begin, &out[p]) == HONE_OK;
        begin = end;
    }
    hone__free(order);
    for (int p = 0; !done && p < n_parts; p++)
        hone_dataset_free(&out[p]);
    return done ? HONE_OK : hone__error_last();
}
