/* Training after its first steps asks the system for nothing: no call of malloc and its kin (this
 * program brings its own, which count), no new mapping, not a byte more in use or reserved, no page
 * touched for the first time.
 *   steady [STEPS]
 *   steady MODEL STEPS
 * Says "steady begin" and "steady end" around what must be quiet, for steady.sh, which counts
 * system calls between them. */
#include <hone/hone.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- malloc, counted: glibc's own under names that it exports for this ---------------------- */

static _Atomic long calls;

#pragma GCC visibility push(default) /* the shared libraries' calls come here too */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *p);

static void count(void)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    count();
    return __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
    count();
    return __libc_realloc(p, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **p, size_t alignment, size_t bytes)
{
    count();
    *p = __libc_memalign(alignment, bytes);
    return *p ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p)
        count();
    __libc_free(p);
}

#pragma GCC visibility pop

/* ---- what is trained ------------------------------------------------------------------------ */

typedef struct {
    hone_module *model;
    hone_optim *optim, *matrices; /* the second one may be NULL, and what follows */
    hone_loader *loader;
    hone_schedule *schedule;
    hone_average *average;
    hone_tensor_list parameters; /* the root scope's */
} training;

static hone_loader *batches_of(hone_tensor *x, hone_tensor *y, int64_t batch)
{
    hone_dataset set;
    if (hone_dataset_from(x, y, &set) != HONE_OK)
        return NULL;
    hone_loader *loader = hone_loader_new(
        &set, &(hone_loader_options){ .batch_size = batch, .shuffle = true, .seed = 1 });
    hone_dataset_free(&set);
    return loader;
}

static training begin(int64_t samples, int64_t in, int64_t hidden, int64_t batch)
{
    HONE_SCOPE();
    training t = { 0 };
    t.loader = batches_of(hone_randn(HONE_F32, samples, in), hone_randint(HONE_I64, 0, 10, samples),
                          batch);
    t.model =
        hone_nn_sequential(hone_nn_linear(in, hidden), hone_nn_relu(), hone_nn_linear(hidden, 10));
    t.optim = hone_sgd(t.model, &(hone_sgd_options){ .lr = 0.01, .momentum = 0.9 });
    return t;
}

/* A named network, on pictures of so many channels and pixels, or on tokens. */
static training begin_model(const char *spec)
{
    HONE_SCOPE();
    enum { SAMPLES = 22, BATCH = 4, TOKENS = 16, VALUES = 64 };
    const bool tokens = strncmp(spec, "gpt", 3) == 0 || strncmp(spec, "lstm", 4) == 0;
    const bool grey = strncmp(spec, "lenet", 5) == 0;
    const int64_t side = grey ? 28 : 32;
    hone_tensor *x = tokens ? hone_randint(HONE_I64, 0, VALUES, SAMPLES, TOKENS)
                            : hone_randn(HONE_F32, SAMPLES, grey ? 1 : 3, side, side);
    training t = { 0 };
    t.loader = batches_of(x, tokens ? x : hone_randint(HONE_I64, 0, 10, SAMPLES), BATCH);
    t.model = hone_model(spec);
    t.optim = hone_adam(t.model, NULL);
    return t;
}

/* All else that a step may do: two optimizers with more state, a schedule, clipping, averages. */
static void add_more(training *t)
{
    hone_optim_free(t->optim);
    t->parameters = hone_parameters(t->model);
    hone_tensor **p = t->parameters.at;
    t->optim = hone_adamw_list(hone_list(p[1], p[3]), &(hone_adam_options){ .amsgrad = true });
    t->matrices = hone_muon_list(hone_list(p[0], p[2]), NULL);
    t->schedule =
        hone_lr_cosine_restarts(t->optim, &(hone_lr_cosine_restarts_options){ .t_0 = 50 });
    t->average = hone_average_new(t->model, NULL);
}

static void end(training t)
{
    hone_schedule_free(t.schedule);
    hone_average_free(t.average);
    hone_optim_free(t.matrices);
    hone_loader_free(t.loader);
    hone_optim_free(t.optim);
    hone_module_free(t.model);
}

