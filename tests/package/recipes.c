/* recipes.c: calls what the README's recipes define and looks whether it does what they say.
 * recipes.h is made of README.md by readme.sh. */
#include <hone/hone.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "recipes.h"

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,                    \
                    hone_error_message());                                                         \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int test_accuracy(void)
{
    HONE_SCOPE();
    hone_seed(0);
    hone_dataset set;
    EXPECT(hone_digits(HONE_TEST, 500, 0, &set) == HONE_OK);
    hone_loader *loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 64 });
    hone_module *model = hone_nn_sequential(hone_nn_flatten(), hone_nn_linear(784, 10));
    double right = 0;
    hone_tensor *scores = hone_forward(model, hone_div_scalar(hone_to(set.x, HONE_F32), 255));
    for (int i = 0; i < 500; i++)
        right += hone_at(hone_argmax(scores, 1, false), i) == hone_at(set.y, i);
    EXPECT(accuracy(model, loader) == right / 500);
    EXPECT(model->training && hone_grad_enabled());
    hone_loader_free(loader);
    hone_module_free(model);
    hone_dataset_free(&set);
    return 0;
}

static int test_parts(void)
{
    HONE_SCOPE();
    hone_seed(0);
    hone_module *model = hone_nn_sequential(hone_nn_linear(9, 4));
    hone_tensor *x = hone_randn(HONE_F32, 20, 9), *y = hone_randint(HONE_I64, 0, 4, 20);
    hone_tensor *weight = hone_parameters(model).at[0];
    hone_tensor *loss = step_in_parts(model, x, y, 7), *grad = hone_clone(hone_grad(weight));
    EXPECT(hone_module_zero_grad(model) == HONE_OK);
    hone_tensor *whole = hone_cross_entropy(hone_forward(model, x), y);
    EXPECT(hone_backward(whole) == HONE_OK);
    EXPECT(hone_equal(loss, whole) && hone_equal(grad, hone_grad(weight)));
    hone_module_free(model);
    return 0;
}

static int test_dropout(void)
{
    HONE_SCOPE();
    hone_module *layer = dropout_new(0.25);
    hone_tensor *x = hone_ones(HONE_F32, 200, 50), *y = hone_forward(layer, x);
    const double kept = hone_item(hone_sum(hone_gt_scalar(y, 0))) / 10000;
    EXPECT(kept > 0.72 && kept < 0.78);
    EXPECT(hone_item(hone_max(y)) == (double)(float)(1 / 0.75) && hone_item(hone_min(y)) == 0);
    EXPECT(!hone_equal(hone_forward(layer, x), y));
    hone_module_train(layer, false);
    EXPECT(hone_equal(hone_forward(layer, x), x));
    hone_module_free(layer);
    return 0;
}

/* Trains to epoch `until`, from the file if there is one; gives the first layer's weights. */
static hone_tensor *trained(const char *path, int64_t until)
{
    hone_seed(3);
    hone_dataset set;
    hone_tensor *x = hone_randn(HONE_F32, 30, 5), *y = hone_randint(HONE_I64, 0, 3, 30);
    hone_dataset_from(x, y, &set);
    hone_loader *loader =
        hone_loader_new(&set, &(hone_loader_options){ .batch_size = 8, .shuffle = true });
    hone_module *model =
        hone_nn_sequential(hone_nn_linear(5, 9), dropout_new(0.2), hone_nn_linear(9, 3));
    hone_optim *optim = hone_adam(model, NULL);
    hone_tensor *weight = train_on(path, model, optim, loader, until)
                              ? hone_clone(hone_detach(hone_parameters(model).at[0]))
                              : NULL;
    hone_optim_free(optim);
    hone_module_free(model);
    hone_loader_free(loader);
    hone_dataset_free(&set);
    return weight;
}

static int test_going_on(void)
{
    HONE_SCOPE();
    hone_tensor *all = trained("whole", 6), *first = trained("parts", 2);
    EXPECT(all && first && !hone_equal(all, first));
    EXPECT(hone_equal(trained("parts", 4), trained("parts", 4)));
    EXPECT(hone_equal(trained("parts", 6), all));
    return 0;
}

static int test_worker(void)
{
    int number[] = { 1, 2 };
    pthread_t thread[2];
    hone_seed(0);
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_create(&thread[i], NULL, worker, &number[i]) == 0);
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(thread[i], &result);
        EXPECT(result == &number[i]);
    }
    return 0;
}

static int test_finite(void)
{
    HONE_SCOPE();
    const float values[] = { 1, -3e38f, 0, INFINITY, 2, NAN };
    EXPECT(finite(hone_from_data(HONE_F32, values, 3)));
    EXPECT(!finite(hone_from_data(HONE_F32, values, 4)));
    EXPECT(!finite(hone_from_data(HONE_F32, values + 4, 2)));
    return 0;
}

int main(void)
{
    const int failed = test_accuracy() + test_parts() + test_dropout() + test_going_on() +
                       test_worker() + test_finite();
    return failed || hone_error_code() != HONE_OK;
}
