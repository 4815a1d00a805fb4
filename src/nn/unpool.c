/* unpool.c: MaxUnpool1d, 2d and 3d: the maxima back to their places. */
#include <hone/nn.h>
#include "nn/layer.h"

#include <hone/net.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)
#define PAIR(a)                                                                                    \
    {                                                                                              \
        (a).at[0], (a).at[1]                                                                       \
    }
#define TRIPLE(a)                                                                                  \
    {                                                                                              \
        (a).at[0], (a).at[1], (a).at[2]                                                            \
    }

/* PyTorch's forward takes the output_size. */
enum { KERNEL, STRIDE, PADDING, SIZE };
#define UNPOOL(dims)                                                                                \
    [KERNEL] = { "kernel_size", HONE__WHOLES,    .count = (dims),                                   \
                 .min = 1,      .max = INFINITY, .spread = true },                                  \
    [STRIDE] = { "stride",     HONE__WHOLES, "None",          .count = (dims),                      \
                 .none = true, .min = 1,     .max = INFINITY, .spread = true },                     \
    [PADDING] = { "padding", HONE__WHOLES, "0", .count = (dims), .max = INFINITY, .spread = true }, \
    [SIZE] = { "output_size",                                                                       \
               HONE__WHOLES,                                                                        \
               "None",                                                                              \
               .count = (dims),                                                                     \
               .named = true,                                                                       \
               .none = true,                                                                        \
               .shown = HONE__HIDDEN_ARGUMENT,                                                      \
               .min = 1,                                                                            \
               .max = INFINITY }

extern const hone__layer hone__layer_MaxUnpool1d, hone__layer_MaxUnpool2d, hone__layer_MaxUnpool3d;

/* Without a stride it is the window; PyTorch prints that. */
static hone_module *unpool_new(const hone__layer *layer, const hone__argument *a)
{
    hone__plain *l = (hone__plain *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (l->at[STRIDE].none)
        l->at[STRIDE] = l->at[KERNEL];
    return &l->base;
}

static const hone__parameter length[] = { UNPOOL(1), { 0 } };
FORWARD(unpool1d)
{
    const hone__argument *a = self->at;
    return hone_max_unpool1d(in[0], in[1],
                             &(hone_max_unpool1d_options){ .kernel_size = a[KERNEL].at[0],
                                                           .stride = a[STRIDE].at[0],
                                                           .padding = a[PADDING].at[0],
                                                           .output_size = a[SIZE].at[0] });
}
static hone_module *make_unpool1d(const hone__argument *a)
{
    return unpool_new(&hone__layer_MaxUnpool1d, a);
}
const hone__layer hone__layer_MaxUnpool1d =
    HONE__MADE_PLAIN("MaxUnpool1d", 2, unpool1d, length, make_unpool1d);

static const hone__parameter plane[] = { UNPOOL(2), { 0 } };
FORWARD(unpool2d)
{
    const hone__argument *a = self->at;
    return hone_max_unpool2d(in[0], in[1],
                             &(hone_max_unpool2d_options){ .kernel_size = PAIR(a[KERNEL]),
                                                           .stride = PAIR(a[STRIDE]),
                                                           .padding = PAIR(a[PADDING]),
                                                           .output_size = PAIR(a[SIZE]) });
}
static hone_module *make_unpool2d(const hone__argument *a)
{
    return unpool_new(&hone__layer_MaxUnpool2d, a);
}
const hone__layer hone__layer_MaxUnpool2d =
    HONE__MADE_PLAIN("MaxUnpool2d", 2, unpool2d, plane, make_unpool2d);

static const hone__parameter volume[] = { UNPOOL(3), { 0 } };
FORWARD(unpool3d)
{
    const hone__argument *a = self->at;
    return hone_max_unpool3d(in[0], in[1],
                             &(hone_max_unpool3d_options){ .kernel_size = TRIPLE(a[KERNEL]),
                                                           .stride = TRIPLE(a[STRIDE]),
                                                           .padding = TRIPLE(a[PADDING]),
                                                           .output_size = TRIPLE(a[SIZE]) });
}
static hone_module *make_unpool3d(const hone__argument *a)
{
    return unpool_new(&hone__layer_MaxUnpool3d, a);
}
const hone__layer hone__layer_MaxUnpool3d =
    HONE__MADE_PLAIN("MaxUnpool3d", 2, unpool3d, volume, make_unpool3d);
