/* onnx_ops.c: hone's ops -> ONNX's, opset 21. Where the two differ (a NaN in Sign or ArgMax, means of
 * nothing) so do results; a shape is the one of the input that was traced. */
#if HONE_HAS_PROTOBUF_C

#include "run/onnx.h"

#include "runtime/memory.h"

#include <hone/ops.h>

#include <math.h>
#include <string.h>

/* ---- the call that is told */

static const void *option(const hone__onnx *g, const char *name, hone__option_kind *kind)
{
    for (const hone__option *o = g->ctx->op->options; o && o->name; o++)
        if (strcmp(o->name, name) == 0) {
            *kind = o->kind;
            return g->ctx->options + o->offset;
        }
    return NULL;
}

static double number(const hone__onnx *g, const char *name)
{
    hone__option_kind kind;
    const void *at = option(g, name, &kind);
    if (!at)
        return 0;
    switch (kind) {
    case HONE__OPT_FLOAT:
        return *(const double *)at;
    case HONE__OPT_BOOL:
        return *(const bool *)at;
    case HONE__OPT_CHOICE:
        return *(const int *)at;
    case HONE__OPT_DTYPE:
        return *(const hone_dtype *)at;
    default:
        return (double)*(const int64_t *)at;
    }
}

static int64_t whole(const hone__onnx *g, const char *name)
{
    hone__option_kind kind;
    const void *at = option(g, name, &kind);
    return !at                        ? 0
           : kind == HONE__OPT_CHOICE ? *(const int *)at
           : kind == HONE__OPT_BOOL   ? *(const bool *)at
                                      : *(const int64_t *)at;
}

/* As many as the op has dims of places. */
static void places(const hone__onnx *g, const char *name, int n, int64_t *out)
{
    hone__option_kind kind;
    const int64_t *at = option(g, name, &kind);
    const int has = !at ? 0 : kind == HONE__OPT_PAIR ? 2 : kind == HONE__OPT_TRIPLE ? 3 : 1;
    for (int i = 0; i < n; i++)
        out[i] = has == 0 ? 0 : at[i < has ? i : has - 1];
}

static hone_tensor *input(const hone__onnx *g, int i)
{
    return i < g->ctx->n_in ? g->ctx->in[i] : HONE_NONE;
}

static const char *in(hone__onnx *g, int i)
{
    return hone__onnx_name(g, input(g, i));
}

static const hone_tensor *result(const hone__onnx *g)
{
    return g->out[0];
}

/* An input in the result's dtype. */
static const char *promoted(hone__onnx *g, int i)
{
    const char *name = in(g, i);
    if (!hone__is_real(input(g, i)) || input(g, i)->dtype == result(g)->dtype)
        return name;
    name = HONE__ONNX(g, "Cast", name);
    hone__onnx_int(g, "to", hone__onnx_type((hone_dtype)result(g)->dtype));
    return name;
}

static const char *plain_number(hone__onnx *g, double value)
{
    return hone__onnx_number(g, value, (hone_dtype)result(g)->dtype);
}

static int64_t axis(int64_t dim, int ndim)
{
    return dim < 0 ? dim + ndim : dim;
}

/* ---- element by element */

typedef struct {
    const char *op, *type;
} pair;

static const pair unary[] = {
    { "relu", "Relu" },
    { "sigmoid", "Sigmoid" },
    { "tanh", "Tanh" },
    { "exp", "Exp" },
    { "log", "Log" },
    { "sqrt", "Sqrt" },
    { "abs", "Abs" },
    { "neg", "Neg" },
    { "erf", "Erf" },
    { "floor", "Floor" },
    { "ceil", "Ceil" },
    { "sin", "Sin" },
    { "cos", "Cos" },
    { "tan", "Tan" },
    { "softplus", "Softplus" },
    { "hardswish", "HardSwish" },
    { "mish", "Mish" },
    { "softsign", "Softsign" },
    { "reciprocal", "Reciprocal" },
    { "selu", "Selu" },
    { "logical_not", "Not" },
    { "contiguous", "Identity" },
    { "clone", "Identity" },
    { "sign", "Sign" },
    { "round", "Round" },
};

