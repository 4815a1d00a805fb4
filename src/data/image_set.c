/* image_set.c: sets of picture files, which keep paths and labels and decode a picture when it is asked
 * for. */
#include "data/image_set.h"

#include "core/core.h"
#include "core/reserve.h"
#include "data/image_files.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/ops.h>

#include <string.h>

static const char *const where = "images";
enum { HEADER_BYTES = 1 << 16 };

typedef struct {
    hone__image_list *list;
    hone_picture_options o;
    int64_t skipped;
    atomic_int height, width; /* of all pictures; 0: not known yet, -1: they differ */
    hone__workspaces scratch;
} images;

/* ---- one picture */

/* Whether the file's picture is taken; else an error. */
static bool accepts(const char *caller, const char *path, hone_damaged damaged,
                    const hone__image_report *report)
{
    const bool keep = damaged == HONE_DAMAGED_KEEP;
    switch (report->state) {
    case HONE__IMAGE_WHOLE:
        return true;
    case HONE__IMAGE_NO_END:
        if (damaged != HONE_DAMAGED_REFUSE)
            return true;
        hone_error_set(HONE_E_FORMAT, "%s: %s lacks its end marker, but no pixels: %s", caller,
                       path, report->why);
        return false;
    case HONE__IMAGE_DAMAGED:
        if (!keep)
            hone_error_set(HONE_E_FORMAT, "%s: %s is damaged: %s", caller, path, report->why);
        return keep;
    case HONE__IMAGE_NONE:
        hone_error_set(HONE_E_FORMAT, "%s: %s can't be read: %s", caller, path, report->why);
        return false;
    }
    return false;
}

static bool read_picture(const char *caller, const char *path, const hone_picture_options *o,
                         hone__workspace *w)
{
    return hone__image_load(caller, path, SIZE_MAX, &w->bytes) &&
           hone__image_decode(w->bytes.data, w->bytes.size, o->grey ? 1 : 3, &w->image,
                              &w->report) &&
           accepts(caller, path, o->damaged, &w->report) &&
           (!o->upright || hone__image_upright(&w->image, w->report.orientation, &w->spare));
}

hone_tensor *hone_picture_read(const char *path, const hone_picture_options *options)
{
    const hone_picture_options o = options ? *options : (hone_picture_options){ 0 };
    if (!path) {
        hone__error_missing("picture_read", "a path");
        return NULL;
    }
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("picture_read", options))
        return NULL;
    hone__workspace w = { 0 };
    hone_tensor *x = NULL;
    if (read_picture("picture_read", path, &o, &w)) {
        const int64_t shape[] = { w.image.channels, w.image.height, w.image.width };
        x = hone__own(hone__new("picture_read", HONE_U8, 3, shape));
        if (x)
            hone__image_to_planes(&w.image, hone__data(x));
    }
    hone__workspace_free(&w);
    return x;
}

/* ---- the set */

static int64_t images_size(const hone_dataset *set)
{
    return ((const images *)set->state)->list->n;
}

int64_t hone__images_label(const hone_dataset *set, int64_t index)
{
    return ((const images *)set->state)->list->file[index].label;
}

bool hone__images_grey(const hone_dataset *set)
{
    return ((const images *)set->state)->o.grey;
}

int64_t hone__images_decode(const hone_dataset *set, int64_t index, hone__workspace *w)
{
    const images *s = set->state;
    const hone__image_file *file = &s->list->file[index];
    return read_picture(where, file->path, &s->o, w) ? file->label : -1;
}

/* A workspace of the set's, or `own` where all are taken. */
static hone__workspace *take(images *s, hone__workspace *own)
{
    hone__workspace *w = hone__workspace_take(&s->scratch);
    return w ? w : own;
}

static void give(images *s, hone__workspace *w, hone__workspace *own)
{
    if (w == own)
        hone__workspace_free(w);
    else
        hone__workspace_give(&s->scratch, w);
}

