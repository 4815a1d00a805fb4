/* PyTorch's own samples (OpInfo) by hone_call: outputs and gradients within PyTorch's tolerances. The committed
 * ones (opinfo.safetensors, opinfo.txt; make_opinfo.py says what their lines mean) all pass. With HONE_OPINFO_DIR
 * those of that directory are run, and HONE_OPINFO_TABLE names a file for a table of what came out. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE(opinfo);

typedef struct {
    char number[16], op[64], dtype[8], inputs[24], outputs[8], core[4], name[96];
    double rtol, atol;
    const char *attributes;
} sample;

/* ---- a file's tensors by name */

static hone_named_list tensors;
static const hone_named **sorted;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const hone_named *const *)a)->name, (*(const hone_named *const *)b)->name);
}

static int name_against(const void *name, const void *entry)
{
    return strcmp(name, (*(const hone_named *const *)entry)->name);
}

static hone_tensor *tensor_of(const sample *s, char kind, int i)
{
    char name[40];
    snprintf(name, sizeof name, "%s.%c%d", s->number, kind, i);
    const hone_named *const *found =
        bsearch(name, sorted, (size_t)tensors.n, sizeof(const hone_named *), name_against);
    return found ? (*found)->tensor : NULL;
}

/* ---- what is known to fail, and why; dtypes: one, "integers", which bool is among, or "all" */

