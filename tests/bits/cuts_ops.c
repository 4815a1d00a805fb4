/* cuts_ops.c: contract 7 for the whole catalog: wherever an op's inputs can be told apart into ones
 * that have samples along dim 0 and leaves, the leaves' gradients have the same bits for any cut of
 * the batch: the leaf itself, seen through transpose, slice and expand, and used twice.
 *   cuts_ops        all rows; fails too if fewer ops than LEAST were found to have a leaf operand
 *   cuts_ops list   says of each op which of its inputs were leaves
 * cuts.sh runs it on every instruction set and number of threads.
 *
 * Which inputs have samples is found by trying: the op of some samples gives the rows that it gives
 * them among all of them. What mixes samples (statistics over a batch, a sum over dim 0) doesn't. */
#include "catalog.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 80, MOST_SAMPLES = 128 };

static int failures;
static bool listing;

/* ---- an op's call on some samples */

typedef struct {
    const catalog_row *row;
    const catalog_case *c;
    unsigned samples; /* bits of the inputs whose dim 0 they are */
    unsigned leaves;
    int64_t n; /* samples */
    const char *how;
} job;

static bool has(unsigned set, int i)
{
    return set >> i & 1;
}

static hone_tensor *call(const job *j, hone_tensor *const *leaf, int64_t begin, int64_t end)
{
    hone_tensor *in[CATALOG_INPUTS];
    for (int i = 0; i < j->c->n; i++)
        in[i] = has(j->samples, i)  ? hone_slice(j->c->tensor[i], 0, begin, end, 1)
                : has(j->leaves, i) ? leaf[i]
                                    : j->c->tensor[i];
    return catalog_function(j->row)(j->row, in, j->c->n);
}

static bool same_shape(hone_tensor *a, hone_tensor *b)
{
    bool same = hone_dim(a) == hone_dim(b);
    for (int d = 0; same && d < hone_dim(a); d++)
        same = hone_size(a, d) == hone_size(b, d);
    return same;
}

static bool same_bits(hone_tensor *a, hone_tensor *b)
{
    HONE_SCOPE();
    a = a ? hone_contiguous(hone_detach(a)) : NULL;
    b = b ? hone_contiguous(hone_detach(b)) : NULL;
    return a && b && same_shape(a, b) &&
           memcmp(hone_data(a), hone_data(b),
                  (size_t)hone_numel(a) * hone_dtype_size(hone_dtype_of(a))) == 0;
}

static bool nearly(hone_tensor *a, hone_tensor *b)
{
    HONE_SCOPE();
    const double most = hone_item(hone_to(hone_max(hone_abs(hone_sub(a, b))), HONE_F64));
    return most < 1e-3;
}

static void fail(const job *j, const char *what)
{
    fprintf(stderr, "%s: samples %x, leaves %x, %s: %s%s%s\n", j->c->text, j->samples, j->leaves,
            j->how, what, hone_error_code() ? ": " : "", hone_error_message());
    hone_error_clear();
    failures++;
}

/* Does each sample make its own row of the result? */
static bool by_row(const job *j)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *y = call(j, j->c->tensor, 0, j->n);
    const int64_t cuts[] = { 1, j->n / 2, j->n - 1 };
    bool rows = y && hone_dim(y) > 0 && hone_size(y, 0) == j->n &&
                hone_dtype_is_float(hone_dtype_of(y)) &&
                same_bits(y, call(j, j->c->tensor, 0, j->n));
    for (int i = 0; rows && i < 6; i++) {
        const int64_t begin = i < 3 ? 0 : cuts[i % 3], end = i < 3 ? cuts[i % 3] : j->n;
        hone_tensor *part = call(j, j->c->tensor, begin, end);
        hone_tensor *want = hone_slice(y, 0, begin, end, 1);
        rows = part && same_shape(part, want) && (same_bits(part, want) || nearly(part, want));
        if (rows && !same_bits(part, want))
            fail(j, "rows differ");
    }
    hone_error_clear();
    return rows;
}

