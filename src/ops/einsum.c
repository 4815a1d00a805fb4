/* einsum.c: sums of products by Einstein's convention, made of permute, sum and matmul. */
#include "ops/common.h"

#include <string.h>

/* Labels: capitals, small letters (the order of an implicit result), then the dims of `...`. */
enum { LETTERS = 52, LABELS = LETTERS + HONE_MAX_DIMS, DOTS = 255, MOST_LETTERS = 16 };

/* Text of the equation or an operand: a label a dim. */
typedef struct {
    hone_tensor *t; /* NULL: the result */
    int n;
    uint8_t label[MOST_LETTERS + HONE_MAX_DIMS];
} term;

typedef struct {
    hone__words equation;
    int n;
    term *terms; /* operands */
    term result;
    int dots; /* dims of the longest ... */
    int64_t extent[LABELS];
} einsum;

#define SAY(e, code, format, ...)                                                                  \
    hone_error_set(code, "einsum: \"%.*s\": " format,                                              \
                   (int)((e)->equation.n < 100 ? (e)->equation.n : 100), (e)->equation.at,         \
                   __VA_ARGS__)

static uint64_t bit(int label)
{
    return UINT64_C(1) << label;
}

static uint64_t labels_of(const term *x)
{
    uint64_t set = 0;
    for (int i = 0; i < x->n; i++)
        set |= bit(x->label[i]);
    return set;
}

static int find(const term *x, int label)
{
    for (int i = 0; i < x->n; i++)
        if (x->label[i] == label)
            return i;
    return -1;
}

static char letter(int label)
{
    return (char)(label < 26 ? 'A' + label : 'a' + label - 26);
}

/* ---- the equation */

/* Its next term up to a comma or the end; `...` is the label DOTS. */
static bool read_term(const einsum *e, const char **at, const char *end, term *x)
{
    bool dots = false;
    x->n = 0;
    for (; *at < end && **at != ','; (*at)++) {
        const char c = **at;
        const bool capital = c >= 'A' && c <= 'Z', small = c >= 'a' && c <= 'z';
        if (c == ' ' || c == '\t')
            continue;
        if (c == '.' && !dots && end - *at >= 3 && memcmp(*at, "...", 3) == 0) {
            dots = true;
            *at += 2;
        } else if (!capital && !small) {
            SAY(e, HONE_E_VALUE, "\"%c\" is no letter, comma, blank, -> or single ...", c);
            return false;
        }
        if (x->n == MOST_LETTERS) {
            SAY(e, HONE_E_VALUE, "a term has more than %d letters", MOST_LETTERS);
            return false;
        }
        x->label[x->n++] = (uint8_t)(capital ? c - 'A' : small ? c - 'a' + 26 : DOTS);
    }
    return true;
}

/* Dims that are left for `...` in a term; -1 + an error if the letters don't fit the dims. */
static int dots_of(const einsum *e, int i)
{
    const term *x = &e->terms[i];
    const int dots = find(x, DOTS) >= 0, letters = x->n - dots;
    if (dots ? letters <= x->t->ndim : letters == x->t->ndim)
        return x->t->ndim - letters;
    SAY(e, HONE_E_SHAPE, "operand %d has %d letters for %s", i, letters, hone__tensor_text(x->t).s);
    return -1;
}

/* DOTS becomes the labels of its `dots` dims, the last of all. */
static void put_dots(const einsum *e, term *x, int dots)
{
    const int at = find(x, DOTS);
    if (at < 0)
        return;
    memmove(x->label + at + dots, x->label + at + 1, (size_t)(x->n - at - 1));
    for (int d = 0; d < dots; d++)
        x->label[at + d] = (uint8_t)(LETTERS + e->dots - dots + d);
    x->n += dots - 1;
}

