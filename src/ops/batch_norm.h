/* batch_norm.h: what batch norm and its gradients share. */
#ifndef HONE_OPS_BATCH_NORM_H
#define HONE_OPS_BATCH_NORM_H

#include "core/access.h"
#include "loops/elementwise.h"
#include "ops/common.h"

/* ---- a channel's numbers, computed as doubles */

static inline double hone__number_at(const hone_tensor *t, int64_t i)
{
    return hone__element((hone_dtype)t->dtype,
                         (const char *)hone__data(t) + i * (int64_t)hone__size_of(t->dtype));
}

static inline void hone__put_number(hone_tensor *t, int64_t i, double value)
{
    hone__number((hone_dtype)t->dtype, value,
                 (char *)hone__data(t) + i * (int64_t)hone__size_of(t->dtype));
}

/** Elements of a channel. */
static inline int64_t hone__channel_count(const hone_tensor *x)
{
    int64_t n = 1;
    for (int d = 0; d < x->ndim; d++)
        n *= d == 1 ? 1 : x->shape[d];
    return n;
}

/** The dtype of what is known of channels: x's, of bf16 f32. */
static inline hone_dtype hone__channels_dtype(const hone_tensor *x)
{
    return x->dtype == HONE_BF16 ? HONE_F32 : (hone_dtype)x->dtype;
}

/** Uninitialised [rows, C]. */
static inline hone_tensor *hone__channel_numbers(const hone_tensor *x, int64_t rows)
{
    return hone_empty(hone__channels_dtype(x), rows, x->shape[1]);
}

/** False for an x of bf16 that is computed on as f32 in another tensor: too long or too short planes. */
bool hone__reads_as_it_lies(const hone_tensor *x);

static inline void *hone__row_of(const hone_tensor *t, int64_t i)
{
    return (char *)hone__data(t) + i * (t->numel / t->shape[0]) * (int64_t)hone__size_of(t->dtype);
}

/* ---- checks, in the name of an op: false and an error */

/** x can be normalised with that eps. */
bool hone__suits_batch_norm(const char *name, const hone_tensor *x, bool training, double eps);
/** t is HONE_NONE or has an element for each channel. */
bool hone__suits_channels(const char *name, const hone_tensor *x, hone_tensor *t, const char *what);
/** Running statistics, or a batch that has some. */
bool hone__statistics_are_there(const char *name, const hone_tensor *x, hone_tensor *mean,
                                hone_tensor *var, bool training);

/* ---- what channels are normalised by */

/** The rows of norms: v = fma(x - base, scale, offset). A mean that is rounded to one number would
 * be off by more than what lies close to a large mean deviates. */
enum { HONE__BASE, HONE__SCALE, HONE__OFFSET, HONE__NORMS };

/** Of the running statistics: base is the mean ... */
void hone__norms_of_running(hone_tensor *norms, const hone_tensor *mean, const hone_tensor *var,
                            double eps);
/** ... and of x, which isn't empty, whose means and variances (correction 0) go to the two rows of
 * `statistics`. False: out of memory. */
bool hone__norms_of_batch(hone_tensor *norms, const hone_tensor *x, hone_tensor *statistics,
                          double eps);

/* ---- a batch cut into shards (op/shards.h), whose statistics are those of all of it */

/** True if x is a part of such a batch and a gradient is wanted of what is made of it. */
bool hone__is_sharded(const hone_tensor *x);
/** hone__norms_of_batch and hone__channel_count over all shards. */
bool hone__norms_of_shards(const char *name, hone_tensor *norms, const hone_tensor *x,
                           hone_tensor *statistics, double eps, double *count);
/** Sums over samples [2, samples, channels] -> the sums over all shards, doubles [2, channels], in
 * the current scope; *count: elements of a channel. NULL: an error is pending. */
const double *hone__sums_of_shards(const char *name, const hone_tensor *x, const hone_tensor *sums,
                                   double *count);

/* ---- batch_norm_backward, as batch_norm calls it: in public order dy, x, running_mean,
 * running_var and weight, then norms, and the gradients of weight and bias that have begun, or
 * HONE_NONE: chains go on from them, in place. Beside norms nobody needs a running_mean: where there
 * was a ReLU the bias takes its place */

enum {
    HONE__SKIP_DX = 1,
    HONE__SKIP_DWEIGHT = 2,
    HONE__SKIP_DBIAS = 4,
    /* the means of all shards; weight's sum is where those of each sample go, [2, samples, channels],
     * of dy and of dy v */
    HONE__OVER_SHARDS = 8,
};

typedef struct {
    bool training;
    double eps;
    int skip;  /* what nobody wants, and OVER_SHARDS */
    bool relu; /* not over shards */
} hone__batch_norm_backward_options;

/** batch_norm's own: with a ReLU in its pass, which is no attribute (op/norm_relu.h). */
typedef struct {
    hone_batch_norm_options norm;
    bool relu;
} hone__batch_norm_options;

#endif
