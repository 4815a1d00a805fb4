/* The drawn digits are about as hard as MNIST: too hard for a linear classifier, not for a network.
 */
#include "support.h"

#include <hone/hone.h>

TestSuite(slow_digits, .init = test_begin, .fini = test_end, .timeout = 600);

static hone_tensor *rows(const hone_dataset *set)
{
    return hone_div_scalar(hone_to(hone_flatten(set->x, 1), HONE_F32), 255);
}

static double error_of(hone_module *model, const hone_dataset *set)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *guess = hone_argmax(hone_forward(model, rows(set)), 1, false);
    return hone_item(hone_mean(hone_to(hone_ne(guess, set->y), HONE_F32)));
}

/* Trains and frees the model; its error on the test set. */
static double train(hone_module *model, double lr, int epochs)
{
    hone_dataset digits, train, test;
    CHECK_OK(hone_digits(HONE_TRAIN, 20000, 0, &digits));
    CHECK_OK(hone_digits(HONE_TEST, 5000, 0, &test));
    CHECK_OK(hone_dataset_from(rows(&digits), digits.y, &train));
    hone_optim *opt = hone_sgd(model, &(hone_sgd_options){ .lr = lr });
    hone_loader *loader =
        hone_loader_new(&train, &(hone_loader_options){ .batch_size = 100, .shuffle = true });
    cr_assert(opt && loader, "%s", hone_error_message());
    hone_batch b;
    for (int e = 0; e < epochs; e++) {
        while (hone_loader_next(loader, &b)) {
            HONE_SCOPE();
            CHECK_OK(hone_optim_zero_grad(opt));
            CHECK_OK(hone_backward(hone_cross_entropy(hone_forward(model, b.x), b.y)));
            CHECK_OK(hone_optim_step(opt));
        }
    }
    const double error = error_of(model, &test);
    hone_loader_free(loader);
    hone_optim_free(opt);
    hone_module_free(model);
    hone_dataset_free(&train);
    hone_dataset_free(&digits);
    hone_dataset_free(&test);
    return error;
}

Test(slow_digits, a_linear_classifier_is_not_enough_but_a_network_is)
{
    hone_seed(0);
    const double linear = train(hone_nn_linear(784, 10), 0.1, 10);
    const double network =
        train(hone_nn_sequential(hone_nn_linear(784, 100), hone_nn_relu(), hone_nn_linear(100, 10)),
              0.3, 12);
    cr_log_info("linear %.4f, network %.4f", linear, network);
    cr_assert(linear > 0.05, "a linear classifier errs on %.4f", linear);
    cr_assert(network < 0.06 && network < linear / 2,
              "a network errs on %.4f, a linear one on %.4f", network, linear);
}