static bool read_operands(einsum *e, const char *at, const char *end)
{
    for (int i = 0; i < e->n; i++) {
        if (!read_term(e, &at, end, &e->terms[i]))
            return false;
        if ((at < end) != (i + 1 < e->n)) {
            SAY(e, HONE_E_VALUE, "it has %s terms than the %d operands given",
                at < end ? "more" : "fewer", e->n);
            return false;
        }
        at++;
        const int dots = dots_of(e, i);
        if (dots < 0)
            return false;
        e->dots = dots > e->dots ? dots : e->dots;
    }
    for (int i = 0; i < e->n; i++)
        put_dots(e, &e->terms[i], dots_of(e, i));
    return true;
}

/* Without ->: the dims of `...`, then the letters that are there once. */
static bool imply_result(einsum *e)
{
    uint64_t once = 0, twice = 0;
    for (int i = 0; i < e->n; i++)
        for (int d = 0; d < e->terms[i].n; d++) {
            const uint64_t b = bit(e->terms[i].label[d]);
            twice |= once & b;
            once |= b;
        }
    e->result.n = 0;
    for (int d = 0; d < e->dots; d++)
        e->result.label[e->result.n++] = (uint8_t)(LETTERS + d);
    for (int l = 0; l < LETTERS; l++) {
        if (!(once & ~twice & bit(l)))
            continue;
        if (e->result.n == HONE_MAX_DIMS) {
            SAY(e, HONE_E_SHAPE, "its result would have more than %d dims", HONE_MAX_DIMS);
            return false;
        }
        e->result.label[e->result.n++] = (uint8_t)l;
    }
    return true;
}

static bool read_result(einsum *e, const char *at, const char *end)
{
    if (!read_term(e, &at, end, &e->result))
        return false;
    if (at < end) {
        SAY(e, HONE_E_VALUE, "it has %s", "two results");
        return false;
    }
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < e->n; i++)
        all |= labels_of(&e->terms[i]);
    put_dots(e, &e->result, e->dots);
    if (e->result.n > HONE_MAX_DIMS) {
        SAY(e, HONE_E_SHAPE, "its result would have more than %d dims", HONE_MAX_DIMS);
        return false;
    }
    for (int d = 0; d < e->result.n; d++) {
        const int label = e->result.label[d];
        if (label < LETTERS && (!(all & bit(label)) || (seen & bit(label)))) {
            SAY(e, HONE_E_VALUE, "%c of the result is %s", letter(label),
                seen & bit(label) ? "there twice" : "in no operand");
            return false;
        }
        seen |= bit(label);
    }
    return true;
}

/* Where -> is; NULL: nowhere. */
static const char *arrow(const hone__words *equation)
{
    for (size_t i = 0; i + 1 < equation->n; i++)
        if (equation->at[i] == '-' && equation->at[i + 1] == '>')
            return equation->at + i;
    return NULL;
}

static bool take_extents(einsum *e)
{
    for (int l = 0; l < LABELS; l++)
        e->extent[l] = 1;
    for (int i = 0; i < e->n; i++) {
        const term *x = &e->terms[i];
        for (int d = 0; d < x->n; d++) {
            const int first = find(x, x->label[d]);
            int64_t *extent = &e->extent[x->label[d]];
            const int64_t mine = x->t->shape[d];
            if (x->t->shape[first] != mine || (*extent != 1 && mine != 1 && *extent != mine)) {
                SAY(e, HONE_E_SHAPE, "dim %d of operand %d, %s, doesn't fit the extent %lld of %s",
                    d, i, hone__tensor_text(x->t).s,
                    (long long)(x->t->shape[first] != mine ? x->t->shape[first] : *extent),
                    x->label[d] < LETTERS ? (char[]){ letter(x->label[d]), 0 } : "...");
                return false;
            }
            *extent = mine == 1 ? *extent : mine;
        }
    }
    return true;
}

