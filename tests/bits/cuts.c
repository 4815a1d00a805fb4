/* cuts.c: contract 7: rows that do not know their neighbours, gradients that go on where they have
 * stopped.
 *   cuts rows   forward: a sample's bits for any number of samples and any place among them
 *   cuts        gradients: the parts of a batch give the bits of the whole
 * cuts.sh runs both on every instruction set and number of threads. */
#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s%s%s\n", what, detail, hone_error_code() ? ": " : "",
            hone_error_code() ? hone_error_message() : "");
    hone_error_clear();
    failures++;
}

static bool same_bits(hone_tensor *a, hone_tensor *b)
{
    HONE_SCOPE();
    a = a ? hone_contiguous(a) : NULL;
    b = b ? hone_contiguous(b) : NULL;
    if (!a || !b || hone_numel(a) != hone_numel(b) || hone_dtype_of(a) != hone_dtype_of(b))
        return false;
    const size_t bytes = (size_t)hone_numel(a) * hone_dtype_size(hone_dtype_of(a));
    return bytes == 0 || memcmp(hone_data(a), hone_data(b), bytes) == 0;
}

/* ---- rows: products */

/* [rows, cols], or one that lies across. */
static hone_tensor *matrix(hone_dtype dtype, int64_t rows, int64_t cols, bool across)
{
    return across ? hone_transpose(hone_randn(dtype, cols, rows), 0, 1)
                  : hone_randn(dtype, rows, cols);
}

static const int64_t batches[] = { 1, 2, 7, 8, 9, 64, 257 };
enum { N_BATCHES = sizeof batches / sizeof *batches, MOST = 257 };

/* Some samples of a, laid out as they are where they lie among others and on their own. */
static void check_product(hone_tensor *a, hone_tensor *b, int64_t most, const char *name)
{
    HONE_SCOPE();
    hone_tensor *want = hone_matmul(hone_slice(a, 0, 0, most, 1), b);
    for (int i = 0; i < N_BATCHES && batches[i] < most; i++) {
        const int64_t at = (most - batches[i]) * (i % 3) / 2;
        hone_tensor *part = hone_slice(a, 0, at, at + batches[i], 1);
        hone_tensor *rows = hone_slice(want, 0, at, at + batches[i], 1);
        if (!same_bits(hone_matmul(part, b), rows))
            fail(name, "rows differ");
        if (!same_bits(hone_matmul(hone_clone(part), b), rows))
            fail(name, "copied rows differ");
    }
}

/* `slow`: an instruction set that takes a minute for what others do in a second. */
static void check_products(bool slow)
{
    static const int64_t ks[] = { 1, 7, 64, 300, 1000, 4096, 5000 };
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++)
        for (int64_t n = 1; n <= 40; n++)
            for (int form = 0; form < 8; form++) {
                HONE_SCOPE();
                if (slow && (n * 8 + form) % 7 != 0)
                    continue;
                const hone_dtype dtype = form & 4 ? HONE_F64 : HONE_F32;
                const bool few = ks[i] > 1000 ? n % 8 != 1 : slow && ks[i] > 64;
                const int64_t most = few ? 10 : MOST;
                char name[80];
                snprintf(name, sizeof name, "product n %d k %d %s form %d", (int)n, (int)ks[i],
                         hone_dtype_name(dtype), form & 3);
                check_product(matrix(dtype, most, ks[i], form & 1),
                              matrix(dtype, ks[i], n, form & 2), most, name);
            }
}

/* ---- rows: ops */

