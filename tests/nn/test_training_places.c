/* A training loop wherever it may run: on several threads at once, inside the caller's own OpenMP
 * region, in a forked child, under a limit of memory. Every time it gives the same bits. */
#include "support.h"

#include <hone/hone.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(training_places);

enum { SAMPLES = 96, STEPS = 12 };

typedef struct {
    hone_module *model;
    hone_optim *optim;
    hone_tensor *x, *y; /* owned by whoever began */
    double loss[STEPS];
    bool failed;
} training;

/* The same network, data and numbers every time; on the main thread, as it seeds. */
static training begin(int64_t samples)
{
    training t = { 0 };
    hone_seed(3);
    t.model = hone_nn_sequential(hone_nn_linear(64, 48), hone_nn_relu(), hone_nn_linear(48, 10));
    t.optim = hone_sgd(t.model, &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9 });
    t.x = hone_randn(HONE_F32, samples, 64);
    t.y = hone_to(hone_mul_scalar(hone_rand(HONE_F32, samples), 9.99), HONE_I64);
    cr_assert(t.optim && t.x && t.y, "%s", hone_error_message());
    return t;
}

static void end(training *t)
{
    hone_optim_free(t->optim);
    hone_module_free(t->model);
}

/* NaN, with an error, if it fails. */
static double step(training *t, hone_tensor *x, hone_tensor *y)
{
    HONE_SCOPE();
    hone_tensor *loss = hone_cross_entropy(hone_forward(t->model, x), y);
    if (hone_optim_zero_grad(t->optim) || hone_backward(loss) || hone_optim_step(t->optim))
        return hone_item(NULL);
    return hone_item(loss);
}

static void *run(void *training_of_thread)
{
    training *t = training_of_thread;
    for (int i = 0; i < STEPS; i++)
        t->loss[i] = step(t, t->x, t->y);
    t->failed = hone_error_code() != HONE_OK;
    return NULL;
}

static bool same(const training *a, const training *b)
{
    return !a->failed && !b->failed && memcmp(a->loss, b->loss, sizeof a->loss) == 0;
}

static training reference(void)
{
    setenv("HONE_FORCE_THREADS", "2", 1);
    training t = begin(SAMPLES);
    run(&t);
    cr_assert(!t.failed && t.loss[STEPS - 1] < t.loss[0]);
    return t;
}

/* ---- threads ------------------------------------------------------------------------------ */

Test(training_places, several_threads_train_at_once)
{
    enum { N = 4 };
    training want = reference(), got[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        got[i] = begin(SAMPLES);
    for (int i = 0; i < N; i++)
        cr_assert(pthread_create(&threads[i], NULL, run, &got[i]) == 0);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < N; i++) {
        cr_assert(same(&got[i], &want), "thread %d", i);
        end(&got[i]);
    }
    end(&want);
}

Test(training_places, inside_the_callers_region)
{
    training want = reference(), got[2] = { begin(SAMPLES), begin(SAMPLES) };
#pragma omp parallel for num_threads(2) schedule(static, 1)
    for (int i = 0; i < 2; i++)
        run(&got[i]);
    for (int i = 0; i < 2; i++) {
        cr_assert(same(&got[i], &want), "%d", i);
        end(&got[i]);
    }
    end(&want);
}

/* ---- fork --------------------------------------------------------------------------------- */

static void check_child(const training *want, training *got)
{
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); /* instead of hanging */
        run(got);
        _exit(same(got, want) ? 0 : 1);
    }
    int status = -1;
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(training_places, a_forked_child_trains)
{
    training want = reference(), got = begin(SAMPLES);
    check_child(&want, &got);
    run(&got); /* and so does the parent, whose model the child left alone */
    cr_assert(same(&got, &want));
    end(&got);
    end(&want);
}

#ifndef HONE_SANITIZE /* whose allocator takes no care of its own locks at a fork */
static atomic_bool enough;

static void *train_until_told(void *training_of_thread)
{
    training *t = training_of_thread;
    while (!atomic_load(&enough))
        step(t, t->x, t->y);
    t->failed = hone_error_code() != HONE_OK;
    return NULL;
}

/* The child must find no lock taken by a thread that it hasn't got. */
Test(training_places, forked_while_another_thread_trains)
{
    training want = reference(), got = begin(SAMPLES), other = begin(SAMPLES);
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, train_until_told, &other) == 0);
    for (int i = 0; i < 10; i++)
        check_child(&want, &got);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    cr_assert(!other.failed);
    end(&other);
    end(&got);
    end(&want);
}

#endif

/* ---- a limit of memory -------------------------------------------------------------------- */

#ifndef HONE_SANITIZE /* which keeps other books */
Test(training_places, a_step_past_the_limit_fails_and_a_smaller_one_goes_on)
{
    enum { MANY = 20000 };
    training t = begin(MANY);
    hone_memory memory;
    hone_tensor *x = hone_slice(t.x, 0, 0, 32, 1), *y = hone_slice(t.y, 0, 0, 32, 1);
    cr_assert(step(&t, x, y) > 0);
    hone_memory_trim();
    hone_memory_stats(&memory);
    const int64_t tensors = memory.tensors, in_use = memory.in_use_bytes;
    CHECK_OK(hone_memory_limit(memory.reserved_bytes + (1 << 20)));
    for (int i = 0; i < 3; i++) {
        const double loss = step(&t, t.x, t.y);
        cr_assert(loss != loss);
        CHECK_ERROR(HONE_E_NOMEM, "the limit is");
        hone_memory_stats(&memory); /* less the four gradients, which are zero now */
        cr_assert(memory.tensors == tensors - 4 && memory.nodes == 0);
        cr_assert(step(&t, x, y) > 0, "%s", hone_error_message());
        hone_memory_stats(&memory);
        cr_assert(memory.tensors == tensors && memory.in_use_bytes == in_use);
    }
    CHECK_OK(hone_memory_limit(0));
    cr_assert(step(&t, t.x, t.y) > 0, "%s", hone_error_message());
    end(&t);
}
#endif
