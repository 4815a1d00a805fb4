/* test_checkpoint.c: a run that is taken up again has the bits of one that went on; what stands in the
 * way is said, and changes nothing. */
#include "files.h"
#include "support.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE_WITH_FILES(checkpoint);

/* ---- a run: dropout, batch norm, shuffling, Adam, a schedule, an average */

enum { SAMPLES = 20, FEATURES = 6 };

typedef struct {
    hone_dataset set;
    hone_module *model;
    hone_optim *optim;
    hone_schedule *schedule;
    hone_average *average;
    hone_loader *loader;
    hone_tensor *best; /* after the third step */
    int64_t steps;
    double losses;
    hone_checkpoint *file;
} run;

static run begin(uint64_t seed, const hone_checkpoint_options *options)
{
    run r = { .steps = 0 };
    hone_seed(7);
    hone_tensor *x = hone_randn(HONE_F32, SAMPLES, FEATURES);
    hone_tensor *y = hone_randint(HONE_I64, 0, 3, SAMPLES);
    CHECK_OK(hone_dataset_from(x, y, &r.set));
    hone_seed(seed);
    r.model =
        hone_nn_sequential(hone_nn_linear(FEATURES, 8), hone_nn_layer("BatchNorm1d", "8"),
                           hone_nn_layer("Dropout", "0.3"), hone_nn_relu(), hone_nn_linear(8, 3));
    r.optim = hone_adam(r.model, &(hone_adam_options){ .lr = 0.05, .amsgrad = true });
    r.schedule =
        hone_lr_warmup(hone_lr_cosine(r.optim, &(hone_lr_cosine_options){ .t_max = 20 }), 3, 0);
    r.average =
        hone_average_new(r.model, &(hone_average_options){ .decay = 0.9, .use_buffers = true });
    r.loader = hone_loader_new(
        &r.set, &(hone_loader_options){ .batch_size = 6, .shuffle = true, .seed = 3 });
    r.file = hone_checkpoint_new(test_path("run"), options);
    CHECK_OK(hone_checkpoint_module(r.file, "model", r.model));
    CHECK_OK(hone_checkpoint_optim(r.file, "optim", r.optim));
    CHECK_OK(hone_checkpoint_schedule(r.file, "schedule", r.schedule));
    CHECK_OK(hone_checkpoint_average(r.file, "average", r.average));
    CHECK_OK(hone_checkpoint_loader(r.file, "loader", r.loader));
    CHECK_OK(hone_checkpoint_generator(r.file, "generator", hone_generator_current()));
    return r;
}

/* The numbers and the slot lie in a run that stays where it is. */
static void add_numbers(run *r)
{
    CHECK_OK(hone_checkpoint_numbers(r->file, "steps", HONE_I64, &r->steps, 1));
    CHECK_OK(hone_checkpoint_numbers(r->file, "losses", HONE_F64, &r->losses, 1));
    CHECK_OK(hone_checkpoint_tensor(r->file, "best.weight", &r->best));
    CHECK_OK(hone_checkpoint_fact(r->file, "batch", "6"));
}

static void end(run *r)
{
    hone_checkpoint_free(r->file);
    hone_loader_free(r->loader);
    hone_average_free(r->average);
    hone_schedule_free(r->schedule);
    hone_optim_free(r->optim);
    hone_module_free(r->model);
    hone_release(r->best);
    hone_dataset_free(&r->set);
}

static void step(run *r)
{
    HONE_SCOPE();
    hone_batch b;
    if (!hone_loader_next(r->loader, &b))
        cr_assert(hone_loader_next(r->loader, &b), "%s", hone_error_message());
    hone_tensor *loss = hone_cross_entropy(hone_forward(r->model, b.x), b.y);
    CHECK_OK(hone_optim_zero_grad(r->optim));
    CHECK_OK(hone_backward(loss));
    CHECK_OK(hone_optim_step(r->optim));
    CHECK_OK(hone_schedule_step(r->schedule));
    CHECK_OK(hone_average_update(r->average));
    r->losses += hone_item(loss);
    if (++r->steps == 3)
        CHECK_OK(hone_assign(&r->best, hone_clone(hone_parameters(r->model).at[0])));
}

/* All of its state, as its checkpoint has it. */
static char *bytes_of(run *r, size_t *n)
{
    CHECK_OK(hone_checkpoint_save(r->file));
    CHECK_OK(hone_checkpoint_wait(r->file));
    return test_read(test_path("run"), n);
}