/* Reads the header alone, if it lies at the file's beginning. */
static bool read_header(images *s, int64_t index, hone__workspace *w)
{
    const char *path = s->list->file[index].path;
    for (size_t most = HEADER_BYTES;; most = SIZE_MAX) {
        if (!hone__image_load(where, path, most, &w->bytes) ||
            !hone__image_decode(w->bytes.data, w->bytes.size, 0, NULL, &w->report))
            return false;
        if (w->report.state == HONE__IMAGE_WHOLE || w->bytes.size < most)
            return true;
    }
}

static void turned_size(const images *s, const hone__image_report *report, int *height, int *width)
{
    const bool turned = s->o.upright && report->orientation >= 5;
    *height = turned ? report->width : report->height;
    *width = turned ? report->height : report->width;
}

/* The extents that all pictures have, or -1, found once. */
static bool know_extents(const hone_dataset *set)
{
    images *s = set->state;
    if (atomic_load(&s->height) != 0)
        return true;
    hone__images_survey all;
    if (!hone__images_look(set, false, &all))
        return false;
    const bool same = all.least_height == all.most_height && all.least_width == all.most_width &&
                      all.damaged == 0;
    atomic_store(&s->width, same ? all.most_width : -1);
    atomic_store(&s->height, same ? all.most_height : -1);
    return true;
}

static hone_status images_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    images *s = set->state;
    int height = -1, width = -1;
    if (index < 0) {
        if (!know_extents(set))
            return hone__error_last();
        height = atomic_load(&s->height);
        width = atomic_load(&s->width);
    } else {
        hone__workspace own = { 0 }, *w = take(s, &own);
        bool done = read_header(s, index, w);
        if (done && w->report.state != HONE__IMAGE_WHOLE)
            done = accepts(where, s->list->file[index].path, s->o.damaged, &w->report);
        turned_size(s, &w->report, &height, &width);
        give(s, w, &own);
        if (!done)
            return hone__error_last();
    }
    layout->field[0] = (hone_sample_field){
        .name = "x", .dtype = HONE_U8, .ndim = 3, .shape = { s->o.grey ? 1 : 3, height, width }
    };
    layout->field[1] = (hone_sample_field){ .name = "y", .dtype = HONE_I64 };
    layout->n = 2;
    layout->n_targets = 1;
    return HONE_OK;
}

/* A file that was replaced since all were looked at has no room for other extents. */
static bool is_as_before(const images *s, int64_t index, const hone__image *image)
{
    const int height = atomic_load(&s->height), width = atomic_load(&s->width);
    if (height <= 0 || (image->height == height && image->width == width))
        return true;
    hone_error_set(HONE_E_FORMAT, "%s: %s is %d x %d now, and was %d x %d", where,
                   s->list->file[index].path, image->height, image->width, height, width);
    return false;
}

static hone_status images_read(const hone_dataset *set, const hone_sample_place *place,
                               void *const *out)
{
    images *s = set->state;
    hone__workspace own = { 0 }, *w = take(s, &own);
    int64_t label = hone__images_decode(set, place->index, w);
    if (label >= 0 && !is_as_before(s, place->index, &w->image))
        label = -1;
    if (label >= 0) {
        hone__image_to_planes(&w->image, out[0]);
        memcpy(out[1], &label, sizeof label);
    }
    give(s, w, &own);
    return label >= 0 ? HONE_OK : hone__error_last();
}

static void images_destroy(hone_dataset *set)
{
    images *s = set->state;
    hone__image_list_release(s->list);
    hone__workspaces_free(&s->scratch);
    hone__free(s);
}

static const hone_dataset_class images_class = { .name = "images",
                                                 .size = images_size,
                                                 .destroy = images_destroy,
                                                 .layout = images_layout,
                                                 .read = images_read };

bool hone__images_is(const hone_dataset *set)
{
    return set && set->type == &images_class;
}

