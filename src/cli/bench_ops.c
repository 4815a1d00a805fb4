/* bench_ops.c: the suite of ops as a user calls them, allocation and checks included, nothing
 * recorded: on a few elements (what a call costs) and on matrices that fill a cache.
 *
 * The rows are the ops that there are (hone__op_list) and take matrices or images; what an op is
 * given follows from its declaration. An op on matrices of n elements takes [s, s], s * s = n;
 * "strided" takes its transpose, "last dim" places along that instead of the first. Convolution,
 * pooling and batch norm take one image [1, C, h, h] of about as many, a kernel of 3 x 3 or windows
 * of 2 x 2. A row measures what the
 * op's public function does, hone__call(): its name and attributes are looked up once, before. The
 * rate counts what it reads and writes; the peak is a copy of as much memory, for products the
 * register tile. */
#include "bench.h"
#include "cli.h"
#include "core/core.h"
#include "op/named.h"
#include "op/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows besides the one that each op has, or attributes that are not those of every op. */
typedef struct {
    const char *op, *variant, *attributes;
    bool transposed; /* its first input is made so by each call */
} form;

static const form forms[] = {
    { "gather", "contiguous", "dim=0" },
    { "gather", "last dim", "dim=1" },
    { "scatter_add", "contiguous", "dim=0" },
    { "scatter_add", "last dim", "dim=1" },
    { "clone", "contiguous" },
    { "clone", "strided", .transposed = true },
    { "relu", "contiguous" },
    { "relu", "strided", .transposed = true },
    { "topk", "contiguous", "k=5" },
    { "batch_norm", "contiguous" }, /* evaluation */
    { "batch_norm", "training", "training=true" },
};
enum { N_FORMS = sizeof forms / sizeof *forms };

typedef struct {
    union { /* first: what the peak's call takes */
        hone__memory_pass memory;
        hone__tile tile;
    } peak;
    const hone__op *op;
    bool transposed;
    int n_in;
    hone_tensor *in[HONE__OP_INPUTS];
    _Alignas(8) char options[HONE__OPTIONS_BYTES];
} work;

static hone_tensor *call(const work *w)
{
    hone_tensor *in[HONE__OP_INPUTS];
    if (!w->transposed)
        return hone__call(w->op, w->in, w->n_in, w->options);
    memcpy(in, w->in, sizeof in);
    in[0] = hone_transpose(in[0], 0, 1);
    return hone__call(w->op, in, w->n_in, w->options);
}

static bool run_op(void *ctx)
{
    HONE_SCOPE();
    return call(ctx) != NULL;
}

/* ---- what an op is given, by its declaration */

static bool starts_with(const hone__op *op, const char *family)
{
    return strncmp(op->name, family, strlen(family)) == 0;
}

static bool is_convolution(const hone__op *op)
{
    return starts_with(op, "conv2d");
}

static bool takes_images(const hone__op *op)
{
    return is_convolution(op) || starts_with(op, "max_pool2d") || starts_with(op, "batch_norm");
}

/* Of images that have about s * s elements. */
static int64_t image_channels(int64_t s)
{
    return s < 64 ? 4 : 64;
}

static int64_t image_side(int64_t s)
{
    return s < 64 ? (s + 1) / 2 : s / 8;
}

enum { KERNEL = 3 };

/* A family by the beginning of its names; its rate is GFLOP/s. */
static bool is_product(const hone__op *op)
{
    return strcmp(op->name, "matmul") == 0 || strcmp(op->name, "mm") == 0 ||
           strcmp(op->name, "addmm") == 0 || starts_with(op, "linear") || is_convolution(op);
}

static double flops_of(const hone__op *op, int64_t s)
{
    const double side = (double)image_side(s), channels = (double)image_channels(s);
    return is_convolution(op) ? 2 * side * side * KERNEL * KERNEL * channels * channels
                              : 2.0 * (double)(s * s) * (double)s;
}

/* Whole numbers 0 .. s - 1 in i64. */
static hone_tensor *places(int64_t rows, int64_t cols, int64_t s)
{
    return hone_to(bench_tensor(HONE_F32, rows, cols, 0, (double)s), HONE_I64);
}

/* An image, places in one, a kernel, or a number a channel. */
static hone_tensor *image_operand(const hone__op *op, const char *name, int64_t s)
{
    const int64_t c = image_channels(s), h = image_side(s);
    if (strcmp(name, "x") == 0 || strcmp(name, "dy") == 0)
        return hone_reshape(bench_tensor(HONE_F32, c, h * h, 0.5, 2), 1, c, h, h);
    if (strcmp(name, "indices") == 0)
        return hone_reshape(places(c, h * h, h * h), 1, c, h, h);
    if (strcmp(name, "weight") == 0 && is_convolution(op))
        return hone_reshape(bench_tensor(HONE_F32, c, c * KERNEL * KERNEL, 0.5, 2), c, c, KERNEL,
                            KERNEL);
    return hone_reshape(bench_tensor(HONE_F32, 1, c, 0.5, 2), c);
}

