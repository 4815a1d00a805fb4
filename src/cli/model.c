/* model.c: from the text of --model, or from a saved file, to a network. */
#include "work.h"

#include "cli.h"

#include <stdio.h>
#include <string.h>

bool model_parse(const char *command, const char *text, model_spec *spec)
{
    spec->n = 0;
    if (strncmp(text, "mlp:", 4) != 0) {
        cli_error(CLI_USAGE, command, "--model takes mlp:INPUT,...,OUTPUT, not '%s'", text);
        return false;
    }
    for (const char *at = text + 4;; at++) {
        char number[24];
        size_t length = strcspn(at, ",");
        int64_t size = 0;
        snprintf(number, sizeof number, "%.*s", (int)length, at);
        if (!cli_read_int(number, &size) || size < 1 || size > 1 << 24) {
            cli_error(CLI_USAGE, command, "--model %s: '%.*s' is no size from 1 to %d", text,
                      (int)length, at, 1 << 24);
            return false;
        }
        if (spec->n == MODEL_MAX_SIZES) {
            cli_error(CLI_USAGE, command, "--model %s: more than %d sizes", text, MODEL_MAX_SIZES);
            return false;
        }
        spec->size[spec->n++] = size;
        at += length;
        if (!*at)
            break;
    }
    if (spec->n >= 2)
        return true;
    cli_error(CLI_USAGE, command, "--model %s: an mlp has an input and an output", text);
    return false;
}

/* How a file's weights lie, from its metadata; false with an error printed: as in,out and out,in
 * the same numbers are different networks. */
static bool find_layout(const char *command, const char *path, hone_metadata_list metadata,
                        bool *out_in)
{
    for (int i = 0; i < metadata.n; i++) {
        if (strcmp(metadata.at[i].key, "layout") != 0)
            continue;
        const char *value = metadata.at[i].value;
        *out_in = strcmp(value, "out,in") == 0;
        if (*out_in || strcmp(value, "in,out") == 0)
            return true;
        cli_error(CLI_FAILED, command, "%s: its layout \"%.32s\" is unknown", path, value);
        return false;
    }
    cli_error(CLI_FAILED, command,
              "%s does not say how its weights lie: its metadata needs \"layout\": \"out,in\" "
              "(PyTorch's) or \"in,out\" (hone's)",
              path);
    return false;
}

/* The weight of layer `i` among the tensors of a file, or NULL. */
static hone_tensor *weight_of(hone_named_list tensors, int i)
{
    char name[32];
    snprintf(name, sizeof name, "%d.weight", 2 * i);
    for (int k = 0; k < tensors.n; k++)
        if (strcmp(tensors.at[k].name, name) == 0 && hone_dim(tensors.at[k].tensor) == 2)
            return tensors.at[k].tensor;
    return NULL;
}

bool model_of_file(const char *command, const char *path, model_spec *spec)
{
    HONE_SCOPE();
    spec->n = 0;
    hone_metadata_list metadata;
    hone_named_list tensors = hone_safetensors_load(path, &metadata);
    bool out_in;
    if (!tensors.at) {
        cli_library_error(command);
        return false;
    }
    if (!find_layout(command, path, metadata, &out_in))
        return false;
    for (int i = 0; spec->n < MODEL_MAX_SIZES; i++) {
        hone_tensor *weight = weight_of(tensors, i);
        if (!weight)
            break;
        if (i == 0)
            spec->size[spec->n++] = hone_size(weight, out_in);
        spec->size[spec->n++] = hone_size(weight, !out_in);
    }
    if (spec->n >= 2)
        return true;
    cli_error(CLI_FAILED, command, "%s holds no mlp (0.weight, 0.bias, 2.weight, ...)", path);
    return false;
}

bool model_load(const char *command, hone_module *model, const char *path)
{
    HONE_SCOPE();
    hone_metadata_list metadata;
    bool out_in;
    if (hone_safetensors_load(path, &metadata).at) {
        if (!find_layout(command, path, metadata, &out_in))
            return false;
        if (hone_load_state(model, path) == HONE_OK)
            return true;
    }
    cli_library_error(command);
    return false;
}

hone_module *model_new(const model_spec *spec)
{
    hone_module *layer[2 * MODEL_MAX_SIZES];
    int n = 0;
    for (int i = 0; i + 1 < spec->n; i++) {
        bool last = i + 2 == spec->n;
        /* A ReLU halves the variance of what passes it, which the factor 2 makes up for. */
        hone_nn_linear_options options = { .init_factor = last ? 1 : 2 };
        layer[n++] = hone_nn_linear_with(spec->size[i], spec->size[i + 1], &options);
        if (!last)
            layer[n++] = hone_nn_relu();
    }
    return hone_nn_sequential_n(layer, n);
}

model_text model_describe(const model_spec *spec)
{
    model_text text = { "mlp " };
    size_t used = 4;
    for (int i = 0; i < spec->n && used < sizeof text.s; i++)
        used += (size_t)snprintf(text.s + used, sizeof text.s - used, i ? "-%lld" : "%lld",
                                 (long long)spec->size[i]);
    return text;
}
