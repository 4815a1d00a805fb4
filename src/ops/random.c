/* random.c: tensors of random numbers. Each call takes its generator's next stream; what stands at
 * place i depends on (seed, stream, i) alone, so threads can fill any range. */
#include "isa/isa.h"
#include "core/core.h"
#include "loops/elementwise.h"

#include <hone/ops.h>
#include "loops/shuffle.h"
#include "runtime/parallel.h"
#include "op/part.h"
#include "runtime/streams.h"

enum { CHUNK = 256 };

static hone_tensor *create_v(const char *name, hone_dtype dtype, const int64_t *dims_end)
{
    hone__shape shape;
    if (!hone__ready() || !hone__read_dims(name, dims_end, &shape))
        return NULL;
    return hone__own(hone__new(name, dtype, shape.ndim, shape.shape));
}

/* ---- rand, randn: a kernel fills ranges */

typedef struct {
    hone__random_fn fn;
    char *data;
    int64_t size;
    uint64_t seed, stream, place; /* of the first element in its batch */
} filling;

static void run_filling(void *ctx, int64_t begin, int64_t end)
{
    const filling *f = ctx;
    f->fn(end - begin, f->data + begin * f->size, f->seed, f->stream, f->place + (uint64_t)begin);
}

typedef struct {
    const char *name;
    const hone__random_fn *kernels; /* by dtype */
    double ns;                      /* an element */
} distribution;

static distribution uniform(const char *name)
{
    return (distribution){ name, hone__ready() ? hone__k->uniform : NULL, 1 };
}

static distribution normal(const char *name)
{
    return (distribution){ name, hone__ready() ? hone__k->normal : NULL, 4 };
}

/* The numbers that f32 has, rounded; even ones stay below 1. */
static hone_tensor *rounded(hone_tensor *t, hone_tensor *single)
{
    if (!single || !hone__copy_elements(t, single))
        return NULL;
    const uint16_t one = t->dtype == HONE_BF16 ? 0x3F80 : 0x3C00;
    uint16_t *x = hone__data(t);
    for (int64_t i = 0; i < t->numel; i++)
        x[i] = x[i] == one ? (uint16_t)(one - 1) : x[i];
    return t;
}

/* The next stream, in a fresh tensor. */
static hone_tensor *filled(hone_tensor *t, const distribution *d)
{
    if (!t)
        return NULL;
    if (hone__is_half((hone_dtype)t->dtype)) {
        hone_tensor *single = filled(hone__own(hone__new(d->name, HONE_F32, t->ndim, t->shape)), d);
        if (d->kernels == hone__k->uniform)
            return rounded(t, single);
        return single && hone__copy_elements(t, single) ? t : NULL;
    }
    filling f = { .fn = d->kernels[t->dtype],
                  .data = hone__data(t),
                  .size = (int64_t)hone__size_of(t->dtype),
                  .place = hone__part_place(t) };
    if (!hone__draw(d->name, &f.seed, &f.stream))
        return NULL;
    hone__parallel_for(t->numel, 16, d->ns, run_filling, &f);
    return t;
}

static hone_tensor *reals(distribution d, const int64_t *dtype_dims_end)
{
    const char *name = d.name;
    if (!dtype_dims_end) {
        hone__error_null(name);
        return NULL;
    }
    const int64_t wide = dtype_dims_end[0]; /* a cast may make a dtype of what is none */
    if (wide < 0 || wide >= HONE_DTYPES) {
        hone_error_set(HONE_E_DTYPE, "%s: the first argument is a dtype, and %lld is none", name,
                       (long long)wide);
        return NULL;
    }
    const hone_dtype dtype = (hone_dtype)wide;
    if (!hone_dtype_is_float(dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: the first argument is %s, a float is wanted", name,
                       hone_dtype_name(dtype));
        return NULL;
    }
    return filled(create_v(name, dtype, dtype_dims_end + 1), &d);
}

static hone_tensor *reals_like(distribution d, const hone_tensor *x)
{
    if (!hone__needs_tensor(d.name, x) || !hone__ready())
        return NULL;
    if (!hone_dtype_is_float((hone_dtype)x->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: the tensor is %s, a float is wanted", d.name,
                       hone__tensor_text(x).s);
        return NULL;
    }
    return filled(hone__own(hone__new(d.name, (hone_dtype)x->dtype, x->ndim, x->shape)), &d);
}

hone_tensor *hone_rand_v(const int64_t *dtype_dims_end)
{
    return reals(uniform("rand"), dtype_dims_end);
}

hone_tensor *hone_randn_v(const int64_t *dtype_dims_end)
{
    return reals(normal("randn"), dtype_dims_end);
}

hone_tensor *hone_rand_like(hone_tensor *x)
{
    return reals_like(uniform("rand_like"), x);
}

hone_tensor *hone_randn_like(hone_tensor *x)
{
    return reals_like(normal("randn_like"), x);
}

/* ---- randint: element i takes the i-th number */

typedef struct {
    hone_dtype dtype;
    char *data;
    uint64_t seed, stream, place;
    uint64_t count; /* of values */
    int64_t low;
} integers;

static void run_integers(void *ctx, int64_t begin, int64_t end)
{
    const integers *r = ctx;
    const int64_t size = (int64_t)hone_dtype_size(r->dtype);
    uint64_t numbers[CHUNK];
    int64_t values[CHUNK];
    for (; begin < end; begin += CHUNK) {
        const int64_t n = end - begin < CHUNK ? end - begin : CHUNK;
        hone__random_u64(n, numbers, r->seed, r->stream, r->place + (uint64_t)begin);
        for (int64_t i = 0; i < n; i++)
            values[i] = (int64_t)((uint64_t)r->low + hone__below(numbers[i], r->count));
        hone__k->cast[HONE__I64][r->dtype](n, r->data + begin * size, 1, values, 1);
    }
}

hone_tensor *hone_randint_v(hone_dtype dtype, int64_t low, int64_t high, const int64_t *dims_end)
{
    if (hone_dtype_size(dtype) == 0) {
        hone_error_set(HONE_E_DTYPE, "randint: %d is no dtype", (int)dtype);
        return NULL;
    }
    const hone__dtype_traits *is = &hone__dtypes[dtype];
    if (low >= high || low < is->least || high - 1 > is->most) {
        hone_error_set(HONE_E_VALUE, "randint: [%lld, %lld) is empty or doesn't fit into %s",
                       (long long)low, (long long)high, hone_dtype_name(dtype));
        return NULL;
    }
    hone_tensor *t = create_v("randint", dtype, dims_end);
    if (!t)
        return NULL;
    integers r = { .dtype = dtype,
                   .data = hone__data(t),
                   .count = (uint64_t)high - (uint64_t)low,
                   .low = low,
                   .place = hone__part_place(t) };
    if (!hone__draw("randint", &r.seed, &r.stream))
        return NULL;
    hone__parallel_for(t->numel, 64, 2, run_integers, &r);
    return t;
}

/* ---- randperm */

hone_tensor *hone_randperm(int64_t n)
{
    if (n < 0 || n > INT64_MAX / (int64_t)sizeof(int64_t)) {
        hone_error_set(HONE_E_SHAPE, "randperm: %lld elements", (long long)n);
        return NULL;
    }
    hone_tensor *t = hone_empty(HONE_I64, n);
    uint64_t seed, stream;
    if (!t || !hone__draw("randperm", &seed, &stream))
        return NULL;
    if (n > 0)
        hone__shuffle(n, hone__data(t), seed, stream);
    return t;
}