/* ---- forms of leaves: how what is stored becomes the operand */

typedef enum { PLAIN, TURNED, SLICED, EXPANDED, TWICE, N_FORMS } form;
static const char *const form_names[] = { "as it is", "turned", "a slice", "expanded", "twice" };

static hone_tensor *turned(hone_tensor *t)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = hone_dim(t);
    for (int d = 0; d < n; d++)
        dims[d] = n - 1 - d;
    dims[n] = HONE_END_DIM;
    return hone_permute_v(t, dims);
}

/* One for each of n samples that have so many dims. */
static hone_tensor *expanded(hone_tensor *t, int dims, int64_t n)
{
    int64_t shape[HONE_MAX_DIMS + 1] = { n };
    const int missing = dims - hone_dim(t);
    for (int d = 1; d < dims; d++)
        shape[d] = d < missing ? 1 : hone_size(t, d - missing);
    shape[dims] = HONE_END_DIM;
    return hone_expand_v(t, shape);
}

static int dims_of_samples(const job *j)
{
    for (int i = 0; i < j->c->n; i++)
        if (has(j->samples, i))
            return hone_dim(j->c->tensor[i]);
    return 0;
}

/* What is stored so that operand() gives something like `value`; NULL: there is no such form. */
static hone_tensor *stored(const job *j, form f, hone_tensor *value)
{
    HONE_NO_GRAD();
    const int dims = hone_dim(value);
    if (f == TURNED)
        return dims > 1 ? hone_clone(hone_contiguous(turned(value))) : NULL;
    if (f == SLICED)
        return dims > 0 && hone_size(value, 0) > 0
                   ? hone_cat(hone_list(hone_slice(value, 0, 0, 1, 1), value,
                                        hone_slice(value, 0, 0, 1, 1)),
                              0)
                   : NULL;
    if (f == EXPANDED)
        return dims < dims_of_samples(j) ? hone_clone(value) : NULL;
    return hone_clone(value);
}

static hone_tensor *operand(const job *j, form f, hone_tensor *leaf, hone_tensor *value, int64_t n)
{
    if (f == TURNED)
        return turned(leaf);
    if (f == SLICED)
        return hone_slice(leaf, 0, 1, 1 + hone_size(value, 0), 1);
    return f == EXPANDED ? expanded(leaf, dims_of_samples(j), n) : leaf;
}

/* Leaves in that form, those that have it, and which those are; false: none has. */
static bool make_leaves(const job *j, form f, hone_tensor **leaf, bool *in_form)
{
    bool any = false;
    if (f == TURNED && strcmp(j->row->op, "bilinear") == 0)
        return false; /* a weight of three dims that lies across is copied first */
    for (int i = 0; i < j->c->n; i++) {
        leaf[i] = NULL;
        if (!has(j->leaves, i))
            continue;
        hone_tensor *t = stored(j, f, j->c->tensor[i]);
        any |= t != NULL;
        leaf[i] = hone_requires_grad_(t ? t : hone_clone(j->c->tensor[i]), true);
        in_form[i] = t != NULL;
    }
    return any;
}

static hone_tensor *result(const job *j, form f, hone_tensor *const *leaf, const bool *in_form,
                           int64_t begin, int64_t end)
{
    hone_tensor *in[CATALOG_INPUTS] = { NULL };
    for (int i = 0; i < j->c->n; i++)
        if (has(j->leaves, i))
            in[i] = in_form[i] ? operand(j, f, leaf[i], j->c->tensor[i], end - begin) : leaf[i];
    hone_tensor *y = call(j, in, begin, end);
    return f == TWICE ? hone_add(y, hone_mul_scalar(call(j, in, begin, end), 0.5)) : y;
}

/* ---- cuts */

