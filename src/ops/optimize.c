/* optimize.c: optimizer steps in one pass over parameter, gradient and state. */
#include "ops/optimize.h"

#include "isa/isa.h"
#include "loops/elementwise.h"
#include "ops/common.h"
#include "loops/rows.h"
#include "runtime/parallel.h"

enum { STRIDED_LEAST = 1 << 16 }; /* elements from which strided ones are read where they lie */

typedef struct {
    hone_dtype dtype;
    int64_t size;
    char *param, *buffer;
    const char *grad;
    hone__sgd_args args;
} job;

static void sgd_range(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t at = begin * j->size;
    hone__k->sgd[j->dtype](end - begin, j->param + at, j->grad + at,
                           j->buffer ? j->buffer + at : NULL, &j->args);
}

/* A row of the walk (HONE__UPDATE): parameter twice, gradient, buffer. */
static void sgd_row(const void *ctx, int64_t n, char *const *at, const int64_t *stride)
{
    enum { STRETCH = 256, OPERANDS = 3 };
    const job *j = ctx;
    double room[OPERANDS][STRETCH]; /* of what doesn't lie side by side */
    char *const data[OPERANDS] = { at[1], at[2], at[3] };
    const int64_t step[OPERANDS] = { stride[1], stride[2], stride[3] };
    const hone__copy_fn copy = hone__k->copy[j->dtype];
    const bool dense = step[0] == 1 && step[1] == 1 && (step[2] == 1 || !j->buffer);
    const int64_t stretch = dense ? n : STRETCH;
    for (int64_t done = 0; done < n; done += stretch) {
        const int64_t m = hone__min(n - done, stretch);
        char *from[OPERANDS], *use[OPERANDS];
        for (int o = 0; o < OPERANDS; o++) {
            use[o] = from[o] = data[o] + done * step[o] * j->size;
            if (step[o] != 1 && (o < 2 || j->buffer))
                copy(m, use[o] = (char *)room[o], 1, from[o], step[o]);
        }
        hone__k->sgd[j->dtype](m, use[0], use[1], j->buffer ? use[2] : NULL, &j->args);
        for (int o = 0; o < OPERANDS; o += 2) /* the parameter and the buffer back */
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
static bool step_strided(job *j, hone_tensor *const *in)
{
    const hone__elementwise_kernel kernel = {
        .arity = HONE__UPDATE,
        .fn.update = { .run = sgd_row, .args = j },
        .reads = { j->dtype, j->dtype, j->dtype },
        .ns = HONE__NS_MOVE * (j->buffer ? 3.0 : 2.0),
    };
    const hone__operand operands[] = { { .t = in[0] },
                                       { .t = in[1] },
                                       { .t = j->buffer ? in[2] : NULL } };
    return hone__elementwise(&kernel, in[0], operands);
}

static bool fits(const hone_tensor *param, const hone_tensor *t, const char *what)
{
    const bool same_dtype = t->dtype == param->dtype && hone_dtype_is_float((hone_dtype)t->dtype);
    if (same_dtype && hone__same_shape(t, param))
        return true;
    hone_error_set(same_dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "sgd_step: the %s %s doesn't fit the parameter %s", what, hone__tensor_text(t).s,
                   hone__tensor_text(param).s);
    return false;
}

static bool operands_fit(hone_tensor *const *in, bool has_momentum)
{
    if (!fits(in[0], in[1], "gradient"))
        return false;
    if (!has_momentum)
        return true;
    if (hone__is_real(in[2]) && hone__contiguous(in[2]))
        return fits(in[0], in[2], "momentum buffer");
    hone_error_set(HONE_E_STATE, "sgd_step: momentum needs a contiguous buffer, got %s",
                   hone__tensor_text(in[2]).s);
    return false;
}

typedef struct {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, first;
} sgd_options;

static bool sgd_step_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const sgd_options *o = hone__options(ctx);
    const bool has_momentum = o->momentum != 0.0;
    if (!operands_fit(in, has_momentum))
        return false;
    hone_tensor *param = in[0], *grad = in[1];
    out[0] = hone__out(ctx, 0, (hone_dtype)param->dtype, param->ndim, param->shape);
    if (param->numel < STRIDED_LEAST || !same_order(param, grad) ||
        (has_momentum && !same_order(param, in[2]))) {
        /* Copies go by blocks: twice as fast as a walk of which an operand lies across, or of short
         * rows. A parameter is stepped in its copy and written back. */
        param = hone_contiguous(param);
        grad = hone_contiguous(grad);
    }
    if (!out[0] || !param || !grad)
        return false;
    job j = { .dtype = (hone_dtype)param->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)param->dtype),
              .param = hone__data(param),
              .grad = hone__data(grad),
              .buffer = has_momentum ? hone__data(in[2]) : NULL,
              .args = { .lr = o->lr,
                        .momentum = o->momentum,
                        .dampening = o->dampening,
                        .weight_decay = o->weight_decay,
                        .nesterov = o->nesterov,
                        .first = o->first } };
    if (hone__contiguous(param) && hone__contiguous(grad))
        hone__parallel_for(param->numel, 64, HONE__NS_MOVE * (has_momentum ? 3.0 : 2.0), sgd_range,
                           &j);
    else if (!step_strided(&j, (hone_tensor *const[]){ param, grad, in[2] }))
        return false;
    if (has_momentum)
        hone__bump(in[2]);
    return param == in[0] || hone__copy_elements(out[0], param);
}

const hone__op hone__op_sgd_step = {
    .name = "sgd_step",
    .forward = sgd_step_forward,
    .in = { { "param" }, { "grad" }, { "momentum_buffer", HONE__OPTIONAL } },
    .options_bytes = sizeof(sgd_options),
    .forms = HONE__PRIVATE,
    .why = "an optimizer's step",
};

hone_status hone__sgd_step(hone_tensor *param, hone_tensor *grad, hone_tensor *momentum_buffer,
                           double lr, double momentum, double dampening, double weight_decay,
                           bool nesterov, bool first)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const sgd_options options = { lr, momentum, dampening, weight_decay, nesterov, first };
    return hone__call_(&hone__op_sgd_step, IN(param, grad, momentum_buffer), &options)
               ? HONE_OK
               : hone__error_last();
}
