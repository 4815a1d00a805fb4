/* eval.c: `hone eval`: loss and error of a saved network on a test set. */
#include "cli.h"
#include "machine.h"
#include "ranks.h"
#include "work.h"

#include <stdio.h>

/* Its own size, so that `hone eval` prints what the last row of `hone train` says for any --batch.
 */
enum { EVAL_BATCH = 1000, EVAL_TOKENS = 16384 };

hone_tensor *work_loss(const images *set, hone_tensor *scores, hone_tensor *y)
{
    return set->task == HONE_TASK_NUMBERS ? hone_mse_loss(scores, y, HONE_REDUCE_MEAN)
                                          : hone_cross_entropy(scores, y);
}

bool work_is_mixed(const images *set, const hone_tensor *y)
{
    return set->task == HONE_TASK_CLASSES && hone_dim(y) == 2;
}

hone_tensor *work_wrong(const images *set, hone_tensor *scores, hone_tensor *y)
{
    if (work_is_mixed(set, y))
        y = hone_argmax(y, 1, false);
    return set->task == HONE_TASK_NUMBERS ? hone_abs(hone_sub(scores, y))
                                          : hone_ne(hone_argmax(scores, 1, false), y);
}

static int64_t eval_batch(const images *set)
{
    const int64_t most = set->window ? EVAL_TOKENS / set->window : EVAL_BATCH;
    return most < 1 ? 1 : most < EVAL_BATCH ? most : EVAL_BATCH;
}

bool evaluate(hone_module *model, const images *set, const hone_dataset *of, progress *p,
              score *out, metrics *m)
{
    HONE_NO_GRAD();
    HONE_SCOPE();
    const int64_t n = hone_dataset_size(of), size = eval_batch(set);
    double loss = 0, wrong = 0, answers = 0;
    const bool was_training = model->training;
    hone_tensor *sums = hone_zeros(HONE_F64, (n - 1) / size + 1, 3); /* of each batch */
    double *sum = sums ? hone_data(sums) : NULL;
    hone_module_train(model, false);
    for (int64_t i = 0; sum && i < n && !cli_stopped() && hone_error_code() == HONE_OK;
         i += size, sum += 3) {
        HONE_SCOPE();
        if (i / size % hone_dist_size() != hone_dist_rank())
            continue;
        hone_tensor *x, *y;
        if (!images_rows(set, of, i, i + size, &x, &y))
            break;
        const int64_t samples = hone_size(x, 0);
        hone_tensor *scores = hone_to(hone_forward(model, x), HONE_F32);
        text_rows(&scores, &y);
        sum[0] = hone_item(work_loss(set, scores, y)) * (double)hone_numel(y);
        sum[1] = hone_item(hone_sum(work_wrong(set, scores, y)));
        sum[2] = (double)hone_numel(y);
        if (m)
            metrics_add(m, set->task, text_tokens(set, scores), y, i * (hone_numel(y) / samples));
        progress_bar(p, "testing", i, n, "");
    }
    hone_module_train(model, was_training);
    if (hone_error_code() != HONE_OK || !ranks_merge(sums) || (m && !ranks_merge_metrics(m)))
        return false;
    sum = hone_data(sums);
    for (int64_t i = 0; i < hone_size(sums, 0); i++, sum += 3) {
        loss += sum[0];
        wrong += sum[1];
        answers += sum[2];
    }
    *out = (score){ loss / answers, wrong / answers };
    return !cli_stopped() && hone_error_code() == HONE_OK;
}

typedef struct {
    const char *load, *model, *layout, *dtype;
    data_spec data;
    machine_options machine;
    int64_t limit, top_k;
} eval_options;

