/* The same network from hone's own layers, loss and optimizer, with a shuffling loader; saves it
 * and reads it back.
 *   sequential DIR|digits [EPOCHS [IMAGES]]
 * Prints a line an epoch, then "ok" if the network learned and came back as it was saved. */
#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hone_tensor *rows(hone_tensor *images)
{
    return hone_div_scalar(hone_to(hone_flatten(images, 1), HONE_F32), 255);
}

static double train_epoch(hone_module *model, hone_optim *optim, hone_loader *loader)
{
    hone_batch batch;
    double sum = 0;
    while (hone_error_code() == HONE_OK && hone_loader_next(loader, &batch)) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(model, rows(batch.x)), batch.y);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        sum += hone_item(loss);
    }
    return sum / (double)hone_loader_batches(loader);
}

static hone_module *network(void)
{
    return hone_nn_sequential(hone_nn_linear(784, 100), hone_nn_relu(), hone_nn_linear(100, 10));
}

/* A saved network, read into another one, gives the same scores, bit by bit. */
static bool comes_back(hone_module *model, hone_tensor *x, const char *path)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_module *other = network();
    bool same = hone_save_state(model, path) == HONE_OK &&
                hone_load_state(other, path) == HONE_OK &&
                hone_equal(hone_forward(model, x), hone_forward(other, x));
    hone_module_free(other);
    remove(path);
    return same;
}

int main(int argc, char **argv)
{
    HONE_SCOPE();
    const char *source = argc > 1 ? argv[1] : "digits";
    int epochs = argc > 2 ? atoi(argv[2]) : 5;
    int64_t n = argc > 3 ? atoll(argv[3]) : 0;
    hone_dataset set;
    hone_status status = strcmp(source, "digits") == 0 ? hone_digits(HONE_TRAIN, n, 0, &set)
                                                       : hone_mnist(source, HONE_TRAIN, &set);
    if (status == HONE_OK && n > 0)
        hone_dataset_limit(&set, n);

    hone_seed(1);
    hone_module *model = network();
    hone_optim *optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9 });
    hone_loader *loader = hone_loader_new(
        &set, &(hone_loader_options){ .batch_size = 100, .shuffle = true, .seed = 1 });
    hone_print_module(model);
    hone_named_list names = hone_named_parameters(model);
    for (int i = 0; i < names.n; i++)
        printf("%s\n", names.at[i].name); /* 0.weight 0.bias 2.weight 2.bias */

    double first = 0, last = 0;
    for (int e = 0; e < epochs; e++) {
        last = train_epoch(model, optim, loader);
        if (hone_error_code() != HONE_OK)
            break;
        if (e == 0)
            first = last;
        printf("epoch %d  loss %.5f\n", e + 1, last);
    }
    bool good = comes_back(model, rows(hone_slice(set.x, 0, 0, 100, 1)), "example.safetensors") &&
                last < 0.5 * first;
    hone_loader_free(loader);
    hone_optim_free(optim);
    hone_module_free(model);
    hone_dataset_free(&set);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    puts(good ? "ok" : "failed");
    return good ? 0 : 1;
}
