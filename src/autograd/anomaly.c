/* anomaly.c: see anomaly.h. */
#include "autograd/anomaly.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <stdio.h>
#include <string.h>

enum { MOST_NAMED = 4 }; /* operands of a list, say of cat */

static void append(char *text, size_t size, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

static void append_shape(char *text, size_t size, hone_dtype dtype, const hone__shape *shape)
{
    append(text, size, hone_dtype_name(dtype));
    append(text, size, " ");
    append(text, size, hone__shape_text(shape->ndim, shape->shape).s);
}

static bool refuse(const hone_context *node, int i)
{
    char call[400] = "";
    for (int k = 0; k < node->n_in && k < MOST_NAMED; k++) {
        append(call, sizeof call, k ? ", " : "");
        append_shape(call, sizeof call, node->edges[k].dtype, &node->edges[k].shape);
    }
    append(call, sizeof call, node->n_in > MOST_NAMED ? ", ..) -> " : ") -> ");
    append_shape(call, sizeof call, node->outputs[0].dtype, &node->outputs[0].shape);
    hone_error_set(HONE_E_GRADIENT,
                   "backward: anomaly: the gradient of input %d of %s(%s became NaN; it was "
                   "called in %s",
                   i, hone__call_name(node), call,
                   node->noted ? hone__site_text(node->hooks->site).s
                               : "a forward without anomaly mode");
    return false;
}

bool hone__no_nan(const hone_context *node, hone_tensor *const *dx)
{
    HONE_NO_GRAD();
    for (int i = 0; i < node->n_in; i++) {
        if (!node->edges[i].wanted || !hone__is_real(dx[i]))
            continue;
        hone_tensor *any = hone_any(hone_isnan(dx[i]));
        if (!any)
            return false;
        if (hone_item(any) != 0)
            return refuse(node, i);
    }
    return true;
}
