/* together.c: one model in evaluation, run by several threads at once under HONE_NO_GRAD: each gets the
 * bits that it gets alone. together.sh runs it under ThreadSanitizer. */
#include <hone/hone.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 5 };

static const struct {
    const char *model;
    int64_t shape[5]; /* of x; with no second extent: tokens, that many a row */
} rows[] = {
    { "mlp", { 3, 1, 28, 28 } },
    { "lenet", { 3, 1, 28, 28 } },
    { "resnet18:num_classes=10,width=8", { 2, 3, 32, 32 } },
    { "gpt:vocab=64,layers=2,heads=2,width=32,context=16", { 16 } },
    { "lstm:vocab=64,hidden=24", { 12 } },
};
enum { N_ROWS = sizeof rows / sizeof *rows };

typedef struct {
    hone_module *model;
    int row, number;
    hone_tensor *want; /* held; NULL: to be set */
    bool same;
} task;

static hone_module *model_of(int row)
{
    return strcmp(rows[row].model, "mlp") != 0
               ? hone_model(rows[row].model)
               : hone_nn_sequential(hone_nn_flatten(), hone_nn_linear(784, 30), hone_nn_relu(),
                                    hone_nn_linear(30, 10));
}

static hone_tensor *input_of(const task *t)
{
    hone_generator *own = hone_generator_new(7, t->number);
    hone_generator_use(own);
    hone_generator_free(own);
    const int64_t *s = rows[t->row].shape;
    return s[1] ? hone_randn(HONE_F32, s[0], s[1], s[2], s[3])
                : hone_randint(HONE_I64, 0, 64, 2, s[0]);
}

static bool same_bits(hone_tensor *a, hone_tensor *b)
{
    const size_t bytes = (size_t)hone_numel(a) * hone_dtype_size(hone_dtype_of(a));
    return hone_numel(a) == hone_numel(b) && memcmp(hone_data(a), hone_data(b), bytes) == 0;
}

static void *forward(void *given)
{
    task *t = given;
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *x = input_of(t);
    t->same = x != NULL;
    for (int i = 0; t->same && i < ROUNDS; i++) {
        HONE_SCOPE();
        hone_tensor *y = hone_forward(t->model, x);
        y = y ? hone_contiguous(y) : NULL;
        if (!y)
            t->same = false;
        else if (!t->want)
            t->want = hone_retain(y);
        else
            t->same = same_bits(y, t->want);
    }
    if (!t->same && hone_error_code() != HONE_OK)
        fprintf(stderr, "%s: %s\n", rows[t->row].model, hone_error_message());
    return NULL;
}

static bool run(int row)
{
    hone_module *model = model_of(row);
    if (!model) {
        fprintf(stderr, "%s: %s\n", rows[row].model, hone_error_message());
        return false;
    }
    hone_module_train(model, false);
    task tasks[THREADS];
    pthread_t threads[THREADS];
    bool ok = true;
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (task){ model, row, i + 1, NULL, false };
        forward(&tasks[i]); /* alone */
        ok = ok && tasks[i].same;
    }
    for (int i = 0; i < THREADS; i++)
        ok = pthread_create(&threads[i], NULL, forward, &tasks[i]) == 0 && ok;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && tasks[i].same;
        hone_release(tasks[i].want);
    }
    hone_module_free(model);
    printf("%s: %s\n", rows[row].model, ok ? "the same alone and together" : "DIFFERS");
    return ok;
}

int main(void)
{
    bool ok = true;
    for (int row = 0; row < N_ROWS; row++)
        ok = run(row) && ok;
    return ok ? 0 : 1;
}
