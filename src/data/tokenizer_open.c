/* tokenizer_open.c: tokenizers from their files. Tokens and merges are collected as the files have them, and
 * put together when all are known: a tokenizer.json may have its parts in any order.
 *
 * In these files a byte is a character: printable ones of Latin-1 themselves, the other 68 U+0100 and on, in
 * their order. */
#include "core/core.h"
#include "data/records.h"
#include "data/tokenizer.h"
#include "io/json.h"
#include "runtime/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_TOKENS = 1 << 24, SYMBOLS = 256 + 68 };

typedef struct {
    const char *left, *right;
    int64_t n_left, n_right, place; /* which line, or which of a list */
} text_pair;

typedef struct {
    const char *path;
    hone_tokenizer *t;
    int64_t room_ids; /* of t->of_text */
    text_pair *pair;
    int64_t n_pairs, room_pairs;
    const char *pairs_path, *pairs_place; /* "line", "merge" */
    int32_t *special;
    int32_t n_special;
    int64_t room_special;
    char *buffer[2]; /* files, in which the texts lie */
    int16_t byte_of[SYMBOLS];
} builder;

static bool bad(const builder *b, const char *format, ...) HONE_PRINTF(2, 3);
static bool bad(const builder *b, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    hone__vformat(text, sizeof text, format, args);
    va_end(args);
    hone_error_set(HONE_E_FORMAT, "tokenizer: %s: %s", b->path, text);
    return false;
}

int32_t hone__token_of(const hone_tokenizer *t, const char *bytes, int64_t n)
{
    const int32_t text = hone__texts_find(&t->texts, bytes, n);
    return text < 0 ? -1 : t->of_text[text];
}

/* ---- collecting */

static bool add_token(builder *b, const char *bytes, int64_t n, int64_t token)
{
    hone_tokenizer *t = b->t;
    if (token < 0 || token >= MOST_TOKENS)
        return bad(b, "token '%.60s' has the number %lld", bytes, (long long)token);
    const int32_t before = t->texts.n, text = hone__texts_add(&t->texts, bytes, n);
    if (text < 0)
        return false;
    if (text < before)
        return t->of_text[text] == token || bad(b, "token '%.60s' is there twice", bytes);
    if (!hone__grow(&t->of_text, &b->room_ids, (int64_t)text + 1, sizeof *t->of_text))
        return false;
    t->of_text[text] = (int32_t)token;
    t->n = token + 1 > t->n ? token + 1 : t->n;
    t->longest = n > t->longest ? n : t->longest;
    return true;
}

static bool add_pair(builder *b, text_pair p)
{
    if (!hone__grow(&b->pair, &b->room_pairs, b->n_pairs + 1, sizeof *b->pair))
        return false;
    b->pair[b->n_pairs++] = p;
    return true;
}

static bool add_special(builder *b, int64_t token)
{
    if (!hone__grow(&b->special, &b->room_special, (int64_t)b->n_special + 1, sizeof *b->special))
        return false;
    b->special[b->n_special++] = (int32_t)token;
    return true;
}

/* ---- bytes as characters */

static void make_symbols(builder *b)
{
    int next = 256;
    for (int i = 0; i < SYMBOLS; i++)
        b->byte_of[i] = -1;
    for (int byte = 0; byte < 256; byte++) {
        const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        b->byte_of[itself ? byte : next++] = (int16_t)byte;
    }
}

/* Puts the bytes in the place of the characters; their number, -1: there is another character. */
static int64_t to_bytes(const builder *b, char *text, int64_t n)
{
    int64_t to = 0;
    for (int64_t i = 0; i < n;) {
        const unsigned char first = (unsigned char)text[i];
        unsigned code = first;
        if (first >= 0xC4 && first <= 0xC5 && i + 1 < n)
            code = (first & 0x1Fu) << 6 | ((unsigned char)text[i + 1] & 0x3Fu);
        else if (first >= 0xC2 && first <= 0xC3 && i + 1 < n)
            code = (first & 0x1Fu) << 6 | ((unsigned char)text[i + 1] & 0x3Fu);
        else if (first >= 0x80)
            return -1;
        if (code >= SYMBOLS || b->byte_of[code] < 0)
            return -1;
        i += first >= 0x80 ? 2 : 1;
        text[to++] = (char)b->byte_of[code];
    }
    return to;
}

