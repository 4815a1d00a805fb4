/* A convolutional network (LeNet-5 with ReLU, max pooling and batch norm), trained on images and
 * evaluated on those it has not seen.
 *   cnn DIR|digits [EPOCHS [IMAGES]]
 * Prints a line an epoch, then "ok" if it learned. */
#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hone_module *lenet(void)
{
    const hone_nn_conv2d_options same = { .conv.padding = { 2, 2 }, .no_bias = true };
    return hone_nn_sequential(hone_nn_conv2d_with(1, 6, 5, 5, &same), hone_nn_batch_norm2d(6, NULL),
                              hone_nn_relu(), hone_nn_max_pool2d(2), hone_nn_conv2d(6, 16, 5),
                              hone_nn_relu(), hone_nn_max_pool2d(2), hone_nn_flatten(),
                              hone_nn_linear(400, 120), hone_nn_relu(), hone_nn_linear(120, 84),
                              hone_nn_relu(), hone_nn_linear(84, 10));
}

/* [n, 28, 28] of bytes -> [n, 1, 28, 28] from 0 to 1 */
static hone_tensor *planes(hone_tensor *images)
{
    return hone_div_scalar(hone_to(hone_unsqueeze(images, 1), HONE_F32), 255);
}

/* Mean loss of the epoch. */
static double train_epoch(hone_module *model, hone_optim *optim, hone_loader *loader)
{
    hone_batch batch;
    double sum = 0;
    hone_module_train(model, true);
    while (hone_error_code() == HONE_OK && hone_loader_next(loader, &batch)) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(model, planes(batch.x)), batch.y);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        sum += hone_item(loss);
    }
    return sum / (double)hone_loader_batches(loader);
}

/* Share of wrong answers. */
static double error_of(hone_module *model, const hone_dataset *set)
{
    HONE_NO_GRAD();
    hone_loader *loader = hone_loader_new(set, &(hone_loader_options){ .batch_size = 500 });
    hone_batch batch;
    double wrong = 0;
    hone_module_train(model, false);
    while (hone_error_code() == HONE_OK && hone_loader_next(loader, &batch)) {
        HONE_SCOPE();
        hone_tensor *scores = hone_forward(model, planes(batch.x));
        wrong += hone_item(hone_sum(hone_ne(hone_argmax(scores, 1, false), batch.y)));
    }
    hone_loader_free(loader);
    return wrong / (double)hone_size(set->x, 0);
}

static hone_status read_images(const char *source, hone_subset subset, int64_t n, hone_dataset *set)
{
    const hone_status status = strcmp(source, "digits") == 0 ? hone_digits(subset, n, 0, set)
                                                             : hone_mnist(source, subset, set);
    if (status == HONE_OK && n > 0)
        hone_dataset_limit(set, n);
    return status;
}

int main(int argc, char **argv)
{
    HONE_SCOPE();
    const char *source = argc > 1 ? argv[1] : "digits";
    const int epochs = argc > 2 ? atoi(argv[2]) : 5;
    const int64_t n = argc > 3 ? atoll(argv[3]) : 0;
    hone_dataset train = { 0 }, test = { 0 };
    if (read_images(source, HONE_TRAIN, n, &train) != HONE_OK ||
        read_images(source, HONE_TEST, n, &test) != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    hone_seed(1);
    hone_module *model = lenet();
    hone_optim *optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.05, .momentum = 0.9 });
    hone_loader *loader = hone_loader_new(
        &train, &(hone_loader_options){ .batch_size = 100, .shuffle = true, .seed = 1 });
    hone_print_module(model);
    double error = 1;
    for (int e = 0; e < epochs && hone_error_code() == HONE_OK; e++) {
        const double loss = train_epoch(model, optim, loader);
        error = error_of(model, &test);
        if (hone_error_code() == HONE_OK)
            printf("epoch %d  loss %.5f  test error %.4f\n", e + 1, loss, error);
    }
    hone_loader_free(loader);
    hone_optim_free(optim);
    hone_module_free(model);
    hone_dataset_free(&train);
    hone_dataset_free(&test);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && error < 0.1;
    puts(good ? "ok" : "failed");
    return good ? 0 : 1;
}
