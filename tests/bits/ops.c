/* ops.c: contract 1 for every kernel: prints a line with the hash of its bits for every op of the
 * catalog (values and gradients of all its rows), for random numbers, products of many shapes,
 * plain and with an activation, and the optimizer's step. ops.sh runs it on every instruction set
 * and number of threads and compares the lines with the pinned ones, which other compilers and
 * other CPUs compare with too.
 *   ops         a line an op
 *   ops cases   a line a case too, to find out which of them differs
 *   ops probe   nothing; its status tells whether HONE_ISA and the other settings are accepted */
#include "catalog.h"

#include "core/access.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t hash; /* FNV-1a */
    bool failed;
} image;

static const image empty_image = { .hash = 14695981039346656037u };

/* The sign and payload of a NaN are not part of the contract. */
static void append_value(image *to, hone_dtype dtype, const char *p)
{
    char value[8] = { 0 };
    const size_t size = hone_dtype_size(dtype);
    memcpy(value, p, size);
    if ((dtype == HONE_F32 || dtype == HONE_F64) && isnan(hone__element(dtype, p)))
        memset(value, 0x7f, size);
    for (size_t i = 0; i < size; i++)
        to->hash = (to->hash ^ (unsigned char)value[i]) * 1099511628211u;
}

static void append(image *to, hone_tensor *t)
{
    const size_t size = t ? hone_dtype_size(hone_dtype_of(t)) : 0;
    const size_t bytes = t ? (size_t)hone_numel(t) * size : 0;
    char *data = malloc(bytes + 1);
    if (!t || !data || hone_copy_out(t, data, bytes) != HONE_OK) {
        to->failed = true;
    } else {
        for (size_t i = 0; i < bytes; i += size)
            append_value(to, hone_dtype_of(t), data + i);
    }
    free(data);
}

/* y, and the gradients that y itself sends back to the inputs. */
static void run(image *to, hone_tensor *y, hone_tensor *const *x, int n)
{
    append(to, y);
    if (!y || !hone_requires_grad(y))
        return;
    const hone_backward_options from_y = { .gradient = hone_clone(hone_detach(y)) };
    to->failed |= hone_backward_with(y, &from_y) != HONE_OK;
    for (int i = 0; i < n; i++)
        if (hone_requires_grad(x[i]) && hone_grad(x[i]))
            append(to, hone_grad(x[i]));
}

/* `what` as the line's name: false and a message if the run failed. */
static bool print(const char *what, image of)
{
    if (of.failed || hone_error_code() != HONE_OK) {
        fprintf(stderr, "%s: %s\n", what, hone_error_message());
        return false;
    }
    printf("%016llx %s\n", (unsigned long long)of.hash, what);
    return true;
}

static bool each_case; /* asked for by the user */

static bool run_case(image *to, const catalog_row *row, const char *text, hone_dtype dtype)
{
    HONE_SCOPE();
    catalog_case c;
    if (!catalog_make(row, text, dtype, false, &c)) {
        fprintf(stderr, "%s: \"%s\" can't be built: %s\n", row->op, text, hone_error_message());
        return false;
    }
    for (int i = 0; i < c.n; i++)
        if (catalog_differentiable(row, &c, i))
            hone_requires_grad_(c.tensor[i], true);
    run(to, catalog_function(row)(row, c.tensor, c.n), c.tensor, c.n);
    const bool good = !each_case || print(c.text, *to);
    catalog_free(&c);
    return good;
}

static bool run_row(image *to, const catalog_row *row)
{
    bool good = true;
    for (int dtype = 0; dtype < HONE_DTYPES; dtype++) {
        if (!(catalog_dtypes(row) & CATALOG_BIT(dtype)))
            continue;
        good &= run_case(to, row, row->cases[0], (hone_dtype)dtype);
        if (row->bits)
            good &= run_case(to, row, row->bits, (hone_dtype)dtype);
    }
    return good;
}

static bool seen_before(int row)
{
    for (int i = 0; i < row; i++)
        if (strcmp(catalog_at(i)->op, catalog_at(row)->op) == 0)
            return true;
    return false;
}