static const pair binary[] = {
    { "add", "Add" },        { "sub", "Sub" },        { "mul", "Mul" },
    { "div", "Div" },        { "pow", "Pow" },        { "maximum", "Max" },
    { "minimum", "Min" },    { "add_scalar", "Add" }, { "sub_scalar", "Sub" },
    { "mul_scalar", "Mul" }, { "div_scalar", "Div" }, { "pow_scalar", "Pow" },
};

static const char *find(const pair *pairs, size_t n, const char *op)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(pairs[i].op, op) == 0)
            return pairs[i].type;
    return NULL;
}
#define FIND(pairs, op) find(pairs, sizeof pairs / sizeof *pairs, op)

static const char *binary_node(hone__onnx *g, const char *type)
{
    const bool scalar = strstr(g->ctx->op->name, "_scalar");
    const char *a = promoted(g, 0);
    return HONE__ONNX(g, type, a, scalar ? plain_number(g, number(g, "s")) : promoted(g, 1));
}

static const char *gelu(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "Gelu", in(g, 0));
    hone__onnx_text(g, "approximate", strcmp(g->ctx->op->name, "gelu") == 0 ? "none" : "tanh");
    return out;
}

static const char *silu(hone__onnx *g)
{
    const char *x = in(g, 0);
    return HONE__ONNX(g, "Mul", x, HONE__ONNX(g, "Sigmoid", x));
}

static const char *leaky_relu(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "LeakyRelu", in(g, 0));
    hone__onnx_float(g, "alpha", number(g, "negative_slope"));
    return out;
}

static const char *elu(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "Elu", in(g, 0));
    hone__onnx_float(g, "alpha", number(g, "alpha"));
    return out;
}

static const char *hardsigmoid(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "HardSigmoid", in(g, 0));
    hone__onnx_float(g, "alpha", 1.0 / 6);
    hone__onnx_float(g, "beta", 0.5);
    return out;
}

static const char *clamp(hone__onnx *g)
{
    const double min = number(g, "min"), max = number(g, "max");
    const char *low = isinf(min) ? "" : plain_number(g, min);
    return HONE__ONNX(g, "Clip", in(g, 0), low, isinf(max) ? "" : plain_number(g, max));
}

static const char *cast(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "Cast", in(g, 0));
    hone__onnx_int(g, "to", hone__onnx_type((hone_dtype)result(g)->dtype));
    return out;
}

static const char *where(hone__onnx *g)
{
    const char *condition = in(g, 0);
    return HONE__ONNX(g, "Where", condition, promoted(g, 1), promoted(g, 2));
}

static const char *dropout(hone__onnx *g)
{
    return whole(g, "training") ? hone__onnx_refuse(g, "is in training mode")
                                : HONE__ONNX(g, "Identity", in(g, 0));
}

/* ---- products */

static const char *linear(hone__onnx *g)
{
    const char *x = in(g, 0), *weight = in(g, 1), *bias = in(g, 2);
    if (input(g, 0)->ndim == 2)
        return HONE__ONNX(g, "Gemm", x, weight, bias);
    const char *y = HONE__ONNX(g, "MatMul", x, weight);
    return bias && *bias ? HONE__ONNX(g, "Add", y, bias) : y;
}

static const char *linear_relu(hone__onnx *g)
{
    return HONE__ONNX(g, "Relu", linear(g));
}

static const char *matmul(hone__onnx *g)
{
    const char *a = promoted(g, 0);
    return HONE__ONNX(g, "MatMul", a, promoted(g, 1));
}

