/* catalog_embedding.c: rows of src/ops/embedding.c and dropout.c. */
#include "catalog.h"

#include "isa/isa.h"

#include <stdlib.h>
#include <math.h>
#include <string.h>

static void fill_rows(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % 5);
}

static void embedding_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    const int64_t width = in[1].shape[1];
    int64_t shape[HONE_MAX_DIMS];
    (void)row, (void)n_in;
    memcpy(shape, in->shape, sizeof shape);
    shape[in->ndim] = width;
    catalog_shape(out, in[1].dtype, in->ndim + 1, shape);
    for (int64_t k = 0; k < out->numel; k++)
        out->at[k] = in[1].at[(int64_t)in->at[k / width] * width + k % width];
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const int64_t width = in->shape[in->ndim - 1], rows = catalog_int(row, "rows");
    (void)n_in;
    catalog_shape(out, in->dtype, 2, (int64_t[]){ rows, width });
    for (int64_t k = 0; k < in->numel; k++) {
        const int64_t to = (int64_t)in[1].at[k / width];
        if (to - rows != catalog_int(row, "padding_idx"))
            out->at[to * width + k % width] += in->at[k];
    }
}

static void one_hot_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const int64_t classes = catalog_int(row, "num_classes");
    int64_t shape[HONE_MAX_DIMS];
    (void)n_in;
    memcpy(shape, in->shape, sizeof shape);
    shape[in->ndim] = classes;
    catalog_shape(out, HONE_I64, in->ndim + 1, shape);
    for (int64_t k = 0; k < in->numel; k++)
        out->at[k * classes + (int64_t)in->at[k]] = 1;
}

static void dropout_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const float p = (float)catalog_float(row, "p");
    int64_t inner = 1;
    (void)n_in;
    for (int d = 2; catalog_bool(row, "channels") && d < in->ndim; d++)
        inner *= in->shape[d];
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    float *u = malloc(sizeof(float) * (size_t)(in->numel / inner + 1));
    hone__k->uniform[HONE_F32](in->numel / inner, u, (uint64_t)catalog_int(row, "seed"),
                               (uint64_t)catalog_int(row, "stream"), 0);
    for (int64_t k = 0; u && k < in->numel; k++)
        out->at[k] = u[k / inner] >= p ? in->at[k] / (1 - catalog_float(row, "p")) : 0;
    free(u);
}

/* Without training, or with nothing left. */
static void plain_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t k = 0; k < in->numel; k++)
        out->at[k] = catalog_bool(row, "training") ? 0 : in->at[k];
}

/* Bags of two, the rest in the last one; where the end is an offset, too, it is that. */
static void fill_offsets(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = 2.0 * (double)k;
    if (catalog_bool(row, "include_last_offset") && in[i].numel > 0)
        in[i].at[in[i].numel - 1] = (double)in[0].numel;
}

static void bag_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    const bool last = catalog_bool(row, "include_last_offset");
    const int64_t n = in->numel, width = in[1].shape[1], rows = in[1].shape[0];
    const int64_t bags = in[2].none ? in->shape[0] : in[2].numel - last;
    const int mode = catalog_choice(row, "mode", "HONE_BAG_MEAN, HONE_BAG_SUM, HONE_BAG_MAX");
    const int64_t given = catalog_int(row, "padding_idx");
    const int64_t padding = given == HONE_NO_PADDING ? -1 : given < 0 ? given + rows : given;
    (void)n_in;
    catalog_shape(out, in[1].dtype, 2, (int64_t[]){ bags, width });
    for (int64_t b = 0; b < bags; b++) {
        const int64_t from = in[2].none ? b * in->shape[1] : (int64_t)in[2].at[b];
        const int64_t to = in[2].none            ? (b + 1) * in->shape[1]
                           : b + 1 < in[2].numel ? (int64_t)in[2].at[b + 1]
                                                 : n;
        double count = 0, *y = out->at + b * width;
        for (int64_t i = from; i < to; i++) {
            const double *w = in[1].at + (int64_t)in->at[i] * width;
            if ((int64_t)in->at[i] == padding)
                continue;
            for (int64_t e = 0; e < width; e++)
                y[e] = mode != HONE_BAG_MAX ? y[e] + w[e] * (in[3].none ? 1 : in[3].at[i])
                       : count == 0         ? w[e]
                                            : fmax(y[e], w[e]);
            count++;
        }
        for (int64_t e = 0; mode == HONE_BAG_MEAN && count > 0 && e < width; e++)
            y[e] /= count;
    }
}

static const char *const bags_of_two[] = { "3x4 5x3 - -", "3x4:t 5x3:t - -", "0x4 5x3 - -",
                                           "2x0 5x3 - -", NULL };
static const char *const weighted[] = { "3x4 5x3 - 3x4:t", "7:s 6x2:s 3:s 7:s", NULL };
static const char *const with_offsets[] = { "7 5x3 3 -", "7:s 6x2:s 4:s -", "0 5x3 1 -", NULL };
static const char *const tables[] = { "3x4 5x3", "3x4:t 5x3:t", "7:s 6x2:s", ". 5x3",
                                      "0 5x3",   "4 5x2:e",     NULL };
