/* Folders as transformers and timm have them (make_folders_golden.py): networks, names, outputs. */
#include "files.h"
#include "support.h"

#include <hone/autograd.h>
#include <hone/files.h>
#include <hone/io.h>
#include <hone/model.h>
#include <hone/ops.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE_WITH_FILES(folders);

#define FOLDERS HONE_SOURCE_DIR "/tests/golden/folders/"

/* The network of the folder, with its weights, in evaluation. */
static hone_module *load(const char *folder)
{
    hone_module *model = hone_model(folder);
    cr_assert(model, "%s", hone_error_message());
    CHECK_OK(hone_load_state(model, folder));
    hone_module_train(model, false);
    return model;
}

static void check_outputs(hone_module *model, const char *golden)
{
    HONE_NO_GRAD();
    char path[300];
    snprintf(path, sizeof path, FOLDERS "%s/outputs.safetensors", golden);
    const hone_named_list list = hone_safetensors_load(path, NULL);
    hone_tensor *y = hone_forward(model, hone_named_find(list, "x"));
    cr_assert(hone_allclose(y, hone_named_find(list, "y"), 1e-5, 1e-5), "%s: %s", golden,
              hone_error_message());
}

static void check(const char *golden)
{
    char folder[300];
    snprintf(folder, sizeof folder, FOLDERS "%s", golden);
    hone_module *model = load(folder);
    check_outputs(model, golden);
    hone_module_free(model);
}

Test(folders, gpt2)
{
    check("gpt2");
    check("gpt2_shards");
    check("gpt2_base"); /* no "transformer." before its names */
}

Test(folders, bert)
{
    check("bert");
    check("bert_classes");
}

Test(folders, resnet)
{
    check("resnet"); /* transformers' names */
}

/* ---- writing: what is read again is the same, in either form */

static void check_written(const char *golden, const char *spec, int64_t shard_bytes)
{
    char folder[300];
    snprintf(folder, sizeof folder, FOLDERS "%s", golden);
    hone_module *model = load(folder);
    CHECK_OK(hone_model_save_folder(model, spec, test_path("out"), shard_bytes));
    hone_module_free(model);
    model = load(test_path("out"));
    check_outputs(model, golden);
    hone_module_free(model);
}

Test(folders, written_and_read)
{
    static const char gpt[] = "gpt:vocab=10,context=8,layers=2,heads=2,width=8";
    static const char bert[] = "bert:vocab=10,context=8,layers=2,heads=2,width=8,inner=16,labels=3";
    check_written("gpt2", gpt, 0);
    check_written("gpt2", gpt, 3000);
    cr_assert(access(test_path("out/model.safetensors"), F_OK) != 0);
    check_written("gpt2", gpt, 0);
    cr_assert(access(test_path("out/model.safetensors.index.json"), F_OK) != 0);
    hone_metadata_list metadata;
    const hone_named_list list = hone_file_load(test_path("out"), &metadata);
    cr_assert(metadata.n == 1 && strcmp(metadata.at[0].value, "pt") == 0);
    for (int i = 0; i < list.n; i++) /* tied, it is left out */
        cr_assert(strcmp(list.at[i].name, "lm_head.weight") != 0);
    check_written("bert_classes", bert, 0);
}

Test(folders, what_config_json_can_not_tell)
{
    hone_module *model = hone_model("lenet");
    CHECK_FAILS(hone_model_save_folder(model, "lenet", test_path("out"), 0), HONE_E_VALUE,
                "there are folders of gpt, bert and resnet18, not of \"lenet\"");
    CHECK_FAILS(hone_model_save_folder(model, "gpt:2", test_path("out"), 0), HONE_E_VALUE,
                "\"2\" can't be told");
    CHECK_FAILS(hone_model_save_folder(NULL, "gpt", test_path("out"), 0), HONE_E_NULL, "a module");
    hone_module_free(model);
}

/* ---- configurations */

static const char *config(const char *text)
{
    test_write("m/config.json", text, strlen(text));
    return test_path("m");
}

