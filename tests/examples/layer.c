/* A layer of one's own: a residual block whose activation x sigmoid(b x) has a slope b for every
 * channel, which is learned. A struct, a table of its members, a forward: names, saving, printing
 * and gradients come from these.
 * Teaches a network of such blocks which points lie in a ring; prints "ok" if it tells them apart. */
#include <hone/hone.h>
#include <stdio.h>

enum { WIDTH = 16, POINTS = 1000, STEPS = 300 };

typedef struct {
    hone_module base; /* every module begins so */
    hone_module *inner;
    hone_tensor *slope; /* [WIDTH] */
} block;

static const hone_field fields[] = { HONE_CHILD(block, inner), HONE_PARAM(block, slope),
                                     HONE_FIELDS_END };

static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    block *b = (block *)self;
    (void)n_in;
    hone_tensor *x = hone_forward(b->inner, in[0]);
    return hone_add(in[0], hone_mul(x, hone_sigmoid(hone_mul(x, b->slope))));
}

static int print(const hone_module *self, char *text, size_t size)
{
    (void)self;
    return snprintf(text, size, "width=%d", WIDTH);
}

static const hone_module_class block_class = {
    .name = "Block", .size = sizeof(block), .fields = fields, .forward = forward, .print = print
};

static hone_module *block_new(void)
{
    block *b = hone_module_new(&block_class);
    if (!b)
        return NULL;
    b->inner = hone_nn_linear(WIDTH, WIDTH);
    b->slope = hone_parameter(hone_ones(HONE_F32, WIDTH));
    if (b->inner && b->slope)
        return &b->base;
    hone_module_free(&b->base); /* frees what there is */
    return NULL;
}

/* Points of the square from -1 to 1, and 1 for those between 0.4 and 0.8 from its middle. */
static void ring(hone_tensor **x, hone_tensor **y)
{
    *x = hone_sub_scalar(hone_mul_scalar(hone_rand(HONE_F32, POINTS, 2), 2), 1);
    hone_tensor *r = hone_norm_dim(*x, 1, 2, false);
    hone_tensor *in = hone_mul(hone_to(hone_gt_scalar(r, 0.4), HONE_I64),
                               hone_to(hone_lt_scalar(r, 0.8), HONE_I64));
    *y = in;
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *model = hone_nn_sequential(hone_nn_linear(2, WIDTH), block_new(), block_new(),
                                            hone_nn_linear(WIDTH, 2));
    hone_print_module(model);
    hone_named_list names = hone_named_parameters(model);
    for (int i = 0; i < names.n; i++)
        printf("%s ", names.at[i].name); /* 0.weight 0.bias 1.inner.weight .. 1.slope .. */
    putchar('\n');

    hone_tensor *x, *y, *new_x, *new_y;
    ring(&x, &y);
    ring(&new_x, &new_y);
    hone_optim *optim = hone_adam(model, &(hone_adam_options){ .lr = 0.01 });
    for (int step = 1; step <= STEPS; step++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        if (step % 100 == 0)
            printf("step %d  loss %.4f\n", step, hone_item(loss));
    }

    HONE_NO_GRAD();
    hone_tensor *said = hone_argmax(hone_forward(model, new_x), 1, false);
    const double right = hone_item(hone_sum(hone_eq(said, new_y))) / (double)POINTS;
    hone_tensor *slope = hone_module_tensor(model, "1.slope");
    printf("%.1f %% of new points are told apart; slopes from %.2f to %.2f\n", 100 * right,
           hone_item(hone_min(slope)), hone_item(hone_max(slope)));
    const bool learned = slope && hone_item(hone_std(slope, 0)) > 0.01;
    hone_optim_free(optim);
    hone_module_free(model);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && right > 0.95 && learned;
    puts(good ? "ok" : "failed");
    return !good;
}
