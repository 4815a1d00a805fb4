/* test_catalog_gradients.c: gradcheck and gradgradcheck in f64 for every case of every row. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
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

#ifdef HONE_SANITIZE /* gradients_are_the_callers does each case's backward, once instead of for each element */
enum { MOST_CASES = 1 };
#else
enum { MOST_CASES = 1000 };
#endif

TEST_ROWS(gradients)
{
    for (int i = 0; i < MOST_CASES && row->cases[i] && !row->no_gradient; i++)
        if (catalog_dtypes(row) & CATALOG_BIT(HONE_F64))
            check_case(row, row->cases[i]);
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

/* ---- every op in every form: those that none of its cases has are made of its first one */

enum { ACROSS = 1, GAPS = 2, REPEATED = 4, EMPTY = 8, ITEM = 16, ALL_FORMS = 31 };

static int forms_of(const char *text)
{
    int forms = 0;
    for (const char *at = text; *at; at++) {
        const bool begins = at == text || at[-1] == ' ' || at[-1] == 'x';
        forms |= *at == ':' ? (at[1] == 't' ? ACROSS : at[1] == 's' ? GAPS : REPEATED) : 0;
        forms |= begins && *at == '0' ? EMPTY : 0;
        forms |= begins && *at == '.' ? ITEM : 0;
    }
    return forms;
}

static bool is_checked(const catalog_row *row)
{
    return !row->no_gradient && (catalog_dtypes(row) & CATALOG_BIT(HONE_F64));
}

/* What the cases of the row's op lack, asked of its first row alone. */
static int missing_forms(const catalog_row *row)
{
    int forms = 0;
    for (int r = 0, before = 1; r < catalog_count(); r++) {
        const catalog_row *other = catalog_at(r);
        before &= other != row;
        if (strcmp(other->op, row->op) != 0 || !is_checked(other))
            continue;
        if (before)
            return 0;
        for (const char *const *text = other->cases; *text; text++)
            forms |= forms_of(*text);
    }
    return ALL_FORMS & ~forms;
}

/* The case with that layout of every input that has dims; indices aren't made to be the same. */
static void in_layout(const catalog_row *row, const char *text, char layout, char *to)
{
    for (int i = 0; *text; i++) {
        const size_t word = strcspn(text, " "), shape = strcspn(text, " :");
        const bool fixed = i < CATALOG_INPUTS && row->in[i].fixed;
        const bool plain = *text == '.' || *text == '-' || (layout == 'e' && fixed);
        to += sprintf(to, "%.*s", (int)(plain ? word : shape), text);
        to += plain ? 0 : sprintf(to, ":%c", layout);
        text += word;
        if (*text)
            *to++ = *text++;
    }
    *to = 0;
}

/* Others may want dims. */
static bool has_plain_fills(const catalog_row *row)
{
    for (int i = 0; i < CATALOG_INPUTS; i++) {
        const catalog_fill fill = row->in[i].fill;
        if (row->in[i].fixed ||
            (fill && fill != catalog_any && fill != catalog_positive && fill != catalog_apart))
            return false;
    }
    return true;
}

/* The case with numbers alone; many ops refuse them. */
static void of_items(const char *text, char *to)
{
    while (*text) {
        *to++ = *text == '-' ? '-' : '.';
        text += strcspn(text, " ");
        if (*text)
            *to++ = *text++;
    }
    *to = 0;
}

/* The case with every extent of n made 0; false: it has none. */
static bool without(const char *text, int n, char *to)
{
    bool any = false;
    while (*text) {
        const size_t digits = strspn(text, "0123456789");
        const bool is_it = digits > 0 && atoi(text) == n;
        const size_t length = digits ? digits : 1;
        to += is_it ? sprintf(to, "0") : sprintf(to, "%.*s", (int)length, text);
        any |= is_it;
        text += length;
    }
    *to = 0;
    return any;
}

/* std of equal numbers, or of one, has no second derivative. */
static const char *const not_repeated[] = { "std_dim", NULL };
/* What it takes is a matter of how x lies; its sizes stand in its attributes. */
static const char *const as_it_lies[] = { "as_strided", NULL };
/* There is no such element; sizes that stand in attributes; a mean of nothing, which is NaN. */
static const char *const not_empty[] = {
    "max",     "min",        "median", "nanmedian",   "quantile",
    "aminmax", "as_strided", "expand", "nanquantile", "linear_cross_entropy",
    NULL
};

static bool is_among(const char *op, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(op, *names) == 0)
            return true;
    return false;
}

/* Whether the row takes such inputs; if it does, their gradients are checked. */
static bool takes(const catalog_row *row, const char *text)
{
    HONE_SCOPE();
    catalog_case c;
    make_case(row, text, HONE_F64, false, &c);
    const bool works = catalog_function(row)(row, c.tensor, c.n) != NULL;
    catalog_free(&c);
    hone_error_clear();
    if (works)
        check_case(row, text);
    return works;
}

/* Whether an index is left into what may have no elements. */
static bool indexes(const catalog_row *row, const char *text)
{
    for (int i = 0; *text && i < CATALOG_INPUTS; i++) {
        const size_t word = strcspn(text, " ");
        char one[80];
        snprintf(one, sizeof one, "%.*s", (int)word, text);
        if (row->in[i].fixed && *one != '-' && !(forms_of(one) & EMPTY))
            return true;
        text += word + (text[word] == ' ');
    }
    return false;
}

static bool takes_empty(const catalog_row *row)
{
    char text[200];
    int any = 0;
    for (int n = 1; n < 100; n++)
        any += without(row->cases[0], n, text) && !indexes(row, text) && takes(row, text);
    return any > 0;
}

TEST_ROWS(gradients_of_forms)
{
    char text[200];
    const int missing = is_checked(row) ? missing_forms(row) : 0;
    static const char layouts[] = { 't', 's', 'e' };
    for (int k = 0; k < 3 && !is_among(row->op, as_it_lies); k++)
        if ((missing >> k & 1) && !(layouts[k] == 'e' && is_among(row->op, not_repeated))) {
            in_layout(row, row->cases[0], layouts[k], text);
            cr_expect(takes(row, text), "%s refuses \"%s\"", row->op, text);
        }
    if ((missing & ITEM) && !is_among(row->op, not_repeated) && has_plain_fills(row)) {
        of_items(row->cases[0], text);
        takes(row, text);
    }
    if ((missing & EMPTY) && !is_among(row->op, not_empty))
        cr_expect(takes_empty(row), "%s refuses to be of no elements", row->op);
}