/* The number of steps after which another run goes on, all 11 places of two and a half epochs. */
Test(checkpoint, goes_on_with_the_same_bits_from_every_step)
{
    enum { STEPS = 10 };
    run all = begin(1, NULL);
    add_numbers(&all);
    for (int i = 0; i < STEPS; i++)
        step(&all);
    size_t wanted_bytes, bytes;
    char *wanted = bytes_of(&all, &wanted_bytes);
    end(&all);
    for (int at = 0; at <= STEPS; at++) {
        run first = begin(1, NULL), second;
        add_numbers(&first);
        for (int i = 0; i < at; i++)
            step(&first);
        CHECK_OK(hone_checkpoint_save(first.file));
        for (int i = 0; i < 2; i++)
            step(&first); /* while it is written, and lost */
        CHECK_OK(hone_checkpoint_wait(first.file));
        end(&first);
        second = begin(99, NULL); /* other weights */
        add_numbers(&second);
        step(&second);
        cr_assert(hone_checkpoint_exists(second.file));
        CHECK_OK(hone_checkpoint_load(second.file, NULL, NULL));
        cr_assert_str_eq(hone_checkpoint_loaded(second.file), test_path("run"));
        cr_assert_str_eq(hone_checkpoint_passed_over(second.file), "");
        cr_assert(second.steps == at && (second.best != NULL) == (at >= 3));
        for (int i = at; i < STEPS; i++)
            step(&second);
        char *got = bytes_of(&second, &bytes);
        cr_assert(bytes == wanted_bytes && memcmp(got, wanted, bytes) == 0, "from step %d", at);
        free(got);
        end(&second);
    }
    free(wanted);
}

/* Who wants the weights alone reads them as from any file of weights. */
Test(checkpoint, is_a_file_of_weights)
{
    run r = begin(1, NULL);
    add_numbers(&r);
    step(&r);
    CHECK_OK(hone_checkpoint_save(r.file));
    CHECK_OK(hone_checkpoint_wait(r.file));
    hone_module *other =
        hone_nn_sequential(hone_nn_linear(FEATURES, 8), hone_nn_layer("BatchNorm1d", "8"),
                           hone_nn_layer("Dropout", "0.3"), hone_nn_relu(), hone_nn_linear(8, 3));
    hone_state_report report;
    CHECK_OK(hone_load_state_with(
        other, test_path("run"),
        &(hone_state_options){ .non_strict = true, .file_prefix = "model.", .report = &report }));
    cr_assert(report.missing.n == 0);
    const hone_named_list a = hone_named_state(r.model), b = hone_named_state(other);
    for (int i = 0; i < a.n; i++)
        cr_assert(test_same_bits(a.at[i].tensor, b.at[i].tensor), "%s", a.at[i].name);
    hone_module_free(other);
    end(&r);
}

/* ---- files that are kept */

static int64_t steps_in(run *r, const char *path)
{
    CHECK_OK(hone_checkpoint_load(r->file, path, NULL));
    return r->steps;
}

Test(checkpoint, keeps_the_last_ones)
{
    run r = begin(1, &(hone_checkpoint_options){ .keep = 3 });
    add_numbers(&r);
    cr_assert(!hone_checkpoint_exists(r.file));
    for (int i = 1; i <= 5; i++) {
        r.steps = i;
        CHECK_OK(hone_checkpoint_save(r.file));
    }
    CHECK_OK(hone_checkpoint_wait(r.file));
    cr_assert(test_dir_count() == 3);
    cr_assert(steps_in(&r, test_path("run")) == 5);
    cr_assert(steps_in(&r, test_path("run.1")) == 4);
    cr_assert(steps_in(&r, test_path("run.2")) == 3);
    end(&r);
    r = begin(1, &(hone_checkpoint_options){ .keep = 2, .foreground = true });
    add_numbers(&r);
    r.steps = 6;
    CHECK_OK(hone_checkpoint_save(r.file)); /* fewer are kept now */
    cr_assert(test_dir_count() == 2);
    cr_assert(steps_in(&r, test_path("run.1")) == 5);
    end(&r);
}

static void damage(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    cr_assert(file && fseek(file, at, at < 0 ? SEEK_END : SEEK_SET) == 0);
    const int c = fgetc(file);
    cr_assert(fseek(file, -1, SEEK_CUR) == 0 && fputc(c ^ 1, file) != EOF && fclose(file) == 0);
}