/* Names tell what an input is, as in PyTorch: places [s, s], a class a row, a choice, a number, a row of
 * numbers. All others are numbers [s, s] in (0.5, 2). */
static hone_tensor *operand(const hone__op *op, const char *name, int64_t s)
{
    if (takes_images(op))
        return image_operand(op, name, s);
    if (strcmp(name, "index") == 0)
        return places(s, s, s);
    if (strcmp(name, "indices") == 0 || strcmp(name, "target") == 0)
        return hone_reshape(places(1, s, s), s);
    if (strcmp(name, "value") == 0)
        return hone_scalar(HONE_F32, 0.5);
    if (strcmp(name, "condition") == 0 || strcmp(name, "mask") == 0)
        return bench_tensor(HONE_BOOL, s, s, 0.5, 2);
    if (strcmp(name, "bias") == 0 || (strcmp(name, "weight") == 0 && !is_product(op)))
        return hone_reshape(bench_tensor(HONE_F32, 1, s, 0.5, 2), s);
    return bench_tensor(HONE_F32, s, s, 0.5, 2);
}

/* A list has two of them, or one of places; what callers don't give isn't there. */
static bool make_operands(work *w, int64_t s)
{
    const hone__slot *slot = w->op->in;
    w->n_in = 0;
    for (int i = 0; i < HONE__OP_INPUTS && slot[i].name; i++) {
        const bool twice = (slot[i].is & (HONE__LIST | HONE__CONSTANT)) == HONE__LIST;
        for (int k = 0; k < 1 + twice && w->n_in < HONE__OP_INPUTS; k++)
            if (!(w->in[w->n_in++] =
                      slot[i].is & HONE__HIDDEN ? HONE_NONE : operand(w->op, slot[i].name, s)))
                return false;
    }
    return true;
}

/* Extents of the gradient, windows; convolutions keep the image's size. */
static void image_attributes(const hone__op *op, int64_t s, char *text, size_t size)
{
    const bool of_weight = strcmp(op->name, "conv2d_backward_weight") == 0;
    const long long extent = of_weight ? KERNEL : image_side(s);
    *text = 0;
    for (const hone__option *o = op->options; o && o->name; o++) {
        const size_t used = strlen(text);
        if (strcmp(o->name, "height") == 0 || strcmp(o->name, "width") == 0)
            snprintf(text + used, size - used, "%s=%lld ", o->name, extent);
        else if (strcmp(o->name, "kernel_size") == 0)
            snprintf(text + used, size - used, "%s=2 ", o->name);
        else if (strcmp(o->name, "padding") == 0 && is_convolution(op))
            snprintf(text + used, size - used, "%s=%d ", o->name, KERNEL / 2);
    }
}

/* A value for an attribute that has no default: the second dim, a number that no op takes a short
 * cut for, another dtype, the matrix's shape. */
static void add_attribute(const hone__option *o, int64_t s, char *text, size_t size)
{
    static const char *const values[] = {
        [HONE__OPT_INT] = "1",
        [HONE__OPT_FLOAT] = "1.5",
        [HONE__OPT_BOOL] = "true",
        [HONE__OPT_DTYPE] = "f64",
    };
    char value[64];
    if (strcmp(o->name, "dim0") == 0)
        strcpy(value, "0");
    else if (strcmp(o->name, "dims") == 0)
        strcpy(value, "1,0");
    else if (strcmp(o->name, "repeats") == 0)
        strcpy(value, o->kind == HONE__OPT_DIMS ? "2,2" : "2");
    else if (strcmp(o->name, "shifts") == 0)
        strcpy(value, "1");
    else if (o->kind == HONE__OPT_DIMS)
        snprintf(value, sizeof value, "%lld,%lld", (long long)s, (long long)s);
    else
        snprintf(value, sizeof value, "%s",
                 o->kind == HONE__OPT_CHOICE ? o->choices[0] : values[o->kind]);
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s=%s ", o->name, value);
}

static bool make_options(work *w, const char *attributes, int64_t s)
{
    char text[256] = "";
    if (takes_images(w->op))
        image_attributes(w->op, s, text, sizeof text);
    else
        for (const hone__option *o = w->op->options; o && o->name; o++)
            if (o->required)
                add_attribute(o, s, text, sizeof text);
    return hone__options_read(w->op, attributes ? attributes : text, w->options);
}