static bool run_catalog(void)
{
    bool good = true;
    for (int i = 0; i < catalog_count(); i++) {
        if (seen_before(i))
            continue;
        image op = empty_image;
        for (int j = i; j < catalog_count(); j++)
            if (strcmp(catalog_at(i)->op, catalog_at(j)->op) == 0)
                good &= run_row(&op, catalog_at(j));
        good &= print(catalog_at(i)->op, op);
    }
    return good;
}

static bool run_random(void)
{
    HONE_SCOPE();
    const struct {
        const char *name;
        hone_tensor *y;
    } draws[] = {
        { "rand f32", hone_rand(HONE_F32, 100003) },
        { "rand f64", hone_rand(HONE_F64, 100003) },
        { "randn f32", hone_randn(HONE_F32, 100003) },
        { "randn f64", hone_randn(HONE_F64, 100003) },
        { "randint i64", hone_randint(HONE_I64, -7, 1000000007, 100003) },
        { "randperm", hone_randperm(100003) },
    };
    bool good = true;
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        image result = empty_image;
        run(&result, draws[i].y, NULL, 0);
        good &= print(draws[i].name, result);
    }
    return good;
}

/* Products large enough to be cut: by rows, by columns, by k, with tiles left over, with k in
 * several blocks, and those that are sums of products (dot). */
static const struct {
    int64_t batch, m, n, k;
} products[] = {
    { 1, 1, 1000, 700 },   { 1, 1000, 1, 700 },  { 1, 7, 9, 11 },      { 1, 100, 100, 784 },
    { 1, 784, 100, 100 },  { 1, 100, 10, 100 },  { 1, 10, 100, 5000 }, { 1, 3, 5, 20000 },
    { 1, 129, 257, 1030 }, { 1, 300, 70, 33 },   { 9, 17, 31, 65 },    { 1, 63, 65, 4099 },
    { 1, 2, 400, 300 },    { 1, 1100, 530, 60 },
};

static hone_tensor *operand(hone_dtype dtype, int64_t batch, int64_t rows, int64_t cols, bool turn)
{
    hone_tensor *x =
        turn ? hone_randn(dtype, batch, cols, rows) : hone_randn(dtype, batch, rows, cols);
    return hone_requires_grad_(turn ? hone_transpose(x, 1, 2) : x, true);
}

/* Bit 0 and 1 of `form`: a and b lie transposed in memory; bit 2: f64. */
static bool run_form(image *to, size_t i, int form)
{
    HONE_SCOPE();
    const hone_dtype dtype = form & 4 ? HONE_F64 : HONE_F32;
    const int64_t batch = products[i].batch, m = products[i].m, n = products[i].n;
    const int64_t k = products[i].k;
    hone_tensor *x[] = { operand(dtype, batch, m, k, form & 1),
                         operand(dtype, batch, k, n, form & 2) };
    run(to, hone_matmul(x[0], x[1]), x, 2);
    char name[80];
    snprintf(name, sizeof name, "product %lldx%lldx%lldx%lld %s %d", (long long)batch, (long long)m,
             (long long)n, (long long)k, hone_dtype_name(dtype), form & 3);
    return !each_case || print(name, *to);
}

static bool run_products(void)
{
    bool good = true;
    image all = empty_image;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        for (int form = 0; form < 8; form++)
            good &= run_form(&all, i, form);
    return good & print("products", all);
}

/* The same with a bias and an activation in the product's last pass, in turn. */
static bool run_fused_form(image *to, size_t i, int form)
{
    HONE_SCOPE();
    hone_tensor *(*const fused[])(hone_tensor *, hone_tensor *,
                                  hone_tensor *) = { hone_linear_gelu, hone_linear_relu,
                                                     hone_linear_gelu_tanh };
    static const char *const names[] = { "linear_gelu", "linear_relu", "linear_gelu_tanh" };
    const size_t which = (i + (size_t)form) % 3;
    const hone_dtype dtype = form & 4 ? HONE_F64 : HONE_F32;
    const int64_t n = products[i].n, k = products[i].k;
    hone_tensor *weight =
        form & 2 ? hone_transpose(hone_randn(dtype, n, k), 0, 1) : hone_randn(dtype, k, n);
    hone_tensor *x[] = { operand(dtype, products[i].batch, products[i].m, k, form & 1),
                         hone_requires_grad_(weight, true),
                         hone_requires_grad_(hone_randn(dtype, n), true) };
    run(to, fused[which](x[0], x[1], x[2]), x, 3);
    char name[80];
    snprintf(name, sizeof name, "%s %lldx%lldx%lldx%lld %s %d", names[which],
             (long long)products[i].batch, (long long)products[i].m, (long long)n, (long long)k,
             hone_dtype_name(dtype), form & 3);
    return !each_case || print(name, *to);
}

