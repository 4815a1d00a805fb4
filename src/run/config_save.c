/* config_save.c: a folder as Hugging Face has it, of a network that has a name: config.json of its spec,
 * and model.safetensors or shards. */
#include "core/core.h"
#include "core/reserve.h"
#include "io/replace.h"
#include "io/shards.h"
#include "io/writer.h"
#include "run/layout.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/io.h>
#include <hone/model.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the spec's arguments: "gpt:layers=2,width=64" */

typedef struct {
    const char *name, *fallback,
        *key; /* in the spec, its default, in config.json (NULL: not there) */
} argument;

typedef struct {
    const char *network;
    const char *const (*fixed)[2]; /* keys and values of JSON, always the same */
    const argument *arguments;
} form;

static const char *const gpt_fixed[][2] = { { "model_type", "\"gpt2\"" },
                                            { "architectures", "[\"GPT2LMHeadModel\"]" },
                                            { "activation_function", "\"gelu_new\"" },
                                            { "layer_norm_epsilon", "1e-05" },
                                            { "tie_word_embeddings", "true" },
                                            { NULL, NULL } };
static const argument gpt_arguments[] = { { "vocab", "50257", "vocab_size" },
                                          { "context", "1024", "n_positions" },
                                          { "layers", "12", "n_layer" },
                                          { "heads", "12", "n_head" },
                                          { "width", "768", "n_embd" },
                                          { "dropout", "0.1", "resid_pdrop" },
                                          { NULL, NULL, NULL } };
static const char *const bert_fixed[][2] = { { "model_type", "\"bert\"" },
                                             { "hidden_act", "\"gelu\"" },
                                             { NULL, NULL } };
static const argument bert_arguments[] = { { "vocab", "30522", "vocab_size" },
                                           { "context", "512", "max_position_embeddings" },
                                           { "types", "2", "type_vocab_size" },
                                           { "layers", "12", "num_hidden_layers" },
                                           { "heads", "12", "num_attention_heads" },
                                           { "width", "768", "hidden_size" },
                                           { "inner", "3072", "intermediate_size" },
                                           { "eps", "1e-12", "layer_norm_eps" },
                                           { "dropout", "0.1", "hidden_dropout_prob" },
                                           { "labels", "0", NULL },
                                           { NULL, NULL, NULL } };
static const char *const resnet_fixed[][2] = { { "architecture", "\"resnet18\"" }, { NULL, NULL } };
static const argument resnet_arguments[] = { { "num_classes", "1000", "num_classes" },
                                             { "channels", "3", NULL },
                                             { "width", "64", NULL },
                                             { NULL, NULL, NULL } };

static const form forms[] = { { "gpt", gpt_fixed, gpt_arguments },
                              { "bert", bert_fixed, bert_arguments },
                              { "resnet18", resnet_fixed, resnet_arguments } };

enum { N_FORMS = sizeof forms / sizeof *forms, MOST_ARGUMENTS = 16 };

static const form *form_of(const char *spec)
{
    const size_t n = strcspn(spec, ":");
    for (int i = 0; i < N_FORMS; i++)
        if (strlen(forms[i].network) == n && memcmp(spec, forms[i].network, n) == 0)
            return &forms[i];
    return NULL;
}

/* The value of an argument in the spec, of the current scope, or its default; NULL: E_NOMEM. */
static const char *value_of(const char *spec, const argument *a)
{
    const size_t n = strlen(a->name);
    const char *at = strchr(spec, ':');
    for (; at && *at; at = strchr(at, ',')) {
        at++;
        at += strspn(at, " ");
        if (strncmp(at, a->name, n) != 0 || at[n] != '=')
            continue;
        const size_t length = strcspn(at + n + 1, ", ");
        char *value = hone__own_block(hone__malloc(length + 1));
        if (value) {
            memcpy(value, at + n + 1, length);
            value[length] = 0;
        }
        return value;
    }
    return a->fallback;
}

