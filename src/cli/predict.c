/* predict.c: `hone predict`: a class and the probabilities of all, a row for each image. */
#include "cli.h"
#include "io/replace.h"
#include "work.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000 };

typedef struct {
    const char *load, *data, *model, *layout, *out;
    int64_t limit, threads;
    bool json;
} predict_options;

#define FIELD(name) offsetof(predict_options, name)

static const cli_option table[] = {
    { "load", "FILE", "network saved by hone train --save, or by PyTorch as safetensors", CLI_TEXT,
      FIELD(load), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how its weights lie; default: as it says, else as they fit each other", CLI_TEXT,
      FIELD(layout), NULL, 0, 0 },
    { "data", "DIR|digits|pictures", "directory of MNIST's files, or a built-in set", CLI_TEXT,
      FIELD(data), "digits", 0, 0 },
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT, NAME[:ARGUMENTS] or FILE[:ARGUMENTS]; without it the mlp that the "
      "file holds",
      CLI_TEXT, FIELD(model), NULL, 0, 0 },
    { "limit", "N", "use the first N test images only", CLI_INT, FIELD(limit), NULL, 1, 1e12 },
    { "json", NULL, "one JSON object a line instead of CSV", CLI_FLAG, FIELD(json), NULL, 0, 0 },
    { "out", "FILE", "write to this file instead of standard output", CLI_TEXT, FIELD(out), NULL, 0,
      0 },
    { "threads", "N", "N threads, whatever the environment says", CLI_INT, FIELD(threads), NULL, 1,
      1024 },
    { 0 },
};

static const char *const name = "predict";

static void put_number(FILE *to, bool json, double value)
{
    if (isfinite(value))
        fprintf(to, "%.9g", value);
    else
        fputs(json ? "null" : "nan", to);
}

static void put_titles(FILE *to, int64_t classes)
{
    fputs("row,class", to);
    for (int64_t c = 0; c < classes; c++)
        fprintf(to, ",p%lld", (long long)c);
    fputc('\n', to);
}

static void put_row(FILE *to, bool json, int64_t row, int64_t class_, const double *p,
                    int64_t classes)
{
    fprintf(to, json ? "{\"row\": %lld, \"class\": %lld, \"probabilities\": [" : "%lld,%lld,",
            (long long)row, (long long)class_);
    for (int64_t c = 0; c < classes; c++) {
        if (c)
            fputs(json ? ", " : ",", to);
        put_number(to, json, p[c]);
    }
    fputs(json ? "]}\n" : "\n", to);
}

/* Images [begin, begin + BATCH). False: an error is pending. */
static bool put_batch(FILE *to, bool json, hone_module *model, const hone_dataset *set,
                      int64_t begin)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *values = hone_forward(model, hone_slice(set->x, 0, begin, begin + BATCH, 1));
    hone_tensor *wide = hone_contiguous(hone_to(hone_softmax(values, 1), HONE_F64));
    hone_tensor *best = hone_contiguous(hone_argmax(values, 1, false));
    const double *p = hone_data(wide);
    const int64_t *class_ = hone_data(best), classes = hone_size(values, 1);
    if (hone_error_code() != HONE_OK)
        return false;
    if (begin == 0 && !json)
        put_titles(to, classes);
    for (int64_t i = 0; i < hone_numel(best); i++)
        put_row(to, json, begin + i, class_[i], p + i * classes, classes);
    return true;
}

static int put_all(FILE *to, const predict_options *o, hone_module *model, const hone_dataset *set)
{
    const int64_t n = hone_dataset_size(set);
    hone_module_train(model, false);
    for (int64_t i = 0; i < n && !cli_stopped(); i += BATCH)
        if (!put_batch(to, o->json, model, set, i))
            return cli_library_error(name);
    return cli_stopped();
}

/* The whole text in memory first: the file is the old or the new one, never half of it. */
static int put_file(const predict_options *o, hone_module *model, const hone_dataset *set)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return cli_error(CLI_FAILED, name, "%s", strerror(errno));
    int status = put_all(to, o, model, set);
    const int error = cli_close(to, 0);
    if (status == CLI_OK && error)
        status = cli_error(CLI_FAILED, name, "%s", strerror(error));
    const hone__part part = { text, bytes };
    if (status == CLI_OK && hone__replace_file(name, o->out, &part, 1) != HONE_OK)
        status = cli_library_error(name);
    free(text);
    return status;
}

static int predict(const predict_options *o, const model_spec *spec, hone_layout layout,
                   images *set)
{
    hone_module *model = model_new(spec);
    if (!model)
        return model_failed(name, spec);
    int status = CLI_FAILED;
    if (model_load(name, model, o->load, layout) && images_fit(name, set, spec, model)) {
        cli_stop_is(CLI_STOP_NOTED);
        status = o->out ? put_file(o, model, &set->test) : put_all(stdout, o, model, &set->test);
        cli_stop_is(CLI_STOP_ENDS);
    }
    hone_module_free(model);
    return status;
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    predict_options o = { 0 };
    model_spec spec;
    hone_layout layout;
    images set;
    const cli_parsed parsed = cli_parse(&cli_predict, table, &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!o.load)
        return cli_error(CLI_USAGE, name, "--load FILE is missing");
    if (text_is(o.data))
        return cli_error(CLI_USAGE, name, "--data %s: text goes on by hone generate", o.data);
    if (!model_layout(name, o.layout, &layout) || (o.model && !model_parse(name, o.model, &spec)))
        return CLI_USAGE;
    if (hone_init() != HONE_OK || (o.threads && hone_set_threads((int)o.threads) != HONE_OK))
        return cli_library_error(name);
    if (!cli_can_write(name, "out", o.out) ||
        (!o.model && !model_of_file(name, o.load, layout, &spec)))
        return CLI_FAILED;
    cli_catch_stop();
    progress quiet = progress_new(true);
    if (!images_load(name, o.data, &spec, o.limit, false, &quiet, &set))
        return CLI_FAILED;
    const int status = predict(&o, &spec, layout, &set);
    images_free(&set);
    return status;
}

const cli_command cli_predict = { "predict",
                                  "Tells the class and the probabilities of each test image.", run,
                                  NULL };
