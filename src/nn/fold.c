/* fold.c: Unfold and Fold: an image's windows as columns, and back. */
#include <hone/nn.h>
#include "nn/layer.h"

#include <hone/net.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)
#define PAIR(a)                                                                                    \
    {                                                                                              \
        (a).at[0], (a).at[1]                                                                       \
    }
#define WINDOW                                                                                     \
    { "kernel_size", HONE__WHOLES, .count = 2, .min = 1, .max = INFINITY },                        \
        { "dilation", HONE__WHOLES, "1", .count = 2, .min = 1, .max = INFINITY },                  \
        { "padding", HONE__WHOLES, "0", .count = 2, .max = INFINITY },                             \
    {                                                                                              \
        "stride", HONE__WHOLES, "1", .count = 2, .min = 1, .max = INFINITY                         \
    }

/* Of a table from its window on. */
static hone_unfold_options window(const hone__argument *a)
{
    return (hone_unfold_options){ .kernel_size = PAIR(a[0]),
                                  .dilation = PAIR(a[1]),
                                  .padding = PAIR(a[2]),
                                  .stride = PAIR(a[3]) };
}

static const hone__parameter unfold_arguments[] = { WINDOW, { 0 } };
FORWARD(unfold)
{
    const hone_unfold_options o = window(self->at);
    return hone_unfold(in[0], &o);
}
const hone__layer hone__layer_Unfold = HONE__PLAIN("Unfold", 1, unfold, unfold_arguments);

static const hone__parameter fold_arguments[] = {
    { "output_size", HONE__WHOLES, .count = 2, .min = 1, .max = INFINITY }, WINDOW, { 0 }
};
FORWARD(fold)
{
    const hone_unfold_options o = window(self->at + 1);
    return hone_fold(in[0], self->at[0].at[0], self->at[0].at[1], &o);
}
const hone__layer hone__layer_Fold = HONE__PLAIN("Fold", 1, fold, fold_arguments);
