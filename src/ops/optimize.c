/* optimize.c: optimizer steps in one pass over parameter, gradient and state. */
#include "ops/optimize.h"

#include "isa/isa.h"
#include "ops/elementwise.h"
#include "ops/op.h"
#include "runtime/parallel.h"

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

/* in: parameter, gradient, momentum buffer. s: lr, momentum, dampening, weight_decay; flag:
 * nesterov; n: first. */
static hone_tensor *sgd_step(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone__args *args = hone__call_args(ctx);
    const bool has_momentum = args->s[1] != 0.0;
    if (!operands_fit(in, has_momentum))
        return NULL;
    /* A strided parameter is stepped in a copy and written back. */
    hone_tensor *param = hone_contiguous(in[0]), *grad = hone_contiguous(in[1]);
    hone_tensor *out =
        param && grad ? hone__out(ctx, (hone_dtype)in[0]->dtype, in[0]->ndim, in[0]->shape) : NULL;
    if (!out)
        return NULL;
    job j = { .dtype = (hone_dtype)param->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)param->dtype),
              .param = hone__data(param),
              .grad = hone__data(grad),
              .buffer = has_momentum ? hone__data(in[2]) : NULL,
              .args = { .lr = args->s[0],
                        .momentum = args->s[1],
                        .dampening = args->s[2],
                        .weight_decay = args->s[3],
                        .nesterov = args->flag,
                        .first = args->n != 0 } };
    hone__parallel_for(param->numel, 64, HONE__NS_MOVE * (has_momentum ? 3.0 : 2.0), sgd_range, &j);
    if (has_momentum)
        hone__bump(in[2]);
    return param == in[0] || hone__copy_elements(out, param) ? out : NULL;
}

const hone__op hone__op_sgd_step = {
    .name = "sgd_step",
    .forward = sgd_step,
    .optional = true,
};

hone_status hone__sgd_step(hone_tensor *param, hone_tensor *grad, hone_tensor *momentum_buffer,
                           double lr, double momentum, double dampening, double weight_decay,
                           bool nesterov, bool first)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone__args args = { .s = { lr, momentum, dampening, weight_decay },
                              .flag = nesterov,
                              .n = first };
    hone_tensor *const in[] = { param, grad, momentum_buffer };
    return hone__call(&hone__op_sgd_step, in, 3, &args, true) ? HONE_OK : hone_error_code();
}
