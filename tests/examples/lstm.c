/* An LSTM that says how a wave goes on. It reads a wave and guesses each next value; then it gets
 * its own guesses to read, with its states carried from step to step.
 * Prints the loss and the wave that it makes, then "ok" if that stays close to the real one. */
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>

enum { WAVES = 32, LENGTH = 40, HIDDEN = 32, STEPS = 300, ON = 20 };

/* [WAVES, LENGTH + 1, 1]: waves of one speed, each from a place of its own. */
static hone_tensor *waves(void)
{
    hone_tensor *begin = hone_mul_scalar(hone_rand(HONE_F32, WAVES, 1), 6.2831853);
    hone_tensor *time = hone_mul_scalar(hone_arange(HONE_F32, 0, LENGTH + 1, 1), 0.4);
    return hone_unsqueeze(hone_sin(hone_add(begin, time)), 2);
}

int main(void)
{
    HONE_SCOPE();
    hone_seed(1);
    hone_module *lstm = hone_nn_layer_format("LSTM", "1, %d, batch_first=True", HIDDEN);
    hone_module *last = hone_nn_layer_format("Linear", "%d, 1, init='torch'", HIDDEN);
    hone_module *model = hone_nn_sequential(lstm, last);
    hone_optim *optim = hone_adam(model, &(hone_adam_options){ .lr = 0.01 });
    double loss = 1;
    for (int step = 1; step <= STEPS; step++) {
        HONE_SCOPE();
        hone_tensor *all = waves();
        hone_tensor *x = hone_slice(all, 1, 0, LENGTH, 1),
                    *next = hone_slice(all, 1, 1, LENGTH + 1, 1);
        hone_tensor *error = hone_mse_loss(hone_forward(model, x), next, HONE_REDUCE_MEAN);
        hone_optim_zero_grad(optim);
        hone_backward(error);
        hone_clip_grad_norm_(hone_parameters(model), 1, NULL, NULL);
        hone_optim_step(optim);
        loss = hone_item(error);
        if (step % 50 == 0)
            printf("step %d  loss %.5f\n", step, loss);
    }

    /* Read LENGTH values of a wave, keep the states, and go on alone. */
    HONE_NO_GRAD();
    hone_tensor *all = waves(), *x = hone_slice(all, 1, 0, LENGTH, 1);
    hone_lstm_result read = hone_nn_lstm_states(lstm, x, HONE_NONE, HONE_NONE);
    hone_tensor *guess = hone_forward(last, hone_slice(read.output, 1, LENGTH - 1, LENGTH, 1));
    /* the real wave follows from its last two values: w(t + 1) = 2 cos(0.4) w(t) - w(t - 1) */
    double before = hone_at(x, 0, LENGTH - 2, 0), now = hone_at(x, 0, LENGTH - 1, 0), worst = 0;
    for (int step = 0; step < ON && hone_error_code() == HONE_OK; step++) {
        const double real = 2 * cos(0.4) * now - before, said = hone_at(guess, 0, 0, 0);
        before = now;
        now = real;
        worst = fmax(worst, fabs(said - real));
        printf("%+.3f (%+.3f)%s", said, real, step % 5 == 4 ? "\n" : "  ");
        read = hone_nn_lstm_states(lstm, guess, read.h_n, read.c_n);
        guess = hone_forward(last, read.output);
    }
    printf("after %d steps alone the wave is off by at most %.3f\n", ON, worst);

    hone_optim_free(optim);
    hone_module_free(model);
    if (hone_error_code() != HONE_OK)
        fprintf(stderr, "%s\n", hone_error_message());
    const bool good = hone_error_code() == HONE_OK && loss < 0.005 && worst < 0.3;
    puts(good ? "ok" : "failed");
    return !good;
}
