/* predict.c: `hone predict`: a class and the probabilities of all, or numbers, a row for each sample. */
#include "cli.h"
#include "machine.h"
#include "io/replace.h"
#include "work.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000 };

typedef struct {
    const char *load, *model, *layout, *dtype, *out;
    data_spec data;
    machine_options machine;
    int64_t limit;
    bool json;
} predict_options;

#define FIELD(name) offsetof(predict_options, name)

static const cli_option table[] = {
    { "load", "FILE", "network saved by hone train --save, or by PyTorch as safetensors", CLI_TEXT,
      FIELD(load), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how its weights lie; default: as it says, else as they fit each other", CLI_TEXT,
      FIELD(layout), NULL, 0, 0 },
    DATA_OPTIONS(FIELD(data)),
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT, NAME[:ARGUMENTS] or FILE[:ARGUMENTS]; without it the mlp that the "
      "file holds",
      CLI_TEXT, FIELD(model), NULL, 0, 0 },
    { "limit", "N", "use the first N samples only", CLI_INT, FIELD(limit), NULL, 1, 1e12 },
    { "json", NULL, "one JSON object a line instead of CSV", CLI_FLAG, FIELD(json), NULL, 0, 0 },
    { "out", "FILE", "write to this file instead of standard output", CLI_TEXT, FIELD(out), NULL, 0,
      0 },
    { "dtype", "f32|bf16|f16", "what the weights and all that is computed are kept in", CLI_TEXT,
      FIELD(dtype), "f32", 0, 0 },
    MACHINE_OPTIONS(FIELD(machine)),
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

/* As CSV has it: in quotes where it must be. */
static void put_text(FILE *to, bool json, const char *text)
{
    if (!json && !text[strcspn(text, "\",\r\n")]) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++)
        if (json && (unsigned char)*text < ' ')
            fprintf(to, "\\u%04x", *text);
        else if (*text == '"' || (json && *text == '\\'))
            fprintf(to, json ? "\\%c" : "%c%c", *text, *text);
        else
            fputc(*text, to);
    fputc('"', to);
}

static void put_titles(FILE *to, const images *set, int64_t n)
{
    const bool numbers = set->task == HONE_TASK_NUMBERS;
    fputs(numbers ? "row" : "row,class", to);
    for (int64_t c = 0; c < n; c++)
        fprintf(to, numbers ? ",y%lld" : ",p%lld", (long long)c);
    fputc('\n', to);
}

static void put_class(FILE *to, bool json, const images *set, int64_t class_)
{
    if (set->source.class_names && class_ < set->source.n_classes)
        put_text(to, json, set->source.class_names[class_]);
    else
        fprintf(to, "%lld", (long long)class_);
}

/* A row's class, unless it is -1, and its numbers. */
static void put_row(FILE *to, bool json, const images *set, int64_t row, int64_t class_,
                    const double *p, int64_t n)
{
    fprintf(to, json ? "{\"row\": %lld, " : "%lld,", (long long)row);
    if (class_ >= 0) {
        fputs(json ? "\"class\": " : "", to);
        put_class(to, json, set, class_);
        fputs(json ? ", \"probabilities\": [" : ",", to);
    } else if (json) {
        fputs("\"numbers\": [", to);
    }
    for (int64_t c = 0; c < n; c++) {
        if (c)
            fputs(json ? ", " : ",", to);
        put_number(to, json, p[c]);
    }
    fputs(json ? "]}\n" : "\n", to);
}

/* Samples [begin, begin + BATCH). False: an error is pending. */
static bool put_batch(FILE *to, bool json, hone_module *model, const images *set, int64_t begin)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *x, *y;
    const bool numbers = set->task == HONE_TASK_NUMBERS;
    if (!images_rows(set, &set->test, begin, begin + BATCH, &x, &y))
        return false;
    hone_tensor *values = hone_to(hone_forward(model, x), HONE_F32);
    hone_tensor *told = numbers ? values : hone_softmax(values, 1);
    hone_tensor *wide = hone_contiguous(hone_to(told, HONE_F64));
    hone_tensor *best = hone_contiguous(hone_argmax(values, 1, false));
    const double *p = hone_data(wide);
    const int64_t *class_ = hone_data(best), n = hone_size(values, 1);
    if (hone_error_code() != HONE_OK)
        return false;
    if (begin == 0 && !json)
        put_titles(to, set, n);
    for (int64_t i = 0; i < hone_numel(best); i++)
        put_row(to, json, set, begin + i, numbers ? -1 : class_[i], p + i * n, n);
    return true;
}

static int put_all(FILE *to, const predict_options *o, hone_module *model, const images *set)
{
    const int64_t n = hone_dataset_size(&set->test);
    hone_module_train(model, false);
    for (int64_t i = 0; i < n && !cli_stopped(); i += BATCH)
        if (!put_batch(to, o->json, model, set, i))
            return cli_library_error(name);
    return cli_stopped();
}

/* The whole text in memory first: the file is the old or the new one, never half of it. */
static int put_file(const predict_options *o, hone_module *model, const images *set)
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
                   hone_dtype dtype, images *set)
{
    hone_module *model = model_blank(spec);
    if (!model)
        return model_failed(name, spec);
    int status = CLI_FAILED;
    if (model_load_as(name, model, o->load, layout, dtype, set) &&
        images_fit(name, set, spec, model)) {
        cli_stop_is(CLI_STOP_NOTED);
        status = o->out ? put_file(o, model, set) : put_all(stdout, o, model, set);
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
    hone_dtype dtype;
    images set;
    const cli_parsed parsed = cli_parse(&cli_predict, table, &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!o.load)
        return cli_error(CLI_USAGE, name, "--load FILE is missing");
    if (!model_layout(name, o.layout, &layout) || !model_dtype(name, o.dtype, &dtype) ||
        (o.model && !model_parse(name, o.model, &spec)))
        return CLI_USAGE;
    const int begun = machine_begin(name, &o.machine);
    if (begun != CLI_OK)
        return begun;
    if (!cli_can_write(name, "out", o.out) ||
        (!o.model && !model_of_file(name, o.load, layout, &spec)))
        return CLI_FAILED;
    cli_catch_stop();
    progress quiet = progress_new(true);
    o.data.columns = model_columns(o.load);
    int status = images_load(name, &o.data, &spec, o.limit, IMAGES_PREDICT, &quiet, &set);
    if (status != CLI_OK)
        return status;
    status = predict(&o, &spec, layout, dtype, &set);
    images_free(&set);
    return status;
}

const cli_command cli_predict = {
    "predict", "Tells the class and the probabilities, or the numbers, of each sample.", run, NULL
};
