/* tensors.c: a model's own parameters and buffers, and initial values. */
#include "run/build.h"

#include "core/core.h"

#include <hone/autograd.h>
#include <hone/init.h>
#include <hone/ops.h>

#include <string.h>

/* ---- reading arguments */

/* A number by name, or the one at `at` among those by place; false + an error. */
static bool number_of(const hone__arguments *a, const char *keyword, int at, double standard,
                      double *out)
{
    *out = standard;
    for (int i = 0; i < a->n; i++) {
        const hone__argument_value *v = &a->at[i];
        if (v->keyword ? strcmp(v->keyword, keyword) != 0 : i != at)
            continue;
        if (!hone__value_is_number(&v->value))
            return hone__complain(v->place, "%s is a number, not %s", keyword,
                                  hone__value_text(&v->value));
        *out = hone__value_number(&v->value);
    }
    return true;
}

static bool knows(const hone__arguments *a, const char *name, const char *const *keywords)
{
    for (int i = 0; i < a->n; i++) {
        const char *const *k = keywords;
        while (a->at[i].keyword && *k && strcmp(*k, a->at[i].keyword) != 0)
            k++;
        if (a->at[i].keyword && !*k)
            return hone__complain(a->at[i].place, "%s has no argument %s", name, a->at[i].keyword);
    }
    return true;
}

/* zeros(2, 3) or zeros([2, 3]) */
static bool dims_of(const hone__arguments *a, hone__shape *out)
{
    out->ndim = 0;
    for (int i = 0; i < a->n; i++) {
        const hone__argument_value *v = &a->at[i];
        const bool list = v->value.kind == HONE__VALUE_LIST;
        if (v->keyword)
            continue;
        for (int k = 0; k < (list ? v->value.n : 1); k++) {
            const hone__value *extent = list ? &v->value.list[k] : &v->value;
            if (extent->kind != HONE__VALUE_INT)
                return hone__complain(v->place, "an extent is a whole number, not %s",
                                      hone__value_text(extent));
            if (out->ndim == HONE_MAX_DIMS)
                return hone__complain(v->place, "more than %d extents", HONE_MAX_DIMS);
            out->shape[out->ndim++] = extent->i;
        }
    }
    return true;
}

/* ---- tensors */

static hone_tensor *new_tensor(const char *name, const hone__shape *shape, double x, double y)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { HONE_F32 };
    memcpy(dims + 1, shape->shape, (size_t)shape->ndim * sizeof *dims);
    dims[shape->ndim + 1] = HONE_END_DIM;
    if (strcmp(name, "normal") == 0)
        return hone_add_scalar_(hone_mul_scalar_(hone_randn_v(dims), y), x);
    if (strcmp(name, "uniform") == 0)
        return hone_add_scalar_(hone_mul_scalar_(hone_rand_v(dims), y - x), x);
    return hone_full_v(HONE_F32, x, dims + 1);
}

static const struct {
    const char *name;
    const char *keywords[3];
    double standard[2];
} makers[] = { { "zeros", { NULL }, { 0, 0 } },
               { "ones", { NULL }, { 1, 0 } },
               { "full", { "value", NULL }, { 0, 0 } },
               { "normal", { "mean", "std", NULL }, { 0, 1 } },
               { "uniform", { "low", "high", NULL }, { 0, 1 } } };

static hone__outcome give_tensor(hone__frame *f, hone_tensor *t, hone_field_kind kind,
                                 hone__value *out)
{
    if (!t || !hone__made_new(f->b, NULL, t))
        return HONE__WRONG;
    *out = (hone__value){ .kind = HONE__VALUE_FIELD, .tensor = t, .field = kind };
    return HONE__DONE;
}