static bool run_fused_products(void)
{
    bool good = true;
    image all = empty_image;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        for (int form = 0; form < 8; form++)
            good &= run_fused_form(&all, i, form);
    return good & print("fused products", all);
}

/* Three steps, so that the state is in use. */
static bool run_steps(const char *name, hone_dtype dtype, const hone_sgd_options *options)
{
    HONE_SCOPE();
    hone_tensor *p = hone_requires_grad_(hone_randn(dtype, 70001), true);
    hone_optim *optim = hone_sgd_list((hone_tensor_list){ &p, 1 }, options);
    image result = empty_image;
    for (int i = 0; i < 3; i++) {
        result.failed |= hone_backward(hone_sum(hone_square(p))) != HONE_OK;
        result.failed |= hone_optim_step(optim) != HONE_OK;
    }
    append(&result, p);
    hone_optim_free(optim);
    return print(name, result);
}

static bool run_optimizers(void)
{
    const hone_sgd_options plain = { .lr = 0.1 };
    const hone_sgd_options full = {
        .lr = 0.1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.01
    };
    const hone_sgd_options nesterov = { .lr = 0.1, .momentum = 0.9, .nesterov = true };
    bool good = run_steps("sgd f32", HONE_F32, &plain);
    good &= run_steps("sgd f64", HONE_F64, &plain);
    good &= run_steps("sgd f32 with momentum and decay", HONE_F32, &full);
    good &= run_steps("sgd f64 with momentum and decay", HONE_F64, &full);
    return good & run_steps("sgd f32 nesterov", HONE_F32, &nesterov);
}

/* The others by name; at the end, so that the streams of random numbers before stay as they were. */
static bool run_named_steps(const char *name, hone_dtype dtype, const char *options)
{
    HONE_SCOPE();
    hone_tensor *p = hone_requires_grad_(hone_randn(dtype, 307, 101), true);
    hone_optim *optim = hone_optim_by_name(name, (hone_tensor_list){ &p, 1 }, options);
    image result = empty_image;
    for (int i = 0; i < 12; i++) { /* radam goes another way from step 6 on */
        HONE_SCOPE();
        result.failed |= hone_backward(hone_sum(hone_pow_scalar(p, 3))) != HONE_OK;
        result.failed |= hone_optim_step(optim) != HONE_OK;
    }
    append(&result, p);
    hone_optim_free(optim);
    char text[120];
    snprintf(text, sizeof text, "%s %s %s", name, hone_dtype_name(dtype), options);
    return print(text, result);
}

static bool run_other_optimizers(void)
{
    static const char *const all[][2] = {
        { "adam", "weight_decay=0.01 amsgrad=true" },
        { "adamw", "lr=0.01" },
        { "nadam", "lr=0.01" },
        { "radam", "lr=0.01 decoupled_weight_decay=true weight_decay=0.01" },
        { "adamax", "lr=0.01" },
        { "rmsprop", "lr=0.01 momentum=0.9 centered=true" },
        { "adagrad", "lr_decay=0.1" },
        { "adadelta", "weight_decay=0.01" },
        { "lion", "lr=0.01 weight_decay=0.1" },
        { "muon", "lr=0.01" },
    };
    bool good = true;
    hone_seed(16);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int wide = 0; wide < 2; wide++)
            good &= run_named_steps(all[i][0], wide ? HONE_F64 : HONE_F32, all[i][1]);
    return good;
}

int main(int argc, char **argv)
{
    if (hone_init() != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return 0;
    each_case = argc > 1 && strcmp(argv[1], "cases") == 0;
    hone_seed(1);
    bool good = run_random();
    good &= run_optimizers();
    good &= run_products();
    good &= run_catalog();
    good &= run_fused_products();
    good &= run_other_optimizers();
    return good ? 0 : 1;
}