/* Scores, mask, softmax, values. */
static const char *attention(hone__onnx *g)
{
    const hone_tensor *q = input(g, 0), *k = input(g, 1), *mask = input(g, 3);
    const int n = q->ndim;
    int64_t perm[HONE_MAX_DIMS];
    if (whole(g, "enable_gqa"))
        return hone__onnx_refuse(g, "with enable_gqa isn't written");
    if (mask != HONE_NONE && mask->dtype == HONE_BOOL)
        return hone__onnx_refuse(g, "with a mask of bools isn't written");
    for (int d = 0; d < n; d++)
        perm[d] = d < n - 2 ? d : 2 * n - 3 - d;
    const double scale =
        number(g, "scale") != 0 ? number(g, "scale") : 1 / sqrt((double)q->shape[n - 1]);
    const char *turned = HONE__ONNX(g, "Transpose", in(g, 1));
    hone__onnx_list(g, "perm", perm, n);
    const char *scores = HONE__ONNX(g, "MatMul", in(g, 0), turned);
    scores = HONE__ONNX(g, "Mul", scores, plain_number(g, scale));
    if (mask != HONE_NONE)
        scores = HONE__ONNX(g, "Add", scores, in(g, 3));
    if (whole(g, "is_causal")) {
        const int64_t rows = q->shape[n - 2], columns = k->shape[n - 2];
        hone_tensor *later =
            hone__own(hone__new("export", HONE_F32, 2, (const int64_t[]){ rows, columns }));
        float *at = later ? hone__data(later) : NULL;
        for (int64_t i = 0; at && i < rows * columns; i++)
            at[i] = i % columns > i / columns ? -INFINITY : 0;
        char name[32];
        hone__format(name, sizeof name, "causal_%d", g->counter++);
        const char *added =
            later ? hone__onnx_constant(g, hone_to(later, (hone_dtype)result(g)->dtype), name)
                  : NULL;
        scores = HONE__ONNX(g, "Add", scores, added);
    }
    const char *weights = HONE__ONNX(g, "Softmax", scores);
    hone__onnx_int(g, "axis", -1);
    return HONE__ONNX(g, "MatMul", weights, in(g, 2));
}

/* ---- windows */

/* Attributes that convolutions and poolings share; pads: those before, then those after. */
static void window(hone__onnx *g, int n, bool pool)
{
    int64_t kernel[3], stride[3], padding[3], dilation[3], pads[6];
    places(g, "kernel_size", n, kernel);
    places(g, "stride", n, stride);
    places(g, "padding", n, padding);
    places(g, "dilation", n, dilation);
    for (int i = 0; i < n; i++) {
        stride[i] = stride[i] ? stride[i] : pool ? kernel[i] : 1;
        dilation[i] = dilation[i] ? dilation[i] : 1;
        pads[i] = pads[n + i] = padding[i];
    }
    hone__onnx_list(g, "strides", stride, n);
    hone__onnx_list(g, "pads", pads, 2 * n);
    if (pool)
        hone__onnx_list(g, "kernel_shape", kernel, n);
    if (!pool || strncmp(g->ctx->op->name, "max", 3) == 0)
        hone__onnx_list(g, "dilations", dilation, n);
}

static const char *conv(hone__onnx *g)
{
    const int n = input(g, 0)->ndim - 2;
    const bool transposed = strncmp(g->ctx->op->name, "conv_transpose", 14) == 0;
    int64_t more[3];
    if (input(g, 1)->ndim != n + 2)
        return hone__onnx_refuse(g, "without a batch isn't written");
    if (whole(g, "auto_pad") != 0)
        return hone__onnx_refuse(g, "with automatic padding isn't written");
    const char *x = in(g, 0), *weight = in(g, 1);
    const char *out = HONE__ONNX(g, transposed ? "ConvTranspose" : "Conv", x, weight, in(g, 2));
    window(g, n, false);
    hone__onnx_int(g, "group", whole(g, "groups") ? whole(g, "groups") : 1);
    places(g, "output_padding", n, more);
    if (transposed)
        hone__onnx_list(g, "output_padding", more, n);
    return out;
}