static bool take(einsum *e, hone_tensor *const *in)
{
    const char *end = e->equation.at + e->equation.n, *to = arrow(&e->equation);
    for (int i = 0; i < e->n; i++) {
        e->terms[i] = (term){ .t = in[i] };
        if (e->n > 1 &&
            (!hone_dtype_is_float((hone_dtype)in[i]->dtype) || in[i]->dtype != in[0]->dtype)) {
            SAY(e, HONE_E_DTYPE, "operands must be all f32 or all f64, operand %d is %s", i,
                hone__tensor_text(in[i]).s);
            return false;
        }
    }
    return read_operands(e, e->equation.at, to ? to : end) &&
           (to ? read_result(e, to + 2, end) : imply_result(e)) && take_extents(e);
}

/* ---- steps; a NULL tensor goes through them, as through all ops */

static void remove_dim(term *x, int d)
{
    memmove(x->label + d, x->label + d + 1, (size_t)(x->n - d - 1));
    x->n--;
}

/* Dims in the order of `labels`; those that it hasn't are left out and must have extent 1. */
static hone_tensor *ordered(const term *x, int n, const uint8_t *labels)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    for (int i = 0; i < n; i++)
        dims[i] = find(x, labels[i]);
    dims[n] = HONE_END_DIM;
    return n == 0 ? x->t : hone_permute_v(x->t, dims);
}

/* Two dims with one label become its diagonal, the last dim: as one dim of n n it is every
 * (n + 1)-th element. */
static void take_diagonals(term *x)
{
    for (int d = 0; d < x->n; d++) {
        const int first = find(x, x->label[d]);
        if (first == d)
            continue;
        int64_t dims[HONE_MAX_DIMS + 1], shape[HONE_MAX_DIMS + 1];
        const uint8_t label = x->label[d];
        const int64_t n = x->t ? x->t->shape[d] : 0;
        int k = 0;
        for (int i = 0; i < x->n; i++)
            if (i != first && i != d)
                dims[k++] = i;
        for (int i = 0; x->t && i < k; i++)
            shape[i] = x->t->shape[dims[i]];
        dims[k] = first;
        dims[k + 1] = d;
        dims[k + 2] = shape[k + 1] = HONE_END_DIM;
        shape[k] = n * n;
        x->t = hone_reshape_v(hone_permute_v(x->t, dims), shape);
        x->t = hone_slice(x->t, k, 0, n * n, n + 1);
        remove_dim(x, d);
        remove_dim(x, first);
        x->label[x->n++] = label;
        d = -1;
    }
}

static void sum_out(term *x, uint64_t set)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    int n = 0;
    for (int d = 0; d < x->n; d++)
        if (set & bit(x->label[d]))
            dims[n++] = d;
    if (n == 0)
        return;
    dims[n] = HONE_END_DIM;
    x->t = hone_sum_dims_v(x->t, false, dims);
    for (int i = n - 1; i >= 0; i--)
        remove_dim(x, (int)dims[i]);
}

/* What is wanted of a label that isn't in operands i and j: by another operand or the result. */
static uint64_t wanted_beside(const einsum *e, int i, int j)
{
    uint64_t set = labels_of(&e->result);
    for (int k = 0; k < e->n; k++)
        if (k != i && k != j)
            set |= labels_of(&e->terms[k]);
    return set;
}

/* ---- two operands into one */

/* The dims of a pair, in groups. */
typedef struct {
    uint8_t batch[HONE_MAX_DIMS], left[HONE_MAX_DIMS], right[HONE_MAX_DIMS], sum[HONE_MAX_DIMS];
    int n_batch, n_left, n_right, n_sum;
} pair;

static pair groups(const term *a, const term *b, uint64_t wanted)
{
    pair p = { .n_batch = 0 };
    for (int d = 0; d < a->n; d++) {
        const uint8_t l = a->label[d];
        if (find(b, l) < 0)
            p.left[p.n_left++] = l;
        else if (wanted & bit(l))
            p.batch[p.n_batch++] = l;
        else
            p.sum[p.n_sum++] = l;
    }
    for (int d = 0; d < b->n; d++)
        if (find(a, b->label[d]) < 0)
            p.right[p.n_right++] = b->label[d];
    return p;
}

