/* A GAN (Goodfellow et al., 2014): a generator makes numbers of noise, a discriminator tells them
 * from real ones, and each learns from the other, by an optimizer of its own. hone_detach() cuts the
 * generator off while the discriminator learns.
 * The real numbers have a mean of 3 and a spread of 0.5; prints "ok" if what is made has, too. */
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 128, STEPS = 1500 };

static hone_tensor *real_numbers(int n)
{
    return hone_add_scalar(hone_mul_scalar(hone_randn(HONE_F32, n, 1), 0.5), 3);
}

static hone_tensor *noise(int n)
{
    return hone_randn(HONE_F32, n, 1);
}

/* How far the scores are from "real" (1) or "made" (0). */
static hone_tensor *loss_of(hone_tensor *scores, double target)
{
    return hone_binary_cross_entropy_with_logits(scores, hone_full_like(scores, target), HONE_NONE,
                                                 HONE_NONE, HONE_REDUCE_MEAN);
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *generator = hone_nn_layer("Sequential", "Linear(1, 16), Tanh(), Linear(16, 1)");
    hone_module *discriminator = hone_nn_layer(
        "Sequential",
        "Linear(1, 32), LeakyReLU(0.2), Linear(32, 32), LeakyReLU(0.2), Linear(32, 1)");
    const hone_adam_options options = { .lr = 0.002, .beta1 = 0.5 };
    hone_optim *of_generator = hone_adam(generator, &options),
               *of_discriminator = hone_adam(discriminator, &options);

    for (int step = 1; step <= STEPS && hone_error_code() == HONE_OK; step++) {
        HONE_SCOPE();
        hone_tensor *made = hone_forward(generator, noise(BATCH));

        /* The discriminator learns; made numbers are only numbers to it. */
        hone_tensor *of_real = loss_of(hone_forward(discriminator, real_numbers(BATCH)), 1);
        hone_tensor *of_made = loss_of(hone_forward(discriminator, hone_detach(made)), 0);
        hone_optim_zero_grad(of_discriminator);
        hone_backward(hone_add(of_real, of_made));
        hone_optim_step(of_discriminator);

        /* The generator learns, through the discriminator, to be taken for real. The gradients that
         * the discriminator gets by this are zeroed above before they count. */
        hone_tensor *fooled = loss_of(hone_forward(discriminator, made), 1);
        hone_optim_zero_grad(of_generator);
        hone_backward(fooled);
        hone_optim_step(of_generator);

        if (step % 250 == 0)
            printf("step %4d  discriminator %.3f  generator %.3f  mean %.3f\n", step,
                   hone_item(of_real) + hone_item(of_made), hone_item(fooled),
                   hone_item(hone_mean(made)));
    }

    HONE_NO_GRAD();
    hone_tensor *made = hone_forward(generator, noise(2000));
    const double mean = hone_item(hone_mean(made)), spread = hone_item(hone_std(made, 0));
    printf("made numbers have a mean of %.3f and a spread of %.3f\n", mean, spread);
    hone_optim_free(of_generator);
    hone_optim_free(of_discriminator);
    hone_module_free(generator);
    hone_module_free(discriminator);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good =
        hone_error_code() == HONE_OK && fabs(mean - 3) < 0.3 && fabs(spread - 0.5) < 0.25;
    puts(good ? "ok" : "failed");
    return !good;
}
