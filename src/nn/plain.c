/* plain.c: layers that are an op and its arguments. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

bool hone__takes_inputs(const hone_module *self, int n_in, int wanted)
{
    if (n_in == wanted)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %d inputs were given, %d wanted", self->type->name, n_in,
                   wanted);
    return false;
}

hone_module *hone__argument_refused(const char *layer, const char *argument, const char *why)
{
    hone_error_set(HONE_E_VALUE, "%s: hone has no %s: %s", layer, argument, why);
    return NULL;
}

hone_tensor *hone__plain_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const hone__plain *l = (const hone__plain *)self;
    return hone__takes_inputs(self, n_in, l->layer->inputs) ? l->layer->op(l, in) : NULL;
}

hone_module *hone__plain_new(const hone__layer *layer, const hone__argument *a)
{
    hone__plain *l = hone_module_new(&layer->type);
    if (!l)
        return NULL;
    l->layer = layer;
    for (int i = 0; layer->arguments && layer->arguments[i].name; i++) {
        HONE_ASSERT(i < HONE__KEPT_ARGUMENTS);
        l->at[i] = a[i];
        l->at[i].text = NULL; /* the caller's */
    }
    return &l->base;
}
