/* bench_train.c: the suite of training steps: forward, loss, backward and SGD of an mlp on a batch
 * that stays. `elements` are the samples of the batch; the rate counts the products' arithmetic
 * alone, and the peak is their register tile. */
#include "bench.h"
#include "cli.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *model;
    int64_t batch;
} steps[] = {
    { "mlp:784,100,10", 100 },         { "mlp:784,100,10", 1 },
    { "mlp:784,256,256,10", 64 },      { "mlp:784,1024,1024,10", 256 },
    { "mlp:1024,1024,1024,1000", 32 },
};

enum { N_STEPS = sizeof steps / sizeof *steps };

typedef struct {
    hone__tile tile; /* first: the peak's call takes it */
    hone_module *model;
    hone_optim *optim;
    hone_tensor *x, *y;
} work;

static bool run_step(void *ctx)
{
    HONE_SCOPE();
    work *w = ctx;
    hone_tensor *loss = hone_cross_entropy(hone_forward(w->model, w->x), w->y);
    return hone_optim_zero_grad(w->optim) == HONE_OK && hone_backward(loss) == HONE_OK &&
           hone_optim_step(w->optim) == HONE_OK;
}

/* The first layer needs no gradient of its input. */
static double flops(const model_spec *spec, int64_t batch)
{
    double sum = 0;
    for (int i = 0; i + 1 < spec->n; i++)
        sum += (i == 0 ? 4.0 : 6.0) * (double)(batch * spec->size[i]) * (double)spec->size[i + 1];
    return sum;
}

static bool prepare(work *w, const model_spec *spec, int64_t batch, int threads)
{
    const int64_t classes = spec->size[spec->n - 1];
    if (!(w->x = bench_tensor(HONE_F32, batch, spec->size[0], 0, 1)))
        return false;
    hone_seed(0);
    w->y = hone_randint(HONE_I64, 0, classes, batch);
    w->model = w->y ? model_new(spec) : NULL;
    w->optim = w->model ? hone_sgd(w->model, &(hone_sgd_options){ .lr = 1e-3 }) : NULL;
    if (w->optim && hone__tile_make(&w->tile, HONE__GEMM_F32, threads))
        return true;
    cli_library_error("bench");
    return false;
}

static bool do_row(bench_run *run, const char *model, int64_t batch)
{
    HONE_SCOPE();
    model_spec spec;
    work w = { .model = NULL };
    if (!model_parse("bench", model, &spec))
        return false;
    bool good = prepare(&w, &spec, batch, run->report.running);
    if (good) {
        const double parameters = (double)hone_parameter_count(w.model);
        bench_row row = { .name = model,
                          .dtype = "f32",
                          .variant = "contiguous",
                          .level = hone__mem_level_of(8 * parameters),
                          .elements = batch,
                          .flops = true };
        row.side[BENCH_PEAK] = bench_tile_side(&w.tile);
        row.side[BENCH_HONE] = (bench_side){ .call = run_step, .work = flops(&spec, batch) };
        good = bench_do_row(run, &row, &w);
    }
    free(w.tile.panels);
    hone_optim_free(w.optim);
    hone_module_free(w.model);
    return good;
}

int bench_train(bench_run *run, bool count)
{
    int rows = 0;
    for (int i = 0; i < N_STEPS; i++) {
        const bool again = run->m > 0 && i > 0 && strcmp(steps[i].model, steps[i - 1].model) == 0;
        if (again || !bench_wants_dtype(run, HONE_F32) || !bench_wants(run, steps[i].model))
            continue;
        if (!count && !do_row(run, steps[i].model, run->m > 0 ? run->m : steps[i].batch))
            return -1;
        rows++;
    }
    return rows;
}
