/* eval.c: `hone eval`: loss and error of a saved network on a test set. */
#include "cli.h"
#include "work.h"

#include <stdio.h>

/* Its own size, so that `hone eval` prints what the last row of `hone train` says for any --batch.
 */
enum { EVAL_BATCH = 1000, EVAL_TOKENS = 16384 };

static int64_t eval_batch(const hone_dataset *set)
{
    const int64_t tokens = hone_numel(set->y) / hone_dataset_size(set);
    const int64_t most = tokens < EVAL_TOKENS ? EVAL_TOKENS / tokens : 1;
    return most < EVAL_BATCH ? most : EVAL_BATCH;
}

bool evaluate(hone_module *model, const hone_dataset *set, progress *p, score *out, metrics *m)
{
    HONE_NO_GRAD();
    int64_t n = hone_dataset_size(set), size = eval_batch(set);
    double loss = 0, wrong = 0;
    bool was_training = model->training;
    hone_module_train(model, false);
    for (int64_t i = 0; i < n && !cli_stopped() && hone_error_code() == HONE_OK; i += size) {
        HONE_SCOPE();
        hone_tensor *x = hone_slice(set->x, 0, i, i + size, 1);
        hone_tensor *y = hone_slice(set->y, 0, i, i + size, 1);
        hone_tensor *scores = hone_forward(model, x);
        text_rows(&scores, &y);
        loss += hone_item(hone_cross_entropy(scores, y)) * (double)hone_size(y, 0);
        wrong += hone_item(hone_sum(hone_ne(hone_argmax(scores, 1, false), y)));
        if (m)
            metrics_add(m, text_bytes(scores, set), y, i * hone_numel(y) / hone_size(x, 0));
        progress_bar(p, "testing", i, n, "");
    }
    hone_module_train(model, was_training);
    *out = (score){ loss / (double)hone_numel(set->y), wrong / (double)hone_numel(set->y) };
    return !cli_stopped() && hone_error_code() == HONE_OK;
}

typedef struct {
    const char *load, *data, *model, *layout;
    int64_t limit, threads, top_k;
} eval_options;

static const cli_option table[] = {
    { "load", "FILE", "network saved by hone train --save, or by PyTorch as safetensors", CLI_TEXT,
      offsetof(eval_options, load), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how its weights lie; default: as it says, else as they fit each other", CLI_TEXT,
      offsetof(eval_options, layout), NULL, 0, 0 },
    { "data", "DIR|SET",
      "directory of MNIST's files, or a built-in set: digits, pictures, text[:BYTES]; text:FILE is "
      "the bytes of a file",
      CLI_TEXT, offsetof(eval_options, data), "digits", 0, 0 },
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT, NAME[:ARGUMENTS] or FILE[:ARGUMENTS]; without it the mlp that the "
      "file holds",
      CLI_TEXT, offsetof(eval_options, model), NULL, 0, 0 },
    { "limit", "N", "use the first N test images only", CLI_INT, offsetof(eval_options, limit),
      NULL, 1, 1e12 },
    { "top-k", "K", "also tell how often the label isn't among the K best", CLI_INT,
      offsetof(eval_options, top_k), NULL, 1, 1e6 },
    { "threads", "N", "N threads, whatever the environment says", CLI_INT,
      offsetof(eval_options, threads), NULL, 1, 1024 },
    { 0 },
};

static int eval_model(const eval_options *o, const model_spec *spec, hone_layout layout,
                      images *set, progress *p)
{
    score result;
    metrics m = { 0 };
    hone_module *model = model_new(spec);
    if (!model)
        return model_failed(cli_eval.name, spec);
    if (!model_load(cli_eval.name, model, o->load, layout) ||
        (spec->text && !images_fit(cli_eval.name, set, spec, model))) {
        hone_module_free(model);
        return CLI_FAILED;
    }
    metrics_begin(&m, o->top_k);
    bool done = evaluate(model, &set->test, p, &result, &m);
    hone_module_free(model);
    progress_clear(p);
    if (!done) {
        metrics_free(&m);
        return cli_library_error(cli_eval.name);
    }
    printf("%s: %lld %s  test loss %s  test error %.4f", o->data,
           (long long)hone_dataset_size(&set->test), images_name(set).s,
           progress_loss(result.loss).s, result.error);
    if (set->window)
        printf("  perplexity %.4g  bits/byte %.4f", text_perplexity(result.loss),
               text_bits(result.loss));
    printf("\n");
    if (o->top_k)
        printf("top-%lld error %.4f\n", (long long)o->top_k, metrics_top_error(&m));
    if (!set->window)
        metrics_print(&m, p);
    metrics_free(&m);
    return CLI_OK;
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
    if (!metrics_can_top(cli_eval.name, o.top_k))
        return CLI_USAGE;
    model_spec spec;
    hone_layout layout;
    if (!model_layout(cli_eval.name, o.layout, &layout))
        return CLI_USAGE;
    if (o.model &&
        (!model_parse(cli_eval.name, o.model, &spec) || !text_suits(cli_eval.name, o.data, &spec)))
        return CLI_USAGE;
    if (hone_init() != HONE_OK || (o.threads && hone_set_threads((int)o.threads) != HONE_OK))
        return cli_library_error(cli_eval.name);
    if (!o.model && !model_of_file(cli_eval.name, o.load, layout, &spec))
        return CLI_FAILED;
    if (!o.model && !text_suits(cli_eval.name, o.data, &spec))
        return CLI_USAGE;
    progress p = progress_new(false);
    images set;
    if (!images_load(cli_eval.name, o.data, &spec, o.limit, false, &p, &set))
        return CLI_FAILED;
    int status = spec.text || images_fit(cli_eval.name, &set, &spec, NULL)
                     ? eval_model(&o, &spec, layout, &set, &p)
                     : CLI_FAILED;
    images_free(&set);
    return status;
}

const cli_command cli_eval = { "eval", "Tells a saved network's loss and error on a test set.", run,
                               NULL };