static hone__outcome make(hone__frame *f, hone__place place, size_t maker, const hone__arguments *a,
                          hone__value *out)
{
    const char *name = makers[maker].name, *const *keywords = makers[maker].keywords;
    double number[2] = { makers[maker].standard[0], makers[maker].standard[1] };
    hone__shape shape;
    if (!knows(a, name, keywords) || !dims_of(a, &shape))
        return HONE__WRONG;
    for (int i = 0; keywords[i]; i++)
        if (!number_of(a, keywords[i], -1, number[i], &number[i]))
            return HONE__WRONG;
    HONE_SCOPE();
    const uint64_t errors = hone__error_count();
    hone_tensor *t = hone_retain(new_tensor(name, &shape, number[0], number[1]));
    if (!t) {
        hone__blame(place, errors);
        return HONE__WRONG;
    }
    return give_tensor(f, t, HONE_FIELD_END, out);
}

/* Parameter(zeros(3)), Buffer(zeros(3)) */
static hone__outcome make_field(hone__frame *f, hone__place place, const char *name,
                                const hone__arguments *a, hone__value *out)
{
    const bool buffer = strcmp(name, "Buffer") == 0;
    if (a->n != 1 || a->at[0].keyword || a->at[0].value.kind != HONE__VALUE_FIELD ||
        a->at[0].value.field != HONE_FIELD_END) {
        hone__complain(a->n ? a->at[0].place : place,
                       "%s takes a tensor: zeros(...), ones(...), full(...), normal(...) or "
                       "uniform(...)",
                       name);
        return HONE__WRONG;
    }
    HONE_SCOPE();
    hone_tensor *t = a->at[0].value.tensor;
    return give_tensor(f, buffer ? hone_retain(t) : hone_parameter(t),
                       buffer ? HONE_FIELD_BUFFER : HONE_FIELD_PARAM, out);
}

/* ---- initial values: normal_(weight, std=0.02) */

/* One of `choices` (NULL-terminated), by its name; -1 + an error. */
static int choice_of(const hone__arguments *a, const char *keyword, const char *const *choices)
{
    for (int i = 0; i < a->n; i++) {
        const hone__argument_value *v = &a->at[i];
        if (!v->keyword || strcmp(v->keyword, keyword) != 0)
            continue;
        for (int c = 0; v->value.kind == HONE__VALUE_TEXT && choices[c]; c++)
            if (strcmp(choices[c], v->value.text) == 0)
                return c;
        char all[120] = "";
        for (int c = 0; choices[c]; c++) {
            const size_t used = strlen(all);
            hone__format(all + used, sizeof all - used, "%s\"%s\"",
                         c == 0           ? ""
                         : choices[c + 1] ? ", "
                                          : " or ",
                         choices[c]);
        }
        hone__complain(v->place, "%s is %s", keyword, all);
        return -1;
    }
    return 0;
}

/* The tensor as torch.nn.init counts its fans: Linear's weight is [in, out]. */
static hone_tensor *as_out_in(const hone__value *v)
{
    return v->field == HONE_FIELD_WEIGHT ? hone_transpose(v->tensor, -2, -1) : v->tensor;
}

static hone_tensor *kaiming(const char *name, const hone__arguments *a)
{
    static const char *const keywords[] = { "a", "mode", "nonlinearity", NULL };
    static const char *const modes[] = { "fan_in", "fan_out", NULL };
    static const char *const kinds[] = { "leaky_relu", "relu", "linear", "tanh",
                                         "sigmoid",    "selu", NULL };
    hone_init_kaiming_options options = { 0 };
    if (!knows(a, name, keywords) || !number_of(a, "a", 1, 0, &options.a))
        return NULL;
    const int mode = choice_of(a, "mode", modes), kind = choice_of(a, "nonlinearity", kinds);
    if (mode < 0 || kind < 0)
        return NULL;
    options.fan_out = mode == 1;
    options.nonlinearity = kinds[kind];
    hone_tensor *t = as_out_in(&a->at[0].value);
    return strcmp(name, "kaiming_normal_") == 0 ? hone_init_kaiming_normal_(t, &options, NULL)
                                                : hone_init_kaiming_uniform_(t, &options, NULL);
}

