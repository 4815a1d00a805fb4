/* A batch in parts, for machines of little memory: three more lines in the loop, the same bits.
 *   parts DIR|digits [EPOCHS [IMAGES]]
 * Trains twice, with batches at once and in parts of 24 images, and prints "ok" if both networks are
 * the same bit for bit. */
#include <hone/hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 100, PART = 24 };

static hone_module *network(void)
{
    hone_seed(0);
    return hone_nn_sequential(hone_nn_linear(784, 100), hone_nn_relu(), hone_nn_linear(100, 10));
}

static hone_tensor *rows(hone_tensor *images)
{
    return hone_div_scalar(hone_to(hone_flatten(images, 1), HONE_F32), 255);
}

static hone_tensor *step_at_once(hone_module *model, const hone_batch *batch)
{
    hone_tensor *loss = hone_cross_entropy(hone_forward(model, rows(batch->x)), batch->y);
    hone_backward(loss);
    return loss;
}

static hone_tensor *step_in_parts(hone_module *model, const hone_batch *batch)
{
    hone_accumulate_begin(batch->size);
    for (int64_t at = 0; at < batch->size; at += PART) {
        HONE_SCOPE(); /* what a part needs goes before the next comes */
        const int64_t end = at + PART < batch->size ? at + PART : batch->size;
        hone_accumulate_part(end - at);
        hone_tensor *scores = hone_forward(model, rows(hone_slice(batch->x, 0, at, end, 1)));
        hone_backward(hone_cross_entropy(scores, hone_slice(batch->y, 0, at, end, 1)));
    }
    return hone_accumulate_end();
}

static double train(hone_module *model, hone_dataset *set, int epochs, bool in_parts)
{
    hone_optim *optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.3 });
    hone_loader *loader = hone_loader_new(set, &(hone_loader_options){ .batch_size = BATCH });
    hone_batch batch;
    double sum = 0;
    for (int epoch = 0; epoch < epochs; epoch++)
        while (hone_error_code() == HONE_OK && hone_loader_next(loader, &batch)) {
            HONE_SCOPE();
            hone_optim_zero_grad(optim);
            sum += hone_item(in_parts ? step_in_parts(model, &batch) : step_at_once(model, &batch));
            hone_optim_step(optim);
        }
    hone_loader_free(loader);
    hone_optim_free(optim);
    return sum;
}

static bool are_equal(hone_module *a, hone_module *b)
{
    const hone_tensor_list of_a = hone_parameters(a), of_b = hone_parameters(b);
    bool same = of_a.at && of_b.at && of_a.n == of_b.n;
    for (int i = 0; same && i < of_a.n; i++)
        same = hone_equal(of_a.at[i], of_b.at[i]);
    return same;
}

int main(int argc, char **argv)
{
    HONE_SCOPE();
    const char *source = argc > 1 ? argv[1] : "digits";
    const int epochs = argc > 2 ? atoi(argv[2]) : 3;
    const int64_t n = argc > 3 ? atoll(argv[3]) : 0;
    hone_dataset set = { 0 };
    hone_status status = strcmp(source, "digits") == 0 ? hone_digits(HONE_TRAIN, n, 0, &set)
                                                       : hone_mnist(source, HONE_TRAIN, &set);
    if (status == HONE_OK && n > 0)
        hone_dataset_limit(&set, n);
    hone_module *whole = network(), *parts = network();
    const double loss = train(whole, &set, epochs, false);
    const bool same = train(parts, &set, epochs, true) == loss && are_equal(whole, parts);
    hone_module_free(whole);
    hone_module_free(parts);
    hone_dataset_free(&set);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    puts(same && hone_error_code() == HONE_OK ? "ok" : "other bits");
    return !same || hone_error_code() != HONE_OK;
}