Test(checkpoint, takes_one_before_if_the_newest_is_damaged)
{
    run r = begin(1, &(hone_checkpoint_options){ .keep = 3, .foreground = true });
    add_numbers(&r);
    for (int i = 1; i <= 3; i++) {
        step(&r);
        CHECK_OK(hone_checkpoint_save(r.file));
    }
    damage(test_path("run"), -1);
    CHECK_OK(hone_checkpoint_load(r.file, NULL, NULL));
    cr_assert(r.steps == 2);
    cr_assert_str_eq(hone_checkpoint_loaded(r.file), test_path("run.1"));
    cr_assert(strstr(hone_checkpoint_passed_over(r.file), "doesn't have its checksum"));
    cr_assert(truncate(test_path("run.1"), 100) == 0 && unlink(test_path("run")) == 0);
    cr_assert(hone_checkpoint_exists(r.file));
    CHECK_OK(hone_checkpoint_load(r.file, NULL, NULL));
    cr_assert(r.steps == 1 && strstr(hone_checkpoint_passed_over(r.file), "No such file"));
    damage(test_path("run.2"), 9);
    CHECK_FAILS(hone_checkpoint_load(r.file, NULL, NULL), HONE_E_IO, "No such file");
    cr_assert(r.steps == 1);
    cr_assert_str_eq(hone_checkpoint_passed_over(r.file), "");
    end(&r);
}

/* A flipped bit anywhere: in the header, in the data. */
Test(checkpoint, no_damaged_file_is_taken)
{
    run r = begin(1, &(hone_checkpoint_options){ .foreground = true });
    add_numbers(&r);
    step(&r);
    size_t n;
    char *good = bytes_of(&r, &n);
    for (size_t at = 0; at < n; at += n / 199) {
        damage(test_path("run"), (long)at);
        const hone_status status = hone_checkpoint_load(r.file, test_path("run"), NULL);
        if (status == HONE_OK) /* a blank at the header's end became another */
            cr_assert(at < 20000 && good[at] == ' ', "a bit at %zu of %zu", at, n);
        cr_assert(status == HONE_OK || status == HONE_E_FORMAT || status == HONE_E_DTYPE, "%s",
                  hone_error_message());
        hone_error_clear();
        cr_assert(r.steps == 1);
        test_write("run", good, n);
    }
    for (size_t bytes = 0; bytes < n; bytes += n / 50) {
        test_write("run", good, bytes);
        CHECK_FAILS(hone_checkpoint_load(r.file, test_path("run"), NULL), HONE_E_FORMAT, "");
    }
    free(good);
    end(&r);
}

/* ---- other runs */

Test(checkpoint, tells_what_is_another_runs)
{
    run r = begin(1, &(hone_checkpoint_options){ .foreground = true });
    add_numbers(&r);
    step(&r);
    CHECK_OK(hone_checkpoint_save(r.file));
    const char *path = test_path("run");
    CHECK_OK(hone_checkpoint_fact(r.file, "batch", "5"));
    CHECK_OK(hone_checkpoint_fact(r.file, "data", "digits"));
    CHECK_FAILS(hone_checkpoint_load(r.file, NULL, NULL), HONE_E_VALUE,
                "is of another run: batch was 6 and is 5, data was not told and is digits");
    step(&r);
    CHECK_OK(hone_checkpoint_load(r.file, NULL, &(hone_checkpoint_load_options){ .anyway = true }));
    cr_assert(r.steps == 1);
    end(&r);

    /* a part more, a part less, another shape */
    hone_module *model = hone_nn_linear(FEATURES, 7);
    hone_checkpoint *c = hone_checkpoint_new(path, NULL);
    CHECK_OK(hone_checkpoint_fact(c, "batch", "6"));
    CHECK_OK(hone_checkpoint_module(c, "model", model));
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_STATE,
                "\" is in the file, but not in the run");
    CHECK_FAILS(hone_checkpoint_load(c, NULL, &(hone_checkpoint_load_options){ .anyway = true }),
                HONE_E_STATE, "\"model.weight\" is missing");
    hone_checkpoint_free(c);
    hone_module_free(model);

    c = hone_checkpoint_new(path, NULL);
    hone_named only[] = { { "model.weight", T(HONE_F32, (2), 1, 2) } };
    CHECK_OK(hone_safetensors_save(path, (hone_named_list){ only, 1 }, NULL));
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_FORMAT, "is no checkpoint of hone");
    hone_metadata kind[] = { { "hone", "checkpoint 9" } };
    CHECK_OK(hone_safetensors_save(path, (hone_named_list){ only, 1 },
                                   &(hone_metadata_list){ kind, 1 }));
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_FORMAT,
                "is of another version of hone: checkpoint 9");
    kind[0].value = "checkpoint 1";
    CHECK_OK(hone_safetensors_save(path, (hone_named_list){ only, 1 },
                                   &(hone_metadata_list){ kind, 1 }));
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_FORMAT, "its checksums are missing");
    hone_checkpoint_free(c);
}

