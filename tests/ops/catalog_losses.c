/* catalog_losses.c: rows of src/ops/losses.c, margin_loss.c and nll.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER(name) catalog_float(row, #name)
#define FLAG(name)   catalog_bool(row, #name)

/* x is the input, t the target; w the third input, or 1 where there is none (a row says so). */
#define FORMULA(name, value)                                                                       \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        const double x = in[0], t = in[1], d = fabs(x - t);                                        \
        (void)row, (void)d;                                                                        \
        return value;                                                                              \
    }
FORMULA(f_mse_loss, d *d)
FORMULA(f_l1_loss, d)
FORMULA(f_smooth_l1_loss, NUMBER(beta) == 0  ? d
                          : d < NUMBER(beta) ? d * d / (2 * NUMBER(beta))
                                             : d - NUMBER(beta) / 2)
FORMULA(f_huber_loss, d < NUMBER(delta) ? d * d / 2 : NUMBER(delta) * (d - NUMBER(delta) / 2))
FORMULA(f_bce, -(t *log(x) + (1 - t) * log1p(-x)))
FORMULA(f_weighted_bce, in[2] * f_bce(row, in))
FORMULA(f_logits, (1 - t) * x + log1p(exp(-x)))
FORMULA(f_weighted_logits, in[2] * ((1 - t) * x + (1 + (in[3] - 1) * t) * log1p(exp(-x))))
FORMULA(f_kl_div, FLAG(log_target) ? exp(t) * (t - x) : t *log(t) - t * x)
FORMULA(f_poisson_nll_loss,
        (FLAG(log_input) ? exp(x) - t * x : x - t * log(x + NUMBER(eps))) +
            (FLAG(full) && t > 1 ? t * log(t) - t + 0.5 * log(6.283185307179586 * t) : 0))
FORMULA(f_gaussian_nll_loss,
        0.5 * (log(in[2]) + d * d / in[2]) + (FLAG(full) ? 0.5 * log(6.283185307179586) : 0))
FORMULA(f_hinge_embedding_loss, t > 0 ? x : fmax(0, NUMBER(margin) - x))
FORMULA(f_margin_ranking_loss, fmax(0, NUMBER(margin) - in[2] * (x - t)))

/* ---- reductions */

static double reduction_divisor(const catalog_row *row, const catalog_array *all)
{
    const catalog_words how = catalog_text(row, "reduction");
    return strcmp(how.at, "mean") == 0        ? (double)all->numel
           : strcmp(how.at, "batchmean") == 0 ? (double)all->shape[0]
                                              : 1;
}

/* all (whose values are freed) -> what the row's reduction makes of it; divisor as it says. */
static void reduce(const catalog_row *row, catalog_array *all, double divisor, catalog_array *out)
{
    double sum = 0;
    if (strcmp(catalog_text(row, "reduction").at, "none") == 0) {
        *out = *all;
        return;
    }
    for (int64_t k = 0; k < all->numel; k++)
        sum += all->at[k];
    catalog_shape(out, all->dtype, 0, NULL);
    *out->at = sum / divisor;
    free(all->at);
}

static void loss_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    catalog_array all;
    while (in[n_in - 1].none)
        n_in--;
    memset(&all, 0, sizeof all);
    catalog_elementwise(row, in, n_in, &all);
    reduce(row, &all, reduction_divisor(row, &all), out);
}

/* ---- classes */

static void fill_classes(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const catalog_array *x = in + i - 1;
    const uint64_t classes = (uint64_t)x->shape[x->ndim > 1];
    for (int64_t k = 0; k < in[i].numel; k++) {
        in[i].at[k] = (double)(k == 0 ? classes - 1 : catalog_random(random) % classes);
        if (k % 3 == 1 && catalog_int(row, "ignore_index") < 0)
            in[i].at[k] = (double)catalog_int(row, "ignore_index");
    }
}

/* Probabilities, or nearly so: they need not add up to 1. */
static void fill_probabilities(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = 0.05 + 0.9 * catalog_uniform(random);
}

static void fill_signs(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = catalog_random(random) & 1 ? 1 : -1;
}

/* Of the scores of one position, `step` apart: minus their log_softmax, or the scores themselves. */
typedef struct {
    const double *x;
    int64_t n, step;
    double log_sum;
} scores;

static double penalty(const scores *s, int64_t c)
{
    return s->log_sum - s->x[c * s->step];
}

