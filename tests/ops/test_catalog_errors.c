/* test_catalog_errors.c: every row fails as promised: NULL operands, and memory that runs out at
 * any point, after which nothing is left behind. */
#include "rows.h"

#include "runtime/memory.h"

#include <string.h>

static hone_dtype first_dtype(const catalog_row *row)
{
    int dtype = 0;
    while (!(catalog_dtypes(row) & CATALOG_BIT(dtype)))
        dtype++;
    return (hone_dtype)dtype;
}

TEST_ROWS(null_operands)
{
    HONE_SCOPE();
    catalog_case c;
    make_case(row, row->cases[0], first_dtype(row), false, &c);
    for (int i = 0; i < c.n; i++) {
        hone_tensor *kept = c.tensor[i];
        c.tensor[i] = NULL;
        cr_assert_null(catalog_function(row)(row, c.tensor, c.n));
        cr_assert(hone_error_code() == HONE_E_NULL, "%s with operand %d NULL: %s", c.text, i,
                  hone_error_message());
        hone_error_clear();
        c.tensor[i] = kept;
    }
    catalog_free(&c);
}

/* One call with all that belongs to it; the n-th allocation fails. True: it came through. */
static bool call_failing(const catalog_row *row, catalog_case *c, int64_t n)
{
    HONE_SCOPE();
    hone__fail_allocation(n);
    hone_tensor *y = catalog_function(row)(row, c->tensor, c->n);
    hone__fail_allocation(-1);
    cr_assert(y || hone_error_code() == HONE_E_NOMEM, "%s with allocation %lld failing: %s",
              c->text, (long long)n, hone_error_message());
    hone_error_clear();
    return y != NULL;
}

static void check_allocations(const catalog_row *row, bool recorded)
{
    HONE_SCOPE();
    catalog_case c;
    make_case(row, row->cases[0], first_dtype(row), false, &c);
    for (int i = 0; recorded && i < c.n; i++)
        if (catalog_differentiable(row, &c, i))
            hone_requires_grad_(c.tensor[i], true);
    cr_assert(call_failing(row, &c, -1)); /* scopes and pools have grown as far as they will */
    hone_memory before, after;
    hone_memory_stats(&before);
    for (int64_t n = 0;; n++) {
        cr_assert(n < 1000, "%s never comes through", c.text);
        const bool done = call_failing(row, &c, n);
        hone_memory_stats(&after);
        cr_assert(after.tensors == before.tensors && after.nodes == before.nodes &&
                      after.in_use_bytes == before.in_use_bytes,
                  "%s with allocation %lld failing leaves %lld tensors, %lld nodes, %lld bytes",
                  c.text, (long long)n, (long long)(after.tensors - before.tensors),
                  (long long)(after.nodes - before.nodes),
                  (long long)(after.in_use_bytes - before.in_use_bytes));
        if (done)
            break;
    }
    catalog_free(&c);
}

TEST_ROWS(no_memory)
{
    check_allocations(row, false);
    check_allocations(row, true);
}

static bool is_public(const char *name, size_t length)
{
    char op[80];
    snprintf(op, sizeof op, "%.*s", (int)(length - strlen("hone_")), name + strlen("hone_"));
    return catalog_entry_of(op, false, 0) != NULL;
}

/* The message says what to call instead, and that there is such a function. */
static void check_advice(const catalog_case *c)
{
    int n = 0;
    const char *at = hone_error_message();
    for (; (at = strstr(at, "hone_")); n++) {
        const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
        cr_assert(is_public(at, length), "%s: there is no %.*s", c->text, (int)length, at);
        at += length;
    }
    cr_assert_gt(n, 0, "%s: \"%s\" names nothing to call", c->text, hone_error_message());
}

TEST_ROWS(in_place_on_a_view)
{
    const catalog_call call = catalog_function_in_place(row);
    if (!call)
        return;
    HONE_SCOPE();
    catalog_case c;
    make_case(row, row->cases[0], HONE_F64, false, &c);
    hone_tensor *x = c.tensor[0];
    hone_tensor *const refused[] = {
        hone_transpose(hone_neg(hone_requires_grad_(hone_to(hone_clone(x), HONE_F64), true)), 0, 0),
        hone_expand_v(hone_ones(HONE_F64, 1), (int64_t[]){ 7, HONE_END_DIM }),
    };
    for (int i = 0; i < 2; i++) {
        c.tensor[0] = refused[i];
        cr_assert_null(call(row, c.tensor, c.n), "%s", c.text);
        cr_assert_eq(hone_error_code(), HONE_E_STATE, "%s: %s", c.text, hone_error_message());
        check_advice(&c);
        hone_error_clear();
    }
    catalog_free(&c);
}

/* A walk over one call, whose n-th allocation fails: it says so if and only if a gradient is
 * missing. The inputs' gradients as bits of *got; false: it failed. */
static bool walk_failing(const catalog_row *row, catalog_case *c, int64_t n, unsigned *got)
{
    HONE_SCOPE();
    hone_tensor *y = catalog_function(row)(row, c->tensor, c->n), *ones = hone_ones_like(y);
    for (int i = 0; i < c->n; i++)
        if (hone_requires_grad(c->tensor[i]))
            hone_set_grad(c->tensor[i], HONE_NONE);
    hone__fail_allocation(n);
    const hone_status status =
        hone_requires_grad(y) ? hone_backward_with(y, &(hone_backward_options){ .gradient = ones })
                              : HONE_OK;
    hone__fail_allocation(-1);
    cr_assert(status == hone_error_code() && (status == HONE_OK || status == HONE_E_NOMEM),
              "%s with allocation %lld of its walk failing: %s, but pending is \"%s\"", c->text,
              (long long)n, hone_status_name(status), hone_error_message());
    hone_error_clear();
    *got = 0;
    for (int i = 0; i < c->n; i++)
        if (hone_requires_grad(c->tensor[i]) && hone_grad(c->tensor[i]))
            *got |= 1u << i;
    return status == HONE_OK;
}

TEST_ROWS(no_memory_in_the_walk)
{
    HONE_SCOPE();
    catalog_case c;
    make_case(row, row->cases[0], first_dtype(row), true, &c);
    for (int i = 0; i < c.n; i++)
        if (catalog_differentiable(row, &c, i))
            hone_requires_grad_(c.tensor[i], true);
    unsigned wanted, got;
    cr_assert(walk_failing(row, &c, -1, &wanted));
    for (int64_t n = 0; !walk_failing(row, &c, n, &got); n++)
        cr_assert(n < 1000, "%s never comes through", c.text);
    cr_assert_eq(got, wanted, "%s", c.text);
    catalog_free(&c);
}