/* ---- putting together */

static bool place_tokens(builder *b)
{
    hone_tokenizer *t = b->t;
    t->begin = hone__malloc(hone__bytes(t->n + 1, sizeof *t->begin));
    t->length = hone__malloc(hone__bytes(t->n + 1, sizeof *t->length));
    if (!t->begin || !t->length)
        return false;
    for (int64_t i = 0; i < t->n; i++)
        t->length[i] = -1;
    t->bytes = t->texts.bytes;
    for (int32_t i = 0; i < t->texts.n; i++) {
        const int32_t token = t->of_text[i];
        const int64_t end = i + 1 < t->texts.n ? t->texts.begin[i + 1] : t->texts.n_bytes;
        if (t->length[token] >= 0)
            return bad(b, "two tokens have the number %d", token);
        t->begin[token] = t->texts.begin[i];
        t->length[token] = (int32_t)(end - t->texts.begin[i] - 1);
    }
    return true;
}

static bool place_bytes(builder *b)
{
    for (int byte = 0; byte < 256; byte++) {
        const char text = (char)byte;
        b->t->of_byte[byte] = hone__token_of(b->t, &text, 1);
        if (b->t->of_byte[byte] < 0)
            return bad(b, "the vocabulary lacks the byte 0x%02x; all 256 are wanted", byte);
    }
    return true;
}

static bool bad_pair(const builder *b, const text_pair *p, const char *what)
{
    hone_error_set(HONE_E_FORMAT, "tokenizer: %s: %s %lld: %s", b->pairs_path, b->pairs_place,
                   (long long)p->place, what);
    return false;
}

static bool place_pairs(builder *b)
{
    hone_tokenizer *t = b->t;
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)b->n_pairs)
        slots *= 2;
    t->merge = hone__calloc(hone__bytes((int64_t)slots, sizeof *t->merge));
    char *both = hone__malloc(hone__bytes(2 * t->longest + 1, 1));
    t->merge_mask = slots - 1;
    bool done = t->merge && both;
    for (int64_t i = 0; done && i < b->n_pairs; i++) {
        const text_pair *p = &b->pair[i];
        const int32_t left = hone__token_of(t, p->left, p->n_left);
        const int32_t right = hone__token_of(t, p->right, p->n_right);
        if (left < 0 || right < 0) {
            done = bad_pair(b, p, "what is merged isn't in the vocabulary");
            break;
        }
        memcpy(both, p->left, (size_t)p->n_left);
        memcpy(both + p->n_left, p->right, (size_t)p->n_right);
        const int32_t token = hone__token_of(t, both, p->n_left + p->n_right);
        if (token < 0) {
            done = bad_pair(b, p, "what comes of it isn't in the vocabulary");
            break;
        }
        const uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
        uint64_t at = hone__merge_slot(t, key);
        while (t->merge[at].key && t->merge[at].key != key)
            at = (at + 1) & t->merge_mask;
        t->merge[at] = (hone__merge){ key, (int32_t)i, token }; /* of two lines the last counts */
    }
    hone__free(both);
    return done;
}

static bool finish_pairs(builder *b)
{
    return place_tokens(b) && place_bytes(b) && place_pairs(b);
}

/* ---- files */

/* The whole file, ended by a 0, as long as the builder. */
static char *read_file(builder *b, int which, const char *path, int64_t *bytes)
{
    hone__blob *blob = hone__blob_map("tokenizer", path);
    if (!blob)
        return NULL;
    *bytes = hone__blob_size(blob);
    char *text = b->buffer[which] = hone__malloc(hone__bytes(*bytes + 1, 1));
    if (text) {
        if (*bytes > 0)
            memcpy(text, hone__blob_at(blob), (size_t)*bytes);
        text[*bytes] = 0;
    }
    hone__blob_release(blob);
    return text;
}

/* "{ token: number, ... }" */
static bool read_vocabulary(builder *b, hone__json *j)
{
    bool first = true;
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        char *text = hone__json_string(j);
        hone__json_take(j, ':');
        const int64_t token = hone__json_number(j);
        if (j->problem)
            break;
        const int64_t n = to_bytes(b, text, (int64_t)strlen(text));
        if (n < 0)
            return bad(b, "token '%.60s' has a character that stands for no byte", text);
        if (!add_token(b, text, n, token))
            return false;
    }
    return !j->problem || bad(b, "it is no valid JSON: %s", j->problem);
}

