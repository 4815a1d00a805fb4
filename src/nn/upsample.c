/* upsample.c: Upsample, UpsamplingNearest2d and UpsamplingBilinear2d. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>

#include <math.h>

typedef struct {
    hone__plain plain;
    hone_interpolate_options options;
} upsample;

/* In the order of hone_interpolate_mode. */
static const char *const modes[] = { "nearest", "nearest-exact", "linear", "bilinear",
                                     "bicubic", "trilinear",     NULL };

enum { SIZE, FACTOR, MODE, CORNERS, RECOMPUTE };
#define EXTENTS(size_count, factor_count)                                                          \
    [SIZE] = { "size",       HONE__WHOLES, "None",         .count = (size_count),                  \
               .none = true, .min = 1,     .max = INFINITY },                                      \
    [FACTOR] = { "scale_factor", HONE__REALS, "None", .count = (factor_count), .none = true }
static const hone__parameter arguments[] = {
    EXTENTS(0, 3),
    [MODE] = { "mode", HONE__CHOICE, "'nearest'", .choices = modes },
    [CORNERS] = { "align_corners", HONE__TRUTH, "None", .none = true },
    [RECOMPUTE] = { "recompute_scale_factor", HONE__TRUTH, "None", .none = true },
    { 0 }
};
static const hone__parameter plane_arguments[] = { EXTENTS(2, 2), { 0 } };

static hone_tensor *forward(const hone__plain *self, hone_tensor *const *in)
{
    const hone__argument *a = &self->at[self->at[SIZE].none ? FACTOR : SIZE];
    if (!a->single && in[0]->ndim != 2 + a->n) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: %s has %d numbers, so [n, c, ..] of %d dims is wanted, "
                       "got %s",
                       self->base.type->name, a == &self->at[SIZE] ? "size" : "scale_factor", a->n,
                       2 + a->n, hone__tensor_text(in[0]).s);
        return NULL;
    }
    return hone_interpolate(in[0], &((const upsample *)self)->options);
}

static bool refuse(const hone__layer *layer, const char *why)
{
    hone_error_set(HONE_E_VALUE, "%s: %s", layer->name, why);
    return false;
}

/* One of size and scale_factor, and a factor for each dim above 0. */
static bool extents_fit(const hone__layer *layer, const hone__argument *a)
{
    enum { MOST = sizeof((hone_interpolate_options *)0)->size / sizeof(int64_t) };
    if (a[SIZE].none == a[FACTOR].none)
        return refuse(layer, a[SIZE].none
                                 ? "neither size nor scale_factor is given"
                                 : "size and scale_factor are given, one of them is wanted");
    if (a[SIZE].n > MOST || a[FACTOR].n > MOST)
        return refuse(layer, "size and scale_factor are one number, or one for each of at most "
                             "three dims");
    return true;
}

static bool factors(const hone__layer *layer, const hone__argument *a, double *to)
{
    HONE_SCOPE();
    hone_tensor *given = hone__argument_tensor(a, HONE_F64);
    for (int i = 0; given && i < a->n; i++) {
        to[i] = hone_at(given, i);
        if (to[i] <= 0)
            return refuse(layer, "scale_factor has to be above 0");
    }
    return given != NULL;
}

