/* turn.c: see turn.h. Dims behind the last one that is turned are blocks, which are copied whole. */
#include "loops/turn.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_LINE 1.5
#define NS_PER_BYTE 0.08

typedef struct {
    int last; /* the dim whose lines are blocks */
    int64_t shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS];
    const hone__turn *dims;
    int64_t size, block; /* bytes of an element and of a block */
    const char *from;
    char *out;
} job;

static bool is_turned(const hone__turn *t)
{
    return t->reversed || t->from;
}

/* Which element stands at place i of dim d. */
static int64_t source(const job *j, int d, int64_t i)
{
    const int64_t extent = j->shape[d], at = i + j->dims[d].from;
    return j->dims[d].reversed ? extent - 1 - i : at >= extent ? at - extent : at;
}

/* Of the dims before the last one; in elements. */
static int64_t outer_offset(const job *j, int64_t outer)
{
    int64_t offset = 0;
    for (int d = j->last - 1; d >= 0; outer /= j->shape[d--])
        offset += source(j, d, outer % j->shape[d]) * j->stride[d];
    return offset;
}

/* to[i] = last[-i]: a loop for each size of an element, which the compiler makes vectors of. */
#define REVERSE(type, name)                                                                        \
    static void name(int64_t n, const void *from_last, void *out)                                  \
    {                                                                                              \
        const type *last = from_last;                                                              \
        type *restrict to = out;                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = last[-i];                                                                      \
    }
REVERSE(uint8_t, reverse_1)
REVERSE(uint16_t, reverse_2)
REVERSE(uint32_t, reverse_4)
REVERSE(uint64_t, reverse_8)
#undef REVERSE

static void reverse(int64_t size, int64_t n, const void *last, void *out)
{
    if (size == 4)
        reverse_4(n, last, out);
    else if (size == 8)
        reverse_8(n, last, out);
    else if (size == 2)
        reverse_2(n, last, out);
    else
        reverse_1(n, last, out);
}

/* Long pieces that begin anywhere: some of memcpy's ways for them are ten times as slow. */
static void copy_bytes(char *restrict to, const char *restrict from, int64_t n)
{
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        memcpy(to + i, from + i, 64);
    memcpy(to + i, from + i, (size_t)(n - i));
}

/* Places [i, end) of the last dim, base and out being the row's. */
static void copy_places(const job *j, const char *base, char *out, int64_t i, int64_t end)
{
    const int64_t extent = j->shape[j->last];
    if (!j->dims[j->last].reversed) {
        for (int64_t n; i < end; i += n) {
            const int64_t at = source(j, j->last, i);
            n = hone__min(end - i, extent - at);
            copy_bytes(out + i * j->block, base + at * j->block, n * j->block);
        }
        return;
    }
    if (j->block == j->size) {
        reverse(j->size, end - i, base + (extent - 1 - i) * j->size, out + i * j->size);
        return;
    }
    for (; i < end; i++)
        memcpy(out + i * j->block, base + (extent - 1 - i) * j->block, (size_t)j->block);
}

static void copy_lines(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t extent = j->shape[j->last];
    for (int64_t line = begin; line < end;) {
        const int64_t outer = line / extent, stop = hone__min(end, (outer + 1) * extent);
        const char *base = j->from + outer_offset(j, outer) * j->size;
        copy_places(j, base, j->out + outer * extent * j->block, line - outer * extent,
                    stop - outer * extent);
        line = stop;
    }
}

void hone__turn_dims(hone_tensor *out, const hone_tensor *x, const hone__turn *dims)
{
    job j = { .dims = dims, .from = hone__data(x), .out = hone__data(out) };
    if (x->numel == 0)
        return;
    j.size = j.block = (int64_t)hone__size_of(x->dtype);
    for (int d = 0; d < x->ndim; d++)
        j.last = is_turned(&dims[d]) ? d : j.last;
    for (int d = 0; d < x->ndim; d++) {
        j.shape[d] = x->shape[d];
        j.block *= d > j.last ? x->shape[d] : 1;
    }
    if (x->ndim == 0) {
        memcpy(j.out, j.from, (size_t)j.size);
        return;
    }
    hone__contiguous_strides(x->ndim, x->shape, j.stride);
    hone__parallel_for(x->numel * j.size / j.block, 1, NS_PER_LINE + NS_PER_BYTE * (double)j.block,
                       copy_lines, &j);
}
