/* model.c: from the text of --model, or from a saved file, to a network. */
#include "work.h"

#include "cli.h"
#include "core/core.h"
#include "nn/walk.h"
#include "run/config.h"
#include "run/layout.h"
#include "runtime/memory.h"

#include <stdio.h>
#include <string.h>

/* A file's name has a dot or a slash; hone_model() reads it. */
static bool is_named(const char *text)
{
    for (int i = 0; i < hone_model_count(); i++) {
        const char *name = hone_model_name(i);
        const size_t n = strlen(name);
        if (strncmp(text, name, n) == 0 && (!text[n] || text[n] == ':'))
            return true;
    }
    return false;
}

static bool unknown_model(const char *command, const char *text)
{
    char names[200] = "";
    for (int i = 0; i < hone_model_count(); i++) {
        strncat(names, ", ", sizeof names - strlen(names) - 1);
        strncat(names, hone_model_name(i), sizeof names - strlen(names) - 1);
    }
    cli_error(CLI_USAGE, command, "--model takes mlp:INPUT,...,OUTPUT%s, or a FILE, not '%s'",
              names, text);
    return false;
}

bool model_parse(const char *command, const char *text, model_spec *spec)
{
    *spec = (model_spec){ 0 };
    if (strncmp(text, "mlp:", 4) != 0) {
        spec->text = text;
        return is_named(text) || strpbrk(text, "./") || hone__has_config(text) ||
               unknown_model(command, text);
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

bool model_layout(const char *command, const char *text, hone_layout *layout)
{
    *layout = text ? hone__layout_of_name(text) : HONE_LAYOUT_AUTO;
    if (!text || *layout != HONE_LAYOUT_AUTO)
        return true;
    cli_error(CLI_USAGE, command, "--layout takes out,in or in,out, not '%s'", text);
    return false;
}

bool model_dtype(const char *command, const char *text, hone_dtype *dtype)
{
    static const hone_dtype all[] = { HONE_F32, HONE_BF16, HONE_F16 };
    *dtype = HONE_F32;
    for (int i = 0; text && i < 3; i++) {
        *dtype = all[i];
        if (strcmp(text, hone_dtype_name(all[i])) == 0)
            return true;
    }
    if (text)
        cli_error(CLI_USAGE, command, "--dtype takes f32, bf16 or f16, not '%s'", text);
    return !text;
}

/* "4.weight" and its like among the tensors of a file, or NULL. */
static const hone_safetensors_entry *find(hone_safetensors_list tensors, int number,
                                          const char *member, int ndim)
{
    char name[32];
    snprintf(name, sizeof name, "%d.%s", number, member);
    for (int i = 0; i < tensors.n; i++)
        if (strcmp(tensors.at[i].name, name) == 0 && tensors.at[i].ndim == ndim)
            return &tensors.at[i];
    return NULL;
}

/* The mlp of a file whose weights lie so: each layer takes what the one before gives, and has a
 * bias for each number that it gives. */
static bool spec_of(hone_safetensors_list tensors, hone_layout layout, model_spec *spec)
{
    const int in = layout == HONE_LAYOUT_OUT_IN;
    *spec = (model_spec){ 0 };
    for (int i = 0; spec->n < MODEL_MAX_SIZES; i += 2) {
        const hone_safetensors_entry *weight = find(tensors, i, "weight", 2);
        if (!weight)
            break;
        const hone_safetensors_entry *bias = find(tensors, i, "bias", 1);
        if (spec->n == 0)
            spec->size[spec->n++] = weight->shape[in];
        if (weight->shape[in] != spec->size[spec->n - 1] ||
            (bias && bias->shape[0] != weight->shape[!in]))
            return false;
        spec->size[spec->n++] = weight->shape[!in];
    }
    return spec->n >= 2;
}

bool model_of_file(const char *command, const char *path, hone_layout layout, model_spec *spec)
{
    hone_safetensors *file = hone_safetensors_open(path);
    if (!file) {
        cli_library_error(command);
        return false;
    }
    const hone_safetensors_list tensors = hone_safetensors_entries(file);
    if (layout == HONE_LAYOUT_AUTO)
        layout = hone__layout_stated(hone_safetensors_metadata(file), NULL);
    const bool found = layout != HONE_LAYOUT_AUTO ? spec_of(tensors, layout, spec)
                                                  : spec_of(tensors, HONE_LAYOUT_OUT_IN, spec) ||
                                                        spec_of(tensors, HONE_LAYOUT_IN_OUT, spec);
    hone_safetensors_close(file);
    if (!found)
        cli_error(
            CLI_FAILED, command,
            "%s holds no mlp (0.weight, 0.bias, 2.weight, ... that fit each other%s); of other "
            "networks --model says what they are",
            path,
            layout == HONE_LAYOUT_OUT_IN   ? " as out,in"
            : layout == HONE_LAYOUT_IN_OUT ? " as in,out"
                                           : "");
    return found;
}

const char *model_columns(const char *path)
{
    char *columns = NULL;
    hone_file *file = hone_file_open(path);
    const hone_metadata_list metadata = file ? hone_file_metadata(file) : (hone_metadata_list){ 0 };
    for (int i = 0; i < metadata.n && !columns; i++)
        if (strcmp(metadata.at[i].key, MODEL_COLUMNS) == 0 &&
            (columns = hone__own_block(hone__malloc(strlen(metadata.at[i].value) + 1))))
            strcpy(columns, metadata.at[i].value);
    hone_file_close(file);
    if (!file)
        hone_error_clear(); /* loading it will say why */
    return columns;
}

static bool done(const char *command, hone_status status)
{
    if (status != HONE_OK)
        cli_library_error(command);
    return status == HONE_OK;
}

bool model_load(const char *command, hone_module *model, const char *path, hone_layout layout)
{
    const hone_state_options options = { .layout = layout };
    return done(command, hone_load_state_with(model, path, &options));
}

/* What is loaded is rounded on its way: weights of f32 and those of a half are never there together. */
bool model_load_as(const char *command, hone_module *model, const char *path, hone_layout layout,
                   hone_dtype dtype, images *set)
{
    if (set)
        set->dtype = dtype;
    if (dtype == HONE_F32)
        return model_load(command, model, path, layout);
    const hone_state_options options = { .layout = layout, .round = true };
    hone__nn_blank = true;
    const hone_status status = hone_module_to(model, dtype);
    hone__nn_blank = false;
    return done(command, status) && done(command, hone_load_state_with(model, path, &options));
}

int model_failed(const char *command, const model_spec *spec)
{
    const char *message = hone_error_message();
    if (!spec->text || hone_error_code() != HONE_E_VALUE || !is_named(spec->text))
        return cli_library_error(command);
    const char *place = "arguments:1:";
    if (strncmp(message, place, strlen(place)) == 0)
        message += strcspn(message, " ") + 1;
    /* its text is known: the line with a mark would show hone's own */
    return cli_error(CLI_USAGE, command, "--model %s: %.*s", spec->text,
                     (int)strcspn(message, "\n"), message);
}

hone_module *model_new(const model_spec *spec)
{
    if (spec->text)
        return hone_model(spec->text);
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

hone_module *model_blank(const model_spec *spec)
{
    hone__nn_blank = true;
    hone_module *model = model_new(spec);
    hone__nn_blank = false;
    hone_memory_trim(); /* what was drawn and taken by nobody */
    return model;
}

model_text model_describe(const model_spec *spec)
{
    model_text text = { "mlp " };
    size_t used = 4;
    if (spec->text)
        snprintf(text.s, sizeof text.s, "%s", spec->text);
    for (int i = 0; i < spec->n && used < sizeof text.s; i++)
        used += (size_t)snprintf(text.s + used, sizeof text.s - used, i ? "-%lld" : "%lld",
                                 (long long)spec->size[i]);
    return text;
}