Test(folders, configurations_that_hone_refuses)
{
    static const struct {
        const char *text, *says;
        hone_status status;
    } bad[] = {
        { "{\"model_type\": \"llama\"}", "is of \"llama\": of folders hone has", HONE_E_VALUE },
        { "{\"model_type\": \"gpt2\", \"activation_function\": \"relu\"}",
          "has activation_function = relu, hone's network has gelu_new", HONE_E_VALUE },
        { "{\"model_type\": \"gpt2\", \"tie_word_embeddings\": false}",
          "has tie_word_embeddings = false", HONE_E_VALUE },
        { "{\"model_type\": \"gpt2\", \"n_inner\": 5}", "has n_inner = 5", HONE_E_VALUE },
        { "{\"model_type\": \"gpt2\", \"n_layer\": -1}", "n_layer = -1, which is no size",
          HONE_E_FORMAT },
        { "{\"model_type\": \"gpt2\", \"n_layer\": \"2, x=3\"}", "which is no size",
          HONE_E_FORMAT },
        { "{\"model_type\": \"resnet\"}", "is of ResNet-50", HONE_E_VALUE },
        { "{\"model_type\": \"bert\", \"layer_norm_eps\": \"x\"}", "layer_norm_eps",
          HONE_E_FORMAT },
        { "{\"model_type\": ", "is no valid config.json", HONE_E_FORMAT },
        { "[]", "'{' is missing", HONE_E_FORMAT },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(hone_model(config(bad[i].text)), bad[i].status, bad[i].says);
    hone_module *model =
        hone_model(config("{\"model_type\": \"gpt2\", \"n_layer\": 1, \"n_head\": 2, "
                          "\"n_embd\": 8, \"vocab_size\": 5, \"n_inner\": null, "
                          "\"task_specific_params\": {\"a\": {\"b\": [1, 2]}}}"));
    cr_assert(model, "%s", hone_error_message());
    hone_module_free(model);
}

/* timm's folders and torchvision's names. */
Test(folders, timm)
{
    hone_module *model = hone_model(config("{\"architecture\": \"resnet18\", \"num_classes\": 7}"));
    cr_assert(model, "%s", hone_error_message());
    cr_assert(hone_size(hone_module_tensor(model, "fc.bias"), 0) == 7);
    hone_module_free(model);
}

/* config.json ties the scores' weight to the embedding's: a file may have it twice, not two of them. */
Test(folders, tied_weights)
{
    hone_module *model = load(FOLDERS "gpt2");
    hone_named_list list = hone_file_load(FOLDERS "gpt2", NULL);
    hone_named *more = malloc((size_t)(list.n + 1) * sizeof *more);
    hone_tensor *embedding = hone_named_find(list, "transformer.wte.weight");
    size_t n;
    char *text = test_read(FOLDERS "gpt2/config.json", &n);
    memcpy(more, list.at, (size_t)list.n * sizeof *more);
    config(text);
    for (int other = 0; other < 2; other++) {
        more[list.n] = (hone_named){ "lm_head.weight", hone_add_scalar(embedding, other) };
        CHECK_OK(hone_safetensors_save(test_path("m/model.safetensors"),
                                       (hone_named_list){ more, list.n + 1 }, NULL));
        if (other)
            CHECK_FAILS(hone_load_state(model, test_path("m")), HONE_E_STATE, "lm_head.weight");
        else
            CHECK_OK(hone_load_state(model, test_path("m")));
        check_outputs(model, "gpt2");
    }
    hone_module_free(model);
    free(text);
    free(more);
}

/* Old names of BERT's, and what isn't the network's. */
Test(folders, old_names)
{
    hone_module *model = load(FOLDERS "bert");
    hone_named_list list = hone_file_load(FOLDERS "bert", NULL);
    hone_named *more = malloc((size_t)(list.n + 2) * sizeof *more);
    char(*names)[200] = malloc((size_t)list.n * sizeof *names);
    for (int i = 0; i < list.n; i++) {
        char *norm = strstr(strcpy(names[i], list.at[i].name), "LayerNorm.");
        if (norm)
            strcpy(norm + 10, strcmp(norm + 10, "weight") == 0 ? "gamma" : "beta");
        more[i] = (hone_named){ names[i], list.at[i].tensor };
    }
    more[list.n] = (hone_named){ "cls.predictions.bias", T(HONE_F32, (1), 0) };
    more[list.n + 1] = (hone_named){ "embeddings.position_ids", T(HONE_I64, (1), 0) };
    size_t n;
    char *text = test_read(FOLDERS "bert/config.json", &n);
    config(text);
    CHECK_OK(hone_safetensors_save(test_path("m/model.safetensors"),
                                   (hone_named_list){ more, list.n + 2 }, NULL));
    CHECK_OK(hone_load_state(model, test_path("m")));
    check_outputs(model, "bert");
    hone_module_free(model);
    free(text);
    free(names);
    free(more);
}
