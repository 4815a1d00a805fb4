/* layout.c: see layout.h. */
#include "core/layout.h"

#include <string.h>

typedef struct {
    int ndim;
    const int64_t *shape;
    hone_tensor *const *in;
    int n_in;
} operands;

/* Of t along dim d of the result; 0: t has one element for all of it. */
static int64_t stride_of(const operands *of, const hone_tensor *t, int d)
{
    const int own = d - (of->ndim - t->ndim);
    return own < 0 || t->shape[own] == 1 ? 0 : t->stride[own];
}

/* Does dim a lie outside (1) or inside (-1) dim b? 0: no operand says. */
static int outside(const operands *of, int a, int b)
{
    for (int i = 0; i < of->n_in; i++) {
        if (!hone__is_real(of->in[i]))
            continue;
        const int64_t x = stride_of(of, of->in[i], a), y = stride_of(of, of->in[i], b);
        if (x != 0 && y != 0 && x != y)
            return x > y ? 1 : -1;
    }
    return 0;
}

/* The dims of more than one element, innermost first. The last dim is the first to be put in, and
 * each goes inside all that lie outside it. False: it is the order of the shape. */
static bool find_order(const operands *of, int *order, int *n)
{
    *n = 0;
    for (int d = of->ndim - 1; d >= 0; d--) {
        if (of->shape[d] == 1)
            continue;
        int at = *n;
        for (int i = *n - 1; i >= 0; i--) {
            const int side = outside(of, order[i], d);
            if (side < 0)
                break;
            if (side > 0)
                at = i;
        }
        memmove(order + at + 1, order + at, sizeof *order * (size_t)(*n - at));
        order[at] = d;
        ++*n;
    }
    if (*n > 2 && order[0] == 0) { /* samples go outside */
        memmove(order, order + 1, sizeof *order * (size_t)(*n - 1));
        order[*n - 1] = 0;
    }
    bool turned = false;
    for (int i = 1; i < *n; i++)
        turned = turned || order[i] > order[i - 1];
    return turned;
}

hone_tensor *hone__new_along(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                             hone_tensor *const *in, int n_in)
{
    const operands of = { ndim, shape, in, n_in };
    hone_tensor *t = hone__new(op, dtype, ndim, shape);
    int order[HONE_MAX_DIMS], n;
    if (!t || t->numel == 0 || !find_order(&of, order, &n))
        return t;
    int64_t step = 1;
    for (int i = 0; i < n; i++) {
        t->stride[order[i]] = step;
        step *= shape[order[i]];
    }
    for (int d = ndim - 1; d >= 0; d--)
        if (shape[d] == 1) /* means nothing; as that of PyTorch's unsqueeze */
            t->stride[d] = d + 1 < ndim ? t->stride[d + 1] * shape[d + 1] : 1;
    t->dense = false;
    return t;
}
