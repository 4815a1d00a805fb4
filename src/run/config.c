/* config.c: config.json -> keys and values -> a spec. Sources: transformers' GPT2Config, BertConfig and
 * ResNetConfig, timm's config.json. */
#include "run/config.h"

#include "core/core.h"
#include "io/json.h"
#include "io/shards.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_KEYS = 400, MOST_BYTES = 1 << 20 };

/* Values as they are written: texts without quotes, lists without blanks. Of the current scope. */
typedef struct {
    const char *where, *path;
    char *original; /* the file, which reading changes */
    int n;
    struct {
        const char *key, *value;
        int members; /* of an object */
    } at[MOST_KEYS];
} config;

#define CONFIG "config.json"

bool hone__has_config(const char *path)
{
    struct stat st;
    HONE_SCOPE();
    if (!path || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return false;
    const char *file = hone__path_in(path, CONFIG);
    return file && stat(file, &st) == 0;
}

static bool bad(const config *c, const char *why)
{
    hone_error_set(HONE_E_FORMAT, "%s: %s is no valid config.json: %s", c->where, c->path, why);
    return false;
}

/* ---- reading */

static char *read_file(const config *c, size_t *n)
{
    struct stat st;
    if (stat(c->path, &st) == 0 && !S_ISREG(st.st_mode)) { /* a pipe would make it wait */
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", c->where, c->path);
        return NULL;
    }
    FILE *file = fopen(c->path, "rb");
    char *text = file ? hone__own_block(hone__malloc(MOST_BYTES + 1)) : NULL;
    *n = text ? fread(text, 1, MOST_BYTES + 1, file) : 0;
    const int error = !file || ferror(file) ? errno : 0;
    if (file)
        fclose(file);
    if (error)
        hone_error_set(HONE_E_IO, "%s: can't read %s: %s", c->where, c->path, strerror(error));
    else if (*n > MOST_BYTES)
        bad(c, "it has more than a megabyte");
    return text && !error && *n <= MOST_BYTES ? text : NULL;
}

/* Passes over an object; how many members it has. */
static int members(hone__json *j)
{
    bool first = true;
    int n = 0;
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        hone__json_string(j);
        hone__json_take(j, ':');
        hone__json_skip(j);
        n++;
    }
    return n;
}

/* A value that is no text: its characters without blanks, from the text before it was read. */
static char *raw(const config *c, hone__json *j, const char *text)
{
    hone__json_is(j, 0); /* passes over blanks */
    const char *begin = c->original + (j->at - text);
    const char *const at = j->at;
    hone__json_skip(j);
    const size_t n = (size_t)(j->at - at);
    char *copy = j->problem ? NULL : hone__own_block(hone__malloc(n + 1));
    size_t used = 0;
    for (size_t i = 0; copy && i < n; i++)
        if (!strchr(" \n\t\r", begin[i]))
            copy[used++] = begin[i];
    if (copy)
        copy[used] = 0;
    return copy;
}

static bool read_pair(config *c, hone__json *j, const char *text)
{
    const char *key = hone__json_string(j);
    if (!key || !hone__json_take(j, ':'))
        return false;
    if (c->n == MOST_KEYS)
        return bad(c, "it has too many keys");
    if (hone__json_is(j, '{')) {
        c->at[c->n].members = members(j);
        c->at[c->n].value = "{}";
    } else {
        c->at[c->n].value = hone__json_is(j, '"') ? hone__json_string(j) : raw(c, j, text);
    }
    c->at[c->n].key = key;
    return c->at[c->n++].value;
}

static bool read_config(config *c, const char *where, const char *folder)
{
    size_t n;
    *c = (config){ .where = where, .path = hone__path_in(folder, CONFIG) };
    char *text = c->path ? read_file(c, &n) : NULL;
    c->original = text ? hone__own_block(hone__malloc(n + 1)) : NULL;
    if (!c->original)
        return false;
    memcpy(c->original, text, n);
    hone__json j = { .at = text, .end = text + n };
    bool first = true, ok = true;
    hone__json_take(&j, '{');
    while (ok && hone__json_more(&j, '}', &first))
        ok = read_pair(c, &j, text);
    if (!j.problem && ok)
        hone__json_ends(&j);
    return j.problem ? bad(c, j.problem) : ok;
}

/* The last of that key; NULL: there is none, or null. */
static const char *get(const config *c, const char *key)
{
    for (int i = c->n; i-- > 0;)
        if (strcmp(c->at[i].key, key) == 0)
            return strcmp(c->at[i].value, "null") == 0 ? NULL : c->at[i].value;
    return NULL;
}

static const char *get_or(const config *c, const char *key, const char *fallback)
{
    const char *value = get(c, key);
    return value ? value : fallback;
}

/* ---- networks */

/* Keys that must have these values, or nothing. */
static bool expects(const config *c, const char *const (*wanted)[2])
{
    for (; (*wanted)[0]; wanted++) {
        const char *value = get(c, (*wanted)[0]);
        if (!value || strcmp(value, (*wanted)[1]) == 0)
            continue;
        hone_error_set(HONE_E_VALUE, "%s: %s has %s = %.60s, hone's network has %s", c->where,
                       c->path, (*wanted)[0], value, (*wanted)[1]);
        return false;
    }
    return true;
}