/* Every argument of the spec by name, as one of the form's, and a number. */
static hone_status check_spec(const char *where, const char *spec, const form *f)
{
    const char *at = strchr(spec, ':');
    for (; at && *at; at = strchr(at, ',')) {
        at++;
        at += strspn(at, " ");
        const size_t n = strcspn(at, "=,");
        const argument *a = f->arguments;
        while (a->name && (strlen(a->name) != n || memcmp(a->name, at, n) != 0))
            a++;
        const size_t length = at[n] == '=' ? strcspn(at + n + 1, ", ") : 0;
        double number;
        if (!a->name || !hone__read_f64(at + n + 1, length, &number))
            return hone_error_set(HONE_E_VALUE,
                                  "%s: in a folder of %s, \"%.*s\" can't be told: by name and as a "
                                  "number it can be what config.json has",
                                  where, f->network, (int)strcspn(at, ","), at);
    }
    return HONE_OK;
}

/* ---- config.json */

static void put_key(hone__writer *w, const char *key, const char *value)
{
    hone__write_text(w, w->n > 2 ? ",\n  " : "  ");
    hone__write_json(w, key);
    hone__write_text(w, ": ");
    hone__write_text(w, value);
}

static void put_labels(hone__writer *w, int64_t labels)
{
    put_key(w, "architectures",
            labels > 0 ? "[\"BertForSequenceClassification\"]" : "[\"BertModel\"]");
    if (labels == 0)
        return;
    put_key(w, "id2label", "{");
    for (int64_t i = 0; i < labels; i++) {
        hone__write_text(w, i ? ", \"" : "\"");
        hone__write_number(w, i);
        hone__write_text(w, "\": \"LABEL_");
        hone__write_number(w, i);
        hone__write_text(w, "\"");
    }
    hone__write_text(w, "}");
}

static bool put_config(hone__writer *w, const char *spec, const form *f)
{
    hone__write_text(w, "{\n");
    for (int i = 0; f->fixed[i][0]; i++)
        put_key(w, f->fixed[i][0], f->fixed[i][1]);
    for (const argument *a = f->arguments; a->name; a++) {
        const char *value = value_of(spec, a);
        int64_t labels;
        if (!value)
            return false;
        if (a->key)
            put_key(w, a->key, value);
        else if (strcmp(a->name, "labels") == 0 && hone__read_i64(value, strlen(value), &labels))
            put_labels(w, labels);
    }
    hone__write_text(w, "\n}\n");
    return true;
}

static hone_status write_config(const char *where, const char *folder, const char *spec,
                                const form *f)
{
    hone__writer w = { NULL, 0 };
    char *path = hone__path_in(folder, "config.json");
    if (!path || !put_config(&w, spec, f))
        return hone__error_last();
    w.bytes = hone__own_block(hone__malloc(w.n));
    w.n = 0;
    if (!w.bytes || !put_config(&w, spec, f))
        return hone__error_last();
    return hone__replace_file(where, path, &(hone__part){ w.bytes, w.n }, 1);
}

/* ---- the weights */

/* Without the second name of what is tied: Hugging Face leaves it out. */
static void drop_tied(hone_named_list *list)
{
    int kept = 0;
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, "lm_head.weight") != 0)
            list->at[kept++] = list->at[i];
    list->n = kept;
}

hone_status hone_model_save_folder(hone_module *model, const char *spec, const char *folder,
                                   int64_t shard_bytes)
{
    static const char where[] = "model_save_folder";
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!model || !spec || !folder)
        return hone__error_missing(where, !model ? "a module" : !spec ? "a spec" : "a folder");
    const form *f = form_of(spec);
    if (!f)
        return hone_error_set(HONE_E_VALUE,
                              "%s: there are folders of gpt, bert and resnet18, not of "
                              "\"%.60s\"",
                              where, spec);
    hone_status status = check_spec(where, spec, f);
    if (status != HONE_OK)
        return status;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return hone_error_set(HONE_E_IO, "%s: can't make %s: %s", where, folder, strerror(errno));
    hone_metadata format = { "format", "pt" };
    hone_named_list list;
    const char *path = hone__path_in(folder, "model.safetensors");
    if (!path || !hone__state_tensors(where, model, HONE_LAYOUT_OUT_IN, &list))
        return hone__error_last();
    drop_tied(&list);
    status = hone_file_save_with(
        path, list,
        &(hone_file_save_options){ .metadata = &(hone_metadata_list){ &format, 1 },
                                   .shard_bytes = shard_bytes });
    return status == HONE_OK ? write_config(where, folder, spec, f) : status;
}
