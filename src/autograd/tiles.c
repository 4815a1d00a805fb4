/* tiles.c: see tiles.h. */
#include "autograd/tiles.h"

#include "loops/elementwise.h"
#include "loops/rows.h"

typedef struct {
    int64_t columns, begin, end;
} span;

/* The dims with more than one element, the largest stride first: how many. */
static int sort_dims(const hone_tensor *t, int *dims)
{
    int n = 0;
    for (int d = 0; d < t->ndim; d++) {
        if (t->shape[d] == 1)
            continue;
        int i = n++;
        for (; i > 0 && t->stride[dims[i - 1]] < t->stride[d]; i--)
            dims[i] = dims[i - 1];
        dims[i] = d;
    }
    return n;
}

/* Takes from the end of dims those that go on at the stride `step`: how many elements that is. */
static int64_t take_run(const hone_tensor *t, const int *dims, int *n, int64_t step)
{
    int64_t run = 1;
    for (; *n > 0 && t->stride[dims[*n - 1]] == run * step; --*n)
        run *= t->shape[dims[*n - 1]];
    return run;
}

/* Which columns of whole, contiguous, the view shows; false: not the same of all rows. */
static bool find_span(const hone_tensor *whole, const hone_tensor *view, span *s)
{
    int dims[HONE_MAX_DIMS], n = sort_dims(view, dims);
    if (view->numel == 0)
        return false;
    const int64_t width = take_run(view, dims, &n, 1);
    s->columns = n > 0 ? view->stride[dims[n - 1]] : whole->numel;
    const int64_t rows = take_run(view, dims, &n, s->columns);
    s->begin = view->offset - whole->offset;
    s->end = s->begin + width;
    return n == 0 && rows * s->columns == whole->numel && s->end <= s->columns;
}

static hone_tensor *columns_of(const hone_tensor *whole, int64_t columns, int64_t begin,
                               int64_t end)
{
    return hone__alias(whole, 2, (int64_t[]){ whole->numel / columns, end - begin },
                       (int64_t[]){ columns, 1 }, whole->offset + begin);
}

static bool zero(const hone__tiles *t, int64_t begin, int64_t end)
{
    if (begin >= end)
        return true;
    hone_tensor *part = columns_of(t->whole, t->columns, begin, end);
    if (part)
        hone__fill_elements(part, 0);
    hone_release(part);
    return part;
}

/* to = from + 0: of -0 +0 */
static bool put(hone_tensor *to, hone_tensor *from)
{
    const hone__elementwise_kernel add = hone__binary_kernel(HONE__K_ADD, (hone_dtype)to->dtype);
    return hone__elementwise(&add, to, (hone__operand[]){ { .t = from }, { .number = 0 } });
}

static bool put_raw(hone__tiles *t)
{
    if (t->raw_begin >= t->raw_end)
        return true;
    hone_tensor *part = columns_of(t->whole, t->columns, t->raw_begin, t->raw_end);
    const bool ok = part && put(part, part);
    hone_release(part);
    t->raw_end = t->raw_begin;
    return ok;
}

bool hone__tiles_lay(hone__tiles *t, hone_tensor *whole, hone_tensor *view, hone_tensor *grad,
                     bool raw, bool plus_zeros, bool *laid)
{
    span s;
    const bool first = whole != t->whole;
    *laid = view->storage == whole->storage && view->dtype == grad->dtype &&
            hone__same_shape(view, grad) && find_span(whole, view, &s) &&
            (first || (s.columns == t->columns && (s.end <= t->begin || s.begin >= t->end)));
    if (!*laid)
        return true;
    if (first) {
        if (!hone__tiles_end(t))
            return false;
        *t = (hone__tiles){ .whole = whole,
                            .columns = s.columns,
                            .begin = s.begin,
                            .end = s.end,
                            .raw_begin = s.begin,
                            .raw_end = raw ? s.end : s.begin };
        return raw ? hone__copy_elements(view, grad) : put(view, grad);
    }
    const bool ok = zero(t, s.end, t->begin) && zero(t, t->end, s.begin);
    t->begin = hone__min(t->begin, s.begin);
    t->end = s.end > t->end ? s.end : t->end;
    return ok && (!plus_zeros || put_raw(t)) && put(view, grad);
}

bool hone__tiles_end(hone__tiles *t)
{
    const bool ok = !t->whole || (zero(t, 0, t->begin) && zero(t, t->end, t->columns));
    t->whole = NULL;
    t->leaf = NULL;
    return ok;
}
