/* text_kind.c: --data text, text:BYTES and text:FILE: windows of tokens. */
#include "core/core.h"
#include "core/text.h"
#include "data/kinds.h"
#include "data/records.h"
#include "data/tokenizer.h"

#include <string.h>

enum { SEED = 0, TRAIN_BYTES = 1000000, BYTE_VALUES = 256 };
#define MOST_DRAWN (INT64_C(1) << 30)

static const char *const where = "source_open";

static hone_status limited(int64_t limit, hone_dataset *set)
{
    return limit ? hone_dataset_limit(set, limit) : HONE_OK;
}

/* The text that hone makes up. */
static hone_status drawn(const hone__data_request *r, int64_t bytes, hone_source *data)
{
    if (bytes < 1 || bytes > MOST_DRAWN)
        return hone_error_set(HONE_E_VALUE, "%s: %s: from 1 to %lld bytes", where, r->source,
                              (long long)MOST_DRAWN);
    data->entropy = hone_text_entropy();
    hone_status status =
        hone_dataset_text(HONE_TEST, (bytes + 9) / 10, r->o.window, SEED, &data->test);
    if (status == HONE_OK)
        status = limited(r->o.limit, &data->test);
    if (status == HONE_OK && !r->o.no_train)
        status = hone_dataset_text(HONE_TRAIN, bytes, r->o.window, SEED, &data->train);
    return status == HONE_OK && !r->o.no_train ? limited(r->o.limit, &data->train) : status;
}

hone_status hone__data_windows(const hone__data_request *r, const char *path,
                               const hone__token_blob *t, int64_t begin, int64_t end,
                               hone_dataset *set)
{
    const int64_t bytes = hone__raw_bytes(t->raw.type), window = r->o.window;
    int64_t n = (end - begin - 1) / window;
    if (end - begin < 2 || n < 1)
        return hone_error_set(HONE_E_FORMAT,
                              "%s: %s: %lld tokens are too few for a window of %lld and the token "
                              "after it",
                              where, r->source, (long long)(end - begin), (long long)window);
    if (r->o.limit && r->o.limit < n)
        n = r->o.limit;
    hone__record_field x = { .name = "tokens",
                             .blob = t->blob,
                             .raw = t->raw,
                             .first = t->first + begin * bytes,
                             .step = window * bytes,
                             .dtype = HONE_I64,
                             .ndim = 1,
                             .shape = { window },
                             .most = t->most };
    hone__record_field y = x;
    y.name = "next tokens";
    y.first += bytes;
    return hone__dataset_records(where, path, n, (const hone__record_field[]){ x, y }, 2, 1, set);
}

hone_status hone__data_tokens(const hone__data_request *r, const hone__token_blob *tokens,
                              double part, hone_source *data)
{
    const int64_t n = tokens->n;
    const int64_t held = r->o.whole ? n : (int64_t)((double)n * (part > 0 ? part : 0.1));
    const char *path = hone__data_copy(data, r->path, strlen(r->path));
    data->task = HONE_TASK_TOKENS;
    if (!path)
        return hone__error_last();
    hone_status status = hone__data_windows(r, path, tokens, n - held, n, &data->test);
    if (status == HONE_OK && !r->o.no_train && !r->o.whole)
        status = hone__data_windows(r, path, tokens, 0, n - held, &data->train);
    return status;
}

typedef struct {
    const char *tokenizer;
    int special;
    double test;
} arguments;

static const hone__data_argument table[] = {
    { "tokenizer", "PATH",
      "a directory with tokenizer.json or vocab.json and merges.txt, such a tokenizer.json, or a "
      "file "
      "of tokens, one a line; default: bytes",
      HONE__ARG_TEXT, offsetof(arguments, tokenizer), 0, 0 },
    { "special", "no|yes", "whether special tokens in the text are tokens", HONE__ARG_WORD,
      offsetof(arguments, special), 0, 0 },
    { "test", "X", "the share at the end that is for tests [0.1]", HONE__ARG_REAL,
      offsetof(arguments, test), 1e-9, 1 },
    { 0 },
};

/* The tokens of a file's bytes, as a blob of their own. */
static hone_status tokenize(const hone__data_request *r, const hone__blob *bytes, hone_source *data,
                            hone__token_blob *tokens)
{
    const arguments *a = r->arguments;
    hone_tokenizer *t = hone_tokenizer_open(a->tokenizer);
    if (!t)
        return hone__error_last();
    int32_t *ids = hone__tokenizer_ids(t, hone__blob_at(bytes), hone__blob_size(bytes),
                                       a->special == 1, &tokens->n);
    data->n_classes = hone_tokenizer_size(t);
    hone_tokenizer_free(t);
    tokens->blob = ids ? hone__blob_of(ids, tokens->n * (int64_t)sizeof *ids) : NULL;
    tokens->raw = (hone__raw){ HONE__RAW_I32, false };
    return tokens->blob ? HONE_OK : hone__error_last();
}

static hone_status of_file(const hone__data_request *r, hone_source *data)
{
    const arguments *a = r->arguments;
    hone__blob *bytes = hone__blob_map(where, r->path);
    if (!bytes)
        return hone__error_last();
    hone__token_blob tokens = { .blob = bytes,
                                .raw = { HONE__RAW_U8, false },
                                .n = hone__blob_size(bytes) };
    hone_status status = a->tokenizer ? tokenize(r, bytes, data, &tokens) : HONE_OK;
    if (status == HONE_OK)
        status = hone__data_tokens(r, &tokens, a->test, data);
    if (tokens.blob != bytes)
        hone__blob_release(tokens.blob);
    hone__blob_release(bytes);
    return status;
}

static hone_status open_text(const hone__data_request *r, hone_source *data)
{
    int64_t bytes = TRAIN_BYTES;
    data->task = HONE_TASK_TOKENS;
    data->n_classes = BYTE_VALUES;
    if (!*r->path || hone__read_i64(r->path, strlen(r->path), &bytes))
        return drawn(r, bytes, data);
    return of_file(r, data);
}

/* Without a NUL, and of a name that says so. */
static bool knows_text(const hone__data_look *look)
{
    const size_t n = strlen(look->path);
    return !look->folder && n > 4 && strcmp(look->path + n - 4, ".txt") == 0 &&
           !memchr(look->head, 0, look->n_head);
}

const hone__data_kind hone__data_kind_text = {
    .name = "text",
    .form = "text[:BYTES] or text:FILE",
    .help = "a text that hone makes up, or that of a file, as bytes or tokens",
    .arguments = table,
    .argument_bytes = sizeof(arguments),
    .built_in = true,
    .knows = knows_text,
    .open = open_text,
};
