/* tokenizer.c: encoding and decoding. What a tokenizer knows comes from tokenizer_open.c. */
#include "data/tokenizer.h"

#include "core/core.h"
#include "core/reserve.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- tokens that came so far */

typedef struct {
    int32_t *at;
    int64_t n, room;
} ids;

static bool add_ids(ids *to, const int32_t *token, int64_t n)
{
    if (!hone__grow(&to->at, &to->room, to->n + n, sizeof *to->at))
        return false;
    memcpy(to->at + to->n, token, (size_t)n * sizeof *token);
    to->n += n;
    return true;
}

/* ---- a piece: pairs wait in a heap, by rank and then by place. A pair whose tokens have changed since is
 * passed over. */

typedef struct {
    int32_t token, before, after; /* after -1: the last */
} part;

typedef struct {
    int32_t rank, place, left, right; /* of a pair, and the tokens that it had */
} pair;

typedef struct {
    part *part;
    pair *heap;
    int32_t *token;
    int64_t room, n_heap;
} work;

static bool comes_first(const pair *a, const pair *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->place < b->place);
}

static void push(work *w, pair p)
{
    int64_t i = w->n_heap++;
    for (; i > 0 && comes_first(&p, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = p;
}

static pair pop(work *w)
{
    const pair first = w->heap[0], last = w->heap[--w->n_heap];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < w->n_heap; i = child) {
        child += child + 1 < w->n_heap && comes_first(&w->heap[child + 1], &w->heap[child]);
        if (!comes_first(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return first;
}

static void consider(const hone_tokenizer *t, work *w, int32_t place)
{
    const int32_t next = place < 0 ? -1 : w->part[place].after;
    if (next < 0)
        return;
    const int32_t left = w->part[place].token, right = w->part[next].token;
    const hone__merge *m = hone__merge_of(t, left, right);
    if (m)
        push(w, (pair){ m->rank, place, left, right });
}

static bool make_room(work *w, int64_t n)
{
    if (n <= w->room)
        return true;
    const int64_t room = 2 * n + 64;
    part *parts = hone__realloc(w->part, hone__bytes(room, sizeof *parts));
    w->part = parts ? parts : w->part;
    pair *heap = hone__realloc(w->heap, hone__bytes(3 * room, sizeof *heap));
    w->heap = heap ? heap : w->heap;
    int32_t *token = hone__realloc(w->token, hone__bytes(room, sizeof *token));
    w->token = token ? token : w->token;
    if (!parts || !heap || !token)
        return false;
    w->room = room;
    return true;
}

/* The tokens of a piece in w->token; their number, -1: E_NOMEM. */
static int64_t merge_piece(const hone_tokenizer *t, const uint8_t *text, int64_t n, work *w)
{
    if (!make_room(w, n))
        return -1;
    for (int32_t i = 0; i < n; i++)
        w->part[i] = (part){ t->of_byte[text[i]], i - 1, i + 1 < n ? i + 1 : -1 };
    w->n_heap = 0;
    for (int32_t i = 0; i + 1 < n; i++)
        consider(t, w, i);
    while (w->n_heap > 0) {
        const pair p = pop(w);
        part *left = &w->part[p.place];
        if (left->token != p.left || left->after < 0 || w->part[left->after].token != p.right)
            continue;
        part *right = &w->part[left->after];
        left->token = hone__merge_of(t, p.left, p.right)->token;
        left->after = right->after;
        right->token = -1;
        if (left->after >= 0)
            w->part[left->after].before = p.place;
        consider(t, w, left->before);
        consider(t, w, p.place);
    }
    int64_t n_tokens = 0;
    for (int32_t i = 0; i >= 0; i = w->part[i].after)
        w->token[n_tokens++] = w->part[i].token;
    return n_tokens;
}

/* ---- a text of pieces: most came before, and their tokens stand in the result */

enum { KEPT = 1 << 15, LONGEST_KEPT = 64 };

typedef struct {
    const uint8_t *piece; /* in the text */
    int32_t n, n_tokens;
    int64_t tokens; /* in the result */
} kept;

static uint64_t hashed(const uint8_t *text, int64_t n)
{
    uint64_t h = (uint64_t)n * 0x9E3779B97F4A7C15u, word;
    for (; n >= 8; n -= 8, text += 8) {
        memcpy(&word, text, 8);
        h = (h ^ word) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    for (word = 0; n > 0; n--)
        word = word << 8 | *text++;
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static bool encode_piece(const hone_tokenizer *t, const uint8_t *at, int64_t n, work *w, kept *all,
                         ids *to)
{
    kept *slot = all && n <= LONGEST_KEPT ? &all[hashed(at, n) & (KEPT - 1)] : NULL;
    if (slot && slot->n == n && memcmp(slot->piece, at, (size_t)n) == 0) {
        /* the result may move while it grows: first the room, then the tokens */
        int32_t again[LONGEST_KEPT];
        memcpy(again, to->at + slot->tokens, (size_t)slot->n_tokens * sizeof *again);
        return add_ids(to, again, slot->n_tokens);
    }
    const int64_t n_tokens = merge_piece(t, at, n, w);
    if (n_tokens < 0)
        return false;
    if (slot)
        *slot = (kept){ at, (int32_t)n, (int32_t)n_tokens, to->n };
    return add_ids(to, w->token, n_tokens);
}

static bool encode_text(const hone_tokenizer *t, const uint8_t *at, int64_t n, ids *to)
{
    enum { WORTH_KEEPING = 4096, LONGEST = INT32_MAX / 4 };
    const uint8_t *end = at + n;
    work w = { 0 };
    kept *all = n > WORTH_KEEPING ? hone__calloc(KEPT * sizeof *all) : NULL;
    bool done = n <= WORTH_KEEPING || all;
    while (done && at < end) {
        const int64_t length = hone__gpt2_piece(&t->characters, at, end);
        if (length > LONGEST) {
            hone_error_set(HONE_E_VALUE, "tokenizer: a piece of %lld bytes without a blank",
                           (long long)length);
            done = false;
        } else {
            done = encode_piece(t, at, length, &w, all, to);
        }
        at += length;
    }
    hone__free(all);
    hone__free(w.part);
    hone__free(w.heap);
    hone__free(w.token);
    return done;
}

/* A blank in front if there is none, for tokenizers that want it. */
static bool encode_segment(const hone_tokenizer *t, const uint8_t *at, int64_t n, ids *to)
{
    if (!t->adds_blank || n == 0 || *at == ' ')
        return encode_text(t, at, n, to);
    uint8_t *copy = hone__malloc(hone__bytes(n + 1, 1));
    if (!copy)
        return false;
    copy[0] = ' ';
    memcpy(copy + 1, at, (size_t)n);
    const bool done = encode_text(t, copy, n + 1, to);
    hone__free(copy);
    return done;
}

/* ---- special tokens: the first in the text, of those that begin there the longest */

static int32_t next_special(const hone_tokenizer *t, const uint8_t *at, int64_t n, int64_t *place)
{
    int32_t found = -1;
    int64_t longest = 0;
    *place = n;
    for (int32_t i = 0; i < t->n_special; i++) {
        int64_t bytes;
        const char *text = hone_tokenizer_token(t, t->special[i], &bytes);
        const uint8_t *hit = memmem(at, (size_t)n, text, (size_t)bytes);
        if (hit && (hit - at < *place || (hit - at == *place && bytes > longest))) {
            *place = hit - at;
            longest = bytes;
            found = t->special[i];
        }
    }
    return found;
}

static bool encode_special(const hone_tokenizer *t, const uint8_t *at, int64_t n, ids *to)
{
    while (n > 0) {
        int64_t place, bytes = 0;
        const int32_t special = next_special(t, at, n, &place);
        if (!encode_segment(t, at, place, to) || (special >= 0 && !add_ids(to, &special, 1)))
            return false;
        if (special >= 0)
            hone_tokenizer_token(t, special, &bytes);
        at += place + bytes;
        n -= place + bytes;
    }
    return true;
}

/* ---- lists: the longest token that fits */

static bool encode_list(const hone_tokenizer *t, const uint8_t *at, int64_t n, ids *to)
{
    for (int64_t i = 0; i < n;) {
        int64_t length = t->longest < n - i ? t->longest : n - i;
        int32_t token = -1;
        while (length > 0 && (token = hone__token_of(t, (const char *)at + i, length)) < 0)
            length--;
        if (token < 0) {
            hone_error_set(HONE_E_VALUE,
                           "tokenizer: no token of the vocabulary begins at byte %lld: 0x%02x",
                           (long long)i, at[i]);
            return false;
        }
        if (!add_ids(to, &token, 1))
            return false;
        i += length;
    }
    return true;
}

/* ---- the public functions */

int32_t *hone__tokenizer_ids(const hone_tokenizer *t, const void *text, int64_t bytes, bool special,
                             int64_t *n)
{
    ids to = { 0 };
    const bool done = t->is_list                    ? encode_list(t, text, bytes, &to)
                      : special && t->n_special > 0 ? encode_special(t, text, bytes, &to)
                                                    : encode_segment(t, text, bytes, &to);
    if (done && !to.at)
        to.at = hone__malloc(1);
    if (!done || !to.at) {
        hone__free(to.at);
        return NULL;
    }
    *n = to.n;
    return to.at;
}

hone_tensor *hone_tokenizer_encode(const hone_tokenizer *t, const void *text, int64_t bytes,
                                   const hone_tokenizer_options *options)
{
    if (!t || (!text && bytes != 0)) {
        hone__error_missing("tokenizer_encode", t ? "a text" : "a tokenizer");
        return NULL;
    }
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("tokenizer_encode", options))
        return NULL;
    if (bytes < 0) {
        hone_error_set(HONE_E_VALUE, "tokenizer_encode: %lld bytes", (long long)bytes);
        return NULL;
    }
    int64_t n = 0;
    int32_t *token = hone__tokenizer_ids(t, text, bytes, options && options->special, &n);
    if (!token)
        return NULL;
    hone_tensor *all = hone__own(hone__new("tokenizer_encode", HONE_I64, 1, &n));
    int64_t *to = all ? hone__data(all) : NULL;
    for (int64_t i = 0; to && i < n; i++)
        to[i] = token[i];
    hone__free(token);
    return all;
}

int64_t hone_tokenizer_size(const hone_tokenizer *t)
{
    if (t)
        return t->n;
    hone__error_missing("tokenizer_size", "a tokenizer");
    return -1;
}

const char *hone_tokenizer_token(const hone_tokenizer *t, int64_t token, int64_t *bytes)
{
    if (!t || !bytes) {
        hone__error_missing("tokenizer_token",
                            t ? "a place for the number of bytes" : "a tokenizer");
        return NULL;
    }
    if (token < 0 || token >= t->n || t->length[token] < 0) {
        hone_error_set(HONE_E_VALUE, "tokenizer_token: there is no token %lld", (long long)token);
        return NULL;
    }
    *bytes = t->length[token];
    return t->bytes + t->begin[token];
}

int64_t hone_tokenizer_find(const hone_tokenizer *t, const char *text, int64_t bytes)
{
    if (t && text && bytes >= 0)
        return hone__token_of(t, text, bytes);
    hone__error_missing("tokenizer_find", t ? "a text" : "a tokenizer");
    return -1;
}

/* ---- decoding: bytes come one by one, and leave as characters */

typedef struct {
    char *text;
    size_t size;
    int64_t n;
    bool raw;
    uint8_t part[8]; /* of a character */
    int n_part;
} decoding;

static void put(decoding *d, const void *bytes, int n)
{
    for (int i = 0; i < n; i++, d->n++)
        if ((size_t)d->n + 1 < d->size)
            d->text[d->n] = ((const char *)bytes)[i];
}

/* Gives out what is whole, and what can't become so; at the end all. */
static void give_out(decoding *d, bool is_end)
{
    while (d->n_part > 0) {
        const int n = hone__utf8_step(d->part, d->part + d->n_part);
        const int taken = n < 0 ? -n : n;
        const bool begins = d->part[0] >= 0xC2 && d->part[0] <= 0xF4;
        if (n < 0 && taken == d->n_part && begins && !is_end)
            return; /* what follows may complete it */
        put(d, n > 0 ? (const char *)d->part : "\xEF\xBF\xBD", n > 0 ? n : 3);
        d->n_part -= taken;
        memmove(d->part, d->part + taken, (size_t)d->n_part);
    }
}

int64_t hone_tokenizer_decode(const hone_tokenizer *t, const int64_t *tokens, int64_t n, bool raw,
                              char *text, size_t size)
{
    if (!t || (n > 0 && !tokens) || (size > 0 && !text)) {
        hone__error_missing("tokenizer_decode", !t                 ? "a tokenizer"
                                                : n > 0 && !tokens ? "tokens"
                                                                   : "room");
        return -1;
    }
    decoding d = { .text = text, .size = size, .raw = raw };
    for (int64_t i = 0; i < n; i++) {
        int64_t bytes;
        const char *token = hone_tokenizer_token(t, tokens[i], &bytes);
        if (!token)
            return -1;
        for (int64_t b = 0; b < bytes; b++) {
            if (raw) {
                put(&d, token + b, 1);
                continue;
            }
            d.part[d.n_part++] = (uint8_t)token[b];
            give_out(&d, false);
        }
    }
    give_out(&d, true);
    if (size > 0)
        text[(size_t)d.n < size ? (size_t)d.n : size - 1] = 0;
    return d.n;
}
