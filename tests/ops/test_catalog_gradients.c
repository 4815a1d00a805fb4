/* test_catalog_gradients.c: gradcheck and gradgradcheck in f64 for every case of every row. */
#include "rows.h"

#include <string.h>

typedef struct {
    const catalog_row *row;
    const catalog_case *c;
    catalog_call call;
    bool in_place;
} checked_call;

/* The checked inputs are leaves that don't overlap themselves: what the case wants expanded is
 * expanded here, HONE_NONE is put in again, and an in-place op gets a copy that has a history. */
static hone_tensor *run(hone_tensor *const *in, int n_in, void *user)
{
    const checked_call *k = user;
    hone_tensor *all[CATALOG_INPUTS];
    int given = 0;
    for (int i = 0; i < k->c->n; i++) {
        const catalog_array *a = &k->c->array[i];
        all[i] = a->none ? HONE_NONE : in[given++];
        if (!k->c->expanded[i])
            continue;
        int64_t dims[HONE_MAX_DIMS + 1];
        memcpy(dims, a->shape, sizeof a->shape);
        dims[a->ndim] = HONE_END_DIM;
        all[i] = hone_expand_v(all[i], dims);
    }
    cr_assert(given == n_in);
    if (k->in_place)
        all[0] = hone_clone(all[0]);
    return k->call(k->row, all, k->c->n);
}

static void check(const checked_call *k, hone_tensor_list inputs)
{
    const char *form = k->in_place ? "in place" : "";
    hone_status status = hone_gradcheck(k->row->op, run, (void *)k, inputs, NULL);
    cr_assert(status == HONE_OK, "%s %s: %s", k->c->text, form, hone_error_message());
    if (k->row->once)
        return;
    status = hone_gradgradcheck(k->row->op, run, (void *)k, inputs, NULL);
    cr_assert(status == HONE_OK, "%s %s: %s", k->c->text, form, hone_error_message());
}

typedef struct {
    hone_tensor_list given;  /* without HONE_NONE */
    hone_tensor_list wanted; /* those that can be differentiated */
} leaves;

/* The case's inputs as leaves. */
static leaves make_leaves(const catalog_row *row, const char *text, catalog_case *c)
{
    make_case(row, text, HONE_F64, true, c);
    hone_tensor *given[CATALOG_INPUTS], *wanted[CATALOG_INPUTS];
    int n = 0, n_wanted = 0;
    for (int i = 0; i < c->n; i++) {
        if (c->array[i].none)
            continue;
        if (catalog_differentiable(row, c, i))
            wanted[n_wanted++] = hone_requires_grad_(c->tensor[i], true);
        given[n++] = c->tensor[i];
    }
    cr_assert(n_wanted > 0, "%s: no input can be differentiated; say why in no_gradient", c->text);
    return (leaves){ hone_list_n(given, n), hone_list_n(wanted, n_wanted) };
}

static void check_case(const catalog_row *row, const char *text)
{
    HONE_SCOPE();
    catalog_case c;
    hone_tensor_list inputs = make_leaves(row, text, &c).given;
    checked_call k = { row, &c, catalog_function(row), false };
    check(&k, inputs);
    /* the in-place form of the first input, where the result has its shape */
    hone_tensor *y = run(inputs.at, inputs.n, &k);
    k.call = catalog_function_in_place(row);
    k.in_place = true;
    if (k.call && !row->call && c.array[0].dtype == HONE_F64 && hone_dim(y) == c.array[0].ndim &&
        memcmp(hone_shape(y), c.array[0].shape, sizeof(int64_t) * (size_t)hone_dim(y)) == 0)
        check(&k, inputs);
    catalog_free(&c);
}

TEST_ROWS(gradients)
{
    for (const char *const *text = row->cases; *text && !row->no_gradient; text++)
        if (catalog_dtypes(row) & CATALOG_BIT(HONE_F64))
            check_case(row, *text);
}

/* ---- what is handed out is the caller's: nothing that is written to it comes back */

static hone_tensor_list gradients_of(hone_tensor *y, hone_tensor_list inputs)
{
    const hone_autograd_options options = { .grad_outputs = hone_list(hone_ones_like(y)),
                                            .retain_graph = true,
                                            .allow_unused = true };
    hone_tensor_list g = hone_autograd_grad(hone_list(y), inputs, &options);
    cr_assert(g.at, "%s", hone_error_message());
    for (int i = 0; i < g.n; i++) /* as copy_'s first, which is overwritten */
        if (g.at[i] == HONE_NONE)
            g.at[i] = hone_zeros_like(inputs.at[i]);
    return g;
}

static void check_memory(const checked_call *k, leaves all)
{
    hone_tensor *y = run(all.given.at, all.given.n, (void *)k), *kept[CATALOG_INPUTS];
    if (!hone_requires_grad(y)) /* fill_ */
        return;
    hone_tensor *value = hone_clone(hone_detach(y));
    hone_tensor_list first = gradients_of(y, all.wanted);
    for (int i = 0; i < first.n; i++)
        kept[i] = hone_clone(first.at[i]);
    for (int i = 0; i < first.n; i++) {
        cr_assert(hone_allclose(first.at[i], kept[i], 0, 0), "%s: gradients share memory",
                  k->c->text);
        if (hone_numel(first.at[i]) > 0) /* the first element: others may be the same one */
            *(double *)hone_data(first.at[i]) = 1e30;
    }
    hone_tensor_list again = gradients_of(y, all.wanted);
    for (int i = 0; i < again.n; i++)
        cr_assert(hone_allclose(again.at[i], kept[i], 0, 0), "%s: gradient %d changed", k->c->text,
                  i);
    cr_assert(hone_allclose(hone_detach(y), value, 0, 0), "%s: the result changed", k->c->text);
}

TEST_ROWS(gradients_are_the_callers)
{
    for (const char *const *text = row->cases; *text && !row->no_gradient; text++) {
        HONE_SCOPE();
        catalog_case c;
        if (!(catalog_dtypes(row) & CATALOG_BIT(HONE_F64)))
            continue;
        const leaves all = make_leaves(row, *text, &c);
        check_memory(&(checked_call){ row, &c, catalog_function(row), false }, all);
        catalog_free(&c);
    }
}