/* Those that take numbers alone, in this order, each with its default. */
static hone_tensor *normal(hone_tensor *t, const double *x)
{
    return hone_init_normal_(t, x[0], x[1], NULL);
}
static hone_tensor *uniform(hone_tensor *t, const double *x)
{
    return hone_init_uniform_(t, x[0], x[1], NULL);
}
static hone_tensor *truncated(hone_tensor *t, const double *x)
{
    return hone_init_trunc_normal_(t, x[0], x[1], x[2], x[3], NULL);
}
static hone_tensor *constant(hone_tensor *t, const double *x)
{
    return hone_init_constant_(t, x[0]);
}
static hone_tensor *zeros(hone_tensor *t, const double *x)
{
    (void)x;
    return hone_init_zeros_(t);
}
static hone_tensor *ones(hone_tensor *t, const double *x)
{
    (void)x;
    return hone_init_ones_(t);
}
static hone_tensor *xavier_uniform(hone_tensor *t, const double *x)
{
    return hone_init_xavier_uniform_(t, x[0], NULL);
}
static hone_tensor *xavier_normal(hone_tensor *t, const double *x)
{
    return hone_init_xavier_normal_(t, x[0], NULL);
}
static hone_tensor *orthogonal(hone_tensor *t, const double *x)
{
    return hone_init_orthogonal_(t, x[0], NULL);
}

static const struct {
    const char *name;
    hone_tensor *(*fill)(hone_tensor *t, const double *numbers);
    const char *keywords[5];
    double standard[4];
} initialisers[] = {
    { "normal_", normal, { "mean", "std" }, { 0, 1 } },
    { "uniform_", uniform, { "a", "b" }, { 0, 1 } },
    { "trunc_normal_", truncated, { "mean", "std", "a", "b" }, { 0, 1, -2, 2 } },
    { "constant_", constant, { "val" }, { 0 } },
    { "zeros_", zeros, { NULL }, { 0 } },
    { "ones_", ones, { NULL }, { 0 } },
    { "xavier_uniform_", xavier_uniform, { "gain" }, { 1 } },
    { "xavier_normal_", xavier_normal, { "gain" }, { 1 } },
    { "orthogonal_", orthogonal, { "gain" }, { 1 } },
};

static hone_tensor *initialise(const char *name, const hone__arguments *a, bool *known)
{
    *known = true;
    if (strcmp(name, "kaiming_normal_") == 0 || strcmp(name, "kaiming_uniform_") == 0)
        return kaiming(name, a);
    for (size_t i = 0; i < sizeof initialisers / sizeof *initialisers; i++) {
        const char *const *keywords = initialisers[i].keywords;
        double numbers[4] = { 0 };
        if (strcmp(name, initialisers[i].name) != 0)
            continue;
        if (!knows(a, name, keywords))
            return NULL;
        for (int k = 0; keywords[k]; k++)
            if (!number_of(a, keywords[k], k + 1, initialisers[i].standard[k], &numbers[k]))
                return NULL;
        return initialisers[i].fill(as_out_in(&a->at[0].value), numbers);
    }
    *known = false;
    return NULL;
}

static hone__outcome initialise_argument(hone__place place, const char *name,
                                         const hone__arguments *a, hone__value *out)
{
    bool known;
    const uint64_t errors = hone__error_count();
    *out = (hone__value){ .kind = HONE__VALUE_NONE };
    if (a->n == 0 || a->at[0].keyword || a->at[0].value.kind != HONE__VALUE_FIELD) {
        hone__complain(a->n ? a->at[0].place : place, "%s takes a parameter first", name);
        return HONE__WRONG;
    }
    HONE_SCOPE();
    HONE_NO_GRAD();
    const bool ok = initialise(name, a, &known) != NULL;
    if (!known)
        return HONE__OTHER;
    if (!ok)
        hone__blame(place, errors);
    return ok ? HONE__DONE : HONE__WRONG;
}

hone__outcome hone__make_tensor(hone__frame *f, hone__place place, const char *name,
                                const hone__arguments *a, hone__value *out)
{
    const size_t n = strlen(name);
    if (strcmp(name, "Parameter") == 0 || strcmp(name, "Buffer") == 0)
        return make_field(f, place, name, a, out);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(name, makers[i].name) == 0)
            return make(f, place, i, a, out);
    return n > 1 && name[n - 1] == '_' ? initialise_argument(place, name, a, out) : HONE__OTHER;
}
