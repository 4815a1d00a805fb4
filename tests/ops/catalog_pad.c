/* catalog_pad.c: rows of src/ops/pad.c. */
#include "catalog.h"

#include <string.h>

static int64_t source(const char *mode, int64_t at, int64_t extent)
{
    if (strcmp(mode, "circular") == 0)
        return (at + extent) % extent;
    if (strcmp(mode, "replicate") == 0)
        return at < 0 ? 0 : at >= extent ? extent - 1 : at;
    return at < 0 ? -at : at >= extent ? 2 * extent - 2 - at : at;
}

static void pad_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    const catalog_words mode = catalog_text(row, "mode");
    int64_t shape[HONE_MAX_DIMS], before[HONE_MAX_DIMS] = { 0 };
    (void)n_in;
    for (int d = 0; d < in->ndim; d++) {
        const int i = 2 * (in->ndim - 1 - d);
        before[d] = i < row->n_dims ? row->dims[i] : 0;
        shape[d] = in->shape[d] + before[d] + (i < row->n_dims ? row->dims[i + 1] : 0);
    }
    catalog_shape(out, in->dtype, in->ndim, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t from = 0, size = 1, rest = k;
        bool inside = true;
        for (int d = in->ndim - 1; d >= 0; size *= in->shape[d], rest /= shape[d], d--) {
            int64_t at = rest % shape[d] - before[d];
            if (strcmp(mode.at, "constant") == 0)
                inside = inside && at >= 0 && at < in->shape[d];
            else
                at = source(mode.at, at, in->shape[d]);
            from += at * size;
        }
        out->at[k] = inside ? in->at[from] : catalog_float(row, "value");
    }
}

static const char *const any[] = { "3x4", "3x4:t", "4x3x3:s", "2x3x4:t", "3x5:e", "0x3x3", NULL };

#define PAD(note_, mode, value, text, types, ...)                                                  \
    {                                                                                              \
        .op = "pad", .note = note_, .attributes = "pad=" text " mode=" mode " value=" value,       \
        .dims = { __VA_ARGS__ }, .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int),           \
        .cases = any, .bits = "5x40x43", .dtypes = types, .in = { { catalog_any } },               \
        .oracle = pad_oracle                                                                       \
    }

static const catalog_row rows[] = {
    PAD("last dim", "constant", "0", "2,1", CATALOG_ALL, 2, 1),
    PAD("two dims", "constant", "3", "1,0,2,3", CATALOG_NUMBERS, 1, 0, 2, 3),
    PAD("cut", "constant", "-1.5", "-1,2,1,-2", 0, -1, 2, 1, -2),
    PAD("last dim", "reflect", "0", "2,1", CATALOG_ALL, 2, 1),
    PAD("two dims", "reflect", "0", "1,2,2,0", 0, 1, 2, 2, 0),
    PAD("cut", "reflect", "0", "-1,2", 0, -1, 2),
    PAD("last dim", "replicate", "0", "5,1", CATALOG_ALL, 5, 1),
    PAD("two dims", "replicate", "0", "1,4,2,-1", 0, 1, 4, 2, -1),
    PAD("last dim", "circular", "0", "3,2", CATALOG_ALL, 3, 2),
    PAD("two dims", "circular", "0", "1,2,2,3", 0, 1, 2, 2, 3),
};
CATALOG_FAMILY(pad);