/* parts: samples of each, 0 after the last. */
static bool by_parts(const job *j, form f, hone_tensor *dy, const int64_t *parts, bool accumulate,
                     hone_tensor **leaf)
{
    bool in_form[CATALOG_INPUTS], ok = make_leaves(j, f, leaf, in_form);
    ok = ok && (!accumulate || hone_accumulate_begin(j->n) == HONE_OK);
    for (int64_t at = 0; ok && *parts; at += *parts++) {
        HONE_SCOPE();
        const int64_t end = at + *parts;
        ok = !accumulate || hone_accumulate_part(*parts) == HONE_OK;
        const hone_backward_options of = { .gradient = hone_slice(dy, 0, at, end, 1) };
        ok = ok && hone_backward_with(result(j, f, leaf, in_form, at, end), &of) == HONE_OK;
    }
    return ok && (!accumulate || hone_accumulate_end() == HONE_NONE);
}

static bool same_gradients(const job *j, hone_tensor *const *a, hone_tensor *const *b)
{
    bool same = true;
    for (int i = 0; i < j->c->n; i++)
        if (has(j->leaves, i))
            same = same && same_bits(hone_grad(a[i]), hone_grad(b[i]));
    return same;
}

/* False: it has other bits than the whole. */
static bool check_cut(const job *j, form f, hone_tensor *dy, hone_tensor *const *whole, int cut,
                      bool accumulate)
{
    HONE_SCOPE();
    const int64_t n = j->n, half = n / 2, third = n / 3;
    const int64_t cuts[][4] = {
        { n }, { half, n - half }, { third, third, n - 2 * third }, { 1, n - 1 }, { n - 1, 1 }
    };
    hone_tensor *leaf[CATALOG_INPUTS];
    if (cuts[cut][0] == 0 || (cut > 0 && cuts[cut][1] == 0))
        return true;
    if (!by_parts(j, f, dy, cuts[cut], accumulate, leaf)) {
        fail(j, "a walk failed");
        return false;
    }
    if (same_gradients(j, whole, leaf))
        return true;
    char text[80];
    snprintf(text, sizeof text, "cut %d%s has other bits", cut, accumulate ? ", accumulated," : "");
    fail(j, text);
    return false;
}

static void check_form(job *j, form f)
{
    HONE_SCOPE();
    j->how = form_names[f];
    hone_tensor *whole[CATALOG_INPUTS];
    bool in_form[CATALOG_INPUTS];
    if (!make_leaves(j, f, whole, in_form))
        return;
    hone_tensor *y = result(j, f, whole, in_form, 0, j->n);
    hone_tensor *plain = call(j, j->c->tensor, 0, j->n);
    if (!y || !plain || !same_shape(y, plain)) { /* to such an operand it is another op */
        hone_error_clear();
        return;
    }
    hone_seed(7);
    int64_t shape[HONE_MAX_DIMS + 2] = { hone_dtype_of(y) };
    for (int d = 0; d < hone_dim(y); d++)
        shape[d + 1] = hone_size(y, d);
    shape[hone_dim(y) + 1] = HONE_END_DIM;
    hone_tensor *dy = hone_randn_v(shape);
    const hone_backward_options of = { .gradient = dy };
    if (hone_backward_with(y, &of) != HONE_OK) {
        fail(j, "the walk failed");
        return;
    }
    for (int cut = 0; cut < 5; cut++)
        for (int accumulate = f == TWICE; accumulate < 2; accumulate++)
            if (!check_cut(j, f, dy, whole, cut, accumulate))
                return; /* one line says enough */
}

/* ---- the catalog */

/* What looks like samples and leaves, but isn't. */
static const struct {
    const char *op;
    int first; /* an input that has samples where any has; -1: the row is left out */
    const char *why;
} outside[] = {
    { "conv1d", 0, "outputs are no samples" },
    { "conv2d", 0, "outputs are no samples" },
    { "conv3d", 0, "outputs are no samples" },
    { "scaled_dot_product_attention", 1, "without a dim of samples queries are positions of one" },
    { "solve_triangular", -1, "the rows of right sides of one matrix are no samples" },
    { "solve", -1, "the rows of right sides of one matrix are no samples" },
};