/* The two halves of "a b", 0 ended; false: it isn't that. */
static bool split_pair(builder *b, char *text, int64_t n, int64_t place)
{
    char *blank = memchr(text, ' ', (size_t)n);
    text_pair p = { .left = text, .place = place };
    if (!blank || blank == text || blank + 1 == text + n ||
        memchr(blank + 1, ' ', (size_t)(text + n - blank - 1)))
        return bad_pair(b, &p, "two parts with one blank between them are wanted");
    p.right = blank + 1;
    p.n_left = to_bytes(b, text, blank - text);
    p.n_right = to_bytes(b, blank + 1, text + n - blank - 1);
    if (p.n_left < 0 || p.n_right < 0)
        return bad_pair(b, &p, "a character stands for no byte");
    return add_pair(b, p);
}

static bool read_merges(builder *b, char *text, int64_t bytes)
{
    char *at = text, *end = text + bytes;
    b->pairs_place = "line";
    for (int64_t line = 1; at < end; line++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        const bool is_version = line == 1 && stop - at >= 8 && memcmp(at, "#version", 8) == 0;
        if (!is_version && !split_pair(b, at, stop - at, line))
            return false;
        at = next;
    }
    return true;
}

static bool join(char *to, size_t size, const char *folder, const char *name)
{
    struct stat st;
    return hone__format(to, size, "%s/%s", folder, name) < (int)size && stat(to, &st) == 0;
}

static bool open_two(builder *b, const char *vocabulary, const char *merges)
{
    int64_t bytes;
    char *text = read_file(b, 0, vocabulary, &bytes);
    if (!text)
        return false;
    hone__json j = { .at = text, .end = text + bytes };
    b->path = vocabulary;
    b->pairs_path = merges;
    if (!read_vocabulary(b, &j))
        return false;
    if (!hone__json_ends(&j))
        return bad(b, "it is no valid JSON: %s", j.problem);
    if (!(text = read_file(b, 1, merges, &bytes)) || !read_merges(b, text, bytes) ||
        !finish_pairs(b))
        return false;
    const int32_t end = hone__token_of(b->t, "<|endoftext|>", 13);
    return end < 0 || add_special(b, end);
}

/* ---- tokenizer.json */

/* null, false or "": what says that a part isn't asked for. Anything else is refused by its name. */
static bool is_nothing(builder *b, hone__json *j, const char *name)
{
    const bool null = hone__json_is(j, 'n') || hone__json_is(j, 'f');
    const bool text = hone__json_is(j, '"');
    const char *value = text ? hone__json_string(j) : NULL;
    if (!text)
        hone__json_skip(j);
    return j->problem || null || (text && value && !*value) ||
           bad(b, "%s%s%.60s isn't implemented", name, value ? " = " : "", value ? value : "");
}

static bool read_flag(hone__json *j)
{
    const bool yes = hone__json_is(j, 't');
    hone__json_skip(j);
    return yes;
}

/* null, or { "type": "ByteLevel", flags }; others are refused by name. */
static bool read_part(builder *b, hone__json *j, const char *name, bool *adds_blank)
{
    bool first = true, regex = true;
    const char *type = "";
    if (hone__json_is(j, 'n')) {
        hone__json_skip(j);
        return strcmp(name, "pre_tokenizer") != 0 || bad(b, "pre_tokenizer null isn't implemented");
    }
    hone__json_take(j, '{');
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        hone__json_take(j, ':');
        if (j->problem)
            break;
        if (strcmp(key, "type") == 0)
            type = hone__json_string(j);
        else if (strcmp(key, "add_prefix_space") == 0)
            *adds_blank = read_flag(j);
        else if (strcmp(key, "use_regex") == 0)
            regex = read_flag(j);
        else
            hone__json_skip(j); /* of ByteLevel: trim_offsets, which changes no token */
    }
    if (j->problem)
        return true;
    if (strcmp(type, "ByteLevel") != 0)
        return bad(b, "%s %.60s isn't implemented", name, type);
    return regex || bad(b, "%s ByteLevel without its pattern (use_regex) isn't implemented", name);
}