static const cli_option table[] = {
    { "load", "FILE", "network saved by hone train --save, or by PyTorch as safetensors", CLI_TEXT,
      offsetof(eval_options, load), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how its weights lie; default: as it says, else as they fit each other", CLI_TEXT,
      offsetof(eval_options, layout), NULL, 0, 0 },
    DATA_OPTIONS(offsetof(eval_options, data)),
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT, NAME[:ARGUMENTS] or FILE[:ARGUMENTS]; without it the mlp that the "
      "file holds",
      CLI_TEXT, offsetof(eval_options, model), NULL, 0, 0 },
    { "limit", "N", "use the first N test images only", CLI_INT, offsetof(eval_options, limit),
      NULL, 1, 1e12 },
    { "top-k", "K", "also tell how often the label isn't among the K best", CLI_INT,
      offsetof(eval_options, top_k), NULL, 1, 1e6 },
    { "dtype", "f32|bf16|f16", "what the weights and all that is computed are kept in", CLI_TEXT,
      offsetof(eval_options, dtype), "f32", 0, 0 },
    MACHINE_OPTIONS(offsetof(eval_options, machine)),
    { 0 },
};

static void print_score(const eval_options *o, const images *set, const score *result, metrics *m,
                        progress *p)
{
    const bool numbers = set->task == HONE_TASK_NUMBERS;
    printf("%s: %lld %s  test loss %s  test %s %.4f", o->data.source,
           (long long)hone_dataset_size(&set->test), images_name(set).s,
           progress_loss(result->loss).s, numbers ? "MAE" : "error", result->error);
    if (set->window)
        printf("  perplexity %.4g  bits/byte %.4f", text_perplexity(result->loss),
               text_bits(result->loss));
    if (numbers)
        printf("  R2 %.4f", metrics_r2(m));
    printf("\n");
    if (o->top_k)
        printf("top-%lld error %.4f\n", (long long)o->top_k, metrics_top_error(m));
    if (!set->window)
        metrics_print(m, p);
}

static int eval_model(const eval_options *o, const model_spec *spec, hone_layout layout,
                      hone_dtype dtype, images *set, progress *p)
{
    score result;
    metrics m = { 0 };
    hone_module *model = model_blank(spec);
    if (!model)
        return model_failed(cli_eval.name, spec);
    if (!model_load_as(cli_eval.name, model, o->load, layout, dtype, set) ||
        (spec->text && !images_fit(cli_eval.name, set, spec, model))) {
        hone_module_free(model);
        return CLI_FAILED;
    }
    metrics_begin(&m, o->top_k);
    bool done = evaluate(model, set, &set->test, p, &result, &m);
    hone_module_free(model);
    progress_clear(p);
    if (done)
        print_score(o, set, &result, &m, p);
    metrics_free(&m);
    return done ? CLI_OK : cli_library_error(cli_eval.name);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    eval_options o = { 0 };
    cli_parsed parsed = cli_parse(&cli_eval, table, &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!o.load)
        return cli_error(CLI_USAGE, cli_eval.name, "--load FILE is missing");
    model_spec spec;
    hone_layout layout;
    hone_dtype dtype;
    if (!model_layout(cli_eval.name, o.layout, &layout) ||
        !model_dtype(cli_eval.name, o.dtype, &dtype) ||
        (o.model && !model_parse(cli_eval.name, o.model, &spec)))
        return CLI_USAGE;
    const int begun = machine_begin(cli_eval.name, &o.machine);
    if (begun != CLI_OK)
        return begun;
    if (!o.model && !model_of_file(cli_eval.name, o.load, layout, &spec))
        return CLI_FAILED;
    o.data.columns = model_columns(o.load);
    progress p = progress_new(false);
    images set;
    int status = images_load(cli_eval.name, &o.data, &spec, o.limit, IMAGES_EVAL, &p, &set);
    if (status != CLI_OK)
        return status;
    if (!images_suit(cli_eval.name, &o.data, &set, false, &spec) ||
        !metrics_can_top(cli_eval.name, o.top_k, &set))
        status = CLI_USAGE;
    else if (!spec.text && !images_fit(cli_eval.name, &set, &spec, NULL))
        status = CLI_FAILED;
    else
        status = eval_model(&o, &spec, layout, dtype, &set, &p);
    images_free(&set);
    return status;
}

const cli_command cli_eval = { "eval", "Tells a saved network's loss and error on a test set.", run,
                               NULL };