static const struct {
    const char *name, *dtypes, *why;
} known[] = {
    { "as_strided.partial_views", "all", "what isn't of x is out of its reach" },
    { "einsum", "integers", "sums of products are of floats" },
    { "nn.functional.bilinear", "integers", "sums of products are of floats" },
    { "addmv", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "addbmm", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "baddbmm", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "addmm", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "addmm.decomposed", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "addr", "integers", "PyTorch cuts alpha 0.6 to 0" },
    { "nn.functional.unfold", "bool", "of floats" },
    { "nn.functional.margin_ranking_loss", "integers", "losses are of floats" },
    { "nn.functional.triplet_margin_loss", "integers", "losses are of floats" },
    { "nn.functional.cosine_embedding_loss", "integers", "losses are of floats" },
    { "nn.functional.poisson_nll_loss", "integers", "losses are of floats" },
    { "nn.functional.interpolate.bilinear", "u8", "PyTorch computes bytes in fixed point" },
    { "nn.functional.interpolate.bicubic", "u8", "PyTorch computes bytes in fixed point" },
    { "nn.functional.upsample_bilinear", "u8", "PyTorch computes bytes in fixed point" },
    { "nn.functional.layer_norm", "f32", "a negative eps leaves little of a variance" },
    { "native_layer_norm", "f32", "a negative eps leaves little of a variance" },
    { "nn.functional.rms_norm", "f64", "a negative eps is none" },
    { "logcumsumexp", "f32", "PyTorch's f32 gradient is off by more than its tolerance" },
    { "digamma", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
    { "polygamma.polygamma_n_0", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
    { "polygamma.polygamma_n_1", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
    { "polygamma.polygamma_n_2", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
    { "polygamma.polygamma_n_3", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
    { "polygamma.polygamma_n_4", "f32", "PyTorch's f32 trigamma is less exact than its tolerance" },
};

static bool is_among(const char *dtypes, const char *dtype)
{
    return strcmp(dtypes, dtype) == 0 || strcmp(dtypes, "all") == 0 ||
           (strcmp(dtypes, "integers") == 0 && dtype[0] != 'f');
}

static const char *reason(const sample *s)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, s->name) == 0 && is_among(known[i].dtypes, s->dtype))
            return known[i].why;
    return NULL;
}

/* ---- comparing */

/* The worst of |got - want| / (atol + rtol |want|): at most 1 passes; infinite if something else differs. */
static double error_of(hone_tensor *got, hone_tensor *want, const sample *s)
{
    if (!got || !want || hone_dim(got) != hone_dim(want) || hone_numel(got) != hone_numel(want))
        return (double)INFINITY;
    for (int d = 0; d < hone_dim(got); d++)
        if (hone_size(got, d) != hone_size(want, d))
            return (double)INFINITY;
    if (hone_dtype_of(got) != hone_dtype_of(want))
        return (double)INFINITY;
    hone_tensor *a = hone_contiguous(hone_to(got, HONE_F64)),
                *b = hone_contiguous(hone_to(want, HONE_F64));
    const double *x = hone_data(a), *y = hone_data(b);
    double worst = 0;
    for (int64_t i = 0; i < hone_numel(want); i++) {
        if (x[i] == y[i] || (x[i] != x[i] && y[i] != y[i]))
            continue;
        const double off = fabs(x[i] - y[i]) / (s->atol + s->rtol * fabs(y[i]));
        worst = off > worst || off != off ? (off == off ? off : (double)INFINITY) : worst;
    }
    return worst;
}

/* The sum of y times 1, 1.5, 2, 1 ... over all outputs that have a gradient. */
static hone_tensor *weighted(hone_tensor_list y)
{
    hone_tensor *sum = NULL;
    for (int i = 0; i < y.n; i++) {
        if (!hone_requires_grad(y.at[i]))
            continue;
        hone_tensor *w =
            hone_remainder_scalar(hone_arange(HONE_I64, 0, (double)hone_numel(y.at[i]), 1), 3);
        w = hone_add_scalar(hone_mul_scalar(hone_to(w, hone_dtype_of(y.at[i])), 0.5), 1);
        hone_tensor *part = hone_sum(hone_mul(hone_reshape(y.at[i], -1), w));
        sum = sum ? hone_add(sum, part) : part;
    }
    return sum;
}

/* A list of views isn't what hone_call gives: "sizes=1,3,1 dim=2". */
static hone_tensor_list split(hone_tensor *x, const char *attributes)
{
    int64_t sizes[HONE_MAX_DIMS + 1];
    int n = 0;
    const char *at = strchr(attributes, '='), *dim = strstr(attributes, "dim=");
    for (; at && n < HONE_MAX_DIMS && (*at == '=' || *at == ','); n++) {
        char *end;
        sizes[n] = strtoll(at + 1, &end, 10);
        at = end;
    }
    sizes[n] = HONE_END_DIM;
    return hone_split_with_sizes_v(x, sizes, atoi(dim + 4));
}

/* The worst error of a sample; what is wrong goes to `why`. */
static double run(const sample *s, char *why, size_t room)
{
    HONE_SCOPE();
    hone_tensor *in[24], *leaves[24];
    int n = 0, n_leaves = 0, of[24];
    double worst = 0;
    *why = 0;
    for (const char *c = s->inputs; *c && *c != '-'; c++, n++) {
        in[n] = *c == 'n' ? HONE_NONE : tensor_of(s, 'i', n);
        if (*c != 'g')
            continue;
        in[n] = hone_requires_grad_(hone_clone(in[n]), true);
        of[n_leaves] = n;
        leaves[n_leaves++] = in[n];
    }
    hone_tensor_list y = strcmp(s->op, "split_with_sizes") == 0
                             ? split(in[0], s->attributes)
                             : hone_call(s->op, hone_list_n(in, n), s->attributes);
    if (!y.at) {
        snprintf(why, room, "%s", hone_error_message());
        hone_error_clear();
        return (double)INFINITY;
    }
    for (int i = 0; s->outputs[i]; i++) {
        const double off = s->outputs[i] == '-' ? 0
                           : i < y.n            ? error_of(y.at[i], tensor_of(s, 'o', i), s)
                                                : (double)INFINITY;
        if (off > 1 && !*why)
            snprintf(why, room, "output %d", i);
        worst = off > worst ? off : worst;
    }
    hone_tensor *loss = n_leaves ? weighted(y) : NULL;
    if (!n_leaves)
        return worst;
    hone_tensor_list d = { NULL, 0 };
    if (loss)
        d = hone_autograd_grad(hone_list(loss), hone_list_n(leaves, n_leaves),
                               &(hone_autograd_options){ .allow_unused = true });
    if (!d.at) {
        snprintf(why, room, "%s", loss ? hone_error_message() : "no gradient");
        hone_error_clear();
        return (double)INFINITY;
    }
    for (int i = 0; i < n_leaves; i++) {
        hone_tensor *want = tensor_of(s, 'g', of[i]);
        hone_tensor *got = d.at[i] == HONE_NONE ? hone_zeros_like(want) : d.at[i];
        const double off = error_of(got, want, s);
        if (off > 1 && !*why)
            snprintf(why, room, "gradient of input %d", of[i]);
        worst = off > worst ? off : worst;
    }
    return worst;
}

/* ---- the table: a row for each of PyTorch's names */

typedef struct {
    char name[96], op[64], why[160];
    bool core;
    int samples, passed, unsaid, explained;
    double worst; /* of those that passed */
} table_row;

static table_row table[600];
static int rows;

static table_row *row_of(const sample *s)
{
    for (int i = rows - 1; i >= 0; i--)
        if (strcmp(table[i].name, s->name) == 0)
            return &table[i];
    cr_assert_lt(rows, 600);
    table_row *r = &table[rows++];
    snprintf(r->name, sizeof r->name, "%s", s->name);
    r->core = s->core[0] == 'c';
    return r;
}

static void count(const sample *s)
{
    char why[160];
    table_row *r = row_of(s);
    r->samples++;
    if (s->op[0] == '-') {
        r->unsaid++;
        return;
    }
    snprintf(r->op, sizeof r->op, "%s", s->op);
    const double off = run(s, why, sizeof why);
    if (off <= 1) {
        r->passed++;
        r->worst = off > r->worst ? off : r->worst;
        return;
    }
    r->explained += reason(s) != NULL;
    if (!*r->why || !reason(s))
        snprintf(r->why, sizeof r->why, "%s: %.120s", s->dtype, reason(s) ? reason(s) : why);
}

static void print_table(const char *path)
{
    FILE *f = fopen(path, "w");
    int samples = 0, passed = 0, core_samples = 0, core_passed = 0;
    cr_assert(f);
    fprintf(f,
            "| PyTorch's name | hone's | core | samples | passed | worst error / tolerance | not "
            "said | first failure |\n"
            "|---|---|---|---:|---:|---:|---:|---|\n");
    for (int i = 0; i < rows; i++) {
        const table_row *r = &table[i];
        fprintf(f, "| %s | %s | %s | %d | %d | %.2g | %d | %s |\n", r->name, r->op,
                r->core ? "core" : "", r->samples, r->passed, r->worst, r->unsaid, r->why);
        samples += r->samples;
        passed += r->passed;
        core_samples += r->core ? r->samples : 0;
        core_passed += r->core ? r->passed : 0;
    }
    fprintf(f, "\n%d samples of %d names, %d passed (%.2f %%)\n", samples, rows, passed,
            100.0 * passed / samples);
    fprintf(f, "Of them core and differentiable: %d samples, %d passed (%.2f %%)\n", core_samples,
            core_passed, 100.0 * core_passed / core_samples);
    fclose(f);
}

static bool parse(char *line, sample *s)
{
    int used = 0;
    *s = (sample){ 0 };
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%15s %63s %7s %23s %7s %lf %lf %3s %95s%n", s->number, s->op, s->dtype,
               s->inputs, s->outputs, &s->rtol, &s->atol, s->core, s->name, &used) < 9)
        return false;
    s->attributes = line + used;
    return true;
}

