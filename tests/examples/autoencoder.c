/* An autoencoder: pictures of digits through 16 numbers and back.
 * Prints a line an epoch and a digit before and after, then "ok" if pictures it has never seen come
 * back with half the error of the best guess without a look at them. */
#include <hone/hone.h>
#include <stdio.h>

enum { IMAGES = 1500, EPOCHS = 12, CODE = 16 };

/* Rows of 784 numbers from 0 to 1. */
static hone_tensor *rows(hone_tensor *images)
{
    return hone_div_scalar(hone_to(hone_flatten(images, 1), HONE_F32), 255);
}

static void draw(hone_tensor *row)
{
    for (int y = 0; y < 28; y += 2) {
        for (int x = 0; x < 28; x++)
            putchar(" .:+#"[(int)(hone_at(row, y * 28 + x) * 4.99)]);
        putchar('\n');
    }
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_dataset seen, unseen;
    if (hone_digits(HONE_TRAIN, IMAGES, 0, &seen) != HONE_OK ||
        hone_digits(HONE_TEST, IMAGES, 0, &unseen) != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }

    hone_module *encoder =
        hone_nn_sequential(hone_nn_linear(784, 128), hone_nn_relu(), hone_nn_linear(128, CODE));
    hone_module *decoder = hone_nn_sequential(hone_nn_linear(CODE, 128), hone_nn_relu(),
                                              hone_nn_linear(128, 784), hone_nn_sigmoid());
    hone_module *model = hone_nn_sequential(encoder, decoder); /* owns both */
    hone_optim *optim = hone_adam(model, &(hone_adam_options){ .lr = 0.003 });
    hone_loader *loader =
        hone_loader_new(&seen, &(hone_loader_options){ .batch_size = 50, .shuffle = true });

    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        hone_batch batch;
        double sum = 0;
        while (hone_loader_next(loader, &batch)) {
            HONE_SCOPE();
            hone_tensor *x = rows(batch.x); /* what is wanted is what goes in */
            hone_tensor *loss = hone_mse_loss(hone_forward(model, x), x, HONE_REDUCE_MEAN);
            hone_optim_zero_grad(optim);
            hone_backward(loss);
            hone_optim_step(optim);
            sum += hone_item(loss);
        }
        printf("epoch %2d  loss %.4f\n", epoch, sum / (double)hone_loader_batches(loader));
    }

    HONE_NO_GRAD();
    hone_tensor *x = rows(unseen.x), *code = hone_forward(encoder, x),
                *y = hone_forward(decoder, code);
    draw(hone_select(x, 0, 3));
    draw(hone_select(y, 0, 3));
    hone_tensor *mean = hone_mean_dim(x, 0, true); /* the same picture for every digit */
    const double error = hone_item(hone_mse_loss(y, x, HONE_REDUCE_MEAN)),
                 blind = hone_item(hone_mean(hone_square(hone_sub(x, mean))));
    printf("error %.4f through %d numbers, %.4f of the mean picture\n", error,
           (int)hone_size(code, 1), blind);

    hone_loader_free(loader);
    hone_optim_free(optim);
    hone_module_free(model);
    hone_dataset_free(&seen);
    hone_dataset_free(&unseen);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && error < 0.5 * blind;
    puts(good ? "ok" : "failed");
    return !good;
}
