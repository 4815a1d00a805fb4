/* test_catalog_out.c: every op into tensors that are there: what hone_call gives, and not a byte
 * changed between the elements. */
#include "catalog.h"
#include "../support/support.h"

#include <hone/call.h>

#include <stdlib.h>
#include <string.h>

SUITE(out);

/* How a tensor lies in the one around it. */
typedef enum { WHOLE, EVERY_SECOND, ROWS_APART, LAYOUTS } layout;

static const char *const layout_names[] = { "whole", "every second", "rows apart" };

typedef struct {
    hone_tensor *around, *view;
} place;

static place make_place(const hone_tensor *like, layout lies)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(like) };
    const int n = hone_dim(like);
    const bool has_gaps = lies != WHOLE && n > 0;
    for (int d = 0; d < n; d++)
        dims[d + 1] = hone_size(like, d);
    const int64_t last = n > 0 ? dims[n] : 1;
    if (has_gaps)
        dims[n] = lies == EVERY_SECOND ? 2 * last + 1 : last + 2;
    dims[n + 1] = HONE_END_DIM;
    hone_tensor *around = hone_zeros_v(dims);
    hone_fill_(around, hone_dtype_of(like) == HONE_BOOL ? 1 : 77);
    return (place){ around, !has_gaps              ? around
                            : lies == EVERY_SECOND ? hone_slice(around, n - 1, 1, 2 * last + 1, 2)
                                                   : hone_slice(around, n - 1, 1, last + 1, 1) };
}

/* The fill is all that is around the view. */
static bool is_kept(const place *p)
{
    const double fill = hone_dtype_of(p->around) == HONE_BOOL ? 1 : 77;
    hone_tensor *other = hone_clone(p->around);
    const int n = hone_dim(other);
    const int64_t step = n > 0 ? hone_stride(p->view, n - 1) : 1;
    const int64_t last = n > 0 ? hone_size(p->view, n - 1) : 1;
    if (p->view == p->around)
        return true;
    hone_fill_(hone_slice(other, n - 1, 1, 1 + last * step, step), fill);
    return hone_item(hone_sum(hone_ne_scalar(other, fill))) == 0;
}

static void into(const catalog_row *row, const catalog_case *c, const char *attributes,
                 hone_tensor_list want, layout lies)
{
    place places[HONE_MAX_OUTPUTS];
    hone_tensor *views[HONE_MAX_OUTPUTS];
    for (int o = 0; o < want.n; o++) {
        places[o] = make_place(want.at[o], lies);
        views[o] = places[o].view;
    }
    const hone_status status = hone_call_out(row->op, hone_list_n(c->tensor, c->n), attributes,
                                             hone_list_n(views, want.n));
    cr_assert_eq(status, HONE_OK, "%s: %s", c->text, hone_error_message());
    for (int o = 0; o < want.n; o++) {
        cr_expect(test_same_bits(views[o], want.at[o]), "%s, output %d: other bits, %s", c->text, o,
                  layout_names[lies]);
        cr_expect(is_kept(&places[o]), "%s, output %d: wrote over the gaps, %s", c->text, o,
                  layout_names[lies]);
    }
}

Test(out, of_every_op_leaves_the_gaps_alone)
{
    for (int i = 0; i < catalog_count(); i++) {
        const catalog_row *row = catalog_at(i);
        if (!catalog_is_op(row->op) || !hone_op_has_form(row->op, false))
            continue;
        for (const char *const *text = row->cases; *text; text++) {
            HONE_SCOPE();
            catalog_case c;
            const hone_dtype dtype = (hone_dtype)__builtin_ctz(catalog_dtypes(row));
            cr_assert(catalog_make(row, *text, dtype, false, &c));
            char attributes[1200];
            catalog_attributes(row, attributes, sizeof attributes);
            const hone_tensor_list want =
                hone_call(row->op, hone_list_n(c.tensor, c.n), attributes);
            cr_assert(want.at, "%s: %s", c.text, hone_error_message());
            for (layout lies = WHOLE; lies < LAYOUTS; lies++)
                into(row, &c, attributes, want, lies);
            catalog_free(&c);
        }
    }
}
