#include "gradients.h"

static int64_t live_at_start[2];

void gradients_begin(void)
{
    hone_error_clear();
    live_at_start[0] = hone__obj_live(HONE__OBJ_TENSOR);
    live_at_start[1] = hone__obj_live(HONE__OBJ_NODE);
}

void gradients_end(void)
{
    hone__fail_allocation(-1);
    cr_assert_eq(hone__obj_live(HONE__OBJ_TENSOR), live_at_start[0], "tensors leak");
    cr_assert_eq(hone__obj_live(HONE__OBJ_NODE), live_at_start[1], "nodes leak");
}

hone_tensor *leaf(double a, double b, double c)
{
    double v[3] = { a, b, c };
    return hone_requires_grad_(hone_from_data(HONE_F64, v, 3), true);
}

void expect(hone_tensor *t, double a, double b, double c)
{
    cr_assert_not_null(t, "%s", hone_error_message());
    cr_assert_eq(hone_numel(t), 3);
    cr_assert_float_eq(hone_at(t, 0), a, 1e-12, "%g", hone_at(t, 0));
    cr_assert_float_eq(hone_at(t, 1), b, 1e-12, "%g", hone_at(t, 1));
    cr_assert_float_eq(hone_at(t, 2), c, 1e-12, "%g", hone_at(t, 2));
}
