/* catalog_masked.c: rows of src/ops/masked.c. */
#include "catalog.h"

#include <math.h>

static const char *const filled[] = { "3x4 3x4 .", "3x4:t 3x4:s .", "3x4 4 .", "3x5:e 1x5 .",
                                      ". . .",     "2x0x3 1 .",     "1 3x4 .", NULL };
static const char *const filled_number[] = { "3x4 3x4", "3x4:t 3x4:s", "3x4 4",   "3x5:e 1x5",
                                             ". .",     "2x0x3 1",     "1 3x4:t", NULL };
static const char *const both[] = { "3x4 3x4 3x4", "3x4:t 4 .", "4x3x2:s 3x1 2", "1 3x4 4x1x1",
                                    ". . .",       "2x0 1 0",   "3x5:e 5 3x1",   NULL };
static const char *const one[] = { "3x4 3x4 -", "3x4:t 4:s -", "1 3x4 -", ". . -", NULL };
static const char *const other[] = { "3x4 - 3x4", "3x4:t - 4:s", "1 - 3x4", ". - .", NULL };

static double masked_fill(const catalog_row *row, const double *in)
{
    (void)row;
    return in[1] != 0 ? in[2] : in[0];
}

static double masked_fill_scalar(const catalog_row *row, const double *in)
{
    return in[1] != 0 ? row->s : in[0];
}

static double clamp(const catalog_row *row, const double *in)
{
    (void)row;
    const double low = in[0] < in[1] ? in[1] : in[0]; /* NaN: no limit here */
    return low > in[2] ? in[2] : low;
}

#define MASK                                                                                       \
    {                                                                                              \
        catalog_mask, .fixed = CATALOG_FIXED(HONE_BOOL), .constant = true                          \
    }
#define CLAMP(note_, cases_, bits_)                                                                \
    {                                                                                              \
        .op = "clamp_tensor", .note = note_, .in = { { catalog_apart } }, .f = clamp,              \
        .oracle = catalog_elementwise, .dtypes = CATALOG_ALL, .cases = cases_, .bits = bits_       \
    }

static const catalog_row rows[] = {
    { .op = "masked_fill",
      .in = { { catalog_any }, MASK, { catalog_any } },
      .f = masked_fill,
      .oracle = catalog_elementwise,
      .dtypes = CATALOG_ALL,
      .cases = filled,
      .bits = "70x130:t 130 ." },
    { .op = "masked_fill_scalar",
      .s = 1,
      .in = { { catalog_any }, MASK },
      .f = masked_fill_scalar,
      .oracle = catalog_elementwise,
      .dtypes = CATALOG_ALL,
      .cases = filled_number,
      .bits = "70x130 70x1" },
    { .op = "masked_fill_scalar",
      .note = "-inf",
      .s = -(double)INFINITY,
      .in = { { catalog_any }, MASK },
      .f = masked_fill_scalar,
      .oracle = catalog_elementwise,
      .cases = filled_number,
      .bits = "70x130 70x1",
      .no_gradient = "differences of infinities" },
    CLAMP("both", both, "70x130 130 70x1"),
    CLAMP("min", one, "70x130:t 130 -"),
    CLAMP("max", other, "70x130 - 70x1"),
};
CATALOG_FAMILY(masked);