static const char *pool(hone__onnx *g)
{
    const char *name = g->ctx->op->name;
    const int n = name[strlen(name) - 2] - '0'; /* max_pool2d */
    if (input(g, 0)->ndim != n + 2)
        return hone__onnx_refuse(g, "without a batch isn't written");
    if (whole(g, "divisor_override") != 0)
        return hone__onnx_refuse(g, "with divisor_override isn't written");
    const bool max = name[0] == 'm';
    const char *out = HONE__ONNX(g, max ? "MaxPool" : "AveragePool", in(g, 0));
    window(g, n, true);
    hone__onnx_int(g, "ceil_mode", whole(g, "ceil_mode"));
    if (!max)
        hone__onnx_int(g, "count_include_pad", !whole(g, "count_exclude_pad"));
    return out;
}

static const char *adaptive(hone__onnx *g)
{
    const hone_tensor *x = input(g, 0), *y = result(g);
    int64_t kernel[3];
    const int n = x->ndim - 2;
    bool one = true;
    for (int d = 0; d < n; d++) {
        one = one && y->shape[2 + d] == 1;
        if (y->shape[2 + d] == 0 || x->shape[2 + d] % y->shape[2 + d] != 0)
            return hone__onnx_refuse(g, "of sizes that don't divide each other isn't written");
        kernel[d] = x->shape[2 + d] / y->shape[2 + d];
    }
    if (one)
        return HONE__ONNX(g, "GlobalAveragePool", in(g, 0));
    const char *out = HONE__ONNX(g, "AveragePool", in(g, 0));
    hone__onnx_list(g, "kernel_shape", kernel, n);
    hone__onnx_list(g, "strides", kernel, n);
    return out;
}

/* ---- norms */

/* Weights that aren't there are ones, biases zeros. */
static const char *or_all(hone__onnx *g, int i, double value, int64_t n)
{
    if (input(g, i) != HONE_NONE)
        return in(g, i);
    char name[32];
    hone__format(name, sizeof name, "all_%d", g->counter++);
    hone_tensor *t =
        hone_full_v((hone_dtype)result(g)->dtype, value, (int64_t[]){ n, HONE_END_DIM });
    return t ? hone__onnx_constant(g, t, name) : NULL;
}

static const char *batch_norm(hone__onnx *g)
{
    const int64_t n = input(g, 0)->shape[1];
    if (whole(g, "training") || input(g, 1) == HONE_NONE)
        return hone__onnx_refuse(g, "with statistics of the batch isn't written");
    const char *x = in(g, 0), *weight = or_all(g, 3, 1, n), *bias = or_all(g, 4, 0, n);
    const char *out = HONE__ONNX(g, "BatchNormalization", x, weight, bias, in(g, 1), in(g, 2));
    hone__onnx_float(g, "epsilon", number(g, "eps"));
    return out;
}

static const char *layer_norm(hone__onnx *g)
{
    const int64_t dims = whole(g, "n_dims");
    const hone_tensor *x = input(g, 0);
    if (dims != 1 && input(g, 1) == HONE_NONE)
        return hone__onnx_refuse(g, "over several dims without a weight isn't written");
    const char *weight = or_all(g, 1, 1, x->shape[x->ndim - 1]);
    const char *out = HONE__ONNX(g, "LayerNormalization", in(g, 0), weight, in(g, 2));
    hone__onnx_int(g, "axis", -dims);
    hone__onnx_float(g, "epsilon", number(g, "eps"));
    return out;
}

static const char *group_norm(hone__onnx *g)
{
    const int64_t n = input(g, 0)->shape[1];
    const char *weight = or_all(g, 1, 1, n), *bias = or_all(g, 2, 0, n);
    const char *out = HONE__ONNX(g, "GroupNormalization", in(g, 0), weight, bias);
    hone__onnx_int(g, "num_groups", whole(g, "num_groups"));
    hone__onnx_float(g, "epsilon", number(g, "eps"));
    return out;
}

/* ---- along a dim */

static const char *softmax(hone__onnx *g)
{
    const char *out = HONE__ONNX(
        g, strcmp(g->ctx->op->name, "softmax") == 0 ? "Softmax" : "LogSoftmax", in(g, 0));
    hone__onnx_int(g, "axis", axis(whole(g, "dim"), input(g, 0)->ndim));
    return out;
}