static bool is_outside(const catalog_row *row, const catalog_case *c, unsigned set)
{
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strcmp(outside[i].op, row->op) == 0)
            return outside[i].first < 0 || !has(set, outside[i].first);
    /* its header says so; and where a dim of extent 1 is broadcast, the other operand is summed over
     * it first, so that no leaf comes to the product */
    return strcmp(row->op, "einsum") == 0 &&
           (c->n > 2 || (row->note && strcmp(row->note, "ij,jk->ik") == 0));
}

/* The inputs of a gradient that nobody asked for in parts: what its gradient is summed from is the
 * walk's, not a batch's. */
static bool is_gradient(const char *op)
{
    return strstr(op, "_backward") != NULL;
}

/* The samples of the inputs in the set; 0: they don't agree, or are too few to be cut. */
static int64_t samples_of(const catalog_case *c, unsigned set)
{
    int64_t n = 0;
    for (int i = 0; i < c->n; i++) {
        if (!has(set, i))
            continue;
        const catalog_array *a = &c->array[i];
        if (a->none || a->ndim == 0 || a->shape[0] < 2 || (n && a->shape[0] != n))
            return 0;
        n = a->shape[0];
    }
    return n <= MOST_SAMPLES ? n : 0;
}

static unsigned run_case(const catalog_row *row, const char *text, hone_dtype dtype)
{
    HONE_SCOPE();
    catalog_case c;
    unsigned found = 0;
    if (!catalog_make(row, text, dtype, false, &c)) {
        fprintf(stderr, "%s: \"%s\" can't be built: %s\n", row->op, text, hone_error_message());
        failures++;
        return 0;
    }
    bool equal = false; /* samples, which have the statistics of each */
    for (int i = 0; i < c.n; i++)
        equal |= c.expanded[i];
    for (unsigned set = 1; !equal && set < 1u << c.n; set++) {
        job j = { row, &c, set, 0, samples_of(&c, set), "as it is" };
        for (int i = 0; i < c.n; i++)
            if (!has(set, i) && catalog_differentiable(row, &c, i) && !c.array[i].none &&
                c.array[i].numel > 0)
                j.leaves |= 1u << i;
        if (j.n == 0 || j.leaves == 0 || is_outside(row, &c, set) || !by_row(&j))
            continue;
        found |= j.leaves;
        for (int f = 0; f < N_FORMS; f++)
            check_form(&j, (form)f);
    }
    catalog_free(&c);
    return found;
}

static unsigned run_row(const catalog_row *row)
{
    if (row->no_gradient || is_gradient(row->op))
        return 0;
    const bool f32 = catalog_dtypes(row) & CATALOG_BIT(HONE_F32);
    const hone_dtype dtype = f32 ? HONE_F32 : HONE_F64;
    unsigned found = 0;
    if (!(catalog_dtypes(row) & CATALOG_BIT(dtype)))
        return 0;
    for (int i = 0; row->cases[i]; i++)
        found |= run_case(row, row->cases[i], dtype);
    return row->bits ? found | run_case(row, row->bits, dtype) : found;
}

int main(int argc, char **argv)
{
    if (hone_init() != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return 0;
    if (argc > 1 && strcmp(argv[1], "rows") == 0) /* what cuts.c does besides */
        return 0;
    listing = argc > 1 && strcmp(argv[1], "list") == 0;
    int ops = 0;
    for (int i = 0; i < catalog_count(); i++) {
        const char *op = catalog_at(i)->op;
        bool first = true;
        unsigned found = 0;
        for (int j = 0; j < i; j++)
            first = first && strcmp(catalog_at(j)->op, op) != 0;
        for (int j = i; first && j < catalog_count(); j++)
            if (strcmp(catalog_at(j)->op, op) == 0)
                found |= run_row(catalog_at(j));
        ops += found != 0;
        if (listing && found)
            printf("%s: inputs %x\n", op, found);
    }
    if (listing)
        printf("%d ops\n", ops);
    if (ops < LEAST) {
        fprintf(stderr, "only %d ops have a leaf operand, of %d at least\n", ops, LEAST);
        failures++;
    }
    return failures > 0;
}