static bool read_added(builder *b, hone__json *j)
{
    bool first = true;
    hone__json_take(j, '[');
    while (hone__json_more(j, ']', &first)) {
        bool inner = true, is_special = false;
        const char *text = NULL, *asks = NULL;
        int64_t token = -1;
        hone__json_take(j, '{');
        while (hone__json_more(j, '}', &inner)) {
            const char *key = hone__json_string(j);
            hone__json_take(j, ':');
            if (j->problem)
                break;
            if (strcmp(key, "content") == 0)
                text = hone__json_string(j);
            else if (strcmp(key, "id") == 0)
                token = hone__json_number(j);
            else if (strcmp(key, "special") == 0)
                is_special = read_flag(j);
            else if (read_flag(j) && strcmp(key, "normalized") != 0)
                asks = key; /* lstrip, rstrip, single_word */
        }
        if (j->problem)
            break;
        if (!text || !*text || asks || !is_special)
            return bad(b, "added token '%.60s' %s%.40s, which isn't implemented", text ? text : "",
                       asks ? "asks for " : "isn't ", asks ? asks : "special");
        if (!add_token(b, text, (int64_t)strlen(text), token) || !add_special(b, token))
            return false;
    }
    return true;
}

/* "a b" or ["a", "b"] */
static bool read_pair_list(builder *b, hone__json *j)
{
    bool first = true;
    hone__json_take(j, '[');
    for (int64_t place = 1; hone__json_more(j, ']', &first); place++) {
        if (hone__json_is(j, '"')) {
            char *text = hone__json_string(j);
            if (j->problem)
                break;
            if (!split_pair(b, text, (int64_t)strlen(text), place))
                return false;
            continue;
        }
        hone__json_take(j, '[');
        char *left = hone__json_string(j);
        hone__json_take(j, ',');
        char *right = hone__json_string(j);
        hone__json_take(j, ']');
        if (j->problem)
            break;
        const text_pair p = { left, right, to_bytes(b, left, (int64_t)strlen(left)),
                              to_bytes(b, right, (int64_t)strlen(right)), place };
        if (p.n_left < 1 || p.n_right < 1)
            return bad_pair(b, &p, "a character stands for no byte");
        if (!add_pair(b, p))
            return false;
    }
    return true;
}

static bool read_model(builder *b, hone__json *j)
{
    bool first = true, good = true;
    hone__json_take(j, '{');
    while (good && hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        hone__json_take(j, ':');
        if (j->problem)
            break;
        if (strcmp(key, "vocab") == 0) {
            good = read_vocabulary(b, j);
        } else if (strcmp(key, "merges") == 0) {
            good = read_pair_list(b, j);
        } else if (strcmp(key, "type") == 0) {
            const char *type = hone__json_string(j);
            good =
                !type || strcmp(type, "BPE") == 0 || bad(b, "model %.60s isn't implemented", type);
        } else {
            good = is_nothing(b, j, key); /* dropout, unk_token, byte_fallback, ignore_merges ... */
        }
    }
    return good;
}

static bool read_member(builder *b, hone__json *j, const char *key)
{
    bool ignored;
    if (strcmp(key, "version") == 0)
        return hone__json_skip(j), true;
    if (strcmp(key, "added_tokens") == 0)
        return read_added(b, j);
    if (strcmp(key, "pre_tokenizer") == 0)
        return read_part(b, j, key, &b->t->adds_blank);
    if (strcmp(key, "post_processor") == 0 || strcmp(key, "decoder") == 0)
        return read_part(b, j, key, &ignored);
    if (strcmp(key, "model") == 0)
        return read_model(b, j);
    if (strcmp(key, "normalizer") == 0 && hone__json_is(j, '{')) {
        hone__json_take(j, '{');
        const char *type = "";
        for (bool first = true; hone__json_more(j, '}', &first);) {
            const char *name = hone__json_string(j);
            hone__json_take(j, ':');
            if (j->problem)
                break;
            if (strcmp(name, "type") == 0)
                type = hone__json_string(j);
            else
                hone__json_skip(j);
        }
        return j->problem || bad(b, "normalizer %.60s isn't implemented", type);
    }
    return is_nothing(b, j, key); /* truncation, padding, and what is to come */
}