static hone_module *upsample_new(const hone__layer *layer, const hone__argument *a,
                                 hone_interpolate_options o)
{
    if (!extents_fit(layer, a))
        return NULL;
    for (int i = 0; !a[SIZE].none && i < a[SIZE].n; i++)
        o.size[i] = a[SIZE].at[i];
    if (!a[FACTOR].none && !factors(layer, &a[FACTOR], o.scale_factor))
        return NULL;
    upsample *l = (upsample *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    l->options = o;
    return &l->plain.base;
}

/* "2.0", "(2.0, 1.5)" */
static void put_factors(const upsample *l, char *text, size_t size)
{
    const hone__argument *a = &l->plain.at[FACTOR];
    size_t used = 0;
    for (int i = 0; i < a->n; i++) {
        char real[40];
        hone__format_real(real, sizeof real, l->options.scale_factor[i]);
        used += (size_t)hone__format(text + used, size - used, "%s%s%s",
                                     i           ? ", "
                                     : a->single ? ""
                                                 : "(",
                                     real,
                                     i < a->n - 1 || a->single ? ""
                                     : a->n == 1               ? ",)"
                                                               : ")");
    }
}

static void put_size(const hone__argument *a, char *text, size_t size)
{
    size_t used = 0;
    const int n = a->single ? 1 : a->n;
    for (int i = 0; i < n; i++)
        used += (size_t)hone__format(text + used, size - used, "%s%lld%s",
                                     i           ? ", "
                                     : a->single ? ""
                                                 : "(",
                                     (long long)a->at[i],
                                     i < n - 1 || a->single ? ""
                                     : n == 1               ? ",)"
                                                            : ")");
}

static int print(const hone_module *self, char *text, size_t size)
{
    const upsample *l = (const upsample *)self;
    const bool factor = !l->plain.at[FACTOR].none;
    char extents[160] = "";
    if (factor)
        put_factors(l, extents, sizeof extents);
    else
        put_size(&l->plain.at[SIZE], extents, sizeof extents);
    return hone__format(text, size, "%s=%s, mode='%s'", factor ? "scale_factor" : "size", extents,
                        modes[l->options.mode]);
}

#define UPSAMPLE(name_, table, make_)                                                              \
    {                                                                                              \
        .name = (name_), .arguments = (table), .make = (make_), .op = forward, .inputs = 1,        \
        .type = {                                                                                  \
            .name = (name_),                                                                       \
            .size = sizeof(upsample),                                                              \
            .forward = hone__plain_forward,                                                        \
            .print = print                                                                         \
        }                                                                                          \
    }
extern const hone__layer hone__layer_Upsample, hone__layer_UpsamplingNearest2d,
    hone__layer_UpsamplingBilinear2d;

static hone_module *make_upsample(const hone__argument *a)
{
    const bool nearest = a[MODE].choice <= HONE_INTERPOLATE_NEAREST_EXACT;
    if (nearest && !a[CORNERS].none) {
        refuse(&hone__layer_Upsample, "align_corners is of the modes that interpolate, not of the "
                                      "nearest ones");
        return NULL;
    }
    if (a[RECOMPUTE].truth && !a[SIZE].none) {
        refuse(&hone__layer_Upsample, "recompute_scale_factor is of a scale_factor, not of a size");
        return NULL;
    }
    return upsample_new(&hone__layer_Upsample, a,
                        (hone_interpolate_options){ .mode = (hone_interpolate_mode)a[MODE].choice,
                                                    .align_corners = a[CORNERS].truth,
                                                    .recompute_scale_factor = a[RECOMPUTE].truth });
}
const hone__layer hone__layer_Upsample = UPSAMPLE("Upsample", arguments, make_upsample);

static hone_module *make_nearest(const hone__argument *a)
{
    return upsample_new(&hone__layer_UpsamplingNearest2d, a,
                        (hone_interpolate_options){ .mode = HONE_INTERPOLATE_NEAREST });
}
const hone__layer hone__layer_UpsamplingNearest2d =
    UPSAMPLE("UpsamplingNearest2d", plane_arguments, make_nearest);

static hone_module *make_bilinear(const hone__argument *a)
{
    return upsample_new(
        &hone__layer_UpsamplingBilinear2d, a,
        (hone_interpolate_options){ .mode = HONE_INTERPOLATE_BILINEAR, .align_corners = true });
}
const hone__layer hone__layer_UpsamplingBilinear2d =
    UPSAMPLE("UpsamplingBilinear2d", plane_arguments, make_bilinear);
