/* gradcheck.c: are the gradients right? Central differences in f64 against the walk, element by
 * element; for second derivatives the same check is run on the function "gradients of f". Defaults
 * and rule are PyTorch's: |analytic - numeric| <= atol + rtol * |numeric|. */
#include "core/reserve.h"
#include "op/node.h"

#include <hone/ops.h>

#include "runtime/memory.h"

#include <math.h>
#include <string.h>

/* What is checked: some inputs to a list of outputs. */
typedef struct checked {
    hone_tensor_list (*call)(const struct checked *f, hone_tensor_list inputs);
    const char *kind, *name;
    hone_checkable fn;
    void *user;
    int n_inputs; /* of fn; second derivatives add one input an output */
    double eps, atol, rtol;
} checked;

typedef struct {
    int input, output;
    int64_t input_element, output_element;
    double analytic, numeric;
} mismatch;

/* ---- elements by their row-major number ---- */

static int64_t place_of(const hone_tensor *t, int64_t element)
{
    int64_t place = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        place += element % t->shape[d] * t->stride[d];
        element /= t->shape[d];
    }
    return place;
}

static double *element_of(const hone_tensor *t, int64_t element)
{
    return (double *)hone__data(t) + place_of(t, element);
}

static hone__text index_text(const hone_tensor *t, int64_t element)
{
    int64_t index[HONE_MAX_DIMS];
    for (int d = t->ndim - 1; d >= 0; d--) {
        index[d] = element % t->shape[d];
        element /= t->shape[d];
    }
    return hone__shape_text(t->ndim, index);
}

static void set_element(hone_tensor *t, int64_t element, double value)
{
    *element_of(t, element) = value;
    hone__bump(t);
}

/* ---- the two derivatives ---- */

/* Outputs at the present inputs as row-major doubles, one after another; false on error. */
static bool outputs_at(const checked *f, hone_tensor_list inputs, double *values, int64_t room)
{
    HONE_SCOPE();
    hone_tensor_list y = f->call(f, inputs);
    int64_t used = 0;
    if (!y.at)
        return false;
    for (int o = 0; o < y.n; o++) {
        int64_t n = y.at[o]->numel;
        if (used + n > room) {
            hone_error_set(HONE_E_GRADIENT, "%s %s: the function's output changed its size",
                           f->kind, f->name);
            return false;
        }
        for (int64_t i = 0; i < n; i++)
            values[used + i] = *element_of(y.at[o], i);
        used += n;
    }
    return true;
}

/* numeric[j] = d output j / d element i of input t */
static bool numeric_column(const checked *f, hone_tensor_list inputs, hone_tensor *t, int64_t i,
                           double *numeric, double *scratch, int64_t n_out)
{
    double x = *element_of(t, i);
    set_element(t, i, x + f->eps);
    bool ok = outputs_at(f, inputs, numeric, n_out);
    set_element(t, i, x - f->eps);
    ok = ok && outputs_at(f, inputs, scratch, n_out);
    set_element(t, i, x);
    for (int64_t j = 0; ok && j < n_out; j++)
        numeric[j] = (numeric[j] - scratch[j]) / (2 * f->eps);
    return ok;
}

static bool differ(const checked *f, double analytic, double numeric)
{
    if (isnan(analytic) || isnan(numeric))
        return !(isnan(analytic) && isnan(numeric));
    if (analytic == numeric)
        return false;
    return !(fabs(analytic - numeric) <= f->atol + f->rtol * fabs(numeric));
}

/* ---- the check ---- */

typedef struct {
    hone_tensor_list wanted; /* the inputs that require a gradient */
    int number[64];          /* their places among all inputs */
} selection;