/* Takes the list. */
static hone_status make(hone__image_list *list, const hone_picture_options *o, int64_t skipped,
                        hone_dataset *set)
{
    images *s = hone__calloc(sizeof *s);
    if (!s) {
        hone__image_list_release(list);
        return hone__error_last();
    }
    s->list = list;
    s->o = *o;
    s->skipped = skipped;
    *set = (hone_dataset){ .type = &images_class, .state = s };
    return HONE_OK;
}

hone_status hone__images_part(const hone_dataset *set, const int64_t *index, int64_t n,
                              hone_dataset *out)
{
    const images *s = set->state;
    hone__image_list *list = hone__image_list_part(s->list, index, n);
    return list ? make(list, &s->o, s->skipped, out) : hone__error_last();
}

/* ---- looking at all files, by the team */

typedef struct {
    const hone_dataset *set;
    bool whole;
    uint8_t *state;         /* [n] hone__image_state; FAILED: to be asked again by the caller */
    hone__image_report *of; /* [n] */
} looking;
enum { FAILED = 255 };

static void look_at(const looking *l, int64_t i, hone__workspace *w)
{
    images *s = l->set->state;
    const bool done =
        l->whole ? hone__image_load(where, s->list->file[i].path, SIZE_MAX, &w->bytes) &&
                       hone__image_decode(w->bytes.data, w->bytes.size, 0, &w->image, &w->report)
                 : read_header(s, i, w);
    l->state[i] = done ? (uint8_t)w->report.state : FAILED;
    l->of[i] = w->report;
}

static void look_at_range(void *ctx, int64_t begin, int64_t end)
{
    const looking *l = ctx;
    hone__workspace own = { 0 }, *w = take(l->set->state, &own);
    const bool clean = hone_error_code() == HONE_OK;
    for (int64_t i = begin; i < end; i++)
        look_at(l, i, w);
    if (clean)
        hone_error_clear();
    give(l->set->state, w, &own);
}

/* What a thread of the team could not do, for want of memory or since a file isn't there any more: here
 * its error comes up. */
static bool no_failure(const looking *l, int64_t n)
{
    hone__workspace own = { 0 }, *w = take(l->set->state, &own);
    bool good = true;
    for (int64_t i = 0; good && i < n; i++)
        if (l->state[i] == FAILED) {
            look_at(l, i, w);
            good = l->state[i] != FAILED;
        }
    give(l->set->state, w, &own);
    return good;
}

static bool look(const hone_dataset *set, bool whole, looking *l)
{
    const int64_t n = images_size(set);
    *l = (looking){ set, whole, hone__malloc(hone__bytes(n, 1)),
                    hone__malloc(hone__bytes(n, sizeof *l->of)) };
    if (l->state && l->of) {
        hone__parallel_for(n, 1, whole ? 1e6 : 3e4, look_at_range, l);
        if (no_failure(l, n))
            return true;
    }
    hone__free(l->state);
    hone__free(l->of);
    return false;
}

static void count(const images *s, const looking *l, int64_t i, hone__images_survey *all)
{
    const hone__image_report *r = &l->of[i];
    int height, width;
    const bool bad = l->state[i] == HONE__IMAGE_DAMAGED || l->state[i] == HONE__IMAGE_NONE;
    if (bad && all->damaged++ == 0)
        hone__format(all->first_damaged, sizeof all->first_damaged, "%s is damaged: %s",
                     s->list->file[i].path, r->why);
    all->no_end += l->state[i] == HONE__IMAGE_NO_END;
    if (bad)
        return;
    all->turned += r->orientation > 1;
    all->grey += r->grey;
    turned_size(s, r, &height, &width);
    const bool first = all->most_height == 0;
    all->least_height = first || height < all->least_height ? height : all->least_height;
    all->most_height = height > all->most_height ? height : all->most_height;
    all->least_width = first || width < all->least_width ? width : all->least_width;
    all->most_width = width > all->most_width ? width : all->most_width;
}