/* By name: x [samples, ..], then parameters. */
static const struct {
    const char *op, *attributes;
    int64_t shape[3]; /* of a sample, 0 after the last */
    int64_t more[3][4];
} row_ops[] = {
    { "softmax", "dim=-1", { 70 }, { { 0 } } },
    { "log_softmax", "dim=1", { 5, 70 }, { { 0 } } },
    { "softmax_backward", "dim=-1", { 33 }, { { -1 } } },
    { "logsumexp", "dim=-1", { 300 }, { { 0 } } },
    { "sum_dim", "dim=1", { 5000 }, { { 0 } } },
    { "sum_dim", "dim=1", { 130, 9 }, { { 0 } } },
    { "mean_dim", "dim=2", { 5, 77 }, { { 0 } } },
    { "var_dim", "dim=1", { 100 }, { { 0 } } },
    { "std_dim", "dim=1", { 40, 5 }, { { 0 } } },
    { "max_dim", "dim=1", { 77 }, { { 0 } } },
    { "argmax", "dim=1", { 77 }, { { 0 } } },
    { "topk", "k=5", { 40 }, { { 0 } } },
    { "sort", "dim=1", { 77 }, { { 0 } } },
    { "argsort", "dim=1 descending=true", { 9, 5 }, { { 0 } } },
    { "cumsum", "dim=1", { 77 }, { { 0 } } },
    { "cumsum", "dim=1", { 9, 70 }, { { 0 } } },
    { "cumprod", "dim=2", { 5, 9 }, { { 0 } } },
    { "prod_dim", "dim=1", { 5000 }, { { 0 } } },
    { "prod_dim", "dim=1", { 13, 9 }, { { 0 } } },
    { "norm_dim", "dim=1", { 5000 }, { { 0 } } },
    { "norm_dim", "dim=1 p=3", { 13, 9 }, { { 0 } } },
    { "var_mean_dim", "dim=1", { 100 }, { { 0 } } },
    { "flip", "dims=1", { 7, 5 }, { { 0 } } },
    { "roll", "shifts=3 dims=1", { 7, 5 }, { { 0 } } },
    { "repeat_interleave", "repeats=3 dim=1", { 7, 5 }, { { 0 } } },
    { "tril", NULL, { 9, 7 }, { { 0 } } },
    { "mm", NULL, { 300 }, { { 300, 11 } } },
    { "floor", NULL, { 37 }, { { 0 } } },
    { "logaddexp", NULL, { 33 }, { { 33 } } },
    { "lerp_scalar", "s=0.3", { 33 }, { { 33 } } },
    { "addcdiv", "value=0.5", { 33 }, { { 33 }, { 33 } } },
    { "layer_norm", NULL, { 65 }, { { 65 }, { 65 } } },
    { "layer_norm", "n_dims=2", { 4, 9 }, { { 4, 9 }, { 4, 9 } } },
    { "linear", NULL, { 300 }, { { 300, 11 }, { 11 } } },
    { "linear_relu", NULL, { 5, 64 }, { { 64, 40 }, { 40 } } },
    { "linear_gelu", NULL, { 784 }, { { 784, 100 }, { 100 } } },
    { "linear_gelu_tanh", NULL, { 4100 }, { { 4100, 3 }, { 3 } } },
    { "matmul", NULL, { 5, 30 }, { { 30, 7 } } },
    { "matmul", NULL, { 700 }, { { 700 } } },
    { "einsum", "equation=bi,oi->bo", { 300 }, { { 40, 300 } } },
    { "einsum", "equation=bi,oi->bo", { 300 }, { { 4, 300 } } },
    { "scaled_dot_product_attention", "is_causal=true", { 33, 8 }, { { -1 }, { -1 } } },
    { "scaled_dot_product_attention", "scale=0.5", { 2, 150, 5 }, { { -1 }, { -1 } } },
    { "mul", NULL, { 33 }, { { 33 } } },
    { "div", NULL, { 9, 33 }, { { 9, 1 } } },
    { "pow", NULL, { 17 }, { { 17 } } },
    { "exp", NULL, { 37 }, { { 0 } } },
    { "tanh", NULL, { 37 }, { { 0 } } },
    { "sin", NULL, { 37 }, { { 0 } } },
    { "gelu", NULL, { 37 }, { { 0 } } },
    { "softplus", NULL, { 37 }, { { 0 } } },
};
enum { N_ROW_OPS = sizeof row_ops / sizeof *row_ops };

static hone_tensor *shaped(const int64_t *extents, int64_t samples)
{
    int64_t shape[8] = { HONE_F32 };
    int n = 1;
    if (samples)
        shape[n++] = samples;
    for (; n < 6 && *extents > 0; extents++)
        shape[n++] = *extents;
    shape[n] = HONE_END_DIM;
    return hone_randn_v(shape);
}

static hone_tensor *call_rows(int i, hone_tensor *const *in, int n, int64_t begin, int64_t end)
{
    hone_tensor *own[4];
    for (int k = 0; k < n; k++) {
        const bool sample = k == 0 || row_ops[i].more[0][0] < 0;
        own[k] = sample ? hone_slice(in[k], 0, begin, end, 1) : in[k];
    }
    const hone_tensor_list y =
        hone_call(row_ops[i].op, (hone_tensor_list){ own, n }, row_ops[i].attributes);
    return y.at ? y.at[0] : NULL;
}