static bool select_inputs(const checked *f, hone_tensor_list inputs, selection *s)
{
    s->wanted = hone__list_new(inputs.n);
    if (!s->wanted.at)
        return false;
    s->wanted.n = 0;
    for (int i = 0; i < inputs.n; i++) {
        hone_tensor *t = inputs.at[i];
        if (!hone_requires_grad(t))
            continue;
        if (t->dtype != HONE_F64 || t->node || hone__overlaps_itself(t) || s->wanted.n == 64) {
            hone_error_set(
                HONE_E_DTYPE,
                "%s %s: input %d (%s) must be an f64 leaf that doesn't overlap itself (and at "
                "most 64 inputs can be checked)",
                f->kind, f->name, i, hone__tensor_text(t).s);
            return false;
        }
        s->number[s->wanted.n] = i;
        s->wanted.at[s->wanted.n++] = t;
    }
    if (s->wanted.n > 0)
        return true;
    hone_error_set(HONE_E_STATE, "%s %s: no input requires a gradient", f->kind, f->name);
    return false;
}

/* Row `element` of the Jacobian of one output: its gradients by the walk, into analytic[input][..]
 * (rows of the total input size). */
static bool analytic_row(hone_tensor *y, int64_t element, hone_tensor_list wanted, double *row)
{
    HONE_SCOPE();
    int64_t used = 0, total = 0;
    for (int i = 0; i < wanted.n; i++)
        total += wanted.at[i]->numel;
    memset(row, 0, sizeof *row * (size_t)total);
    if (!hone_requires_grad(y))
        return true;
    hone_tensor *seed = hone_zeros_like(y);
    if (!seed)
        return false;
    *element_of(seed, element) = 1.0;
    hone_tensor_list grads = hone_autograd_grad(
        hone_list(y), wanted,
        &(hone_autograd_options){
            .grad_outputs = hone_list(seed), .retain_graph = true, .allow_unused = true });
    if (!grads.at)
        return false;
    for (int i = 0; i < wanted.n; i++) {
        const hone_tensor *g = grads.at[i];
        for (int64_t e = 0; g != HONE_NONE && e < g->numel; e++)
            row[used + e] = *element_of(g, e);
        used += wanted.at[i]->numel;
    }
    return true;
}

static hone_status report(const checked *f, const selection *s, hone_tensor_list y,
                          const mismatch *m)
{
    hone_tensor *x = s->wanted.at[m->input];
    return hone_error_set(
        HONE_E_GRADIENT,
        "%s %s: the gradient of input %d (%s) is wrong at element %s: analytic %.9g, numeric %.9g "
        "(of output %d, element %s)",
        f->kind, f->name, s->number[m->input], hone__tensor_text(x).s,
        index_text(x, m->input_element).s, m->analytic, m->numeric, m->output,
        index_text(y.at[m->output], m->output_element).s);
}

typedef struct {
    double *jacobian; /* [n_out, n_in] by the walk */
    double *numeric;  /* [n_out] */
    double *scratch;  /* [n_out] */
    int64_t n_in, n_out;
} tables;

static bool fill_jacobian(hone_tensor_list y, hone_tensor_list wanted, tables *t)
{
    int64_t j = 0;
    for (int o = 0; o < y.n; o++)
        for (int64_t e = 0; e < y.at[o]->numel; e++, j++)
            if (!analytic_row(y.at[o], e, wanted, t->jacobian + j * t->n_in))
                return false;
    return true;
}

static hone_status compare(const checked *f, hone_tensor_list inputs, hone_tensor_list y,
                           const selection *s, const tables *t)
{
    int64_t column = 0;
    for (int k = 0; k < s->wanted.n; k++) {
        for (int64_t i = 0; i < s->wanted.at[k]->numel; i++, column++) {
            if (!numeric_column(f, inputs, s->wanted.at[k], i, t->numeric, t->scratch, t->n_out))
                return hone__error_last();
            int64_t j = 0;
            for (int o = 0; o < y.n; o++)
                for (int64_t e = 0; e < y.at[o]->numel; e++, j++) {
                    double analytic = t->jacobian[j * t->n_in + column];
                    if (differ(f, analytic, t->numeric[j]))
                        return report(f, s, y, &(mismatch){ k, o, i, e, analytic, t->numeric[j] });
                }
        }
    }
    return HONE_OK;
}

