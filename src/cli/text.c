/* text.c: from --data text to windows of bytes. */
#include "work.h"

#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SEED = 0, TRAIN_BYTES = 1000000 };
#define MOST_BYTES (INT64_C(1) << 30) /* of a file */

bool text_is(const char *source)
{
    return strncmp(source, "text", 4) == 0 && (source[4] == 0 || source[4] == ':');
}

/* ---- what the model says */

/* Where the value of "key=" begins in "name(vocab=50257, context=1024)" or "gpt:context=64". */
static const char *value_of(const char *text, const char *key)
{
    const size_t n = strlen(key);
    for (const char *at = text; (at = strstr(at, key)); at += n) {
        const char before = at == text ? ',' : at[-1];
        const char *end = at + n + strspn(at + n, " ");
        if (strchr(",:( ", before) && *end == '=')
            return end + 1 + strspn(end + 1, " ");
    }
    return NULL;
}

/* The signature of a network that hone has; false: it is a file. */
static bool signature_of(const model_spec *spec, char *text, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(spec->text, ":"), spec->text);
    for (int i = 0; i < hone_model_count(); i++)
        if (strcmp(name, hone_model_name(i)) == 0)
            return hone_model_signature(name, text, size) > 0;
    return false;
}

int64_t text_context(const model_spec *spec, int64_t otherwise)
{
    char signature[300] = "";
    const char *colon = strchr(spec->text, ':');
    const char *value = colon ? value_of(colon, "context") : NULL;
    if (!value && signature_of(spec, signature, sizeof signature))
        value = value_of(signature, "context");
    const long long n = value ? strtoll(value, NULL, 10) : 0;
    return n > 0 ? n : otherwise;
}

bool text_suits(const char *command, const char *source, model_spec *spec)
{
    char signature[300];
    int64_t bytes;
    if (!text_is(source))
        return true;
    if (source[4] && cli_read_int(source + 5, &bytes) && (bytes < 1 || bytes > MOST_BYTES)) {
        cli_error(CLI_USAGE, command, "--data %s: from 1 to %lld bytes", source,
                  (long long)MOST_BYTES);
        return false;
    }
    if (!spec->text) {
        cli_error(CLI_USAGE, command,
                  "--data %s wants a model of tokens: gpt, lstm or a FILE, not "
                  "an mlp",
                  source);
        return false;
    }
    const char *colon = strchr(spec->text, ':');
    if (!signature_of(spec, signature, sizeof signature) || !value_of(signature, "vocab") ||
        (colon && value_of(colon, "vocab")) || strlen(spec->text) + 12 > sizeof spec->longer)
        return true;
    snprintf(spec->longer, sizeof spec->longer, "%s%svocab=%d", spec->text,
             !colon     ? ":"
             : colon[1] ? ","
                        : "",
             TEXT_VALUES);
    spec->text = spec->longer;
    return true;
}

/* ---- reading */

static hone_tensor *read_bytes(const char *command, const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    int error = file ? 0 : errno;
    if (file && (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0))
        error = errno;
    if (!error && size > MOST_BYTES) {
        cli_error(CLI_FAILED, command, "%s: more than %lld bytes", path, (long long)MOST_BYTES);
        fclose(file);
        return NULL;
    }
    hone_tensor *bytes = error ? NULL : hone_empty(HONE_U8, (int64_t)size);
    if (bytes) {
        rewind(file);
        errno = 0;
        if (fread(hone_data(bytes), 1, (size_t)size, file) != (size_t)size)
            error = errno ? errno : EIO;
    }
    if (file)
        fclose(file);
    if (error)
        cli_error(CLI_FAILED, command, "%s: %s", path, strerror(error));
    else if (!bytes)
        cli_library_error(command);
    return error ? NULL : bytes;
}

/* The bytes of one subset, 9 of 10 of a file's and the rest; NULL with an error printed. */
static hone_tensor *read_subset(const char *command, const char *path, hone_tensor *file,
                                hone_subset subset, int64_t bytes)
{
    hone_tensor *text = NULL;
    if (path) {
        const int64_t n = hone_numel(file), cut = n - n / 10;
        text =
            subset == HONE_TRAIN ? hone_slice(file, 0, 0, cut, 1) : hone_slice(file, 0, cut, n, 1);
    } else {
        text = hone_text(subset, subset == HONE_TRAIN ? bytes : (bytes + 9) / 10, TEXT_SEED);
    }
    if (!text)
        cli_library_error(command);
    return text;
}