static void check_row_op(int i)
{
    HONE_SCOPE();
    hone_tensor *in[4] = { hone_abs(shaped(row_ops[i].shape, MOST)) };
    int n = 1;
    for (; n < 4 && row_ops[i].more[n - 1][0]; n++)
        in[n] = row_ops[i].more[n - 1][0] < 0 ? shaped(row_ops[i].shape, MOST)
                                              : shaped(row_ops[i].more[n - 1], 0);
    hone_tensor *want = call_rows(i, in, n, 0, MOST);
    for (int b = 0; b < N_BATCHES; b++) {
        const int64_t at = (MOST - batches[b]) * (b % 3) / 2, end = at + batches[b];
        hone_tensor *got = call_rows(i, in, n, at, end);
        if (!want || !got || !same_bits(got, hone_slice(want, 0, at, end, 1)))
            fail(row_ops[i].op, "rows differ");
    }
}

static hone_tensor *convolve(hone_tensor *x, hone_tensor *w)
{
    return hone_conv2d(x, w, HONE_NONE, &(hone_conv2d_options){ .padding = { 1, 1 } });
}

static void check_convolution(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 9, 3, 8, 7), *w = hone_randn(HONE_F32, 5, 3, 3, 3);
    hone_tensor *want = convolve(x, w);
    for (int64_t n = 1; n < 9; n++) {
        hone_tensor *got = convolve(hone_slice(x, 0, 9 - n, 9, 1), w);
        if (!same_bits(got, hone_slice(want, 0, 9 - n, 9, 1)))
            fail("conv2d", "samples differ");
    }
}

/* ---- gradients */

typedef hone_tensor *(*model)(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w);

static hone_tensor *linear(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_linear_relu(x, w[0], w[1]);
}

static hone_tensor *product(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_matmul(x, w[0]);
}

static hone_tensor *product_of_turned(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_add(hone_matmul(x, hone_transpose(w[0], 0, 1)), w[1]);
}

static hone_tensor *from_the_left(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_matmul(w[0], x);
}

static hone_tensor *heads(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_matmul(hone_unsqueeze(x, 1), w[0]);
}

static hone_tensor *added(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    hone_tensor *all = hone_expand(hone_slice(w[1], 0, 1, 8, 1), hone_size(x, 0), 7);
    return hone_add(hone_mul(x, w[0]), all);
}

static hone_tensor *multiplied(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_where(hone_gt_scalar(x, 0), hone_maximum(hone_div(x, w[0]), w[2]),
                      hone_pow(hone_abs(x), w[1]));
}

static hone_tensor *normed(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_layer_norm(x, w[0], w[1], 1, 1e-5);
}

static hone_tensor *embedded(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)x;
    return hone_index(w[0], ids);
}

static hone_tensor *table(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)x;
    return hone_embedding(ids, w[0], 3);
}

static hone_tensor *bag_sums(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    return hone_embedding_bag(ids, w[0], HONE_NONE, x, HONE_BAG_SUM, 3, false);
}

static hone_tensor *bag_maxima(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)x;
    return hone_embedding_bag(ids, w[0], HONE_NONE, HONE_NONE, HONE_BAG_MAX, 3, false);
}

static hone_tensor *gathered(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)x;
    return hone_gather(hone_slice(w[0], 0, 2, 12, 1), 0, ids);
}

static hone_tensor *convolved(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_conv2d(x, w[0], w[1], NULL);
}

static hone_tensor *batch_normed(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_batch_norm(x, hone_zeros(HONE_F32, 3), hone_ones(HONE_F32, 3), w[0], w[1], NULL);
}

static hone_tensor *added_product(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    return hone_addmm(w[1], x, w[0]);
}

/* By sequences, either dim first; the last one in both directions, of one weight for each. */
static hone_tensor *lstm(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    const hone_rnn_options o = { .batch_first = true };
    hone_tensor *zeros = hone_zeros_like(w[2]);
    return hone_lstm(x, HONE_NONE, HONE_NONE, hone_list(w[0], w[1], w[2], zeros), &o).output;
}

static hone_tensor *gru(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    hone_tensor *zeros = hone_zeros_like(w[2]), *first = hone_transpose(x, 0, 1);
    hone_tensor *y = hone_gru(first, HONE_NONE, hone_list(w[0], w[1], zeros, w[2]), NULL).output;
    return hone_transpose(y, 0, 1);
}