static const char *const back[] = {
    "3x4x3 3x4", "3x4x3:t 3x4:t", "7x2:s 7:s", "3 .", "0x3 0", NULL
};
static const char *const numbers[] = { "3x4", "3x4:t", "7:s", ".", "0", NULL };
static const char *const images[] = { "3x4x5", "2x3x2x2:t", "3x4:s", "3x2x3:e", "0x3x2", NULL };

#define INDICES(dtype)                                                                             \
    {                                                                                              \
        fill_rows, CATALOG_FIXED(dtype), true                                                      \
    }
#define OF_DIMS(name, cases_)                                                                      \
    {                                                                                              \
        .op = name, .attributes = "p=0.5 training=false", .cases = cases_,                         \
        .in = { { catalog_any } }, .oracle = plain_oracle                                          \
    }
#define BAG(text, attributes_, cases_, bits_)                                                      \
    {                                                                                              \
        .op = "embedding_bag", .note = text, .attributes = attributes_, .cases = cases_,           \
        .bits = bits_, .scale = 20, .oracle = bag_oracle, .in = {                                  \
            INDICES(HONE_I64),                                                                     \
            { catalog_apart },                                                                     \
            { fill_offsets, CATALOG_FIXED(HONE_I64), true },                                       \
            { catalog_any }                                                                        \
        }                                                                                          \
    }
#define PLAIN(name, text)                                                                          \
    {                                                                                              \
        .op = name, .note = text, .attributes = text, .cases = images, .in = { { catalog_any } },  \
        .oracle = plain_oracle                                                                     \
    }

static const char *const of_rows[] = { "2x3x4", "3x4:t", "0x2x3", NULL };
static const char *const of_planes[] = { "2x3x4x2", "3x4x2:s", "0x2x3x1", NULL };
static const char *const of_volumes[] = { "2x3x1x4x2", "3x4x2x2:t", "0x2x3x1x1", NULL };

static const catalog_row rows[] = {
    { .op = "embedding",
      .attributes = "padding_idx=-9223372036854775808",
      .cases = tables,
      .bits = "30x40 5x67",
      .in = { INDICES(HONE_I64), { catalog_any } },
      .oracle = embedding_oracle },
    { .op = "embedding",
      .note = "i32",
      .attributes = "padding_idx=-9223372036854775808",
      .cases = tables,
      .in = { INDICES(HONE_I32), { catalog_any } },
      .oracle = embedding_oracle },
    { .op = "embedding_backward",
      .attributes = "rows=6 padding_idx=-9223372036854775808",
      .cases = back,
      .bits = "30x40x67 30x40",
      .scale = 20,
      .in = { { catalog_any }, INDICES(HONE_I64) },
      .oracle = backward_oracle },
    { .op = "embedding_backward",
      .note = "padding",
      .attributes = "rows=5 padding_idx=-2",
      .cases = back,
      .scale = 20,
      .in = { { catalog_any }, INDICES(HONE_I32) },
      .oracle = backward_oracle },
    BAG("means", "mode=mean padding_idx=-9223372036854775808 include_last_offset=false",
        bags_of_two, "30x4 5x67 - -"),
    BAG("sums", "mode=sum padding_idx=3 include_last_offset=false", weighted, "30x4 5x67 - 30x4"),
    BAG("maxima", "mode=max padding_idx=-2 include_last_offset=false", bags_of_two,
        "30x4 5x67 - -"),
    BAG("offsets", "mode=max padding_idx=-9223372036854775808 include_last_offset=false",
        with_offsets, NULL),
    BAG("offsets and the end", "mode=mean padding_idx=0 include_last_offset=true", with_offsets,
        "61 5x67 31 -"),
    { .op = "one_hot",
      .attributes = "num_classes=6",
      .cases = numbers,
      .bits = "67",
      .in = { INDICES(HONE_I64) },
      .dtypes = CATALOG_BIT(HONE_I64),
      .oracle = one_hot_oracle,
      .no_gradient = "integers" },
    { .op = "philox_dropout",
      .attributes = "p=0.3 seed=5 stream=9",
      .cases = catalog_cases_unary,
      .bits = "67x1300",
      .in = { { catalog_any } },
      .oracle = dropout_oracle },
    { .op = "philox_dropout",
      .note = "channels",
      .attributes = "p=0.5 seed=-2 stream=1 channels=true",
      .cases = images,
      .bits = "67x13x11",
      .in = { { catalog_any } },
      .oracle = dropout_oracle },
    PLAIN("dropout", "p=0.5 training=false"),
    PLAIN("dropout", "p=1 training=true"),
    PLAIN("feature_dropout", "p=0.5 training=false"),
    PLAIN("feature_dropout", "p=1 training=true"),
    OF_DIMS("dropout1d", of_rows),
    OF_DIMS("dropout2d", of_planes),
    OF_DIMS("dropout3d", of_volumes),
};
CATALOG_FAMILY(embedding);