static bool make_work(work *w, const hone__op *op, const form *f, int64_t s)
{
    *w = (work){ .op = op, .transposed = f && f->transposed };
    return make_operands(w, s) && make_options(w, f ? f->attributes : NULL, s);
}

/* One that has a function which makes something new of what it is given; of others there is no row.
 */
static bool has_rows(const hone__op *op)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    work w;
    if (op->forms != HONE__FRESH && op->forms != HONE__BOTH)
        return false;
    const bool good = make_work(&w, op, NULL, 8) && call(&w);
    hone_error_clear();
    return good;
}

/* ---- rows */

static double bytes_of(hone_tensor *t)
{
    return (double)hone_numel(t) * (double)hone_dtype_size(hone_dtype_of(t));
}

/* What a call reads and writes; a view, or a tensor that is given back as it is: nothing. */
static double traffic(const work *w)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    double bytes = 0;
    const int n = hone__run(w->op, w->in, w->n_in, w->options, HONE__INTO_FRESH, out);
    for (int o = 0; o < n; o++)
        bytes += out[o] ? bytes_of(out[o]) : 0;
    for (int i = 0; i < w->n_in; i++)
        bytes += w->in[i] == HONE_NONE ? 0 : bytes_of(w->in[i]);
    return n < 0 ? -1 : out[0]->storage == w->in[0]->storage ? 0 : bytes;
}

static bool do_row(bench_run *run, const hone__op *op, const form *f, int64_t s)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const int threads = run->report.running;
    const bool product = is_product(op);
    work w;
    const double bytes = make_work(&w, op, f, s) ? traffic(&w) : -1;
    if (bytes < 0) { /* tensordot of all with all is past any memory, topk has few to choose from */
        fprintf(stderr, "bench: %s of %lld elements is left out: %s\n", op->name,
                (long long)(s * s), hone_error_message());
        hone_error_clear();
        return true;
    }
    bench_row row = { .name = op->name,
                      .dtype = "f32",
                      .variant = f ? f->variant : "contiguous",
                      .level = hone__mem_level_of(bytes),
                      .elements = s * s,
                      .flops = product };
    row.side[BENCH_HONE] =
        (bench_side){ .call = run_op, .work = product ? flops_of(op, s) : bytes };
    hone_tensor *to = NULL, *from = NULL;
    if (product && hone__tile_make(&w.peak.tile, HONE__GEMM_F32, threads)) {
        row.side[BENCH_PEAK] = bench_tile_side(&w.peak.tile);
    } else if (!product && bytes > 0) {
        const int64_t half = (int64_t)bytes / 2;
        if (!(to = bench_tensor(HONE_F32, 1, half / 4 + 1, 0, 1)) ||
            !(from = bench_tensor(HONE_F32, 1, half / 4 + 1, 0, 1)))
            return false;
        row.side[BENCH_PEAK] =
            bench_memory_side(&w.peak.memory, HONE__STREAM_COPY, threads, half, to, from, NULL);
    }
    const bool good = bench_do_row(run, &row, &w);
    if (product)
        free(w.peak.tile.panels);
    return good;
}

/* The op's forms, or the one of every op: for k = 0, 1, ..., false past the last. */
static bool form_at(const hone__op *op, int k, const form **f)
{
    int found = 0;
    for (int i = 0; i < N_FORMS; i++) {
        if (strcmp(forms[i].op, op->name) != 0 || found++ != k)
            continue;
        *f = &forms[i];
        return true;
    }
    *f = NULL;
    return found == 0 && k == 0;
}

/* The sides of a row's matrices; of what goes round a matrix again and again smaller ones. */
static int64_t side(const hone__op *op, int k)
{
    static const char *const again[] = { "qr", "svd", "eigh" };
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (strcmp(op->name, again[i]) == 0)
            return k ? 64 : 8;
    return k ? 512 : 8;
}

int bench_ops(bench_run *run, bool count)
{
    const int64_t one = run->m > 0 ? (int64_t)sqrt((double)run->m) : 0;
    int rows = 0;
    for (const hone__op *const *op = hone__op_list; *op; op++) {
        const form *f;
        if (!bench_wants_dtype(run, HONE_F32) || !bench_wants(run, (*op)->name) || !has_rows(*op))
            continue;
        for (int i = 0; form_at(*op, i, &f); i++)
            for (int k = 0; k < (one ? 1 : 2); k++, rows++)
                if (!count && !do_row(run, *op, f, one ? one : side(*op, k)))
                    return -1;
    }
    return rows;
}