/* What one part takes and the next can't is given back. */
Test(checkpoint, all_or_nothing)
{
    double a = 1, b[2] = { 2, 3 };
    hone_module *model = hone_nn_linear(2, 2);
    hone_checkpoint *c =
        hone_checkpoint_new(test_path("run"), &(hone_checkpoint_options){ .foreground = true });
    CHECK_OK(hone_checkpoint_numbers(c, "a", HONE_F64, &a, 1));
    CHECK_OK(hone_checkpoint_module(c, "model", model));
    CHECK_OK(hone_checkpoint_numbers(c, "b", HONE_F64, b, 2));
    CHECK_OK(hone_checkpoint_save(c));
    hone_checkpoint_free(c);

    c = hone_checkpoint_new(test_path("run"), NULL);
    CHECK_OK(hone_checkpoint_numbers(c, "a", HONE_F64, &a, 1));
    CHECK_OK(hone_checkpoint_module(c, "model", model));
    CHECK_OK(hone_checkpoint_numbers(c, "b", HONE_F64, b, 1));
    hone_tensor *weight = hone_parameters(model).at[0];
    {
        HONE_NO_GRAD();
        hone_fill_(weight, 5);
    }
    a = 10;
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_SHAPE,
                "\"b\" is f64 [2], but the run's f64 [1]");
    cr_assert(a == 10 && hone_at(weight, 0, 0) == 5);
    hone_checkpoint_free(c);
    hone_module_free(model);
}

Test(checkpoint, batches_of_another_size)
{
    hone_dataset set;
    int64_t epoch, batch;
    CHECK_OK(hone_dataset_from(hone_zeros(HONE_F32, 100, 2), hone_zeros(HONE_I64, 100), &set));
    hone_loader *tens = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 10 });
    hone_loader *fours = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 4 });
    CHECK_OK(hone_loader_set_position(tens, 3, 6));
    hone_checkpoint *c = hone_checkpoint_new(test_path("run"), NULL);
    CHECK_OK(hone_checkpoint_loader(c, "loader", tens));
    CHECK_OK(hone_checkpoint_save(c));
    hone_checkpoint_free(c); /* waits */
    c = hone_checkpoint_new(test_path("run"), NULL);
    CHECK_OK(hone_checkpoint_loader(c, "loader", fours));
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_STATE,
                "\"loader\": an epoch of 10 batches, but the run's has 25");
    CHECK_OK(hone_checkpoint_load(c, NULL, &(hone_checkpoint_load_options){ .anyway = true }));
    CHECK_OK(hone_loader_position(fours, &epoch, &batch));
    cr_assert(epoch == 3 && batch == 15);
    hone_checkpoint_free(c);
    hone_loader_free(tens);
    hone_loader_free(fours);
    hone_dataset_free(&set);
}

/* ---- what can't be written */

Test(checkpoint, what_can_not_be_written_leaves_the_last_good_one)
{
    run r = begin(1, &(hone_checkpoint_options){ .keep = 2 });
    add_numbers(&r);
    step(&r);
    CHECK_OK(hone_checkpoint_save(r.file));
    CHECK_OK(hone_checkpoint_wait(r.file));
    const struct rlimit small = { 2000, RLIM_INFINITY };
    cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (int i = 0; i < 3; i++) {
        step(&r);
        CHECK_OK(hone_checkpoint_save(r.file));
        CHECK_FAILS(hone_checkpoint_wait(r.file), HONE_E_IO, "File too large");
        CHECK_OK(hone_checkpoint_wait(r.file)); /* told once */
    }
    CHECK_OK(hone_checkpoint_save(r.file));
    CHECK_FAILS(hone_checkpoint_save(r.file), HONE_E_IO, "File too large"); /* of the one before */
    CHECK_FAILS(hone_checkpoint_wait(r.file), HONE_E_IO, "File too large");
    cr_assert(test_dir_count() == 1);
    const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
    cr_assert(setrlimit(RLIMIT_FSIZE, &none) == 0);
    CHECK_OK(hone_checkpoint_load(r.file, NULL, NULL));
    cr_assert(r.steps == 1);
    end(&r);
}

/* ---- arguments */

