/* transformed.c: sets whose pictures pass through a transform, and resizing of one picture. */
#include "core/core.h"
#include "core/reserve.h"
#include "data/image_set.h"
#include "data/transform.h"
#include "data/view.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>
#include <hone/pictures.h>

#include <string.h>

static const char *const where = "dataset_transformed";

typedef struct {
    hone_dataset below; /* in memory: a reference to each tensor, which are contiguous */
    bool owns_tensors;
    hone__transform transform;
    int64_t n_classes, n;
    hone_sample_layout layout, below_layout; /* of all samples */
    hone__workspaces scratch;
} transformed;

/* ---- shapes */

/* [height, width] counts as one channel. */
static hone__picture_shape shape_of(const hone_sample_field *f)
{
    const int64_t *s = f->shape;
    return f->ndim == 2 ? (hone__picture_shape){ 1, s[0], s[1] }
                        : (hone__picture_shape){ s[0], s[1], s[2] };
}

/* A field of this shape; its dims stay unless the channels change. */
static void set_shape(hone_sample_field *f, hone__picture_shape shape)
{
    if (f->ndim == 2 && shape.channels != 1)
        f->ndim = 3;
    const int64_t dims[] = { shape.channels, shape.height, shape.width };
    memcpy(f->shape, dims + (3 - f->ndim), (size_t)f->ndim * sizeof *dims);
}

static void change_layout(const transformed *t, const hone_sample_layout *below,
                          hone_sample_layout *layout)
{
    *layout = *below;
    set_shape(&layout->field[0], hone__transform_shape(&t->transform, shape_of(&below->field[0])));
    if (t->transform.floats)
        layout->field[0].dtype = HONE_F32;
    if (t->transform.mixup >= 0)
        layout->field[1] = (hone_sample_field){
            .name = "y", .dtype = HONE_F32, .ndim = 1, .shape = { t->n_classes }
        };
}

static int64_t transformed_size(const hone_dataset *set)
{
    return ((const transformed *)set->state)->n;
}

/* Pictures, of 1 pixel or more and no more than there may be; -1: each has its own extents. */
static hone_status check_below(const hone_sample_layout *l)
{
    const hone_sample_field *x = &l->field[0];
    const bool dims = x->ndim == 2 || x->ndim == 3;
    const hone__picture_shape s = dims ? shape_of(x) : (hone__picture_shape){ 0 };
    if (x->dtype != HONE_U8)
        return hone_error_set(HONE_E_DTYPE, "%s: pictures are u8, not %s", where,
                              hone_dtype_name(x->dtype));
    if (!dims || (s.channels != 1 && s.channels != 3))
        return hone_error_set(HONE_E_SHAPE,
                              "%s: pictures are [height, width], [1, height, width] or [3, height, "
                              "width], not %s",
                              where, hone__shape_text(x->ndim, x->shape).s);
    if (s.height < 0 || s.width < 0)
        return HONE_OK;
    return s.height > 0 && s.width > 0 && s.height <= HONE__IMAGE_MOST / s.width
               ? HONE_OK
               : hone_error_set(HONE_E_SHAPE, "%s: a picture of %lld x %lld pixels", where,
                                (long long)s.height, (long long)s.width);
}

static hone_status transformed_layout(const hone_dataset *set, int64_t index,
                                      hone_sample_layout *layout)
{
    const transformed *t = set->state;
    hone_sample_layout below = t->below_layout;
    const hone_sample_field *x = &t->layout.field[0];
    const bool known = x->shape[x->ndim - 1] >= 0 && x->shape[x->ndim - 2] >= 0;
    if (index >= 0 && !known &&
        (hone_dataset_layout(&t->below, index, &below) != HONE_OK ||
         check_below(&below) != HONE_OK))
        return hone__error_last();
    change_layout(t, &below, layout);
    return HONE_OK;
}

/* ---- reading */

/* Field 0 of a sample into w->image, the others to rest[1..]. */
static bool read_below(const transformed *t, const hone_sample_place *place, hone__workspace *w,
                       void *const *rest)
{
    if (hone__images_is(&t->below)) {
        const int64_t label = hone__images_decode(&t->below, place->index, w);
        if (label >= 0)
            memcpy(rest[1], &label, sizeof label);
        return label >= 0;
    }
    hone_sample_layout layout = t->below_layout;
    if (shape_of(&layout.field[0]).height < 0 || shape_of(&layout.field[0]).width < 0)
        if (hone_dataset_layout(&t->below, place->index, &layout) != HONE_OK ||
            check_below(&layout) != HONE_OK)
            return false;
    const hone__picture_shape s = shape_of(&layout.field[0]);
    const size_t bytes = hone__bytes(s.channels * s.height, (size_t)s.width);
    if (bytes > w->sample_room || !w->sample) {
        hone__free(w->sample);
        w->sample = hone__malloc(bytes + 1);
        w->sample_room = w->sample ? bytes : 0;
        if (!w->sample)
            return false;
    }
    void *out[HONE_SAMPLE_FIELDS] = { w->sample };
    memcpy(out + 1, rest + 1, (size_t)(layout.n - 1) * sizeof *out);
    return hone_dataset_read(&t->below, place, out) == HONE_OK &&
           hone__image_of_planes(w->sample, (int)s.width, (int)s.height, (int)s.channels,
                                 &w->image);
}

