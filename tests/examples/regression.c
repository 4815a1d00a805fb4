/* Regression: a curve from noisy points, by a small network and Adam.
 * Prints the error on points that it hasn't seen, then "ok" if it is close to the noise. */
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>

enum { POINTS = 400, STEPS = 600 };
#define NOISE 0.1

/* y = sin 3x + x^2 / 2 and noise, at n places from -2 to 2: x and y [n, 1] */
static void curve(int n, hone_tensor **x, hone_tensor **y)
{
    *x = hone_sub_scalar(hone_mul_scalar(hone_rand(HONE_F32, n, 1), 4), 2);
    hone_tensor *noise = hone_mul_scalar(hone_randn(HONE_F32, n, 1), NOISE);
    hone_tensor *wave = hone_sin(hone_mul_scalar(*x, 3));
    *y = hone_add(hone_add(wave, hone_mul_scalar(hone_square(*x), 0.5)), noise);
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_tensor *x, *y, *new_x, *new_y;
    curve(POINTS, &x, &y);
    curve(POINTS, &new_x, &new_y);

    hone_module *model =
        hone_nn_layer("Sequential", "Linear(1, 32), Tanh(), Linear(32, 32), Tanh(), Linear(32, 1)");
    hone_optim *optim = hone_adam(model, &(hone_adam_options){ .lr = 0.01 });
    for (int step = 1; step <= STEPS; step++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_mse_loss(hone_forward(model, x), y, HONE_REDUCE_MEAN);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        if (step % 100 == 0)
            printf("step %d  mean squared error %.4f\n", step, hone_item(loss));
    }

    HONE_NO_GRAD();
    hone_tensor *guess = hone_forward(model, new_x);
    const double error = sqrt(hone_item(hone_mse_loss(guess, new_y, HONE_REDUCE_MEAN)));
    const double spread = hone_item(hone_std(new_y, 0));
    printf("new points: error %.3f, their spread is %.3f, the noise %.3f\n", error, spread, NOISE);
    hone_optim_free(optim);
    hone_module_free(model);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && error < 1.3 * NOISE;
    puts(good ? "ok" : "failed");
    return !good;
}