/* A whole number, so that nothing else comes into the spec. */
static bool whole(const config *c, const char *key, const char *fallback, const char **out)
{
    int64_t n;
    *out = get_or(c, key, fallback);
    if (hone__read_i64(*out, strlen(*out), &n) && n > 0 && n < INT32_MAX)
        return true;
    hone_error_set(HONE_E_FORMAT, "%s: %s has %s = %.60s, which is no size", c->where, c->path, key,
                   *out);
    return false;
}

static const char *spec(const char *format, ...)
{
    va_list args;
    char *text = hone__own_block(hone__malloc(400));
    va_start(args, format);
    if (text)
        hone__vformat(text, 400, format, args);
    va_end(args);
    return text;
}

static const char *gpt2(const config *c)
{
    static const char *const wanted[][2] = { { "activation_function", "gelu_new" },
                                             { "layer_norm_epsilon", "1e-05" },
                                             { "tie_word_embeddings", "true" },
                                             { "scale_attn_weights", "true" },
                                             { "scale_attn_by_inverse_layer_idx", "false" },
                                             { NULL, NULL } };
    const char *vocab, *context, *layers, *heads, *width;
    if (!whole(c, "vocab_size", "50257", &vocab) || !whole(c, "n_positions", "1024", &context) ||
        !whole(c, "n_layer", "12", &layers) || !whole(c, "n_head", "12", &heads) ||
        !whole(c, "n_embd", "768", &width) || !expects(c, wanted))
        return NULL;
    if (get(c, "n_inner")) {
        hone_error_set(HONE_E_VALUE, "%s: %s has n_inner = %.60s, hone's network has 4 n_embd",
                       c->where, c->path, get(c, "n_inner"));
        return NULL;
    }
    return spec("gpt:vocab=%s,context=%s,layers=%s,heads=%s,width=%s", vocab, context, layers,
                heads, width);
}

/* Classes, by the names that they have; transformers' default is 2. */
static int labels_of(const config *c, int fallback)
{
    for (int i = c->n; i-- > 0;)
        if (strcmp(c->at[i].key, "id2label") == 0 && c->at[i].members > 0)
            return c->at[i].members;
    return fallback;
}

static bool is_class(const config *c, const char *ending)
{
    const char *classes = get(c, "architectures");
    return classes && strstr(classes, ending);
}

static const char *bert(const config *c)
{
    static const char *const wanted[][2] = { { "hidden_act", "gelu" },
                                             { "position_embedding_type", "absolute" },
                                             { "is_decoder", "false" },
                                             { NULL, NULL } };
    const char *vocab, *context, *types, *layers, *heads, *width, *inner;
    if (!whole(c, "vocab_size", "30522", &vocab) ||
        !whole(c, "max_position_embeddings", "512", &context) ||
        !whole(c, "type_vocab_size", "2", &types) ||
        !whole(c, "num_hidden_layers", "12", &layers) ||
        !whole(c, "num_attention_heads", "12", &heads) || !whole(c, "hidden_size", "768", &width) ||
        !whole(c, "intermediate_size", "3072", &inner) || !expects(c, wanted))
        return NULL;
    const int labels = is_class(c, "ForSequenceClassification") ? labels_of(c, 2) : 0;
    const char *eps = get_or(c, "layer_norm_eps", "1e-12");
    double value;
    if (!hone__read_f64(eps, strlen(eps), &value) || !(value > 0)) {
        bad(c, "layer_norm_eps is no number above 0");
        return NULL;
    }
    return spec("bert:vocab=%s,context=%s,types=%s,layers=%s,heads=%s,width=%s,inner=%s,labels=%d,"
                "eps=%.17g",
                vocab, context, types, layers, heads, width, inner, labels, value);
}

static const char *resnet(const config *c)
{
    static const char *const wanted[][2] = { { "depths", "[2,2,2,2]" },
                                             { "layer_type", "basic" },
                                             { "hidden_act", "relu" },
                                             { "downsample_in_first_stage", "false" },
                                             { NULL, NULL } };
    const char *channels, *width;
    char sizes[120];
    int64_t w;
    if (!get(c, "depths") || !get(c, "layer_type")) { /* ResNet-50's, by default */
        hone_error_set(HONE_E_VALUE, "%s: %s is of ResNet-50, and hone has ResNet-18", c->where,
                       c->path);
        return NULL;
    }
    if (!whole(c, "num_channels", "3", &channels) || !whole(c, "embedding_size", "64", &width) ||
        !expects(c, wanted) || !hone__read_i64(width, strlen(width), &w))
        return NULL;
    hone__format(sizes, sizeof sizes, "[%lld,%lld,%lld,%lld]", (long long)w, (long long)(2 * w),
                 (long long)(4 * w), (long long)(8 * w));
    if (strcmp(get_or(c, "hidden_sizes", "[256,512,1024,2048]"), sizes) != 0) {
        hone_error_set(HONE_E_VALUE, "%s: %s has hidden_sizes = %.60s, hone's network has %s",
                       c->where, c->path, get_or(c, "hidden_sizes", "ResNet-50's"), sizes);
        return NULL;
    }
    return spec("resnet18:num_classes=%d,channels=%s,width=%s", labels_of(c, 2), channels, width);
}

