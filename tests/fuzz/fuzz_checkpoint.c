/* fuzz_checkpoint.c: a checkpoint's file. Bytes that are a safetensors file are also loaded with right
 * checksums, which no change of a byte would have: so what lies behind them is reached. */
#include "fuzz.h"

#include "run/checkpoint.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

static struct {
    hone_dataset set;
    hone_module *model;
    hone_optim *optim;
    hone_schedule *schedule;
    hone_average *average;
    hone_loader *loader;
    hone_tensor *best;
    int64_t steps;
    double losses[2];
    hone_checkpoint *file;
} run;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", hone_error_message());
    abort();
}

static void begin(void)
{
    hone_seed(1);
    hone_tensor *x = hone_randn(HONE_F32, 6, 2), *y = hone_randint(HONE_I64, 0, 2, 6);
    check(hone_dataset_from(x, y, &run.set) == HONE_OK);
    run.model = hone_nn_sequential(hone_nn_linear(2, 2), hone_nn_layer("BatchNorm1d", "2"));
    run.optim = hone_adam(run.model, NULL);
    run.schedule = hone_lr_cosine(run.optim, &(hone_lr_cosine_options){ .t_max = 5 });
    run.average = hone_average_new(run.model, NULL);
    run.loader =
        hone_loader_new(&run.set, &(hone_loader_options){ .batch_size = 2, .shuffle = true });
    hone_backward(hone_cross_entropy(hone_forward(run.model, x), y));
    check(hone_optim_step(run.optim) == HONE_OK && hone_average_update(run.average) == HONE_OK);
    check(hone_assign(&run.best, hone_clone(x)) == HONE_OK);
    run.file =
        hone_checkpoint_new(fuzz_path("good"), &(hone_checkpoint_options){ .foreground = true });
    hone_checkpoint_module(run.file, "model", run.model);
    hone_checkpoint_optim(run.file, "optim", run.optim);
    hone_checkpoint_schedule(run.file, "schedule", run.schedule);
    hone_checkpoint_average(run.file, "average", run.average);
    hone_checkpoint_loader(run.file, "loader", run.loader);
    hone_checkpoint_generator(run.file, "generator", hone_generator_current());
    hone_checkpoint_numbers(run.file, "steps", HONE_I64, &run.steps, 1);
    hone_checkpoint_numbers(run.file, "losses", HONE_F64, run.losses, 2);
    hone_checkpoint_tensor(run.file, "best", &run.best);
    hone_checkpoint_fact(run.file, "batch", "2");
    check(hone_checkpoint_save(run.file) == HONE_OK);
}

/* What can be loaded can be saved, and used. */
static void load(const char *path, bool anyway)
{
    const hone_checkpoint_load_options options = { .anyway = anyway };
    if (hone_checkpoint_load(run.file, path, &options) == HONE_OK) {
        HONE_SCOPE();
        hone_batch batch;
        check(hone_loader_next(run.loader, &batch) || hone_error_code() == HONE_OK);
        hone_optim_step(run.optim);
        hone_schedule_step(run.schedule);
    }
    hone_error_clear();
    check(hone_checkpoint_load(run.file, fuzz_path("good"), NULL) == HONE_OK);
}

/* The same file with the checksums that it should have. False: it is no safetensors file. */
static bool mend(const char *path, const char *to)
{
    HONE_SCOPE();
    hone_metadata_list metadata;
    hone_named_list all = hone_safetensors_load(path, &metadata);
    const hone_named **order = malloc(((size_t)all.n + 1) * sizeof(void *));
    int64_t *sums = malloc(((size_t)all.n + 1) * sizeof *sums);
    hone_named *more = malloc(((size_t)all.n + 1) * sizeof *more);
    bool done = all.at && order && sums && more;
    int n = 0;
    for (int i = 0; done && i < all.n; i++)
        if (strcmp(all.at[i].name, HONE__RUN_SUMS) != 0)
            more[n++] = all.at[i];
    if (done) {
        hone__run_sums((hone_named_list){ more, n }, metadata, order, sums);
        hone_tensor *tensor = hone_from_data(HONE_I64, sums, n + 1);
        more[n] = (hone_named){ HONE__RUN_SUMS, tensor };
        done = hone_safetensors_save(to, (hone_named_list){ more, n + 1 }, &metadata) == HONE_OK;
    }
    free(order);
    free(sums);
    free(more);
    hone_error_clear();
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HONE_SCOPE();
    if (!run.file)
        begin();
    const char *path = fuzz_write("input", data, size), *mended = fuzz_path("mended");
    load(path, false);
    if (mend(path, mended)) {
        load(mended, false);
        load(mended, true);
    }
    return 0;
}