/* A label to be summed that has extent 1 in one of the two: the other one is summed alone. */
static void sum_broadcast(term *a, term *b, uint64_t wanted)
{
    const uint64_t both = labels_of(a) & labels_of(b) & ~wanted;
    for (int l = 0; l < LABELS; l++) {
        if (!(both & bit(l)) || !a->t || !b->t)
            continue;
        const int64_t in_a = a->t->shape[find(a, l)], in_b = b->t->shape[find(b, l)];
        if (in_a == in_b)
            continue;
        sum_out(in_a == 1 ? b : a, bit(l));
        term *other = in_a == 1 ? a : b;
        const int d = find(other, l);
        other->t = hone_squeeze(other->t, d);
        remove_dim(other, d);
    }
}

static int64_t product_of(const term *x, int n, const uint8_t *labels)
{
    int64_t product = 1;
    for (int i = 0; i < n; i++)
        product *= x->t->shape[find(x, labels[i])];
    return product;
}

static int append(uint8_t *to, int n, const uint8_t *labels, int more)
{
    memcpy(to + n, labels, (size_t)more);
    return n + more;
}

/* [batch.., rows, cols] of an operand whose dims are these. */
static hone_tensor *as_matrices(const term *x, const pair *p, int n_rows, const uint8_t *rows,
                                int n_cols, const uint8_t *cols)
{
    uint8_t order[3 * HONE_MAX_DIMS];
    int64_t shape[HONE_MAX_DIMS + 1];
    if (!x->t)
        return NULL;
    int n = append(order, 0, p->batch, p->n_batch);
    for (int i = 0; i < n; i++)
        shape[i] = x->t->shape[find(x, order[i])];
    shape[n] = product_of(x, n_rows, rows);
    shape[n + 1] = product_of(x, n_cols, cols);
    shape[n + 2] = HONE_END_DIM;
    n = append(order, n, rows, n_rows);
    n = append(order, n, cols, n_cols);
    return hone_reshape_v(ordered(x, n, order), shape);
}

/* A matrix product for each index of the batch: its dims are then made those of `to`. */
static hone_tensor *by_matmul(const term *a, const term *b, const pair *p, const term *to)
{
    hone_tensor *c = hone_matmul(as_matrices(a, p, p->n_left, p->left, p->n_sum, p->sum),
                                 as_matrices(b, p, p->n_sum, p->sum, p->n_right, p->right));
    int64_t shape[HONE_MAX_DIMS + 1];
    if (!c)
        return NULL;
    for (int i = 0; i < to->n; i++) {
        const uint8_t l = to->label[i];
        shape[i] = i < p->n_batch    ? c->shape[i]
                   : find(a, l) >= 0 ? a->t->shape[find(a, l)]
                                     : b->t->shape[find(b, l)];
    }
    shape[to->n] = HONE_END_DIM;
    return hone_reshape_v(c, shape);
}

/* x with all dims of `to`, in its order: extent 1 where it has none. */
static hone_tensor *aligned(const term *x, int n, const uint8_t *labels)
{
    uint8_t mine[2 * HONE_MAX_DIMS] = { 0 };
    int n_mine = 0;
    for (int i = 0; i < n; i++)
        if (find(x, labels[i]) >= 0)
            mine[n_mine++] = labels[i];
    hone_tensor *t = ordered(x, n_mine, mine);
    for (int i = 0; i < n; i++)
        if (find(x, labels[i]) < 0)
            t = hone_unsqueeze(t, i);
    return t;
}

/* Nothing to be summed, or more batch dims than matmul has: products, then their sum. */
static hone_tensor *by_mul(const term *a, const term *b, const pair *p, const term *to)
{
    term all = *to;
    uint64_t sums = 0;
    all.n = append(all.label, all.n, p->sum, p->n_sum);
    for (int i = 0; i < p->n_sum; i++)
        sums |= bit(p->sum[i]);
    all.t = hone_mul(aligned(a, all.n, all.label), aligned(b, all.n, all.label));
    sum_out(&all, sums);
    return all.t;
}

