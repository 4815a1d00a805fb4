/* job.c: joining and leaving the job, and what its ranks do with tensors. */
#include "dist/bucket.h"
#include "dist/gather.h"
#include "dist/world.h"
#include "runtime/memory.h"

#include <hone/dist.h>
#include <hone/ops.h>

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool joined;
static const char *advice;

/* A launcher of another library than the one that was loaded, or a broken one (of Ubuntu 24.04's
 * MPICH each rank finds itself alone): each would train by itself and write the same files. */
static hone_status refuse_size(int launched)
{
    const int size = hone__world_size();
    hone__world_finish();
    joined = false;
    return hone_error_set(HONE_E_CONFIG,
                          "dist_init: the launcher has started %d processes, of which %s finds %d: "
                          "is it the launcher of this library?",
                          launched, hone__world_library(), size);
}

hone_status hone_dist_init(void)
{
    int size;
    hone_status status = HONE_OK;
    pthread_mutex_lock(&lock);
    const bool launched = !joined && hone__launcher(&size);
    if (launched)
        advice = hone__take_cores();
    if (launched && size > 1) {
        const hone__mpi *mpi = hone__mpi_load();
        joined = mpi && hone__world_start(mpi);
        status = joined ? HONE_OK : hone__error_last();
        if (joined && hone__world_size() != size)
            status = refuse_size(size);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

hone_status hone_dist_finish(void)
{
    pthread_mutex_lock(&lock);
    if (joined) {
        hone_dist_stop();
        hone__world_finish();
    }
    joined = false;
    pthread_mutex_unlock(&lock);
    return HONE_OK;
}

void hone_dist_abort(int status)
{
    if (hone__world_size() > 1)
        hone__world_abort(status);
}

int hone_dist_rank(void)
{
    return hone__world_rank();
}

int hone_dist_size(void)
{
    return hone__world_size();
}

const char *hone_dist_library(void)
{
    return hone__world_library();
}

const char *hone_dist_advice(void)
{
    return advice;
}

/* ---- checks that all ranks make alike */

/* 64 bits that tell differing bytes apart, not those that somebody has made up to be taken for one
 * another: words are multiplied and folded. */
static uint64_t digest(uint64_t seed, const void *bytes, size_t n)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t h = seed ^ (n * odd);
    const unsigned char *at = bytes;
    for (; n > 0;) {
        uint64_t word = 0;
        const size_t some = n < 8 ? n : 8;
        memcpy(&word, at, some);
        const unsigned __int128 product = (unsigned __int128)(h ^ word ^ odd) * (odd | 1);
        h = (uint64_t)(product >> 64) ^ (uint64_t)product;
        at += some;
        n -= some;
    }
    return h;
}

hone_status hone_dist_same(const char *what, const void *bytes, size_t n)
{
    HONE_SCOPE();
    const int size = hone__world_size();
    if (size == 1)
        return HONE_OK;
    uint64_t *all = hone__own_block(hone__calloc(hone__bytes(size, sizeof *all)));
    if (!all)
        return HONE_E_NOMEM;
    all[hone__world_rank()] = digest(1, bytes, n);
    if (!hone__gather_each(all, sizeof *all))
        return hone__error_last();
    for (int r = 1; r < size; r++)
        if (all[r] != all[0])
            return hone_error_set(HONE_E_STATE, "dist: %s of rank %d of %d differs from rank 0's",
                                  what, r, size);
    return HONE_OK;
}

/* The same shape and dtype everywhere, contiguous. */
static bool suits(const char *name, hone_tensor *t)
{
    if (!hone__needs_tensor(name, t))
        return false;
    if (!hone__contiguous(t)) {
        hone_error_set(HONE_E_SHAPE, "%s: %s must be contiguous", name, hone__tensor_text(t).s);
        return false;
    }
    int64_t is[2 + HONE_MAX_DIMS] = { t->dtype, t->ndim };
    memcpy(is + 2, t->shape, (size_t)t->ndim * sizeof *t->shape);
    return hone_dist_same("the tensor's shape or dtype", is, sizeof is) == HONE_OK;
}

/* ---- tensors */

hone_status hone_dist_all_reduce(hone_tensor *t)
{
    if (!suits("dist_all_reduce", t))
        return hone__error_last();
    if (!hone_dtype_is_float((hone_dtype)t->dtype))
        return hone_error_set(HONE_E_DTYPE, "dist_all_reduce: f32 or f64 is wanted, got %s",
                              hone__tensor_text(t).s);
    const int size = hone__world_size();
    const hone__cut cut = hone__cut_of(size, size, hone__world_rank(), size);
    if (size == 1)
        return HONE_OK;
    hone__bucket *bucket = hone__bucket_new(&cut, (hone_dtype)t->dtype);
    if (!bucket || !hone__bucket_add(bucket, t, 1, &t)) {
        hone__bucket_free(bucket);
        return HONE_E_NOMEM;
    }
    hone__bump(t);
    hone__bucket_begin(bucket, false);
    return hone__bucket_end(bucket) ? HONE_OK : HONE_E_IO;
}

hone_status hone_dist_broadcast(hone_tensor *t, int root)
{
    if (root < 0 || root >= hone__world_size())
        return hone_error_set(HONE_E_VALUE, "dist_broadcast: rank %d of %d", root,
                              hone__world_size());
    if (!suits("dist_broadcast", t))
        return hone__error_last();
    if (hone__world_size() == 1)
        return HONE_OK;
    hone__bump(t);
    return hone__gather_end(
               hone__gather_from(root, hone__data(t), t->numel * (int64_t)hone__size_of(t->dtype)))
               ? HONE_OK
               : hone__error_last();
}

hone_tensor *hone_dist_gather(hone_tensor *t)
{
    int64_t shape[HONE_MAX_DIMS + 1];
    const int64_t size = hone__world_size();
    if (!suits("dist_gather", t))
        return NULL;
    if (t->ndim == HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "dist_gather: %s has no room for a dim of ranks",
                       hone__tensor_text(t).s);
        return NULL;
    }
    const int64_t bytes = t->numel * (int64_t)hone__size_of(t->dtype);
    shape[0] = size;
    memcpy(shape + 1, t->shape, (size_t)t->ndim * sizeof *shape);
    hone_tensor *all =
        hone__own(hone__new("dist_gather", (hone_dtype)t->dtype, t->ndim + 1, shape));
    if (!all || bytes == 0)
        return all;
    memcpy((char *)hone__data(all) + hone__world_rank() * bytes, hone__data(t), (size_t)bytes);
    return size == 1 || hone__gather_each(hone__data(all), bytes) ? all : NULL;
}

hone_status hone_dist_barrier(void)
{
    HONE_SCOPE();
    if (hone__world_size() == 1)
        return HONE_OK;
    char *all = hone__own_block(hone__calloc((size_t)hone__world_size()));
    return all && hone__gather_each(all, 1) ? HONE_OK : hone__error_last();
}
