/* catalog_attention.c: rows of src/ops/attention.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

/* Sizes of [.., L, E], [.., S, E], [.., S, Ev]. */
typedef struct {
    int64_t queries, keys, width, values, groups; /* groups: query heads that share a key's */
} sizes;

/* What is added to a score; -inf where the key is hidden. The mask is broadcast from [L, S] or
 * [S]. */
static double masked(const catalog_row *row, const catalog_array *mask, const sizes *z, int64_t l,
                     int64_t s)
{
    if (catalog_bool(row, "is_causal"))
        return s <= l ? 0 : -INFINITY;
    if (mask->none)
        return 0;
    const double m = mask->at[mask->ndim == 1 ? s : l * z->keys + s];
    return mask->dtype == HONE_BOOL ? (m != 0 ? 0 : -INFINITY) : m;
}

static void attend(const catalog_row *row, const catalog_array *in, const sizes *z, int64_t b,
                   int64_t l, double *out)
{
    const double scale = catalog_float(row, "scale"),
                 *q = in[0].at + (b * z->queries + l) * z->width;
    const int64_t head = b / z->groups * z->keys;
    double sum = 0;
    for (int64_t s = 0; s < z->keys; s++) {
        double score = 0;
        for (int64_t e = 0; e < z->width; e++)
            score += q[e] * in[1].at[(head + s) * z->width + e];
        score *= scale != 0 ? scale : 1 / sqrt((double)z->width);
        const double p = exp(score + masked(row, in + 3, z, l, s));
        sum += p;
        for (int64_t e = 0; e < z->values; e++)
            out[e] += p * in[2].at[(head + s) * z->values + e];
    }
    for (int64_t e = 0; e < z->values; e++)
        out[e] = sum > 0 ? out[e] / sum : 0;
}

static void attention_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    const int n = in->ndim;
    int64_t shape[HONE_MAX_DIMS];
    sizes z = { in->shape[n - 2], in[1].shape[n - 2], in->shape[n - 1], in[2].shape[n - 1], 1 };
    (void)n_in;
    if (n > 2)
        z.groups = in->shape[n - 3] / in[1].shape[n - 3];
    memcpy(shape, in->shape, sizeof shape);
    shape[n - 1] = z.values;
    catalog_shape(out, in->dtype, n, shape);
    for (int64_t r = 0; r < out->numel / (z.values ? z.values : 1); r++)
        attend(row, in, &z, r / z.queries, r % z.queries, out->at + r * z.values);
}

/* The second query of a mask sees nothing. */
static void fill_mask(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_mask(row, in, i, random);
    for (int64_t k = 0; in[i].ndim == 2 && k < in[i].shape[1]; k++)
        in[i].at[in[i].shape[1] + k] = 0;
}

static const char *const plain[] = { "2x3x4 2x5x4 2x5x3 -", "2x3x4:t 2x5x4:s 2x5x3:t -",
                                     "3x4 5x4 5x2 -",       "2x2x3x4 2x2x3x4:e 2x2x3x4 -",
                                     "2x0x4 2x5x4 2x5x3 -", NULL };
static const char *const masks[] = { "2x3x4 2x5x4 2x5x3 3x5", "3x4 5x4:t 5x2 3x5:t", NULL };
static const char *const grouped[] = { "2x4x3x2 2x2x5x2 2x2x5x3 -", "6x3x2:t 2x3x2:s 2x3x2:t -",
                                       NULL };

#define ROW(note_, cases_, bits_, text, ...)                                                       \
    {                                                                                              \
        .op = "scaled_dot_product_attention", .note = note_, .attributes = text, .cases = cases_,  \
        .bits = bits_, .ulps = 16, .scale = 4, .in = { __VA_ARGS__ }, .oracle = attention_oracle   \
    }
#define ANY                                                                                        \
    {                                                                                              \
        catalog_any                                                                                \
    }

static const catalog_row rows[] = {
    ROW(NULL, plain, "2x3x67x33 2x3x71x33 2x3x71x17 -", "is_causal=false scale=0 enable_gqa=false",
        ANY),
    ROW("causal", plain, "2x1x300x33 2x1x290x33 2x1x290x17 -",
        "is_causal=true scale=0.7 enable_gqa=false", ANY),
    ROW("bool mask", masks, "2x300x20 2x290x20 2x290x17 300x290",
        "is_causal=false scale=0 enable_gqa=false", ANY, ANY, ANY,
        { fill_mask, CATALOG_FIXED(HONE_BOOL), true }),
    ROW("added mask", masks, "3x67x33 3x71x33 3x71x17 67x71",
        "is_causal=false scale=0 enable_gqa=false", ANY),
    ROW("grouped", grouped, "2x6x7x33 2x3x11x33 2x3x11x17 -",
        "is_causal=true scale=0 enable_gqa=true", ANY),
};
CATALOG_FAMILY(attention);
