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

/* False: none, or an error. */
static bool has_nan(hone_tensor *t)
{
    HONE_NO_GRAD();
    hone_tensor *any = hone_any(hone_isnan(t));
    return any && hone_item(any) != 0;
}

uint64_t hone__nan_sums(const hone_context *node, hone_tensor *const *sums)
{
    uint64_t nan_sums = 0;
    for (int i = 0; i < node->n_in && i < 64; i++)
        if (sums[i] && has_nan(sums[i]))
            nan_sums |= (uint64_t)1 << i;
    return nan_sums;
}

bool hone__no_nan(const hone_context *node, hone_tensor *const *dx, hone_tensor *const *sums,
                  uint64_t nan_sums)
{
    const uint64_t errors = hone__error_count();
    for (int i = 0; i < node->n_in; i++) {
        const bool known = i < 64 && dx[i] == sums[i] && (nan_sums >> i & 1);
        if (node->edges[i].wanted && hone__is_real(dx[i]) && !known && has_nan(dx[i]))
            return refuse(node, i);
    }
    return !hone__error_since(errors);
}
