/* convert.c: `hone convert`: tensors from a file of one format to one of another. */
#include "cli.h"
#include "run/config.h"
#include "run/layout.h"
#include "work.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *layout, *dtype, *model, *void_dtype;
    int64_t shards;
} convert_options;

#define FIELD(name) offsetof(convert_options, name)

static const cli_option table[] = {
    { "layout", "pytorch|hone",
      "which way the weights of Linear lie: [out, in] or [in, out]; default: as they are", CLI_TEXT,
      FIELD(layout), NULL, 0, 0 },
    { "model", "SPEC",
      "the network whose weights they are, so that --layout knows which of them to turn; of an mlp "
      "the names tell",
      CLI_TEXT, FIELD(model), NULL, 0, 0 },
    { "dtype", "f32|f64|f16|bf16", "what floats are stored as; default: as hone has them", CLI_TEXT,
      FIELD(dtype), NULL, 0, 0 },
    { "void-dtype", "NAME", "what numpy's arrays of V1 and V2 are: BF16, F8_E4M3, ...", CLI_TEXT,
      FIELD(void_dtype), NULL, 0, 0 },
    { "shards", "MB", "safetensors files of at most so much, and their index", CLI_INT,
      FIELD(shards), NULL, 1, 1e9 },
    { 0 },
};

static const char *const name = "convert";

/* ---- options */

static bool read_layout(const char *text, hone_layout *layout)
{
    *layout = HONE_LAYOUT_AUTO;
    if (!text)
        return true;
    *layout = strcmp(text, "pytorch") == 0 ? HONE_LAYOUT_OUT_IN
              : strcmp(text, "hone") == 0  ? HONE_LAYOUT_IN_OUT
                                           : hone__layout_of_name(text);
    if (*layout != HONE_LAYOUT_AUTO)
        return true;
    cli_error(CLI_USAGE, name, "--layout takes pytorch or hone, not '%s'", text);
    return false;
}

static bool read_dtype(const char *text, const char **floats)
{
    static const char *const names[][2] = {
        { "f32", "F32" }, { "f64", "F64" }, { "f16", "F16" }, { "bf16", "BF16" }
    };
    *floats = NULL;
    for (int i = 0; text && i < 4; i++)
        if (strcmp(text, names[i][0]) == 0)
            *floats = names[i][1];
    if (!text || *floats)
        return true;
    cli_error(CLI_USAGE, name, "--dtype takes f32, f64, f16 or bf16, not '%s'", text);
    return false;
}

/* ---- which way weights lie */

/* The network, of --model or of a file that holds an mlp; NULL with an error printed. */
static hone_module *network_of(const char *in, const char *text, hone_layout layout)
{
    model_spec spec;
    if (text ? !model_parse(name, text, &spec) : !model_of_file(name, in, layout, &spec))
        return NULL;
    hone_module *model = model_new(&spec);
    if (!model)
        model_failed(name, &spec);
    return model;
}

static bool turn(hone_named_list tensors, const char *in, const char *spec, hone_layout from)
{
    hone_module *model = network_of(in, spec, from);
    if (!model)
        return false;
    const bool ok = hone__turn_weights(name, model, tensors);
    hone_module_free(model);
    if (!ok)
        cli_library_error(name);
    return ok;
}

/* The metadata with what says how weights lie: PyTorch's files say "format": "pt", too. */
static hone_metadata_list tagged(hone_metadata_list old, hone_layout layout, hone_metadata *room)
{
    hone_metadata pairs[2];
    const hone_metadata_list tags = hone__layout_metadata(layout, pairs);
    hone_metadata_list list = { room, 0 };
    for (int i = 0; i < old.n; i++)
        if (strcmp(old.at[i].key, "format") != 0 && strcmp(old.at[i].key, "layout") != 0)
            list.at[list.n++] = old.at[i];
    for (int i = 0; i < tags.n; i++)
        list.at[list.n++] = tags.at[i];
    return list;
}

/* ---- a folder as Hugging Face has it: config.json too, of a network that has a name */

static int convert_folder(const char *in, const char *out, const convert_options *o)
{
    const char *spec = o->model;
    if (!spec && !hone__has_config(in))
        return cli_error(CLI_USAGE, name,
                         "%s: a folder's config.json tells the network: --model SPEC "
                         "is missing",
                         out);
    if (!spec && !(spec = hone__config_spec(name, in)))
        return cli_library_error(name);
    hone_module *model = hone_model(spec);
    if (!model)
        return cli_library_error(name);
    const bool ok = hone_load_state(model, in) == HONE_OK &&
                    hone_model_save_folder(model, spec, out, o->shards << 20) == HONE_OK;
    hone_module_free(model);
    return ok ? CLI_OK : cli_library_error(name);
}

/* ---- the run */

static int convert(const char *in, const char *out, const convert_options *o, hone_layout layout,
                   const char *floats)
{
    hone_metadata_list metadata;
    const hone_named_list tensors = hone_file_load_with(
        in, &metadata, &(hone_file_options){ .convert = true, .void_dtype = o->void_dtype });
    if (!tensors.at)
        return cli_library_error(name);
    const hone_layout stated = hone__layout_stated(metadata, NULL);
    const hone_layout from = stated == HONE_LAYOUT_AUTO ? HONE_LAYOUT_OUT_IN : stated;
    if (layout != HONE_LAYOUT_AUTO && layout != from && !turn(tensors, in, o->model, from))
        return CLI_FAILED;
    hone_metadata *room = calloc((size_t)metadata.n + 2, sizeof *room);
    if (!room)
        return cli_error(CLI_FAILED, name, "out of memory");
    if (layout != HONE_LAYOUT_AUTO)
        metadata = tagged(metadata, layout, room);
    const hone_file_save_options save = { .metadata = &metadata,
                                          .floats = floats,
                                          .shard_bytes = o->shards << 20 };
    const hone_status status = hone_file_save_with(out, tensors, &save);
    free(room);
    return status == HONE_OK ? CLI_OK : cli_library_error(name);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    int words = 0;
    while (words < argc && words < 2 && argv[words][0] != '-')
        words++;
    convert_options o = { 0 };
    hone_layout layout;
    const char *floats;
    const cli_parsed parsed = cli_parse(&cli_convert, table, &o, argc - words, argv + words);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (words < 2)
        return cli_error(CLI_USAGE, name, "%s is missing", words ? "OUT" : "IN");
    if (!read_layout(o.layout, &layout) || !read_dtype(o.dtype, &floats))
        return CLI_USAGE;
    const char *out = argv[1];
    if (out[strlen(out) - 1] != '/')
        return convert(argv[0], out, &o, layout, floats);
    if (layout != HONE_LAYOUT_AUTO || floats)
        return cli_error(CLI_USAGE, name, "a folder has PyTorch's layout, and f32");
    return convert_folder(argv[0], out, &o);
}

const cli_command cli_convert = {
    "convert",
    "Writes the tensors of a file as one of another format, which OUT's "
    "ending tells: .safetensors, .npz, .npy, .gguf.",
    run, "IN OUT"
};