/* Operand i becomes its product with operand j, which goes. The one that has the result's first dim
 * is on the left: samples are rows of the left matrix, never columns of the right one. */
static bool join(einsum *e, int i, int j)
{
    const uint64_t wanted = wanted_beside(e, i, j);
    term a = e->terms[i], b = e->terms[j];
    if (e->result.n > 0 && find(&a, e->result.label[0]) < 0) {
        a = e->terms[j];
        b = e->terms[i];
    }
    sum_broadcast(&a, &b, wanted);
    const pair p = groups(&a, &b, wanted);
    term *to = &e->terms[i];
    if (p.n_batch + p.n_left + p.n_right > HONE_MAX_DIMS) {
        SAY(e, HONE_E_SHAPE, "the product of two operands would have more than %d dims",
            HONE_MAX_DIMS);
        return false;
    }
    to->n = append(to->label, 0, p.batch, p.n_batch);
    to->n = append(to->label, to->n, p.left, p.n_left);
    to->n = append(to->label, to->n, p.right, p.n_right);
    to->t = p.n_sum > 0 && p.n_batch <= HONE_MAX_DIMS - 2 ? by_matmul(&a, &b, &p, to)
                                                          : by_mul(&a, &b, &p, to);
    memmove(e->terms + j, e->terms + j + 1, sizeof *e->terms * (size_t)(e->n - j - 1));
    e->n--;
    return to->t != NULL;
}

/* How many elements the product of two operands has. */
static double size_joined(const einsum *e, int i, int j)
{
    const uint64_t set =
        (labels_of(&e->terms[i]) | labels_of(&e->terms[j])) & wanted_beside(e, i, j);
    double size = 1;
    for (int l = 0; l < LABELS; l++)
        size *= set & bit(l) ? (double)e->extent[l] : 1;
    return size;
}

static bool join_smallest(einsum *e)
{
    int best_i = 0, best_j = 1;
    double best = size_joined(e, 0, 1);
    for (int i = 0; i < e->n; i++)
        for (int j = i + 1; j < e->n; j++) {
            const double size = size_joined(e, i, j);
            if (size >= best)
                continue;
            best = size;
            best_i = i;
            best_j = j;
        }
    return join(e, best_i, best_j);
}

static bool einsum_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    einsum e = { .equation = *(const hone__words *)hone__options(ctx), .n = n_in };
    if (n_in == 0) {
        SAY(&e, HONE_E_VALUE, "it needs %s", "at least one operand");
        return false;
    }
    hone_tensor_list room = hone__list_new(n_in * (int)(sizeof(term) / sizeof(hone_tensor *) + 1));
    e.terms = (term *)(void *)room.at;
    if (!e.terms || !take(&e, in))
        return false;
    for (int i = 0; i < e.n; i++) {
        take_diagonals(&e.terms[i]);
        sum_out(&e.terms[i], ~wanted_beside(&e, i, i));
    }
    while (e.n > 1)
        if (!join_smallest(&e))
            return false;
    return hone__give(out, e.terms[0].t ? ordered(&e.terms[0], e.result.n, e.result.label) : NULL);
}

static const hone__option einsum_table[] = {
    { .name = "equation", .kind = HONE__OPT_TEXT, .required = true },
    { NULL },
};

const hone__op hone__op_einsum = {
    .name = "einsum",
    .forward = einsum_forward,
    .in = { { "operands", HONE__LIST } },
    .options = einsum_table,
    .options_bytes = sizeof(hone__words),
    .composite = true,
};

hone_tensor *hone_einsum(const char *equation, hone_tensor_list operands)
{
    hone_tensor *const missing[] = { NULL };
    const hone__words words = { equation ? equation : "", equation ? strlen(equation) : 0 };
    return hone__call(&hone__op_einsum, operands.at ? operands.at : missing,
                      operands.at ? operands.n : 1, &words);
}
