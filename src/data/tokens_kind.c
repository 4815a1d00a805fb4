/* tokens_kind.c: files of token numbers: llm.c's shards (256 int32 of header, then uint16, or uint32 of Llama 3)
 * and plain arrays as nanoGPT's train.bin. Mapped, so they may be larger than memory. */
#include "core/core.h"
#include "data/kinds.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const where = "source_open";

enum {
    HEADER = 1024,
    MAGIC_GPT2 = 20240520,
    MAGIC_LLAMA = 20240801,
    VOCABULARY_GPT2 = 50257,
    VOCABULARY_LLAMA = 128256,
    MOST_SHARDS = 4096
};

typedef struct {
    int dtype;
    int64_t vocabulary;
    double test;
} arguments;

static const hone__data_argument table[] = {
    { "dtype", "uint16|uint32|int32|uint8", "of a file without a header", HONE__ARG_WORD,
      offsetof(arguments, dtype), 0, 0 },
    { "vocab", "N", "tokens are below it [50257; 128256 of Llama 3's shards]", HONE__ARG_INT,
      offsetof(arguments, vocabulary), 1, 1e9 },
    { "test", "X", "the share at the end that is for tests, where no file is [0.1]", HONE__ARG_REAL,
      offsetof(arguments, test), 1e-9, 1 },
    { 0 },
};

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Maps a file and finds its tokens. */
static hone_status open_shard(const hone__data_request *r, const char *path, hone__token_blob *t,
                              hone_source *data)
{
    static const hone__raw_type types[] = { HONE__RAW_U16, HONE__RAW_U32, HONE__RAW_I32,
                                            HONE__RAW_U8 };
    const arguments *a = r->arguments;
    *t = (hone__token_blob){ .raw = { types[a->dtype], false } };
    if (!(t->blob = hone__blob_map(where, path)))
        return hone__error_last();
    const uint8_t *at = hone__blob_at(t->blob);
    const int64_t bytes = hone__blob_size(t->blob);
    const uint32_t magic = bytes >= HEADER ? word(at) : 0,
                   version = bytes >= HEADER ? word(at + 4) : 0;
    const bool headed =
        (magic == MAGIC_GPT2 && version == 1) || (magic == MAGIC_LLAMA && version == 7);
    int64_t vocabulary = VOCABULARY_GPT2;
    if (headed) {
        t->raw.type = magic == MAGIC_GPT2 ? HONE__RAW_U16 : HONE__RAW_U32;
        t->first = HEADER;
        vocabulary = magic == MAGIC_GPT2 ? VOCABULARY_GPT2 : VOCABULARY_LLAMA;
    }
    const int64_t each = hone__raw_bytes(t->raw.type), rest = bytes - t->first;
    t->n = headed ? (int64_t)word(at + 8) : rest / each;
    data->n_classes = a->vocabulary ? a->vocabulary : vocabulary;
    t->most = data->n_classes - 1;
    hone_status status = HONE_OK;
    if (t->n * each != rest)
        status = hone_error_set(HONE_E_FORMAT,
                                "%s: %s: %lld tokens of %lld bytes don't fit its %lld bytes", where,
                                path, (long long)t->n, (long long)each, (long long)bytes);
    if (status != HONE_OK)
        hone__blob_release(t->blob);
    return status;
}

/* ---- a folder: shards by the order of their names */

typedef struct {
    char *path[MOST_SHARDS];
    int n;
} shards;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_shard(const char *name, bool test)
{
    const size_t n = strlen(name);
    const bool val = strstr(name, "val") || strstr(name, "test");
    return n > 4 && strcmp(name + n - 4, ".bin") == 0 &&
           (test ? val : !val && strstr(name, "train"));
}

static hone_status find_shards(const hone__data_request *r, bool test, shards *s, hone_source *data)
{
    DIR *dir = opendir(r->path);
    char path[PATH_MAX];
    const uint64_t errors = hone__error_count();
    for (struct dirent *e; dir && hone__error_count() == errors && (e = readdir(dir));) {
        if (!is_shard(e->d_name, test))
            continue;
        const int n = hone__format(path, sizeof path, "%s/%s", r->path, e->d_name);
        if (s->n == MOST_SHARDS)
            hone_error_set(HONE_E_VALUE, "%s: %s has more than %d shards", where, r->path,
                           MOST_SHARDS);
        else if (n < PATH_MAX && (s->path[s->n] = hone__data_copy(data, path, (size_t)n)))
            s->n++;
    }
    if (dir)
        closedir(dir);
    if (hone__error_count() != errors)
        return hone__error_last();
    qsort(s->path, (size_t)s->n, sizeof *s->path, by_name);
    return s->n > 0 ? HONE_OK
                    : hone_error_set(HONE_E_IO,
                                     "%s: %s has no file whose name has %s in it and ends in .bin",
                                     where, r->path, test ? "val or test" : "train");
}

/* The windows of all shards; none goes from one into the next. */
static hone_status join_shards(const hone__data_request *r, const shards *s, hone_dataset *set,
                               hone_source *data)
{
    hone_dataset *part = calloc((size_t)s->n, sizeof *part);
    hone_status status =
        part ? HONE_OK : hone_error_set(HONE_E_NOMEM, "%s: no memory for shards", where);
    int n = 0;
    for (; n < s->n && status == HONE_OK; n++) {
        hone__token_blob t;
        status = open_shard(r, s->path[n], &t, data);
        if (status == HONE_OK) {
            status = hone__data_windows(r, s->path[n], &t, 0, t.n, &part[n]);
            hone__blob_release(t.blob);
        }
    }
    if (status == HONE_OK)
        status = hone__dataset_join(part, s->n, r->o.limit, set);
    for (int i = 0; part && i < s->n; i++)
        hone_dataset_free(&part[i]);
    free(part);
    return status;
}

static hone_status of_folder(const hone__data_request *r, hone_source *data)
{
    shards *s = hone__data_take(data, sizeof *s);
    data->task = HONE_TASK_TOKENS;
    hone_status status = s ? find_shards(r, true, s, data) : hone__error_last();
    if (status == HONE_OK)
        status = join_shards(r, s, &data->test, data);
    if (status != HONE_OK || r->o.no_train)
        return status;
    s->n = 0;
    status = find_shards(r, false, s, data);
    return status == HONE_OK ? join_shards(r, s, &data->train, data) : status;
}

static hone_status open_tokens(const hone__data_request *r, hone_source *data)
{
    const arguments *a = r->arguments;
    struct stat st;
    if (stat(r->path, &st) == 0 && S_ISDIR(st.st_mode))
        return of_folder(r, data);
    hone__token_blob t;
    if (open_shard(r, r->path, &t, data) != HONE_OK)
        return hone__error_last();
    const hone_status status = hone__data_tokens(r, &t, a->test, data);
    hone__blob_release(t.blob);
    return status;
}

static bool knows_tokens(const hone__data_look *look)
{
    const uint32_t magic = look->n_head >= 8 ? word(look->head) : 0;
    return magic == MAGIC_GPT2 || magic == MAGIC_LLAMA;
}

const hone__data_kind hone__data_kind_tokens = {
    .name = "tokens",
    .form = "tokens:FILE or tokens:DIR",
    .help = "token numbers: llm.c's shards, or arrays as train.bin and val.bin",
    .arguments = table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_tokens,
    .open = open_tokens,
};