static hone_tensor *rnn_backwards(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    const hone_rnn_options o = { .batch_first = true, .bidirectional = true };
    hone_tensor *fixed = hone_mul_scalar(hone_ones_like(w[0]), 0.1);
    hone_tensor *square = hone_mul_scalar(hone_ones_like(w[1]), 0.1);
    return hone_rnn_tanh(x, HONE_NONE, hone_list(fixed, square, w[0], w[1]), &o).output;
}

/* w[0] twice, once turned and once a slice of it, and its bias twice. */
static hone_tensor *tied(hone_tensor *x, hone_tensor *ids, hone_tensor *const *w)
{
    (void)ids;
    hone_tensor *h = hone_linear_relu(x, w[0], w[1]);
    hone_tensor *back = hone_matmul(h, hone_transpose(w[0], 0, 1));
    hone_tensor *some = hone_matmul(hone_slice(back, 1, 0, 5, 1), hone_slice(w[0], 0, 2, 7, 1));
    return hone_add(hone_mul(some, w[1]), h);
}

static const struct {
    const char *name;
    model of;
    int64_t x[4];    /* a sample */
    int64_t y[4];    /* its result */
    int64_t w[3][5]; /* leaves */
    int64_t ids[2];  /* a sample's, below 10 */
    bool tied;       /* has to be accumulated */
} models[] = {
    { "linear", linear, { 20 }, { 9 }, { { 20, 9 }, { 9 } }, { 0 }, false },
    { "linear of positions", linear, { 6, 20 }, { 6, 9 }, { { 20, 9 }, { 9 } }, { 0 }, false },
    { "linear of many positions",
      linear,
      { 300, 5 },
      { 300, 9 },
      { { 5, 9 }, { 9 } },
      { 0 },
      false },
    { "linear of one column", linear, { 70 }, { 1 }, { { 70, 1 }, { 1 } }, { 0 }, false },
    { "matmul", product, { 33 }, { 65 }, { { 33, 65 } }, { 0 }, false },
    { "matmul by a vector", product, { 4, 33 }, { 4 }, { { 33 } }, { 0 }, false },
    { "matmul turned", product_of_turned, { 33 }, { 10 }, { { 10, 33 }, { 1, 10 } }, { 0 }, false },
    { "matmul from the left", from_the_left, { 6, 5 }, { 4, 5 }, { { 4, 6 } }, { 0 }, false },
    { "matmul of heads", heads, { 6, 5 }, { 3, 6, 4 }, { { 3, 5, 4 } }, { 0 }, false },
    { "addmm", added_product, { 20 }, { 9 }, { { 20, 9 }, { 9 } }, { 0 }, false },
    { "broadcast, slice and expand", added, { 7 }, { 7 }, { { 1, 7 }, { 11 } }, { 0 }, false },
    { "broadcast to three dims",
      multiplied,
      { 5, 7 },
      { 5, 7 },
      { { 7 }, { 5, 1 }, { 1 } },
      { 0 },
      false },
    { "layer_norm", normed, { 40 }, { 40 }, { { 40 }, { 40 } }, { 0 }, false },
    { "layer_norm of positions",
      normed,
      { 130, 17 },
      { 130, 17 },
      { { 17 }, { 17 } },
      { 0 },
      false },
    { "index", embedded, { 1 }, { 4, 6 }, { { 10, 6 } }, { 4 }, false },
    { "embedding", table, { 1 }, { 4, 6 }, { { 10, 6 } }, { 4 }, false },
    { "embedding_bag", bag_sums, { 4 }, { 6 }, { { 10, 6 } }, { 4 }, false },
    { "embedding_bag of maxima", bag_maxima, { 1 }, { 6 }, { { 10, 6 } }, { 4 }, false },
    { "gather", gathered, { 1 }, { 4 }, { { 20, 4 } }, { 4 }, false },
    { "conv2d", convolved, { 3, 8, 8 }, { 4, 6, 6 }, { { 4, 3, 3, 3 }, { 4 } }, { 0 }, false },
    { "conv2d of many positions",
      convolved,
      { 2, 20, 20 },
      { 4, 18, 18 },
      { { 4, 2, 3, 3 }, { 4 } },
      { 0 },
      false },
    { "batch_norm", batch_normed, { 3, 5, 7 }, { 3, 5, 7 }, { { 3 }, { 3 } }, { 0 }, false },
    { "lstm", lstm, { 7, 5 }, { 7, 6 }, { { 24, 5 }, { 24, 6 }, { 24 } }, { 0 }, false },
    { "lstm of many steps",
      lstm,
      { 300, 3 },
      { 300, 2 },
      { { 8, 3 }, { 8, 2 }, { 8 } },
      { 0 },
      false },
    { "gru, time first", gru, { 7, 5 }, { 7, 6 }, { { 18, 5 }, { 18, 6 }, { 18 } }, { 0 }, false },
    { "rnn backwards", rnn_backwards, { 7, 5 }, { 7, 6 }, { { 3, 5 }, { 3, 3 } }, { 0 }, false },
    { "tied weights", tied, { 8 }, { 9 }, { { 8, 9 }, { 9 } }, { 0 }, true },
};
enum { N_MODELS = sizeof models / sizeof *models, SAMPLES = 12, N_LEAVES = 3 };