static const char *argmax(hone__onnx *g)
{
    const char *out = HONE__ONNX(g, "ArgMax", in(g, 0));
    hone__onnx_int(g, "axis", axis(whole(g, "dim"), input(g, 0)->ndim));
    hone__onnx_int(g, "keepdims", whole(g, "keepdim"));
    return out;
}

/* mean, mean_dim, mean_dims, and sums alike. */
static const char *reduce(hone__onnx *g)
{
    const char *name = g->ctx->op->name;
    const int ndim = input(g, 0)->ndim;
    hone__option_kind kind;
    int64_t axes[HONE_MAX_DIMS];
    int n = 0;
    const hone__shape *dims = option(g, "dims", &kind);
    if (dims)
        for (; n < dims->ndim; n++)
            axes[n] = axis(dims->shape[n], ndim);
    else if (option(g, "dim", &kind))
        axes[n++] = axis(whole(g, "dim"), ndim);
    if (n == 0)
        for (; n < ndim; n++)
            axes[n] = n;
    const char *x = promoted(g, 0);
    const char *out =
        HONE__ONNX(g, name[0] == 'm' ? "ReduceMean" : "ReduceSum", x, hone__onnx_ints(g, axes, n));
    hone__onnx_int(g, "keepdims", whole(g, "keepdim"));
    return out;
}

/* ---- shapes */

static const char *reshape(hone__onnx *g)
{
    return HONE__ONNX(g, "Reshape", in(g, 0),
                      hone__onnx_ints(g, result(g)->shape, result(g)->ndim));
}

static const char *expand(hone__onnx *g)
{
    return HONE__ONNX(g, "Expand", in(g, 0), hone__onnx_ints(g, result(g)->shape, result(g)->ndim));
}

static const char *permute(hone__onnx *g)
{
    const int n = input(g, 0)->ndim;
    int64_t perm[HONE_MAX_DIMS];
    hone__option_kind kind;
    const hone__shape *dims = option(g, "dims", &kind);
    for (int d = 0; d < n; d++)
        perm[d] = dims ? axis(dims->shape[d], n) : d;
    if (!dims && n > 0) {
        const int64_t a = axis(whole(g, "dim0"), n), b = axis(whole(g, "dim1"), n);
        perm[a] = b;
        perm[b] = a;
    }
    const char *out = HONE__ONNX(g, "Transpose", in(g, 0));
    hone__onnx_list(g, "perm", perm, n);
    return out;
}

static const char *slice(hone__onnx *g)
{
    const int64_t dim = axis(whole(g, "dim"), input(g, 0)->ndim), start = whole(g, "start"),
                  end = whole(g, "end"), step = whole(g, "step") ? whole(g, "step") : 1;
    const char *x = in(g, 0), *from = hone__onnx_ints(g, &start, 1);
    const char *to = hone__onnx_ints(g, &end, 1), *axes = hone__onnx_ints(g, &dim, 1);
    return HONE__ONNX(g, "Slice", x, from, to, axes, hone__onnx_ints(g, &step, 1));
}

static const char *select_one(hone__onnx *g)
{
    const char *x = in(g, 0);
    const char *out =
        HONE__ONNX(g, "Gather", x, hone__onnx_number(g, (double)whole(g, "index"), HONE_I64));
    hone__onnx_int(g, "axis", axis(whole(g, "dim"), input(g, 0)->ndim));
    return out;
}

static const char *cat(hone__onnx *g)
{
    const char **names = hone__onnx_room(g, (size_t)g->ctx->n_in * sizeof *names);
    for (int i = 0; names && i < g->ctx->n_in; i++)
        names[i] = promoted(g, i);
    const char *out = names ? hone__onnx_add(g, "Concat", names, g->ctx->n_in) : NULL;
    hone__onnx_int(g, "axis", axis(whole(g, "dim"), result(g)->ndim));
    return out;
}

static const char *embedding(hone__onnx *g)
{
    const char *weight = in(g, 1);
    return HONE__ONNX(g, "Gather", weight, in(g, 0));
}

