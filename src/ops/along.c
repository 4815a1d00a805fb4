/* along.c: the geometry of along.h. */
#include "ops/along.h"

#include "isa/isa.h"
#include "loops/indices.h"

#define JUMP_BYTES (1 << 18)
#define COLUMNS    64
#define FEW        4096 /* indices that are not worth more than one check */

static bool extents_fit(const char *name, const hone_tensor *x, const hone_tensor *index, int dim)
{
    /* as in PyTorch: a number is a list of one, and what is empty asks for nothing */
    if (index->numel == 0 || (x->ndim == 0 && index->ndim == 1) ||
        (x->ndim == 1 && index->ndim == 0))
        return true;
    bool fits = x->ndim == index->ndim;
    for (int d = 0; fits && d < x->ndim; d++)
        fits = d == dim || index->shape[d] <= x->shape[d];
    if (!fits)
        hone_error_set(
            HONE_E_SHAPE,
            "%s: the index %s doesn't fit %s: as many dims, no extent larger (but dim %d)", name,
            hone__tensor_text(index).s, hone__tensor_text(x).s, dim);
    return fits;
}

bool hone__run_in_range(const int64_t *at, int64_t n, int64_t extent)
{
    int64_t least, most;
    hone__k->reduce_rows[HONE__K_MIN][HONE__I64](1, n, at, n, &least, 1);
    hone__k->reduce_rows[HONE__K_MAX][HONE__I64](1, n, at, n, &most, 1);
    return least >= 0 && most < extent;
}

bool hone__values_in_range(const char *name, const hone_tensor *index, int64_t extent, int dim)
{
    const int64_t *at = hone__data(index);
    int64_t i = 0, n;
    for (; i < index->numel; i += n) {
        n = hone__min(FEW, index->numel - i);
        if (!hone__run_in_range(at + i, n, extent))
            break;
    }
    while (i < index->numel && at[i] >= 0 && at[i] < extent)
        i++;
    if (i == index->numel)
        return true;
    hone_error_set(HONE_E_INDEX,
                   "%s: index %lld (element %lld of %s) is out of range for dim "
                   "%d with extent %lld",
                   name, (long long)at[i], (long long)i, hone__tensor_text(index).s, dim,
                   (long long)extent);
    return false;
}

bool hone__along(const char *name, const hone_tensor *x, int dim, hone_tensor *index, bool later,
                 hone__along_job *j)
{
    if (!extents_fit(name, x, index, dim))
        return false;
    j->index = index->dtype == HONE_U8 ? hone_contiguous(hone_to(index, HONE_I64))
                                       : hone__indices_of(name, index);
    if (!j->index)
        return false;
    j->extent = x->ndim ? x->shape[dim] : 1;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    j->outer = j->inner = 1;
    const bool as_many = index->ndim == x->ndim;
    j->dim = as_many && x->ndim ? index->shape[dim] : index->numel;
    j->step = x->ndim ? x->stride[dim] : 0;
    for (int d = 0; as_many && d < x->ndim; d++) {
        if (d == dim)
            continue;
        *(d < dim ? &j->outer : &j->inner) *= index->shape[d];
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = index->shape[d];
    }
    j->check_later = later && j->inner == 1 && index->numel > FEW;
    atomic_init(&j->out_of_range, false);
    if (!j->check_later && !hone__values_in_range(name, j->index, j->extent, dim))
        return false;
    hone_tensor *cut = hone__own(hone__alias(x, shape.ndim, shape.shape, stride, x->offset));
    hone_tensor *inner_place = hone__own(hone__new(name, HONE_I64, 1, &j->inner));
    if (!cut || !inner_place)
        return false;
    hone__rows_of(&j->places, cut, ~((1u << dim) - 1));
    /* so that what they jump around in stays in a core's cache */
    const int64_t column = j->extent * (int64_t)hone__size_of(x->dtype);
    j->together = column * j->inner <= JUMP_BYTES ? (j->inner ? j->inner : 1) : COLUMNS;
    j->dtype = j->places.dtype;
    j->size = j->places.size;
    j->inner_place = hone__data(inner_place);
    for (int64_t c = 0; c < j->inner && index->numel; c++)
        ((int64_t *)hone__data(inner_place))[c] = hone__rows_offset(&j->places, 0, c);
    return true;
}