static double step(training t)
{
    HONE_SCOPE();
    hone_batch batch;
    if (!hone_loader_next(t.loader, &batch) && !hone_loader_next(t.loader, &batch))
        return NAN; /* false once at an epoch's end */
    hone_tensor *scores = hone_forward(t.model, batch.x);
    if (scores && hone_dim(scores) == 3) { /* a token's at each position */
        scores = hone_reshape(scores, -1, hone_size(scores, 2));
        batch.y = hone_reshape(batch.y, -1);
    }
    hone_tensor *loss = hone_cross_entropy(scores, batch.y);
    hone_optim_zero_grad(t.optim);
    if (t.matrices)
        hone_optim_zero_grad(t.matrices);
    hone_backward(loss);
    if (t.matrices) {
        hone_clip_grad_norm_(t.parameters, 1, NULL, NULL);
        hone_clip_grad_value_(t.parameters, 0.5);
        hone_optim_step(t.matrices);
        hone_schedule_step(t.schedule);
        hone_average_update(t.average);
    }
    hone_optim_step(t.optim);
    return hone_item(loss);
}

static double steps(training t, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += step(t);
    return sum;
}

/* ---- what must not change ------------------------------------------------------------------- */

typedef struct {
    long calls, faults;
    hone_memory memory;
} account;

static account take(void)
{
    account now = { .calls = atomic_load(&calls) };
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    now.faults = usage.ru_minflt;
    hone_memory_stats(&now.memory);
    return now;
}

static void say(const char *line)
{
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        exit(1);
}

static int differs(const char *what, long long before, long long after, long long most)
{
    if (after - before <= most)
        return 0;
    printf("%s: %lld before, %lld after\n", what, before, after);
    return 1;
}

static int verdict(int n, account before, account after, double loss)
{
    if (hone_error_code() != HONE_OK || !(loss > 0)) {
        printf("%s (loss %g)\n", hone_error_message(), loss);
        return 1;
    }
    if (before.calls == 0) {
        puts("no call of malloc was counted, not even hwloc's");
        return 1;
    }
    int bad = differs("calls of malloc and free", before.calls, after.calls, 0);
    bad += differs("bytes in use", before.memory.in_use_bytes, after.memory.in_use_bytes, 0);
    /* A product that finds the other cores taken runs on one thread, which packs other blocks. */
    bad += differs("peak of bytes", before.memory.peak_bytes, after.memory.peak_bytes, 65536);
    bad += differs("bytes reserved", before.memory.reserved_bytes, after.memory.reserved_bytes, 0);
    bad += differs("tensors", before.memory.tensors, after.memory.tensors, 0);
    bad += differs("nodes", before.memory.nodes, after.memory.nodes, 0);
    /* A few are the kernel's own: it moves pages, or looks whether they are used. */
    bad += differs("page faults", before.faults, after.faults, n / 100);
    printf("%d steps, %ld page faults: %s\n", n, after.faults - before.faults,
           bad ? "not steady" : "ok");
    return bad != 0;
}

/* Models whose regions may be cut anew take other blocks at times: what counts is that the system isn't
 * asked for more, and that nothing stays. */
static int run_model(const char *spec, int n)
{
    training t = begin_model(spec);
    double loss = steps(t, 40);
    const account before = take();
    loss += steps(t, n);
    const account after = take();
    end(t);
    return verdict(n, before, after, loss);
}

int main(int argc, char **argv)
{
    hone_seed(1);
    if (argc > 2)
        return run_model(argv[1], atoi(argv[2]));
    const int n = argc > 1 ? atoi(argv[1]) : 10000;
    /* Of the first, blocks are small, of the second, large; in both, a last batch is smaller. */
    training small = begin(1000, 64, 32, 48), large = begin(1000, 784, 300, 96);
    training more = begin(1000, 64, 32, 48);
    add_more(&more);
    double loss = steps(more, 400); /* makes its state first, which counts in every peak */
    loss += steps(small, 400) + steps(large, 40);

    const account before = take();
    say("steady begin\n");
    loss += steps(small, n) + steps(large, n / 100) + steps(more, n / 10);
    say("steady end\n");
    const account after = take();

    end(small);
    end(large);
    end(more);
    return verdict(n, before, after, loss);
}