typedef struct {
    hone_tensor *x, *ids, *dy, *w[N_LEAVES]; /* all samples; the leaves' values */
    int n_leaves;
} batch;

static batch batch_of(int i)
{
    batch b = { .x = shaped(models[i].x, SAMPLES), .dy = shaped(models[i].y, SAMPLES) };
    b.ids = hone_randint(HONE_I64, 0, 10, SAMPLES, models[i].ids[0] ? models[i].ids[0] : 1);
    for (; b.n_leaves < N_LEAVES && models[i].w[b.n_leaves][0]; b.n_leaves++)
        b.w[b.n_leaves] = hone_abs(shaped(models[i].w[b.n_leaves], 0));
    return b;
}

/* The gradients by parts of so many samples, 0 after the last: walk after walk, or accumulated. */
static bool by_parts(int i, const batch *b, const int *parts, bool accumulate, hone_tensor **w)
{
    for (int k = 0; k < b->n_leaves; k++)
        w[k] = hone_requires_grad_(hone_clone(b->w[k]), true);
    bool ok = !accumulate || hone_accumulate_begin(SAMPLES) == HONE_OK;
    for (int64_t at = 0; *parts; at += *parts++) {
        const int64_t end = at + *parts;
        ok = ok && (!accumulate || hone_accumulate_part(*parts) == HONE_OK);
        hone_tensor *y =
            models[i].of(hone_slice(b->x, 0, at, end, 1), hone_slice(b->ids, 0, at, end, 1), w);
        const hone_backward_options of = { .gradient = hone_slice(b->dy, 0, at, end, 1) };
        ok = ok && hone_backward_with(y, &of) == HONE_OK;
    }
    return ok && (!accumulate || hone_accumulate_end() == HONE_NONE);
}

static bool by_walk_over(int i, const batch *b, bool create_graph, hone_tensor *const *w,
                         hone_tensor_list *grads)
{
    hone_tensor *y = models[i].of(b->x, b->ids, w);
    const hone_autograd_options options = { .grad_outputs = hone_list(b->dy),
                                            .create_graph = create_graph };
    *grads = hone_autograd_grad(
        hone_list(y), (hone_tensor_list){ (hone_tensor **)(uintptr_t)w, b->n_leaves }, &options);
    return grads->at;
}

static void check_model(int i)
{
    static const int cuts[][SAMPLES + 1] = { { 6, 6 },  { 4, 4, 4 },
                                             { 1, 11 }, { 5, 1, 6 },
                                             { 11, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } };
    HONE_SCOPE();
    const batch b = batch_of(i);
    hone_tensor *whole[N_LEAVES], *cut[N_LEAVES];
    if (!by_parts(i, &b, (const int[]){ SAMPLES, 0 }, false, whole)) {
        fail(models[i].name, "failed");
        return;
    }
    for (size_t c = 0; c < 2 * sizeof cuts / sizeof *cuts; c++) {
        if (models[i].tied && c % 2 == 0)
            continue;
        if (!by_parts(i, &b, cuts[c / 2], c % 2, cut))
            fail(models[i].name, "parts failed");
        for (int k = 0; k < b.n_leaves; k++)
            if (!same_bits(hone_grad(whole[k]), hone_grad(cut[k])))
                fail(models[i].name, "a cut has other bits");
    }
    for (int create = 0; create < 2; create++) {
        hone_tensor_list grads;
        if (!by_walk_over(i, &b, create, whole, &grads)) {
            fail(models[i].name, "autograd_grad failed");
            continue;
        }
        for (int k = 0; k < b.n_leaves; k++)
            if (!same_bits(hone_grad(whole[k]), grads.at[k]))
                fail(models[i].name,
                     create ? "create_graph has other bits" : "autograd_grad has other bits");
    }
}