bool hone__images_look(const hone_dataset *set, bool whole, hone__images_survey *survey)
{
    looking l;
    *survey = (hone__images_survey){ 0 };
    if (!look(set, whole, &l))
        return false;
    for (int64_t i = 0; i < images_size(set); i++)
        count(set->state, &l, i, survey);
    hone__free(l.state);
    hone__free(l.of);
    return true;
}

/* Leaves out the files from which no whole picture comes. */
static hone_status skip_damaged(hone_dataset *set)
{
    images *s = set->state;
    looking l;
    if (!look(set, true, &l))
        return hone__error_last();
    const int64_t n = s->list->n;
    int64_t kept = 0, *index = hone__malloc(hone__bytes(n, sizeof *index));
    for (int64_t i = 0; index && i < n; i++)
        if (l.state[i] == HONE__IMAGE_WHOLE || l.state[i] == HONE__IMAGE_NO_END)
            index[kept++] = i;
    hone__image_list *list = index ? hone__image_list_part(s->list, index, kept) : NULL;
    hone__free(index);
    hone__free(l.state);
    hone__free(l.of);
    if (!list)
        return hone__error_last();
    hone__image_list_release(s->list);
    s->list = list;
    s->skipped = n - kept;
    return HONE_OK;
}

/* ---- the public functions */

hone_status hone_dataset_images(const char *dir, const hone_picture_options *options,
                                hone_dataset *set)
{
    const hone_picture_options o = options ? *options : (hone_picture_options){ 0 };
    if (!set)
        return hone__error_missing("dataset_images", "a data set");
    *set = (hone_dataset){ 0 };
    if (!dir)
        return hone__error_missing("dataset_images", "a directory");
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("dataset_images", options))
        return hone__error_last();
    if (o.damaged < HONE_DAMAGED_REFUSE || o.damaged > HONE_DAMAGED_KEEP)
        return hone_error_set(HONE_E_VALUE, "dataset_images: damaged: %d (0 to %d are wanted)",
                              (int)o.damaged, HONE_DAMAGED_KEEP);
    hone__image_list *list = hone__image_list_read(where, dir);
    if (!list || make(list, &o, 0, set) != HONE_OK)
        return hone__error_last();
    hone_status status = HONE_OK;
    if (o.damaged == HONE_DAMAGED_SKIP)
        status = skip_damaged(set);
    if (status == HONE_OK && !hone__image_list_is_good(where, dir, ((images *)set->state)->list))
        status = hone__error_last();
    if (status != HONE_OK)
        hone_dataset_free(set);
    return status;
}

static const images *state_of(const char *call, const hone_dataset *set)
{
    if (hone__images_is(set))
        return set->state;
    hone_error_set(HONE_E_VALUE, "%s: the set isn't one of dataset_images", call);
    return NULL;
}

int64_t hone_images_classes(const hone_dataset *set)
{
    const images *s = state_of("images_classes", set);
    return s ? s->list->n_classes : -1;
}

int64_t hone_images_skipped(const hone_dataset *set)
{
    const images *s = state_of("images_skipped", set);
    return s ? s->skipped : -1;
}

static bool is_number(const char *call, const char *what, int64_t number, int64_t n)
{
    if (number >= 0 && number < n)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %s %lld of %lld", call, what, (long long)number,
                   (long long)n);
    return false;
}

const char *hone_images_class(const hone_dataset *set, int64_t class_number)
{
    const images *s = state_of("images_class", set);
    return s && is_number("images_class", "class", class_number, s->list->n_classes)
               ? s->list->class_name[class_number]
               : NULL;
}

const char *hone_images_file(const hone_dataset *set, int64_t index)
{
    const images *s = state_of("images_file", set);
    return s && is_number("images_file", "sample", index, s->list->n) ? s->list->file[index].path
                                                                      : NULL;
}