static bool open_json(builder *b, const char *path)
{
    int64_t bytes;
    char *text = read_file(b, 0, path, &bytes);
    if (!text)
        return false;
    hone__json j = { .at = text, .end = text + bytes };
    bool first = true;
    b->path = b->pairs_path = path;
    b->pairs_place = "merge";
    hone__json_take(&j, '{');
    while (hone__json_more(&j, '}', &first)) {
        const char *key = hone__json_string(&j);
        hone__json_take(&j, ':');
        if (!j.problem && !read_member(b, &j, key))
            return false;
    }
    if (!hone__json_ends(&j))
        return bad(b, "it is no valid JSON: %s", j.problem);
    return finish_pairs(b);
}

/* ---- a token a line */

static int hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* \n, \t, \r, \\ and \xHH where they stand; the length, -1: another escape. */
static int64_t unescape(char *at, const char *end)
{
    char *to = at;
    const char *begin = at;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        const char what = at + 1 < end ? at[1] : 0;
        if (what == 'x' && at + 3 < end && hex(at[2]) >= 0 && hex(at[3]) >= 0) {
            *to++ = (char)(hex(at[2]) << 4 | hex(at[3]));
            at += 4;
        } else if (what && strchr("ntr\\", what)) {
            *to++ = what == 'n' ? '\n' : what == 't' ? '\t' : what == 'r' ? '\r' : '\\';
            at += 2;
        } else {
            return -1;
        }
    }
    return to - begin;
}

static bool open_list(builder *b, const char *path)
{
    int64_t bytes, token = 0;
    char *at = read_file(b, 0, path, &bytes), *end = at ? at + bytes : NULL;
    if (!at)
        return false;
    b->path = path;
    b->t->is_list = true;
    for (; at < end; token++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        const int64_t n = unescape(at, stop);
        if (n < 1)
            return bad(b, "line %lld is %s", (long long)token + 1,
                       n == 0 ? "empty" : "none of \\n, \\t, \\r, \\\\ and \\xHH behind its \\");
        if (hone__token_of(b->t, at, n) >= 0)
            return bad(b, "line %lld is there twice", (long long)token + 1);
        if (!add_token(b, at, n, token))
            return false;
        at = next;
    }
    return token > 0 ? place_tokens(b) : bad(b, "it is empty");
}

/* ---- the public functions */

static bool ends_in_json(const char *path)
{
    const size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

static bool open_path(builder *b, const char *path)
{
    struct stat st;
    char one[4096], two[4096];
    const bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    make_symbols(b);
    if (!folder)
        return ends_in_json(path) ? open_json(b, path) : open_list(b, path);
    if (join(one, sizeof one, path, "tokenizer.json"))
        return open_json(b, one);
    if (join(one, sizeof one, path, "vocab.json") && join(two, sizeof two, path, "merges.txt"))
        return open_two(b, one, two);
    hone_error_set(HONE_E_IO,
                   "tokenizer: %s has no tokenizer.json, and no vocab.json and merges.txt", path);
    return false;
}

hone_tokenizer *hone_tokenizer_open(const char *path)
{
    if (!path) {
        hone__error_missing("tokenizer_open", "a path");
        return NULL;
    }
    if (!hone__ready())
        return NULL;
    builder b = { .path = path, .pairs_path = path, .pairs_place = "line" };
    b.t = hone__calloc(sizeof *b.t);
    if (!b.t)
        return NULL;
    const bool done = open_path(&b, path);
    hone_tokenizer *t = b.t;
    hone__characters_make(&t->characters);
    t->special = b.special;
    t->n_special = b.n_special;
    hone__free(b.pair);
    hone__free(b.buffer[0]);
    hone__free(b.buffer[1]);
    if (done)
        return t;
    hone_tokenizer_free(t);
    return NULL;
}

void hone_tokenizer_free(hone_tokenizer *t)
{
    if (!t)
        return;
    hone__texts_free(&t->texts);
    hone__free(t->of_text);
    hone__free(t->begin);
    hone__free(t->length);
    hone__free(t->merge);
    hone__free(t->special);
    hone__free(t);
}