/* ---- training */

/* Two towers of one weight, whose answers are compared; noise, a mask and two losses. */
typedef struct {
    hone_tensor *weight, *bias, *head;
} towers;

static hone_tensor *tower(const towers *t, hone_tensor *x)
{
    hone_tensor *kept = hone_gt_scalar(hone_rand(HONE_F32, hone_size(x, 0), hone_size(x, 1)), 0.2);
    return hone_linear_relu(hone_mul(x, hone_to(kept, HONE_F32)), t->weight, t->bias);
}

static void walk(const towers *t, hone_tensor *x, hone_tensor *y)
{
    hone_tensor *left = tower(t, x);
    hone_tensor *right = tower(t, hone_neg(x));
    hone_tensor *noisy =
        hone_add(left, hone_mul_scalar(hone_randn(HONE_F32, hone_size(x, 0), 16), 0.1));
    hone_tensor *first = hone_cross_entropy(hone_matmul(hone_mul(noisy, right), t->head), y);
    hone_tensor *second = hone_cross_entropy(hone_matmul(right, t->head), y);
    hone_backward(hone_add(first, hone_mul_scalar(second, 0.3)));
}

/* Steps of it, each in so many parts, 0: at once; the bits of what comes out in `result`. */
static bool train(int parts, hone_tensor **result)
{
    hone_seed(3);
    hone_tensor *x = hone_randn(HONE_F32, SAMPLES, 30);
    hone_tensor *y = hone_randint(HONE_I64, 0, 5, SAMPLES);
    towers t = { hone_mul_scalar(hone_randn(HONE_F32, 30, 16), 0.2), hone_zeros(HONE_F32, 16),
                 hone_mul_scalar(hone_randn(HONE_F32, 16, 5), 0.2) };
    hone_tensor **w[] = { &t.weight, &t.bias, &t.head };
    for (int i = 0; i < 3; i++)
        hone_requires_grad_(*w[i], true);
    hone_optim *optim = hone_sgd_list(hone_list(t.weight, t.bias, t.head),
                                      &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9 });
    for (int step = 0; step < 4; step++) {
        hone_optim_zero_grad(optim);
        if (parts == 0)
            walk(&t, x, y);
        else
            hone_accumulate_begin(SAMPLES);
        for (int i = 0; i < parts; i++) {
            const int64_t begin = i * SAMPLES / parts, end = (i + 1) * SAMPLES / parts;
            hone_accumulate_part(end - begin);
            walk(&t, hone_slice(x, 0, begin, end, 1), hone_slice(y, 0, begin, end, 1));
        }
        if (parts > 0)
            result[3] = hone_accumulate_end();
        hone_optim_step(optim);
    }
    for (int i = 0; i < 3; i++)
        result[i] = hone_detach(*w[i]);
    result[4] = hone_rand(HONE_F32, 3); /* the generator went on as far */
    hone_optim_free(optim);
    return hone_error_code() == HONE_OK;
}

static void check_training(void)
{
    HONE_SCOPE();
    hone_tensor *at_once[5], *whole[5], *cut[5];
    if (!train(0, at_once) || !train(1, whole))
        fail("two towers", "failed");
    at_once[3] = whole[3];
    for (int parts = 1; parts <= SAMPLES; parts++) {
        if (!train(parts, cut))
            fail("two towers", "parts failed");
        for (int i = 0; i < 5; i++)
            if (!same_bits(at_once[i], cut[i]))
                fail("two towers", "a cut has other bits");
    }
}

int main(int argc, char **argv)
{
    if (hone_init() != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return 0;
    hone_seed(1);
    const char *isa = getenv("HONE_ISA");
    if (argc > 1 && strcmp(argv[1], "rows") == 0) {
        check_products(isa && strcmp(isa, "scalar") == 0);
        for (int i = 0; i < N_ROW_OPS; i++)
            check_row_op(i);
        check_convolution();
    } else {
        for (int i = 0; i < N_MODELS; i++)
            check_model(i);
        check_training();
    }
    return failures > 0;
}