static hone_status check(const checked *f, hone_tensor_list inputs)
{
    HONE_SCOPE();
    selection s;
    if (!select_inputs(f, inputs, &s))
        return hone__error_last();
    hone_tensor_list y = f->call(f, inputs);
    hone_status status = HONE_OK;
    tables t = { .n_in = 0 };
    if (!y.at)
        return hone__error_last();
    for (int o = 0; o < y.n; o++) {
        if (y.at[o]->dtype != HONE_F64)
            return hone_error_set(HONE_E_DTYPE, "%s %s: output %d is %s, not f64", f->kind, f->name,
                                  o, hone__tensor_text(y.at[o]).s);
        t.n_out = y.at[o]->numel < INT64_MAX - t.n_out ? t.n_out + y.at[o]->numel : INT64_MAX;
    }
    for (int k = 0; k < s.wanted.n; k++)
        t.n_in += s.wanted.at[k]->numel;
    /* [n_out, n_in], and [n_out] twice */
    t.jacobian = hone__malloc(hone__bytes(t.n_out, hone__bytes(t.n_in + 2, sizeof(double))));
    if (!t.jacobian)
        return HONE_E_NOMEM;
    t.numeric = t.jacobian + t.n_out * t.n_in;
    t.scratch = t.numeric + t.n_out;
    status = fill_jacobian(y, s.wanted, &t) ? compare(f, inputs, y, &s, &t) : hone__error_last();
    hone__free(t.jacobian);
    return status;
}

/* ---- first derivatives: the function itself ---- */

static hone_tensor_list call_function(const checked *f, hone_tensor_list inputs)
{
    uint64_t errors = hone__error_count();
    hone_tensor *y = f->fn(inputs.at, inputs.n, f->user);
    if (!y) {
        if (!hone__error_since(errors))
            hone_error_set(HONE_E_NULL, "%s %s: the function gave NULL", f->kind, f->name);
        return (hone_tensor_list){ NULL, 0 };
    }
    return hone__needs_tensor(f->kind, y) ? hone_list(y) : (hone_tensor_list){ NULL, 0 };
}

static checked make_check(const char *kind, const char *name, hone_checkable fn, void *user,
                          const hone_gradcheck_options *o)
{
    return (checked){
        .call = call_function,
        .kind = kind,
        .name = name ? name : "function",
        .fn = fn,
        .user = user,
        .eps = o && o->eps != 0 ? o->eps : 1e-6,
        .atol = o && o->atol != 0 ? o->atol : 1e-5,
        .rtol = o && o->rtol != 0 ? o->rtol : 1e-3,
    };
}

static bool inputs_given(const char *kind, hone_checkable fn, hone_tensor_list inputs)
{
    bool given = fn && inputs.at;
    if (!given)
        hone__error_missing(kind, "a function or the list of its inputs");
    for (int i = 0; given && i < inputs.n; i++)
        given = hone__needs_tensor(kind, inputs.at[i]);
    return given;
}

hone_status hone_gradcheck(const char *name, hone_checkable fn, void *user, hone_tensor_list inputs,
                           const hone_gradcheck_options *options)
{
    if (!HONE__KNOWS_OPTIONS("gradcheck", options) || !inputs_given("gradcheck", fn, inputs))
        return hone__error_last();
    checked f = make_check("gradcheck", name, fn, user, options);
    return check(&f, inputs);
}

/* ---- second derivatives: gradients of the function, by inputs and by the output's gradient (the
 * last input) ---- */