static scores scores_of(const catalog_array *x, int64_t position, bool softmax)
{
    const int dim = x->ndim > 1;
    int64_t inner = 1;
    for (int d = dim + 1; d < x->ndim; d++)
        inner *= x->shape[d];
    scores s = { .n = x->shape[dim], .step = inner };
    s.x = x->at + position / inner * inner * s.n + position % inner;
    double sum = 0;
    for (int64_t c = 0; c < s.n; c++)
        sum += exp(s.x[c * inner]);
    s.log_sum = softmax ? log(sum) : 0;
    return s;
}

static double class_loss(const catalog_row *row, const catalog_array *in, int64_t k, bool softmax,
                         double *weight)
{
    const double e = softmax ? NUMBER(label_smoothing) : 0;
    const scores s = scores_of(in, k, softmax);
    const int64_t target = (int64_t)in[1].at[k];
    const double *w = in[2].none ? NULL : in[2].at;
    double even = 0;
    if (target == catalog_int(row, "ignore_index"))
        return *weight = 0;
    *weight = w ? w[target] : 1;
    for (int64_t c = 0; c < s.n; c++)
        even += (w ? w[c] : 1) * penalty(&s, c);
    return (1 - e) * *weight * penalty(&s, target) + e / (double)s.n * even;
}

static void of_classes(const catalog_row *row, const catalog_array *in, bool softmax,
                       catalog_array *out)
{
    catalog_array all;
    memset(&all, 0, sizeof all);
    catalog_shape(&all, in->dtype, in[1].ndim, in[1].shape);
    double weights = 0, weight;
    for (int64_t k = 0; k < all.numel; k++) {
        all.at[k] = class_loss(row, in, k, softmax, &weight);
        weights += weight;
    }
    const bool mean = strcmp(catalog_text(row, "reduction").at, "mean") == 0;
    reduce(row, &all, mean ? weights : 1, out);
}

static void nll_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    (void)n_in;
    of_classes(row, in, false, out);
}

static void cross_entropy_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                 catalog_array *out)
{
    (void)n_in;
    of_classes(row, in, true, out);
}

/* Inputs: x, linear_weight, target, linear_bias, weight. */
static void fill_linear_classes(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const uint64_t classes = (uint64_t)in[1].shape[0];
    for (int64_t k = 0; k < in[i].numel; k++) {
        in[i].at[k] = (double)(k == 0 ? classes - 1 : catalog_random(random) % classes);
        if (k % 3 == 1 && catalog_int(row, "ignore_index") < 0)
            in[i].at[k] = (double)catalog_int(row, "ignore_index");
    }
}

/* Element j of the scores of one row of x. */
static double linear_score(const catalog_array *in, int64_t row, int64_t j)
{
    const int64_t width = in[0].shape[in[0].ndim - 1];
    double sum = in[3].none ? 0 : in[3].at[j];
    for (int64_t k = 0; k < width; k++)
        sum += in[0].at[row * width + k] * in[1].at[j * width + k];
    return sum;
}

/* Scores with their classes in dim 1: [N, C, ..] of x [N, .., width] or of a weight [C, .., width]. */
static void linear_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int64_t samples = in[0].ndim > 1 ? in[0].shape[0] : 1, classes = in[1].shape[0];
    const int64_t rows = in[0].numel / in[0].shape[in[0].ndim - 1], places = rows / samples;
    const int64_t kinds = in[1].numel / in[1].shape[in[1].ndim - 1] / classes;
    int64_t shape[HONE_MAX_DIMS];
    int n = 0;
    (void)n_in;
    if (in[0].ndim > 1)
        shape[n++] = samples;
    shape[n++] = classes;
    for (int d = 1; d + 1 < in[0].ndim; d++)
        shape[n++] = in[0].shape[d];
    for (int d = 1; d + 1 < in[1].ndim; d++)
        shape[n++] = in[1].shape[d];
    catalog_array all[3] = { { 0 }, in[2], in[4] };
    catalog_shape(&all[0], in[0].dtype, n, shape);
    for (int64_t i = 0; i < all[0].numel; i++) {
        const int64_t inner = i % (places * kinds), c = i / (places * kinds) % classes;
        const int64_t sample = i / (places * kinds) / classes;
        all[0].at[i] = linear_score(in, sample * places + inner / kinds, c * kinds + inner % kinds);
    }
    of_classes(row, all, true, out);
    free(all[0].at);
}