/* One sample through the steps; mixup is not among them. */
static bool read_plain(const transformed *t, const hone_sample_place *place, hone__workspace *w,
                       void *x, void *const *rest)
{
    if (!read_below(t, place, w, rest))
        return false;
    const hone_sample_field *field = &t->layout.field[0];
    hone__picture_shape shape = shape_of(field);
    if (shape.height < 0 || shape.width < 0)
        shape = hone__transform_shape(
            &t->transform,
            (hone__picture_shape){ w->image.channels, w->image.height, w->image.width });
    return hone__transform_run(where, &t->transform, place, &shape, w, x);
}

static bool partner_room(hone__workspace *w, size_t n)
{
    if (n <= w->partner_room)
        return true;
    hone__free(w->partner);
    w->partner = hone__malloc(hone__bytes((int64_t)n, sizeof *w->partner));
    w->partner_room = w->partner ? n : 0;
    return w->partner != NULL;
}

static bool has_class(const transformed *t, int64_t label)
{
    if (label >= 0 && label < t->n_classes)
        return true;
    hone_error_set(HONE_E_INDEX, "%s: mixup: class %lld of %lld", where, (long long)label,
                   (long long)t->n_classes);
    return false;
}

/* x = weight x + (1 - weight) partner, y = the classes' shares. */
static bool read_mixed(const transformed *t, const hone_sample_place *place, hone__workspace *w,
                       float *x, float *y)
{
    const hone_sample_field *f = &t->layout.field[0];
    int64_t n = 1, label[2] = { -1, -1 };
    for (int d = 0; d < f->ndim; d++)
        n *= f->shape[d];
    hone_sample_place other = *place;
    other.index = hone__mixup_partner(place, t->n);
    if (!partner_room(w, (size_t)n) ||
        !read_plain(t, place, w, x, (void *[HONE_SAMPLE_FIELDS]){ NULL, &label[0] }) ||
        !read_plain(t, &other, w, w->partner, (void *[HONE_SAMPLE_FIELDS]){ NULL, &label[1] }) ||
        !has_class(t, label[0]) || !has_class(t, label[1]))
        return false;
    const float keeps = (float)hone__mixup_weight(&t->transform, place), gives = 1.0f - keeps;
    for (int64_t i = 0; i < n; i++)
        x[i] = keeps * x[i] + gives * w->partner[i];
    memset(y, 0, (size_t)t->n_classes * sizeof *y);
    y[label[0]] += keeps;
    y[label[1]] += gives;
    return true;
}

static hone_status transformed_read(const hone_dataset *set, const hone_sample_place *place,
                                    void *const *out)
{
    transformed *t = set->state;
    hone__workspace own = { 0 }, *w = hone__workspace_take(&t->scratch);
    if (!w)
        w = &own;
    const bool done = t->transform.mixup >= 0 ? read_mixed(t, place, w, out[0], out[1])
                                              : read_plain(t, place, w, out[0], out);
    if (w == &own)
        hone__workspace_free(w);
    else
        hone__workspace_give(&t->scratch, w);
    return done ? HONE_OK : hone__error_last();
}

static void transformed_destroy(hone_dataset *set)
{
    transformed *t = set->state;
    if (t->owns_tensors)
        hone_dataset_free(&t->below);
    hone__workspaces_free(&t->scratch);
    hone__free(t);
}

static const hone_dataset_class transformed_class = { .name = "transformed",
                                                      .size = transformed_size,
                                                      .destroy = transformed_destroy,
                                                      .layout = transformed_layout,
                                                      .read = transformed_read };

const hone_dataset *hone__transformed_below(const hone_dataset *set)
{
    const transformed *t = set->type == &transformed_class ? set->state : NULL;
    return t ? &t->below : NULL;
}

/* ---- making one */

static hone_status keep_below(transformed *t, const hone_dataset *set)
{
    t->below = *set;
    if (set->type)
        return HONE_OK;
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *x = hone_contiguous(set->x);
    hone_tensor *y = set->y == HONE_NONE ? HONE_NONE : hone_contiguous(set->y);
    if (!x || !y || hone_dataset_from(x, y, &t->below) != HONE_OK)
        return hone__error_last();
    t->owns_tensors = true;
    return HONE_OK;
}