static hone_tensor_list call_gradient(const checked *f, hone_tensor_list inputs)
{
    const hone_tensor_list failed = { NULL, 0 };
    hone_tensor_list own = { inputs.at, f->n_inputs };
    hone_tensor_list y = call_function(f, own), wanted = hone__list_new(f->n_inputs);
    if (!y.at || !wanted.at)
        return failed;
    wanted.n = 0;
    for (int i = 0; i < own.n; i++)
        if (hone_requires_grad(own.at[i]))
            wanted.at[wanted.n++] = own.at[i];
    hone_tensor_list grads = hone_autograd_grad(
        y, wanted,
        &(hone_autograd_options){ .grad_outputs = hone_list(inputs.at[f->n_inputs]),
                                  .create_graph = true,
                                  .allow_unused = true });
    for (int i = 0; grads.at && i < grads.n; i++)
        if (grads.at[i] == HONE_NONE && !(grads.at[i] = hone_zeros_like(wanted.at[i])))
            return failed;
    return grads;
}

/* Fixed, well-spread values: the check must not touch the random generator. */
static void fill_pattern(hone_tensor *t)
{
    for (int64_t i = 0; i < t->numel; i++)
        set_element(t, i, 0.25 + (double)((i * 37 + 11) % 64) / 64.0);
}

hone_status hone_gradgradcheck(const char *name, hone_checkable fn, void *user,
                               hone_tensor_list inputs, const hone_gradcheck_options *options)
{
    if (!HONE__KNOWS_OPTIONS("gradgradcheck", options) ||
        !inputs_given("gradgradcheck", fn, inputs))
        return hone__error_last();
    HONE_SCOPE();
    checked f = make_check("gradgradcheck", name, fn, user, options);
    hone_tensor_list y = call_function(&f, inputs);
    if (!y.at)
        return hone__error_last();
    if (!hone_requires_grad(y.at[0]))
        return hone_error_set(HONE_E_STATE,
                              "gradgradcheck %s: the output %s doesn't require a gradient", f.name,
                              hone__tensor_text(y.at[0]).s);
    hone_tensor *v = hone_requires_grad_(hone_zeros_like(y.at[0]), true);
    hone_tensor_list all = hone__list_new(inputs.n + 1);
    if (!v || !all.at)
        return hone__error_last();
    fill_pattern(v);
    for (int i = 0; i < inputs.n; i++)
        all.at[i] = inputs.at[i];
    all.at[inputs.n] = v;
    f.call = call_gradient;
    f.n_inputs = inputs.n;
    return check(&f, all);
}

/* ---- custom functions ---- */

static hone_tensor *apply_function(hone_tensor *const *in, int n_in, void *user)
{
    hone_tensor *with_end[65];
    memcpy(with_end, in, sizeof *in * (size_t)n_in);
    with_end[n_in] = HONE_END_TENSOR;
    return hone_apply_v(user, with_end);
}

typedef hone_status check_kind(const char *name, hone_checkable fn, void *user,
                               hone_tensor_list inputs, const hone_gradcheck_options *options);

static hone_status check_function(const char *kind, check_kind *run, const hone_function *fn,
                                  hone_tensor *const *in_then_end)
{
    HONE_SCOPE();
    if (!fn || !in_then_end)
        return hone__error_missing(kind, "a function or one of its inputs");
    hone_tensor_list inputs = hone_list_v(in_then_end);
    if (!inputs.at)
        return hone__error_last();
    if (inputs.n > 64)
        return hone_error_set(HONE_E_VALUE, "%s: %d inputs, at most 64 are possible", kind,
                              inputs.n);
    return run(fn->name, apply_function, (void *)(uintptr_t)fn, inputs, NULL);
}

hone_status hone_gradcheck_function_v(const hone_function *fn, hone_tensor *const *in_then_end)
{
    return check_function("gradcheck", hone_gradcheck, fn, in_then_end);
}

hone_status hone_gradgradcheck_function_v(const hone_function *fn, hone_tensor *const *in_then_end)
{
    return check_function("gradgradcheck", hone_gradgradcheck, fn, in_then_end);
}
