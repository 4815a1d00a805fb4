/* optimize.c: optimizer steps in one pass over parameter, gradient and state. */
#include "ops/optimize.h"

#include "isa/isa.h"
#include "loops/elementwise.h"
#include "ops/common.h"
#include "loops/rows.h"
#include "runtime/parallel.h"

enum {
    STRIDED_LEAST = 1 << 16, /* elements from which strided ones are read where they lie */
    STATES = 3,
};

typedef struct {
    hone__step_fn step;
    const void *args;
    hone_dtype dtype;
    int64_t size;
    char *param, *state[STATES];
    const char *grad;
    int states;
} job;

static double cost(const job *j)
{
    return HONE__NS_MOVE * (2.0 + j->states);
}

static void step_range(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t at = begin * j->size;
    void *state[STATES];
    for (int s = 0; s < j->states; s++)
        state[s] = j->state[s] + at;
    j->step(end - begin, j->param + at, j->grad + at, state, j->args);
}

/* A row of the walk (HONE__UPDATE): parameter twice, gradient, state. */
static void step_row(const void *ctx, int64_t n, char *const *at, const int64_t *stride)
{
    enum { STRETCH = 256, OPERANDS = 3 };
    const job *j = ctx;
    double room[OPERANDS][STRETCH]; /* of what doesn't lie side by side */
    char *const data[OPERANDS] = { at[1], at[2], at[3] };
    const int64_t step[OPERANDS] = { stride[1], stride[2], stride[3] };
    const hone__copy_fn copy = hone__k->copy[j->dtype];
    const bool dense = step[0] == 1 && step[1] == 1 && (step[2] == 1 || !j->states);
    const int64_t stretch = dense ? n : STRETCH;
    for (int64_t done = 0; done < n; done += stretch) {
        const int64_t m = hone__min(n - done, stretch);
        char *from[OPERANDS], *use[OPERANDS];
        for (int o = 0; o < OPERANDS; o++) {
            use[o] = from[o] = data[o] + done * step[o] * j->size;
            if (step[o] != 1 && (o < 2 || j->states))
                copy(m, use[o] = (char *)room[o], 1, from[o], step[o]);
        }
        j->step(m, use[0], use[1], (void *[]){ use[2] }, j->args);
        for (int o = 0; o < OPERANDS; o += 2) /* the parameter and the state back */
            if (use[o] != from[o])
                copy(m, from[o], step[o], use[o], 1);
    }
}

/* True if a walk along a's memory goes along b's, too: no pair of dims is the other way round. */
static bool same_order(const hone_tensor *a, const hone_tensor *b)
{
    for (int d = 0; d < a->ndim; d++)
        for (int e = d + 1; e < a->ndim; e++) {
            if (a->shape[d] == 1 || a->shape[e] == 1 || b->stride[d] == 0 || b->stride[e] == 0)
                continue;
            if ((a->stride[d] < a->stride[e]) != (b->stride[d] < b->stride[e]))
                return false;
        }
    return true;
}

/* Operands of which some are strided, where they lie. */
static bool step_strided(job *j, hone_tensor *param, hone_tensor *grad, hone_tensor *state)
{
    const hone__elementwise_kernel kernel = {
        .arity = HONE__UPDATE,
        .fn.update = { .run = step_row, .args = j },
        .reads = { j->dtype, j->dtype, j->dtype },
        .ns = cost(j),
    };
    const hone__operand operands[] = { { .t = param }, { .t = grad }, { .t = state } };
    return hone__elementwise(&kernel, param, operands);
}

static bool fits(const hone_context *ctx, const hone_tensor *param, const hone_tensor *t,
                 const char *what)
{
    const bool same_dtype = t->dtype == param->dtype && hone_dtype_is_float((hone_dtype)t->dtype);
    if (same_dtype && hone__same_shape(t, param))
        return true;
    hone_error_set(same_dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the %s %s doesn't fit the parameter %s", hone__call_name(ctx), what,
                   hone__tensor_text(t).s, hone__tensor_text(param).s);
    return false;
}

