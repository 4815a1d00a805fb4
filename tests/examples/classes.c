/* A network made of one's own classes: a linear layer, ReLU, the cross-entropy loss, a two-layer
 * network, gradient descent and the loop over an epoch, on nothing but tensor ops.
 *   classes DIR|digits [EPOCHS [IMAGES]]
 * Prints a row an epoch, then "ok" if the network learned. */
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- class Linear(Module) */

typedef struct {
    hone_module base;
    hone_tensor *weight; /* [in, out] */
    hone_tensor *bias;   /* [out] */
} linear;

static const hone_field linear_fields[] = { HONE_PARAM(linear, weight), HONE_PARAM(linear, bias),
                                            HONE_FIELDS_END };

static hone_tensor *linear_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    linear *l = (linear *)self;
    (void)n_in;
    return hone_add_(hone_matmul(in[0], l->weight), l->bias);
}

static const hone_module_class linear_class = {
    .name = "Linear", .size = sizeof(linear), .fields = linear_fields, .forward = linear_forward
};

static hone_module *linear_new(int64_t in, int64_t out, double init_factor)
{
    linear *l = hone_module_new(&linear_class);
    if (!l)
        return NULL;
    double deviation = sqrt(init_factor / (double)in);
    l->weight = hone_parameter(hone_mul_scalar(hone_randn(HONE_F32, in, out), deviation));
    l->bias = hone_parameter(hone_zeros(HONE_F32, out));
    return &l->base;
}

/* ---- class ReLU(Module) and class CrossEntropyLoss(Module): no parameters */

static hone_tensor *relu_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)n_in;
    return hone_maximum(in[0], hone_scalar(HONE_F32, 0));
}

static const hone_module_class relu_class = { .name = "ReLU",
                                              .size = sizeof(hone_module),
                                              .forward = relu_forward };

/* -H[i, y_i].mean() + logsumexp(H, -1).mean() */
static hone_tensor *loss_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)n_in;
    hone_tensor *H = in[0], *y = in[1],
                *rows = hone_arange(HONE_I64, 0, (double)hone_size(y, 0), 1);
    return hone_sub(hone_mean(hone_logsumexp(H, -1, false)), hone_mean(hone_index(H, rows, y)));
}

static const hone_module_class loss_class = { .name = "CrossEntropyLoss",
                                              .size = sizeof(hone_module),
                                              .forward = loss_forward };

/* ---- class TwoLayerNN(Module) */

typedef struct {
    hone_module base;
    hone_module *linear1, *relu, *linear2;
} two_layers;

static const hone_field two_layers_fields[] = { HONE_CHILD(two_layers, linear1),
                                                HONE_CHILD(two_layers, relu),
                                                HONE_CHILD(two_layers, linear2), HONE_FIELDS_END };

static hone_tensor *two_layers_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    two_layers *m = (two_layers *)self;
    (void)n_in;
    hone_tensor *hidden = hone_forward(m->relu, hone_forward(m->linear1, in[0]));
    return hone_forward(m->linear2, hidden);
}

static const hone_module_class two_layers_class = { .name = "TwoLayerNN",
                                                    .size = sizeof(two_layers),
                                                    .fields = two_layers_fields,
                                                    .forward = two_layers_forward };

static hone_module *two_layers_new(int64_t in, int64_t hidden, int64_t out)
{
    two_layers *m = hone_module_new(&two_layers_class);
    if (!m)
        return NULL;
    m->linear1 = linear_new(in, hidden, 2);
    m->relu = hone_module_new(&relu_class);
    m->linear2 = linear_new(hidden, out, 1);
    return &m->base;
}

/* ---- gradient descent: p -= lr * p.grad */

static void descend(hone_tensor_list parameters, double lr)
{
    HONE_NO_GRAD();
    for (int i = 0; i < parameters.n; i++) {
        hone_tensor *p = parameters.at[i];
        hone_sub_(p, hone_mul_scalar(hone_grad(p), lr));
        hone_zero_(hone_grad(p));
    }
}

/* ---- one pass; lr 0 only measures */

typedef struct {
    double loss, error;
} result;

static result epoch(hone_module *model, hone_module *criterion, hone_tensor *X, hone_tensor *y,
                    double lr)
{
    HONE_SCOPE();
    result mean = { 0, 0 };
    hone_tensor_list parameters = hone_parameters(model);
    hone_tensor_list Xs = hone_split(X, 100, 0), ys = hone_split(y, 100, 0);
    for (int i = 0; i < Xs.n && hone_error_code() == HONE_OK; i++) {
        HONE_SCOPE();
        hone_tensor *H = hone_forward(model, Xs.at[i]);
        hone_tensor *loss = hone_forward(criterion, H, ys.at[i]);
        hone_tensor *wrong = hone_ne(hone_argmax(H, 1, false), ys.at[i]);
        mean.error += hone_item(hone_mean(hone_to(wrong, HONE_F32))) / Xs.n;
        mean.loss += hone_item(loss) / Xs.n;
        if (lr > 0) {
            hone_backward(loss);
            descend(parameters, lr);
        }
    }
    return mean;
}

static hone_status read_images(const char *source, hone_subset subset, int64_t n, hone_dataset *set)
{
    if (strcmp(source, "digits") == 0)
        return hone_digits(subset, n, 0, set);
    hone_status status = hone_mnist(source, subset, set);
    return status == HONE_OK && n > 0 ? hone_dataset_limit(set, n) : status;
}

static hone_tensor *rows(const hone_dataset *set)
{
    return hone_div_scalar(hone_to(hone_flatten(set->x, 1), HONE_F32), 255);
}

int main(int argc, char **argv)
{
    HONE_SCOPE();
    const char *source = argc > 1 ? argv[1] : "digits";
    int epochs = argc > 2 ? atoi(argv[2]) : 5;
    int64_t n = argc > 3 ? atoll(argv[3]) : 0;
    hone_dataset train, test;
    if (read_images(source, HONE_TRAIN, n, &train) != HONE_OK ||
        read_images(source, HONE_TEST, n / 2, &test) != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    hone_seed(0);
    hone_module *model = two_layers_new(784, 100, 10), *criterion = hone_module_new(&loss_class);
    hone_tensor *X_train = rows(&train), *X_test = rows(&test);
    result first = { 0, 0 }, last = { 0, 0 };
    for (int i = 0; i < epochs; i++) {
        last = epoch(model, criterion, X_train, train.y, 0.5);
        if (i == 0)
            first = last;
        result held = epoch(model, criterion, X_test, test.y, 0);
        if (hone_error_code() != HONE_OK)
            break;
        printf("epoch %2d  train loss %.5f  error %.4f  test loss %.5f  error %.4f\n", i + 1,
               last.loss, last.error, held.loss, held.error);
    }
    hone_module_free(model);
    hone_module_free(criterion);
    hone_dataset_free(&train);
    hone_dataset_free(&test);
    if (hone_error_code() != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    bool learned = last.loss < 0.5 * first.loss && last.error < 0.5 * first.error;
    puts(learned ? "ok" : "the loss did not halve");
    return learned ? 0 : 1;
}
