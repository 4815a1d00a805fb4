/* An optimizer of one's own, of the library's ops: parameters, a tensor of state for each, and what
 * a step does to them under HONE_NO_GRAD(). This one is Lion (Chen et al., 2023): it goes by the
 * sign of a mean of gradients.
 * Trains one network by it and another by hone_lion(); prints "ok" if both learn, alike. (README.md,
 * "To add an optimizer", is how one gets into the library: its step is one pass over memory there.) */
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>

enum { POINTS = 256, STEPS = 200 };

typedef struct {
    hone_tensor_list parameters;
    hone_tensor *mean[8]; /* of each: a mean of its gradients so far */
    double lr, beta1, beta2;
} lion;

static void lion_begin(lion *o, hone_module *module)
{
    *o = (lion){ hone_parameters(module), .lr = 0.003, .beta1 = 0.9, .beta2 = 0.99 };
    for (int i = 0; i < o->parameters.n; i++)
        o->mean[i] = hone_zeros_like(hone_detach(o->parameters.at[i]));
}

/* p -= lr sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g */
static void lion_step(lion *o)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    for (int i = 0; i < o->parameters.n; i++) {
        hone_tensor *p = o->parameters.at[i], *g = hone_grad(p), *m = o->mean[i];
        if (!g)
            continue; /* a parameter that no loss has used */
        hone_tensor *way = hone_sign(hone_lerp_scalar(g, m, o->beta1));
        hone_sub_(p, hone_mul_scalar(way, o->lr));
        hone_lerp_scalar_(m, g, 1 - o->beta2);
    }
}

static hone_module *network(void)
{
    hone_seed(1); /* both begin alike */
    return hone_nn_layer("Sequential", "Linear(2, 32), Tanh(), Linear(32, 1)");
}

int main(void)
{
    HONE_SCOPE();
    hone_module *own_net = network(), *net = network();
    hone_tensor *x = hone_randn(HONE_F32, POINTS, 2);
    hone_tensor *y = hone_mul(hone_slice(x, 1, 0, 1, 1), hone_slice(x, 1, 1, 2, 1));
    lion own;
    lion_begin(&own, own_net);
    hone_optim *optim = hone_lion(net, &(hone_lion_options){ .lr = own.lr });
    double first = 0, own_loss = 0, loss = 0;
    for (int step = 1; step <= STEPS && hone_error_code() == HONE_OK; step++) {
        HONE_SCOPE();
        hone_tensor *own_error = hone_mse_loss(hone_forward(own_net, x), y, HONE_REDUCE_MEAN);
        hone_module_zero_grad(own_net);
        hone_backward(own_error);
        lion_step(&own);
        hone_tensor *error = hone_mse_loss(hone_forward(net, x), y, HONE_REDUCE_MEAN);
        hone_optim_zero_grad(optim);
        hone_backward(error);
        hone_optim_step(optim);
        own_loss = hone_item(own_error);
        loss = hone_item(error);
        first = step == 1 ? loss : first;
        if (step == 1 || step % 50 == 0)
            printf("step %3d  loss %.5f by its own, %.5f by hone_lion\n", step, own_loss, loss);
    }
    hone_optim_free(optim);
    hone_module_free(net);
    hone_module_free(own_net);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && own_loss < 0.3 * first &&
                      fabs(own_loss - loss) < 0.05 * loss;
    puts(good ? "ok" : "failed");
    return !good;
}