static bool load_subset(const char *command, const char *source, hone_tensor *text, int64_t window,
                        int64_t limit, hone_dataset *set)
{
    if (!text)
        return false;
    if (hone_numel(text) <= window) {
        cli_error(CLI_FAILED, command,
                  "%s: %lld test bytes, a tenth, are too few for a window of %lld and the byte "
                  "after it",
                  source, (long long)hone_numel(text), (long long)window);
        return false;
    }
    if (hone_dataset_windows(text, window, set) == HONE_OK &&
        (!limit || hone_dataset_limit(set, limit) == HONE_OK))
        return true;
    cli_library_error(command);
    return false;
}

bool text_load(const char *command, const char *source, const model_spec *spec, int64_t limit,
               bool with_train, images *out)
{
    HONE_SCOPE();
    const char *given = source[4] ? source + 5 : NULL, *path = NULL;
    int64_t bytes = TRAIN_BYTES;
    if (given && !cli_read_int(given, &bytes))
        path = given;
    out->window = text_context(spec, TEXT_CONTEXT);
    out->entropy = path ? 0 : hone_text_entropy();
    hone_tensor *file = path ? read_bytes(command, path) : NULL;
    if ((!path || file) &&
        load_subset(command, source, read_subset(command, path, file, HONE_TEST, bytes),
                    out->window, limit, &out->test) &&
        (!with_train ||
         load_subset(command, source, read_subset(command, path, file, HONE_TRAIN, bytes),
                     out->window, limit, &out->train)))
        return true;
    images_free(out);
    return false;
}

/* ---- a model of it */

bool text_takes(const char *command, const model_spec *spec, hone_module *model, int64_t window)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const bool training = model->training;
    hone_module_train(model, false);
    hone_tensor *scores = hone_forward(model, hone_zeros(HONE_I64, 1, window));
    hone_module_train(model, training);
    const long long n = window;
    if (!scores)
        cli_error(CLI_FAILED, command, "%s doesn't fit tokens of [1, %lld]: %s", spec->text, n,
                  hone_error_message());
    else if (hone_dim(scores) != 3 || hone_size(scores, 0) != 1 || hone_size(scores, 1) != window)
        cli_error(CLI_FAILED, command,
                  "%s gives a tensor of %d dims for tokens of [1, %lld], not [1, %lld, values]: a "
                  "score of each value at each place",
                  spec->text, hone_dim(scores), n, n);
    else if (hone_size(scores, 2) < TEXT_VALUES)
        cli_error(CLI_FAILED, command, "%s gives %lld scores but a byte has %d values", spec->text,
                  (long long)hone_size(scores, 2), TEXT_VALUES);
    else
        return true;
    return false;
}

void text_rows(hone_tensor **scores, hone_tensor **targets)
{
    if (!*scores || !*targets || hone_dim(*scores) != 3 || hone_dim(*targets) != 2)
        return;
    *scores =
        hone_reshape(*scores, hone_size(*scores, 0) * hone_size(*scores, 1), hone_size(*scores, 2));
    *targets = hone_reshape(*targets, hone_numel(*targets));
}

hone_tensor *text_bytes(hone_tensor *scores, const hone_dataset *set)
{
    return hone_dim(set->y) == 2 ? hone_slice(scores, 1, 0, TEXT_VALUES, 1) : scores;
}

images_text text_name(const images *set)
{
    images_text text;
    char entropy[48] = "";
    if (set->entropy > 0)
        snprintf(entropy, sizeof entropy, ", entropy %.4f nats a byte", set->entropy);
    snprintf(text.s, sizeof text.s, "windows of %lld bytes%s", (long long)set->window, entropy);
    return text;
}

double text_perplexity(double loss)
{
    return exp(loss);
}

double text_bits(double loss)
{
    return loss / 0.69314718055994530942;
}