static bool operands_fit(const hone_context *ctx, hone_tensor *const *in, int states)
{
    if (!fits(ctx, in[0], in[1], "gradient"))
        return false;
    for (int s = 0; s < states; s++) {
        if (!hone__is_real(in[2 + s]) || !hone__contiguous(in[2 + s])) {
            hone_error_set(HONE_E_STATE, "%s: it needs a contiguous state, got %s",
                           hone__call_name(ctx), hone__tensor_text(in[2 + s]).s);
            return false;
        }
        if (!fits(ctx, in[0], in[2 + s], "state"))
            return false;
    }
    return true;
}

static bool lies_as(const hone_tensor *param, hone_tensor *const *in, int n)
{
    bool same = true;
    for (int i = 0; i < n; i++)
        same = same && same_order(param, in[i]);
    return same;
}

static bool step(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out, int kernel)
{
    const int states = n_in - 2;
    if (!operands_fit(ctx, in, states))
        return false;
    hone_tensor *param = in[0], *grad = in[1];
    out[0] = hone__out(ctx, 0, (hone_dtype)param->dtype, param->ndim, param->shape);
    if (param->numel < STRIDED_LEAST || states > 1 || !lies_as(param, in + 1, n_in - 1)) {
        /* Copies go by blocks: twice as fast as a walk of which an operand lies across, or of short
         * rows. A parameter is stepped in its copy and written back. */
        param = hone_contiguous(param);
        grad = hone_contiguous(grad);
    }
    if (!out[0] || !param || !grad)
        return false;
    job j = { .step = hone__k->step[kernel][param->dtype],
              .args = hone__options(ctx),
              .dtype = (hone_dtype)param->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)param->dtype),
              .param = hone__data(param),
              .grad = hone__data(grad),
              .states = states };
    for (int s = 0; s < states; s++)
        j.state[s] = hone__data(in[2 + s]);
    if (hone__contiguous(param) && hone__contiguous(grad))
        hone__parallel_for(param->numel, 64, cost(&j), step_range, &j);
    else if (!step_strided(&j, param, grad, states ? in[2] : NULL))
        return false;
    for (int s = 0; s < states; s++)
        hone__bump(in[2 + s]);
    return param == out[0] || hone__copy_elements(out[0], param);
}

static hone_status run(const hone__op *op, hone_tensor *param, hone_tensor *grad,
                       hone_tensor *const *state, int states, const void *args)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *in[2 + STATES] = { param, grad };
    for (int s = 0; s < states; s++)
        in[2 + s] = state[s];
    return hone__call_(op, in, 2 + states, args) ? HONE_OK : hone__error_last();
}

/* The states are written too. */
static void step_cost(const hone__cost_call *call, hone__cost *c)
{
    c->written = call->n_in > 1 ? c->read * (call->n_in - 1) / call->n_in : c->read;
}

#define STEP_KERNEL(NAME, name_, ...)                                                              \
    static bool name_##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,               \
                                hone_tensor **out)                                                 \
    {                                                                                              \
        return step(ctx, in, n_in, out, HONE__K_##NAME);                                           \
    }                                                                                              \
    const hone__op hone__op_##name_##_step = {                                                     \
        .name = #name_ "_step",                                                                    \
        .forward = name_##_forward,                                                                \
        .in = { { "param" }, { "grad" }, { "state", HONE__OPTIONAL | HONE__LIST } },               \
        .options_bytes = sizeof(hone__##name_##_args),                                             \
        .forms = HONE__PRIVATE,                                                                    \
        .why = "an optimizer's step",                                                              \
        .cost = step_cost,                                                                         \
    };                                                                                             \
    hone_status hone__##name_##_step(hone_tensor *param, hone_tensor *grad,                        \
                                     hone_tensor *const *state, const hone__##name_##_args *args)  \
    {                                                                                              \
        return run(&hone__op_##name_##_step, param, grad, state, hone__##name_##_states(args),     \
                   args);                                                                          \
    }
#include "kernels/kernels.def"