static void probabilities_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                 catalog_array *out)
{
    catalog_array all;
    int64_t shape[HONE_MAX_DIMS];
    int n = 0;
    (void)n_in;
    for (int d = 0; d < in->ndim; d++)
        if (d != (in->ndim > 1))
            shape[n++] = in->shape[d];
    memset(&all, 0, sizeof all);
    catalog_shape(&all, in->dtype, n, shape);
    for (int64_t k = 0; k < all.numel; k++) {
        const scores s = scores_of(in, k, true), t = scores_of(in + 1, k, false);
        for (int64_t c = 0; c < s.n; c++) {
            const double e = NUMBER(label_smoothing);
            const double target = (1 - e) * t.x[c * t.step] + e / (double)s.n;
            all.at[k] += target * penalty(&s, c) * (in[2].none ? 1 : in[2].at[c]);
        }
    }
    reduce(row, &all, reduction_divisor(row, &all), out);
}

/* ---- rows of numbers */

/* A result without the last dim. */
static void without_last(const catalog_array *x, catalog_array *all)
{
    memset(all, 0, sizeof *all);
    catalog_shape(all, x->dtype, x->ndim - 1, x->shape);
}

static void cosine_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    catalog_array all;
    (void)n_in;
    without_last(in, &all);
    const int64_t n = in->shape[in->ndim - 1];
    for (int64_t k = 0; k < all.numel; k++) {
        double ab = 0, aa = 1e-12, bb = 1e-12;
        for (int64_t i = k * n; i < (k + 1) * n; i++) {
            ab += in[0].at[i] * in[1].at[i];
            aa += in[0].at[i] * in[0].at[i];
            bb += in[1].at[i] * in[1].at[i];
        }
        const double c = ab / sqrt(aa * bb);
        all.at[k] = in[2].at[k] > 0 ? 1 - c : fmax(0, c - NUMBER(margin));
    }
    reduce(row, &all, reduction_divisor(row, &all), out);
}

static double distance(const catalog_row *row, const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += pow(fabs(a[i] - b[i] + NUMBER(eps)), NUMBER(p));
    return pow(sum, 1 / NUMBER(p));
}

static void triplet_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    catalog_array all;
    (void)n_in;
    without_last(in, &all);
    const int64_t n = in->shape[in->ndim - 1];
    for (int64_t k = 0; k < all.numel; k++) {
        const double *a = in[0].at + k * n, *p = in[1].at + k * n, *q = in[2].at + k * n;
        double far = distance(row, a, q, n);
        if (FLAG(swap))
            far = fmin(far, distance(row, p, q, n));
        all.at[k] = fmax(0, distance(row, a, p, n) - far + NUMBER(margin));
    }
    reduce(row, &all, reduction_divisor(row, &all), out);
}

static void multilabel_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                              catalog_array *out)
{
    catalog_array all;
    (void)n_in;
    without_last(in, &all);
    const int64_t n = in->shape[in->ndim - 1];
    for (int64_t i = 0; i < in->numel; i++) {
        const double x = in[0].at[i], t = in[1].at[i], w = in[2].none ? 1 : in[2].at[i % n];
        all.at[i / n] += w * (t * log1p(exp(-x)) + (1 - t) * log1p(exp(x))) / (double)n;
    }
    reduce(row, &all, reduction_divisor(row, &all), out);
}

/* ---- the rows */

static const char *const pairs[] = { "3x4 3x4",   "3x4:t 3x4:s", "2x3x4 4",   "3x1 1x4",
                                     "3x4:e 3x1", ". .",         "2x3x2:t .", NULL };
static const char *const same[] = { "3x4 3x4 -", "3x4:t 3x4:s -", "3x4:e 3x4:t -", ". . -", NULL };
static const char *const same2[] = { "3x4 3x4 - -", "3x4:t 3x4:s - -", ". . - -", NULL };
static const char *const weights[] = { "3x4 3x4 4", "3x4:t 3x4:s 3x1", "2x3x2 2x3x2:t 2x3x2:s",
                                       NULL };
static const char *const weights2[] = { "3x4 3x4 4 4", "3x4:t 3x4:s 3x1 .", NULL };
static const char *const triples[] = { "3x4 3x4 3x4", "3x4:t 3x4:s 3x4:e", "2x3x4 4 3x1", NULL };
static const char *const classes[] = {
    "5x3 5 3", "5x3:t 5:s -", "2x4x3 2x3 4:s", "2x3x2x2:t 2x2x2:t -", "4 . 4", "3x5:e 3 -", NULL
};
static const char *const probabilities[] = { "5x3 5x3 3", "5x3:t 5x3:s -", "2x4x3 2x4x3:t 4:s",
                                             "4 4 -", NULL };
