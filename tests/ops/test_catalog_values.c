/* test_catalog_values.c: every row's results, for every case and dtype, against its oracle. */
#include "rows.h"

#include "core/core.h"

#include <stdlib.h>
#include <string.h>

Test(catalog, every_op_has_a_row)
{
    cr_assert_null(catalog_missing(), "%s has no row", catalog_missing());
}

Test(catalog, every_row_can_be_called)
{
    for (int i = 0; i < catalog_count(); i++) {
        const catalog_row *row = catalog_at(i);
        cr_expect(catalog_function(row) && row->oracle && row->cases && row->cases[0],
                  "%s misses a function, an oracle or cases", row->op);
    }
}

/* The in-place form gives what the other one gives, in the same tensor. */
static void check_in_place(const catalog_row *row, const char *text, hone_dtype dtype,
                           const catalog_array *want)
{
    catalog_call call = catalog_function_in_place(row);
    catalog_case c;
    make_case(row, text, dtype, false, &c);
    hone_tensor *x = c.tensor[0];
    if (call && !row->call && !hone__overlaps_itself(x) && (hone_dtype)x->dtype == want->dtype &&
        x->ndim == want->ndim &&
        memcmp(x->shape, want->shape, sizeof(int64_t) * (size_t)x->ndim) == 0) {
        catalog_row same = *row;
        same.view = true;
        hone_tensor *y = call(row, c.tensor, c.n);
        cr_assert(y == x, "%s in place: %s", c.text, hone_error_message());
        const char *problem = catalog_compare(&same, y, want);
        cr_assert(!*problem, "%s in place: %s", c.text, problem);
    }
    catalog_free(&c);
}

/* Only then an elementwise op's result may be so, too: hone/ops.h. */
static bool any_across(const catalog_case *c)
{
    bool any = false;
    for (int i = 0; i < c->n; i++)
        any = any || (hone__is_real(c->tensor[i]) && !hone_is_contiguous(c->tensor[i]));
    return any;
}

static void check_case(const catalog_row *row, const char *text, hone_dtype dtype)
{
    HONE_SCOPE();
    catalog_case c;
    catalog_array want = { 0 };
    make_case(row, text, dtype, false, &c);
    row->oracle(row, c.array, c.n, &want);
    hone_tensor *y = catalog_function(row)(row, c.tensor, c.n);
    cr_assert(y, "%s: %s", c.text, hone_error_message());
    const char *problem = catalog_compare(row, y, &want);
    cr_assert(!*problem, "%s: %s", c.text, problem);
    cr_assert(row->view || hone_is_contiguous(y) || any_across(&c), "%s: is not contiguous",
              c.text);
    check_in_place(row, text, dtype, &want);
    free(want.at);
    catalog_free(&c);
}

TEST_ROWS(values)
{
    for (int dtype = 0; dtype < HONE_DTYPES; dtype++)
        for (const char *const *text = row->cases; *text; text++)
            if (catalog_dtypes(row) & CATALOG_BIT(dtype))
                check_case(row, *text, (hone_dtype)dtype);
}