/* Of a folder the headers of all files need not be read for this. */
static hone_status layout_below(transformed *t)
{
    hone_sample_layout *l = &t->below_layout;
    if (!hone__images_is(&t->below))
        return hone_dataset_layout(&t->below, -1, l);
    *l = (hone_sample_layout){ .n = 2, .n_targets = 1 };
    l->field[0] = (hone_sample_field){ .name = "x",
                                       .dtype = HONE_U8,
                                       .ndim = 3,
                                       .shape = { hone__images_grey(&t->below) ? 1 : 3, -1, -1 } };
    l->field[1] = (hone_sample_field){ .name = "y", .dtype = HONE_I64 };
    return HONE_OK;
}

static hone_status check_mixup(const transformed *t)
{
    const hone_sample_layout *l = &t->below_layout;
    const hone_sample_field *y = &l->field[1];
    if (t->transform.mixup < 0)
        return HONE_OK;
    if (l->n != 2 || l->n_targets != 1 || y->dtype != HONE_I64 || y->ndim != 0)
        return hone_error_set(HONE_E_DTYPE, "%s: mixup wants one target, a class in i64", where);
    if (t->n_classes < 1)
        return hone_error_set(HONE_E_VALUE, "%s: mixup wants to know how many classes there are",
                              where);
    if (shape_of(&t->layout.field[0]).height < 0)
        return hone_error_set(HONE_E_SHAPE,
                              "%s: mixup wants pictures of one size: a step that gives them one is "
                              "missing",
                              where);
    return HONE_OK;
}

static hone_status make(transformed *t, const hone_dataset *set, const char *list,
                        const hone_transform_options *o)
{
    if (!hone__transform_read(where, list, o->still, &t->transform) ||
        keep_below(t, set) != HONE_OK || layout_below(t) != HONE_OK ||
        check_below(&t->below_layout) != HONE_OK)
        return hone__error_last();
    if (o->still && t->transform.mixup >= 0) { /* it is the last */
        t->transform.n--;
        t->transform.mixup = -1;
    }
    t->n_classes = o->n_classes;
    t->n = hone_dataset_size(set);
    change_layout(t, &t->below_layout, &t->layout);
    return check_mixup(t);
}

hone_status hone_dataset_transformed(const hone_dataset *set, const char *list,
                                     const hone_transform_options *options, hone_dataset *out)
{
    const hone_transform_options o = options ? *options : (hone_transform_options){ 0 };
    if (!out)
        return hone__error_missing(where, "a data set");
    *out = (hone_dataset){ 0 };
    if (!set || !list)
        return hone__error_missing(where, set ? "a list of steps" : "a data set");
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return hone__error_last();
    transformed *t = hone__calloc(sizeof *t);
    if (!t)
        return hone__error_last();
    *out = (hone_dataset){ .type = &transformed_class, .state = t };
    const hone_status status = make(t, set, list, &o);
    if (status != HONE_OK)
        hone_dataset_free(out);
    return status;
}

/* ---- one picture */

static bool is_picture(const char *call, const hone_tensor *x)
{
    if (!hone__needs_tensor(call, x))
        return false;
    if (x->dtype == HONE_U8 && x->ndim == 3 && (x->shape[0] == 1 || x->shape[0] == 3) &&
        x->shape[1] > 0 && x->shape[2] > 0 && x->shape[1] * x->shape[2] <= HONE__IMAGE_MOST)
        return true;
    hone_error_set(x->dtype == HONE_U8 ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: u8 [1, height, width] or [3, height, width] is wanted, not %s", call,
                   hone__tensor_text(x).s);
    return false;
}

hone_tensor *hone_picture_resize(hone_tensor *x, int64_t height, int64_t width,
                                 hone_picture_filter filter)
{
    enum { MOST = 65500 };
    const char *const call = "picture_resize";
    if (!hone__ready() || !is_picture(call, x))
        return NULL;
    if (height < 1 || width < 1 || height > MOST || width > MOST ||
        height * width > HONE__IMAGE_MOST || filter < HONE_BILINEAR ||
        filter > HONE_NEAREST_PIXEL) {
        hone_error_set(HONE_E_VALUE, "%s: to %lld x %lld by filter %d", call, (long long)height,
                       (long long)width, (int)filter);
        return NULL;
    }
    const size_t mark = hone__scope_mark();
    hone__workspace w = { 0 };
    const int64_t shape[] = { x->shape[0], height, width };
    hone_tensor *from = hone_contiguous(hone_detach(x)), *y = NULL;
    if (from &&
        hone__image_of_planes(hone__data(from), (int)x->shape[2], (int)x->shape[1],
                              (int)x->shape[0], &w.image) &&
        hone__image_resize(&w.image, (int)width, (int)height, (hone__filter)filter, &w.spare,
                           &w.resizer))
        y = hone__own(hone__new(call, HONE_U8, 3, shape));
    if (y)
        hone__image_to_planes(&w.spare, hone__data(y));
    hone__workspace_free(&w);
    hone__scope_settle(mark, y);
    return y;
}