static const char *const vectors[] = { "3x4 3x4 3", "3x4:t 3x4:s 3:s", "4 4 .", NULL };
static const char *const points[] = { "3x4 3x4 3x4", "3x4:t 3x4:s 3x4", "4 4 4", NULL };
static const char *const labels[] = { "3x4 3x4 -", "3x4:t 3x4:s 4", "2x3x4 2x3x4 4:s", NULL };

#define SCALED(scale_, op_, note_, text, ...)                                                      \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .ulps = 16, .scale = scale_, __VA_ARGS__     \
    }
#define ROW(...) SCALED(4, __VA_ARGS__)
#define ELEMENT(name, note_, text, ...)                                                            \
    ROW(#name, note_, text, .f = f_##name, .oracle = loss_oracle, __VA_ARGS__)
#define PAIRS .cases = pairs, .bits = "67x130 130"
#define ANY   .in = { { catalog_any } }
#define CLASSES                                                                                    \
    .in = { { catalog_any },                                                                       \
            { fill_classes, .fixed = CATALOG_FIXED(HONE_I64) },                                    \
            { catalog_positive, .constant = true } },                                              \
    .cases = classes
#define PROBABILITIES                                                                              \
    .cases = probabilities,                                                                        \
    .in = { { catalog_any }, { fill_probabilities }, { catalog_positive } },                       \
    .oracle = probabilities_oracle

static const char *const linears[] = { "5x7 3x7 5 3 3",       "5x7:t 3x7:t 5:s - -",
                                       "2x3x4 5x4 2x3 5:s -", "4 3x4 . - 3",
                                       "2x4 3x2x4 2x2 3x2 -", NULL };
#define LINEAR_CLASSES                                                                             \
    .in = { { catalog_any },                                                                       \
            { catalog_any },                                                                       \
            { fill_linear_classes, .fixed = CATALOG_FIXED(HONE_I64) },                             \
            { catalog_any },                                                                       \
            { catalog_positive, .constant = true } },                                              \
    .cases = linears, .oracle = linear_oracle

/* ---- ctc_loss of log_softmax: its gradient takes its input for one */

static void fill_targets(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = 1 + (double)(catalog_random(random) % (uint64_t)(in[0].shape[2] - 1));
}

/* All of the first sample's steps (targets), one less of each further one. */
static void fill_lengths(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)((i == 2 ? in[0].shape[0] : in[1].shape[1]) - k % 2);
}

/* The probability of a sample's target, by its states. */
static double spelled(const catalog_array *in, int64_t n)
{
    const int64_t samples = in->shape[1], n_classes = in->shape[2], most = in[1].shape[1];
    const int64_t states = 2 * (int64_t)in[3].at[n] + 1;
    double *way = calloc((size_t)states + 2, sizeof *way);
    way[0 + 1] = 1; /* before the first step: where it may begin */
    for (int64_t t = 0; t < (int64_t)in[2].at[n]; t++) {
        const double *x = in->at + (t * samples + n) * n_classes;
        double all = 0;
        for (int64_t c = 0; c < n_classes; c++)
            all += exp(x[c]);
        for (int64_t s = states - 1; s >= 0; s--) {
            const double *label = in[1].at + n * most + s / 2;
            double sum = way[s + 1] + (s > 0 ? way[s] : 0);
            if (s % 2 && s > 1 && label[0] != label[-1])
                sum += way[s - 1];
            if (t == 0)
                sum = s < 2;
            way[s + 1] = sum * exp(x[s % 2 ? (int64_t)*label : 0]) / all;
        }
    }
    const double last = way[states] + (states > 1 ? way[states - 1] : 0);
    free(way);
    return last;
}

static void ctc_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    catalog_array all = { 0 };
    const bool mean = strcmp(catalog_text(row, "reduction").at, "mean") == 0;
    (void)n_in;
    catalog_shape(&all, in->dtype, 1, in->shape + 1);
    for (int64_t n = 0; n < all.numel; n++)
        all.at[n] = -log(spelled(in, n)) / (mean ? fmax(in[3].at[n], 1) : 1);
    reduce(row, &all, reduction_divisor(row, &all), out);
}