Test(checkpoint, arguments_that_can_not_be)
{
    int64_t n = 0;
    hone_tensor *slot = NULL;
    CHECK_FAILS(hone_checkpoint_new(NULL, NULL), HONE_E_NULL, "a path");
    CHECK_FAILS(hone_checkpoint_new("x", &(hone_checkpoint_options){ .keep = -1 }), HONE_E_VALUE,
                "keep is -1");
    hone_checkpoint *c = hone_checkpoint_new(test_path("run"), NULL);
    CHECK_FAILS(hone_checkpoint_module(c, "model", NULL), HONE_E_NULL, "a module");
    CHECK_FAILS(hone_checkpoint_optim(c, NULL, NULL), HONE_E_NULL, "a name");
    CHECK_FAILS(hone_checkpoint_loader(NULL, "x", NULL), HONE_E_NULL, "a checkpoint");
    CHECK_FAILS(hone_checkpoint_schedule(c, "x", NULL), HONE_E_NULL, "a schedule");
    CHECK_FAILS(hone_checkpoint_average(c, "x", NULL), HONE_E_NULL, "an average");
    CHECK_FAILS(hone_checkpoint_generator(c, "x", NULL), HONE_E_NULL, "a generator");
    CHECK_FAILS(hone_checkpoint_tensor(c, "x", NULL), HONE_E_NULL, "a tensor's place");
    CHECK_FAILS(hone_checkpoint_numbers(c, "x", HONE_I64, &n, -1), HONE_E_VALUE, "-1 numbers");
    CHECK_FAILS(hone_checkpoint_numbers(c, "x", (hone_dtype)99, &n, 1), HONE_E_VALUE, "of ?");
    CHECK_FAILS(hone_checkpoint_tensor(c, "", &slot), HONE_E_VALUE, "can't be a part's name");
    CHECK_FAILS(hone_checkpoint_tensor(c, "checksum", &slot), HONE_E_VALUE, "can't be a part's");
    CHECK_OK(hone_checkpoint_numbers(c, "n", HONE_I64, &n, 1));
    CHECK_FAILS(hone_checkpoint_tensor(c, "n", &slot), HONE_E_VALUE, "\"n\" is a part already");
    CHECK_FAILS(hone_checkpoint_fact(c, "batch", NULL), HONE_E_NULL, "a value");
    CHECK_FAILS(hone_checkpoint_save(NULL), HONE_E_NULL, "checkpoint_save");
    CHECK_FAILS(hone_checkpoint_wait(NULL), HONE_E_NULL, "checkpoint_wait");
    CHECK_FAILS(hone_checkpoint_load(NULL, "x", NULL), HONE_E_NULL, "checkpoint_load");
    CHECK_FAILS(hone_checkpoint_load(c, NULL, NULL), HONE_E_IO, "No such file");
    CHECK_FAILS(hone_checkpoint_load(c, test_path("none"), NULL), HONE_E_IO, "No such file");
    cr_assert(!hone_checkpoint_busy(NULL) && !hone_checkpoint_busy(c));
    cr_assert(!hone_checkpoint_exists(NULL));
    CHECK_ERROR(HONE_E_NULL, "checkpoint_exists");
    cr_assert_str_eq(hone_checkpoint_loaded(c), "");
    hone_checkpoint_free(c);
    hone_checkpoint_free(NULL);
}

static bool save_and_load(void)
{
    HONE_SCOPE();
    static char path[300];
    int64_t n = 3;
    bool ok = true;
    hone_seed(1);
    snprintf(path, sizeof path, "%s", test_path("run"));
    hone_module *model = hone_nn_linear(3, 2);
    hone_optim *optim = hone_adam(model, NULL);
    hone_checkpoint *c =
        hone_checkpoint_new(path, &(hone_checkpoint_options){ .keep = 2, .foreground = true });
    ok = model && optim && c && hone_checkpoint_module(c, "model", model) == HONE_OK &&
         hone_checkpoint_optim(c, "optim", optim) == HONE_OK &&
         hone_checkpoint_numbers(c, "n", HONE_I64, &n, 1) == HONE_OK &&
         hone_checkpoint_fact(c, "batch", "6") == HONE_OK && hone_checkpoint_save(c) == HONE_OK &&
         hone_checkpoint_save(c) == HONE_OK && hone_checkpoint_load(c, path, NULL) == HONE_OK;
    hone_checkpoint_free(c);
    hone_optim_free(optim);
    hone_module_free(model);
    return ok;
}

Test(checkpoint, memory_that_runs_out)
{
    test_each_allocation_fails(save_and_load);
}