Test(opinfo, samples_of_pytorch_pass)
{
    const char *given = getenv("HONE_OPINFO_DIR"),
               *dir = given ? given : HONE_SOURCE_DIR "/tests/golden",
               *to = getenv("HONE_OPINFO_TABLE");
    char path[1000], line[2000];
    HONE_SCOPE();
    snprintf(path, sizeof path, "%s/opinfo.safetensors", dir);
    tensors = hone_safetensors_load(path, NULL);
    cr_assert(tensors.at, "%s", hone_error_message());
    sorted = malloc((size_t)tensors.n * sizeof *sorted);
    for (int i = 0; i < tensors.n; i++)
        sorted[i] = &tensors.at[i];
    qsort(sorted, (size_t)tensors.n, sizeof *sorted, by_name);
    snprintf(path, sizeof path, "%s/opinfo.txt", dir);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    while (fgets(line, sizeof line, f)) {
        sample s;
        cr_assert(parse(line, &s), "%s", line);
        count(&s);
    }
    fclose(f);
    free(sorted);
    cr_assert_gt(rows, 100);
    if (to)
        print_table(to);
    for (int i = 0; i < rows && !given; i++)
        cr_expect_eq(table[i].passed + table[i].unsaid + table[i].explained, table[i].samples,
                     "%s: %d of %d: %s", table[i].name, table[i].passed, table[i].samples,
                     table[i].why);
}