static hone_tensor *call_ctc(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone_ctc_loss(
        hone_log_softmax(in[0], 2), in[1], in[2], in[3], 0,
        (hone_reduction)catalog_choice(row, "reduction",
                                       "HONE_REDUCE_MEAN, HONE_REDUCE_SUM, HONE_REDUCE_NONE"),
        false);
}

static const char *const spellings[] = { "6x2x4 2x2 2 2", "7x3x3:t 3x3 3 3", "5x1x3:s 1x1 1 1",
                                         NULL };
#define CTC(how)                                                                                   \
    {                                                                                              \
        .op = "ctc_loss", .note = how, .attributes = "blank=0 zero_infinity=false reduction=" how, \
        .cases = spellings, .bits = "33x7x11 7x9 7 7", .ulps = 64, .scale = 10,                    \
        .oracle = ctc_oracle, .call = call_ctc, .once = "its gradient is no op's", .in = {         \
            { catalog_any },                                                                       \
            { fill_targets, CATALOG_FIXED(HONE_I64), true },                                       \
            { fill_lengths, CATALOG_FIXED(HONE_I64), true },                                       \
            { fill_lengths, CATALOG_FIXED(HONE_I64), true }                                        \
        }                                                                                          \
    }

static const catalog_row rows[] = {
    CTC("mean"),
    CTC("sum"),
    CTC("none"),
    ELEMENT(mse_loss, "mean", "reduction=mean", PAIRS, ANY),
    SCALED(500, "mse_loss", "sum", "reduction=sum", .f = f_mse_loss, .oracle = loss_oracle, PAIRS,
           ANY),
    ELEMENT(mse_loss, "none", "reduction=none", PAIRS, ANY),
    ELEMENT(l1_loss, "mean", "reduction=mean", PAIRS, ANY),
    ELEMENT(l1_loss, "none", "reduction=none", PAIRS, ANY),
    ELEMENT(smooth_l1_loss, "mean", "beta=0.7 reduction=mean", PAIRS, ANY),
    ELEMENT(smooth_l1_loss, "none", "beta=1.5 reduction=none", PAIRS, ANY),
    ELEMENT(smooth_l1_loss, "as l1", "beta=0 reduction=none", PAIRS, ANY),
    ELEMENT(huber_loss, "mean", "delta=0.7 reduction=mean", PAIRS, ANY),
    ELEMENT(huber_loss, "none", "delta=1.5 reduction=none", PAIRS, ANY),
    ROW("binary_cross_entropy", "mean", "reduction=mean", .f = f_bce, .oracle = loss_oracle,
        .cases = same, .bits = "67x130 67x130 -", .in = { { fill_probabilities } }),
    ROW("binary_cross_entropy", "weighted", "reduction=none", .f = f_weighted_bce,
        .oracle = loss_oracle, .cases = weights,
        .in = { { fill_probabilities }, { fill_probabilities }, { catalog_positive } }),
    ROW("binary_cross_entropy_with_logits", "mean", "reduction=mean", .f = f_logits,
        .oracle = loss_oracle, .cases = same2, .bits = "67x130 67x130 - -",
        .in = { { catalog_any }, { fill_probabilities } }),
    ROW("binary_cross_entropy_with_logits", "weighted", "reduction=none", .f = f_weighted_logits,
        .oracle = loss_oracle, .cases = weights2,
        .in = { { catalog_any }, { fill_probabilities }, { catalog_positive } }),
    ELEMENT(kl_div, "mean", "log_target=false reduction=mean", PAIRS,
            .in = { { catalog_any }, { catalog_positive } }),
    SCALED(50, "kl_div", "batchmean", "log_target=true reduction=batchmean", .f = f_kl_div,
           .oracle = loss_oracle, .cases = (const char *const[]){ "3x4 3x4", "3x4:t 3x4:s", NULL },
           ANY),
    ELEMENT(poisson_nll_loss, "mean", "log_input=true full=true eps=1e-8 reduction=mean", PAIRS,
            .in = { { catalog_any }, { catalog_positive } }),
    ELEMENT(poisson_nll_loss, "none", "log_input=false full=false eps=0.01 reduction=none", PAIRS,
            .in = { { catalog_positive } }),
    ELEMENT(gaussian_nll_loss, "mean", "full=true eps=1e-6 reduction=mean", .cases = triples,
            .bits = "67x130 130 67x130",
            .in = { { catalog_any }, { catalog_any }, { catalog_positive } }),
    ELEMENT(gaussian_nll_loss, "none", "full=false eps=1e-6 reduction=none", .cases = triples,
            .in = { { catalog_any }, { catalog_any }, { catalog_positive } }),
    ROW("nll_loss", "mean", "ignore_index=-100 reduction=mean", CLASSES, .oracle = nll_oracle,
        .bits = "300x37 300 37"),
    SCALED(40, "nll_loss", "sum", "ignore_index=1 reduction=sum", CLASSES, .oracle = nll_oracle),
    ROW("nll_loss", "none", "ignore_index=-7 reduction=none", CLASSES, .oracle = nll_oracle),
    ROW("cross_entropy_loss", "mean", "ignore_index=-100 label_smoothing=0 reduction=mean", CLASSES,
        .oracle = cross_entropy_oracle, .bits = "300x37 300 37"),
    ROW("cross_entropy_loss", "smooth", "ignore_index=1 label_smoothing=0.2 reduction=mean",
        CLASSES, .oracle = cross_entropy_oracle, .bits = "30x7x11 30x11 7"),
    ROW("cross_entropy_loss", "none", "ignore_index=-1 label_smoothing=0.1 reduction=none", CLASSES,
        .oracle = cross_entropy_oracle),
    ROW("cross_entropy_loss", "probabilities", "label_smoothing=0.1 reduction=mean", PROBABILITIES,
        .bits = "30x7x11 30x7x11 7"),
    ROW("cross_entropy_loss", "probabilities, none", "label_smoothing=0 reduction=none",
        PROBABILITIES),
    SCALED(16, "linear_cross_entropy", "mean",
           "ignore_index=-100 label_smoothing=0 reduction=mean chunk=0", LINEAR_CLASSES,
           .bits = "300x37 41x37 300 41 41"),
    SCALED(16, "linear_cross_entropy", "sum, in chunks",
           "ignore_index=1 label_smoothing=0 reduction=sum chunk=2", LINEAR_CLASSES,
           .bits = "3x260x37 41x37 3x260 41 -"),
    SCALED(16, "linear_cross_entropy", "none",
           "ignore_index=-1 label_smoothing=0 reduction=none chunk=3", LINEAR_CLASSES),
    SCALED(16, "linear_cross_entropy", "smooth",
           "ignore_index=1 label_smoothing=0.2 reduction=mean chunk=0", LINEAR_CLASSES),
    ELEMENT(hinge_embedding_loss, "mean", "margin=1.3 reduction=mean", PAIRS,
            .in = { { catalog_any }, { fill_signs, .constant = true } }),
    ELEMENT(hinge_embedding_loss, "none", "margin=0.7 reduction=none", PAIRS,
            .in = { { catalog_any }, { fill_signs, .constant = true } }),
    ELEMENT(margin_ranking_loss, "mean", "margin=0.5 reduction=mean", .cases = triples,
            .bits = "67x130 130 67x1", .in = { { catalog_any }, { catalog_any }, { fill_signs } }),
    ELEMENT(margin_ranking_loss, "none", "margin=0 reduction=none", .cases = triples,
            .in = { { catalog_any }, { catalog_any }, { fill_signs } }),
    ROW("cosine_embedding_loss", "mean", "margin=0.1 reduction=mean", .cases = vectors,
        .bits = "67x130 67x130 67", .oracle = cosine_oracle,
        .in = { { catalog_any }, { catalog_any }, { fill_signs, .constant = true } }),
    ROW("cosine_embedding_loss", "none", "margin=-0.5 reduction=none", .cases = vectors,
        .oracle = cosine_oracle,
        .in = { { catalog_any }, { catalog_any }, { fill_signs, .constant = true } }),
    ROW("triplet_margin_loss", "mean", "margin=1 p=2 eps=1e-6 swap=false reduction=mean",
        .cases = points, .bits = "67x130 67x130 67x130", .oracle = triplet_oracle, ANY),
    ROW("triplet_margin_loss", "swap", "margin=2 p=1.5 eps=0.01 swap=true reduction=none",
        .cases = points, .oracle = triplet_oracle, ANY),
    ROW("multilabel_soft_margin_loss", "mean", "reduction=mean", .cases = labels,
        .bits = "67x130 67x130 130", .oracle = multilabel_oracle,
        .in = { { catalog_any }, { fill_probabilities }, { catalog_positive } }),
    ROW("multilabel_soft_margin_loss", "none", "reduction=none", .cases = labels,
        .oracle = multilabel_oracle,
        .in = { { catalog_any }, { fill_probabilities }, { catalog_positive } }),
};
CATALOG_FAMILY(losses);
