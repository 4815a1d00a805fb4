/* window_axes.c: means of windows that may differ from each other, and their gradients.
 *
 * A mean is a sum over a window, divided: see windows.h. Its gradient is dy, divided, summed over
 * the windows that an element lies in, which are neighbours: the same loop the other way round. */
#include "loops/elementwise.h"
#include "ops/pool.h"

bool hone__window_axis_make(int64_t extent, int64_t results, hone__window_axis *a)
{
    hone_tensor *room = hone_empty(HONE_I64, 3, results);
    if (!room)
        return false;
    int64_t *at = hone__data(room);
    *a = (hone__window_axis){ extent, results, at, at + results, at + 2 * results, at };
    return true;
}

hone__window_axis hone__window_axis_one(void)
{
    static const int64_t zero[1] = { 0 }, one[1] = { 1 };
    return (hone__window_axis){ 1, 1, zero, one, one, NULL };
}

void hone__windows_of(const hone__window_axis *a, hone__windows *windows)
{
    for (int d = 0; d < 3; d++)
        windows[d] = (hone__windows){ a[d].results, a[d].begin, a[d].end };
}

/* The windows that each element lies in, as the axis of the gradient. */
static bool turn(const hone__window_axis *a, hone__window_axis *back)
{
    if (!hone__window_axis_make(a->results, a->extent, back))
        return false;
    int64_t first = 0, last = 0, *room = back->room;
    for (int64_t i = 0; i < a->extent; i++) {
        while (first < a->results && a->end[first] <= i)
            first++;
        while (last < a->results && a->begin[last] <= i)
            last++;
        room[i] = first;
        room[a->extent + i] = last > first ? last : first;
        room[2 * a->extent + i] = 1;
    }
    return true;
}

/* What the windows' sums are divided by, [results]; override: that number for all. */
static hone_tensor *divisors(hone_dtype dtype, int dims, const hone__window_axis *a,
                             int64_t override)
{
    int64_t shape[5] = { dtype };
    for (int d = 0; d < dims; d++)
        shape[1 + d] = a[3 - dims + d].results;
    shape[1 + dims] = HONE_END_DIM;
    hone_tensor *t = hone_empty_v(shape);
    if (!t)
        return NULL;
    int64_t i = 0;
    for (int64_t z = 0; z < a[0].results; z++)
        for (int64_t y = 0; y < a[1].results; y++)
            for (int64_t x = 0; x < a[2].results; x++, i++) {
                const int64_t n = a[0].divisor[z] * a[1].divisor[y] * a[2].divisor[x];
                if (dtype == HONE_F32)
                    ((float *)hone__data(t))[i] = (float)(override ? override : n);
                else
                    ((double *)hone__data(t))[i] = (double)(override ? override : n);
            }
    return t;
}

/* t / divisors -> out, which may be t. */
static bool divide(hone_tensor *t, hone_tensor *by, hone_tensor *out)
{
    const hone__elementwise_kernel kernel =
        hone__binary_kernel(HONE__K_DIV, (hone_dtype)out->dtype);
    return by && hone__elementwise(&kernel, out, (hone__operand[]){ { .t = t }, { .t = by } });
}

static hone_tensor *pooled_out(hone_context *ctx, const hone_tensor *like, int dims,
                               const int64_t *extent)
{
    const hone__shape shape = hone__pooled_shape(like, dims, extent);
    return hone__out(ctx, 0, (hone_dtype)like->dtype, shape.ndim, shape.shape);
}

bool hone__average(hone_context *ctx, const hone_tensor *x, int dims, const hone__window_axis *a,
                   int64_t override, hone_tensor **out)
{
    hone__windows windows[3];
    hone_tensor *y = out[0] =
        pooled_out(ctx, x, dims, (int64_t[]){ a[0].results, a[1].results, a[2].results });
    if (!y || y->numel == 0)
        return y;
    hone__windows_of(a, windows);
    hone__sum_windows(x, dims, windows, y);
    return divide(y, divisors((hone_dtype)y->dtype, dims, a, override), y);
}

bool hone__spread(hone_context *ctx, hone_tensor *dy, int dims, const hone__window_axis *a,
                  int64_t override, hone_tensor **out)
{
    hone__window_axis back[3];
    hone__windows windows[3];
    hone_tensor *dx = out[0] =
        pooled_out(ctx, dy, dims, (int64_t[]){ a[0].extent, a[1].extent, a[2].extent });
    hone_tensor *shares = hone_empty_like(dy);
    if (!dx || !shares)
        return false;
    back[0] = hone__window_axis_one();
    for (int d = 3 - dims; d < 3; d++)
        if (!turn(a + d, back + d))
            return false;
    if (dx->numel == 0)
        return true;
    if (!divide(dy, divisors((hone_dtype)dy->dtype, dims, a, override), shares))
        return false;
    hone__windows_of(back, windows);
    hone__sum_windows(shares, dims, windows, dx);
    return true;
}

const char *hone__joined(int dims, const int64_t *extent, char *text, size_t size)
{
    size_t used = 0;
    for (int d = 3 - dims; d < 3 && used < size; d++)
        used += (size_t)hone__format(text + used, size - used, "%s%lld", d > 3 - dims ? " x " : "",
                                     (long long)extent[d]);
    return text;
}

bool hone__suits_axes(hone_context *ctx, const hone_tensor *dy, int dims,
                      const hone__window_axis *a)
{
    int64_t extent[3], results[3];
    char from[80], to[80];
    bool fits = true;
    for (int d = 0; d < 3; d++) {
        extent[d] = a[d].extent;
        results[d] = a[d].results;
        fits = fits && (d < 3 - dims || dy->shape[dy->ndim - 3 + d] == results[d]);
    }
    if (!fits)
        hone_error_set(HONE_E_SHAPE, "%s: dy is %s, but %s of %s give %s", hone__call_name(ctx),
                       hone__tensor_text(dy).s, dims == 3 ? "volumes" : "planes",
                       hone__joined(dims, extent, from, sizeof from),
                       hone__joined(dims, results, to, sizeof to));
    return fits;
}
