/* export.c: `hone export`: a network with its weights as a file of ONNX. */
#include "cli.h"
#include "run/layout.h"
#include "work.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *load, *model, *layout, *input, *tokens;
    int64_t batch;
} export_options;

#define FIELD(name) offsetof(export_options, name)

static const cli_option table[] = {
    { "load", "FILE", "weights, as hone train --save or PyTorch writes them", CLI_TEXT, FIELD(load),
      NULL, 0, 0 },
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT, NAME[:ARGUMENTS], FILE[:ARGUMENTS] or DIR; without it the mlp that "
      "the "
      "file holds",
      CLI_TEXT, FIELD(model), NULL, 0, 0 },
    { "layout", "out,in|in,out", "how the file's weights lie; default: as it says", CLI_TEXT,
      FIELD(layout), NULL, 0, 0 },
    { "input", "N,N,...", "a sample's shape, of floats: 3,224,224", CLI_TEXT, FIELD(input), NULL, 0,
      0 },
    { "tokens", "N", "a sample is N tokens, whole numbers", CLI_TEXT, FIELD(tokens), NULL, 0, 0 },
    { "batch", "N", "samples at once", CLI_INT, FIELD(batch), "1", 1, 1e6 },
    { 0 },
};

static const char *const name = "export";

/* A sample's shape behind the batch. */
static bool read_shape(const char *option, const char *text, hone_tensor **x, int64_t batch,
                       hone_dtype dtype)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { dtype, batch }; /* as hone_zeros_v takes them */
    int n = 2;
    for (const char *at = text; at; n++) {
        char number[24];
        const size_t length = strcspn(at, ",");
        snprintf(number, sizeof number, "%.*s", (int)length, at);
        if (n > HONE_MAX_DIMS || !cli_read_int(number, &dims[n]) || dims[n] < 1) {
            cli_error(CLI_USAGE, name, "--%s %s: not sizes from 1 on with commas between them",
                      option, text);
            return false;
        }
        at = at[length] ? at + length + 1 : NULL;
    }
    dims[n] = HONE_END_DIM;
    *x = hone_zeros_v(dims);
    return *x;
}

static bool example(const export_options *o, const model_spec *spec, hone_tensor **x)
{
    char in[24];
    if (o->tokens)
        return read_shape("tokens", o->tokens, x, o->batch, HONE_I64);
    if (o->input)
        return read_shape("input", o->input, x, o->batch, HONE_F32);
    snprintf(in, sizeof in, "%lld", spec->text ? 0LL : (long long)spec->size[0]);
    if (!spec->text)
        return read_shape("input", in, x, o->batch, HONE_F32);
    cli_error(CLI_USAGE, name, "--input SHAPE or --tokens N tells what a sample of %s is",
              spec->text);
    return false;
}

static int export(const export_options *o, const model_spec *spec, hone_layout layout,
                  const char *out)
{
    hone_tensor *x = NULL;
    if (!example(o, spec, &x))
        return hone_error_code() != HONE_OK ? cli_library_error(name) : CLI_USAGE;
    hone_module *model = model_new(spec);
    if (!model)
        return model_failed(name, spec);
    int status = CLI_FAILED;
    if (!o->load || model_load(name, model, o->load, layout)) {
        hone_module_train(model, false);
        status = hone_onnx_save(model, x, out) == HONE_OK ? CLI_OK : cli_library_error(name);
    }
    hone_module_free(model);
    return status;
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    const bool named = argc > 0 && argv[0][0] != '-';
    export_options o = { 0 };
    model_spec spec;
    hone_layout layout;
    const cli_parsed parsed = cli_parse(&cli_export, table, &o, argc - named, argv + named);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!named)
        return cli_error(CLI_USAGE, name, "OUT is missing");
    if (!o.model && !o.load)
        return cli_error(CLI_USAGE, name, "--load FILE or --model SPEC is missing");
    if (!model_layout(name, o.layout, &layout) || (o.model && !model_parse(name, o.model, &spec)))
        return CLI_USAGE;
    if (hone_init() != HONE_OK)
        return cli_library_error(name);
    if (!o.model && !model_of_file(name, o.load, layout, &spec))
        return CLI_FAILED;
    return export(&o, &spec, layout, argv[0]);
}

const cli_command cli_export = { "export", "Writes a network with its weights as a file of ONNX.",
                                 run, "OUT.onnx" };