static const char *timm(const config *c)
{
    const char *classes;
    if (!whole(c, "num_classes", "1000", &classes))
        return NULL;
    return spec("resnet18:num_classes=%s", classes);
}

static const char *spec_of(const config *c)
{
    const char *type = get(c, "model_type"), *architecture = get(c, "architecture");
    if (type && strcmp(type, "gpt2") == 0)
        return gpt2(c);
    if (type && strcmp(type, "bert") == 0)
        return bert(c);
    if (type && strcmp(type, "resnet") == 0)
        return resnet(c);
    if (architecture && strcmp(architecture, "resnet18") == 0)
        return timm(c);
    hone_error_set(
        HONE_E_VALUE,
        "%s: %s is of \"%.60s\": of folders hone has the networks gpt2, bert, resnet and "
        "timm's resnet18",
        c->where, c->path, type ? type : get_or(c, "architecture", "nothing it says"));
    return NULL;
}

const char *hone__config_spec(const char *where, const char *folder)
{
    config *c = hone__own_block(hone__malloc(sizeof *c));
    return c && read_config(c, where, folder) ? spec_of(c) : NULL;
}

/* ---- names */

enum { MOST_NAME = 300 };

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
    const size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

/* Each gives the name in hone's network; "" of what is no parameter, or of a head that it hasn't. */
static void gpt2_name(const char *name, char *out)
{
    if (ends(name, ".attn.bias") || ends(name, ".attn.masked_bias"))
        *out = 0; /* the mask */
    else
        hone__format(out, MOST_NAME, "%s%s",
                     begins(name, "transformer.") || begins(name, "lm_head.") ? "" : "transformer.",
                     name);
}

static void bert_name(const char *name, bool labels, char *out)
{
    const bool head = begins(name, "classifier.");
    const char *rest = begins(name, "bert.") ? name + 5 : name;
    const char *old = ends(rest, ".gamma") ? ".gamma" : ends(rest, ".beta") ? ".beta" : "";
    if (begins(name, "cls.") || ends(name, ".position_ids") || (!labels && head) ||
        (!labels && begins(rest, "pooler.")))
        *out = 0;
    else
        hone__format(out, MOST_NAME, "%s%.*s%s", head ? "" : "bert.",
                     (int)(strlen(rest) - strlen(old)), rest,
                     !*old           ? ""
                     : old[1] == 'g' ? ".weight"
                                     : ".bias");
}

/* transformers' names -> torchvision's, which are also timm's. */
static void resnet_name(const char *name, char *out)
{
    static const char *const parts[][2] = { { "embedder.embedder.convolution.", "conv1." },
                                            { "embedder.embedder.normalization.", "bn1." },
                                            { "classifier.1.", "fc." } };
    const char *at = begins(name, "resnet.") ? name + 7 : name;
    int stage, block, layer, read = 0;
    for (int i = 0; i < 3; i++)
        if (begins(at, parts[i][0])) {
            hone__format(out, MOST_NAME, "%s%s", parts[i][1], at + strlen(parts[i][0]));
            return;
        }
    hone__format(out, MOST_NAME, "%s", at);
    if (sscanf(at, "encoder.stages.%4d.layers.%4d.%n", &stage, &block, &read) != 2 || !read)
        return;
    at += read;
    read = 0;
    if (sscanf(at, "layer.%4d.%n", &layer, &read) == 1 && read) {
        const bool conv = begins(at + read, "convolution.");
        const char *member = strchr(at + read, '.');
        hone__format(out, MOST_NAME, "layer%d.%d.%s%d%s", stage + 1, block, conv ? "conv" : "bn",
                     layer + 1, member ? member : "");
    } else if (begins(at, "shortcut.")) {
        const bool conv = begins(at, "shortcut.convolution.");
        const char *member = strchr(at + 9, '.');
        hone__format(out, MOST_NAME, "layer%d.%d.downsample.%d%s", stage + 1, block, conv ? 0 : 1,
                     member ? member : "");
    }
}

static void rename_one(const char *network, const char *name, char *out)
{
    if (begins(network, "gpt:"))
        gpt2_name(name, out);
    else if (begins(network, "bert:"))
        bert_name(name, !strstr(network, "labels=0,"), out);
    else
        resnet_name(name, out);
}

bool hone__config_rename(const char *folder, hone_file *f)
{
    HONE_SCOPE();
    const char *network = hone__config_spec(f->where, folder);
    int kept = 0;
    if (!network)
        return false;
    for (int i = 0; i < f->n; i++) {
        char name[MOST_NAME];
        rename_one(network, f->at[i].name, name);
        if (!*name)
            continue;
        f->at[kept] = f->at[i];
        f->lie[kept] = f->lie[i];
        f->at[kept].name = hone__file_text(f, name, strlen(name));
        if (!f->at[kept++].name)
            return false;
    }
    f->n = kept;
    return true;
}