/* ---- the table */

static const struct {
    const char *op;
    const char *(*write)(hone__onnx *g);
} table[] = {
    { "gelu", gelu },
    { "gelu_tanh", gelu },
    { "silu", silu },
    { "leaky_relu", leaky_relu },
    { "elu", elu },
    { "hardsigmoid", hardsigmoid },
    { "clamp", clamp },
    { "to", cast },
    { "where", where },
    { "dropout", dropout },
    { "linear", linear },
    { "linear_relu", linear_relu },
    { "matmul", matmul },
    { "bmm", matmul },
    { "mm", matmul },
    { "scaled_dot_product_attention", attention },
    { "conv1d", conv },
    { "conv2d", conv },
    { "conv3d", conv },
    { "conv_transpose1d", conv },
    { "conv_transpose2d", conv },
    { "conv_transpose3d", conv },
    { "max_pool1d", pool },
    { "max_pool2d", pool },
    { "max_pool3d", pool },
    { "avg_pool1d", pool },
    { "avg_pool2d", pool },
    { "avg_pool3d", pool },
    { "adaptive_avg_pool1d", adaptive },
    { "adaptive_avg_pool2d", adaptive },
    { "adaptive_avg_pool3d", adaptive },
    { "batch_norm", batch_norm },
    { "layer_norm", layer_norm },
    { "group_norm", group_norm },
    { "softmax", softmax },
    { "log_softmax", softmax },
    { "argmax", argmax },
    { "mean", reduce },
    { "mean_dim", reduce },
    { "mean_dims", reduce },
    { "sum", reduce },
    { "sum_dim", reduce },
    { "sum_dims", reduce },
    { "reshape", reshape },
    { "squeeze", reshape },
    { "unsqueeze", reshape },
    { "expand", expand },
    { "permute", permute },
    { "transpose", permute },
    { "slice", slice },
    { "select", select_one },
    { "cat", cat },
    { "embedding", embedding },
    { "recurrent_layer", hone__onnx_recurrent },
};

enum { N_TABLE = sizeof table / sizeof *table };

static const char *write_call(hone__onnx *g, const char *op)
{
    const char *type = FIND(unary, op);
    if (type)
        return HONE__ONNX(g, type, promoted(g, 0));
    if ((type = FIND(binary, op)) != NULL)
        return binary_node(g, type);
    for (int i = 0; i < N_TABLE; i++)
        if (strcmp(table[i].op, op) == 0)
            return table[i].write(g);
    return hone__onnx_refuse(g, "has no counterpart that hone writes");
}

bool hone__onnx_knows(const hone__op *op)
{
    for (int i = 0; i < N_TABLE; i++)
        if (strcmp(table[i].op, op->name) == 0)
            return true;
    return FIND(unary, op->name) || FIND(binary, op->name);
}

/* All that goes in is known without the network's input, or nothing does: so is what comes out. */
static bool is_constant(const hone__onnx *g, const hone_context *ctx)
{
    for (int i = 0; i < ctx->n_in; i++)
        for (int k = g->n; k-- > 0;)
            if (g->tensors[k] == ctx->in[i]) {
                if (!g->constants[k])
                    return false;
                break;
            }
    return true;
}

void hone__onnx_called(hone__tracer *tracer, const hone_context *ctx, hone_tensor *const *out)
{
    hone__onnx *g = (hone__onnx *)tracer;
    if (g->failed || g->error[0] || ctx->target != HONE__INTO_FRESH || is_constant(g, ctx))
        return;
    g->ctx = ctx;
    g->out = out;
    for (int i = 0; i < ctx->n_in; i++)
        if (out[0] == ctx->in[i]) /* it was already as it was wanted */
            return;
    const char *name = write_call(g, ctx->op->name);
    if (name)
        hone__onnx_bind(g, out[0], name, false);
    else if (!g->error[0])
        g->failed = true;
}

#else
typedef int hone__nothing_without_protobuf_c;
#endif
