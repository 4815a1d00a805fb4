/* text.c: models of tokens. */
#include "work.h"

#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The same of a file; false: it is none, which whoever builds it will tell. */
static bool signature_of_file(const model_spec *spec, char *text, size_t size)
{
    char path[1000];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(spec->text, ":"), spec->text);
    const bool good =
        (strchr(path, '/') || strchr(path, '.')) && hone_model_signature(path, text, size) > 0;
    hone_error_clear();
    return good;
}

int64_t text_context(const model_spec *spec, int64_t otherwise)
{
    char signature[300] = "";
    const char *colon = strchr(spec->text, ':');
    const char *value = colon ? value_of(colon, "context") : NULL;
    if (!value && (signature_of(spec, signature, sizeof signature) ||
                   signature_of_file(spec, signature, sizeof signature)))
        value = value_of(signature, "context");
    const long long n = value ? strtoll(value, NULL, 10) : 0;
    return n > 0 ? n : otherwise;
}

bool text_suits(const char *command, const char *source, int64_t values, model_spec *spec)
{
    char signature[300];
    if (!spec->text) {
        cli_error(CLI_USAGE, command,
                  "--data %s wants a model of tokens: gpt, lstm or a FILE, not "
                  "an mlp",
                  source);
        return false;
    }
    const char *colon = strchr(spec->text, ':');
    if (!signature_of(spec, signature, sizeof signature) || !value_of(signature, "vocab") ||
        (colon && value_of(colon, "vocab")) || strlen(spec->text) + 30 > sizeof spec->longer)
        return true;
    snprintf(spec->longer, sizeof spec->longer, "%s%svocab=%lld", spec->text,
             !colon     ? ":"
             : colon[1] ? ","
                        : "",
             (long long)values);
    spec->text = spec->longer;
    return true;
}

/* ---- a model of it */

bool text_takes(const char *command, const model_spec *spec, hone_module *model, int64_t window,
                int64_t values)
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
    else if (hone_size(scores, 2) < values)
        cli_error(CLI_FAILED, command, "%s gives %lld scores but a %s has %lld values", spec->text,
                  (long long)hone_size(scores, 2), values == TEXT_VALUES ? "byte" : "token",
                  (long long)values);
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

hone_tensor *text_tokens(const images *set, hone_tensor *scores)
{
    return set->task == HONE_TASK_TOKENS ? hone_slice(scores, 1, 0, set->outputs, 1) : scores;
}

images_text text_name(const images *set)
{
    images_text text;
    char entropy[48] = "";
    if (set->entropy > 0)
        snprintf(entropy, sizeof entropy, ", entropy %.4f nats a byte", set->entropy);
    snprintf(text.s, sizeof text.s, "windows of %lld %s%s", (long long)set->window,
             set->outputs == TEXT_VALUES ? "bytes" : "tokens", entropy);
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
