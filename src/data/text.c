/* text.c: sentences of a small made-up grammar, whose entropy is known, and texts as windows.
 *
 *      the fox eats a red hat at 37.
 *
 * A sentence's noun is one of 16, by the topic (0..7) of the sentence before; it says the topic of
 * its own sentence and its number (a singular noun's verb has an s). Verb, adjective and thing are
 * each one of 12 of 24, by the topic, the adjective by the number too; the two digits are one of 8
 * each, by the topic. What a state lets choose from are different words, so a text has one reading,
 * and its entropy is that of the choices. All probabilities are powers of two: a choice takes whole
 * random bits, and the entropy is a whole number of 1/32 bits a sentence. Every topic is as likely
 * as any other in the long run, since the nouns' probabilities go round with the topic. */
#include "core/core.h"
#include "data/data.h"
#include "isa/isa.h"
#include "runtime/streams.h"

#include <hone/ops.h>

#include <string.h>

enum { TOPICS = 8, NOUNS = 16, WORDS = 24 };
#define LN_2 0.69314718055994530942

static const char *const nouns[NOUNS] = { "fox",  "foxes", "owl",  "owls",  "cat",  "cats",
                                          "man",  "men",   "duck", "ducks", "goat", "goats",
                                          "king", "kings", "bee",  "bees" };
static const char *const verbs[WORDS] = { "eat",   "see",  "find", "take", "want", "hide",
                                          "sell",  "buy",  "pull", "lose", "need", "throw",
                                          "break", "hear", "hold", "keep", "like", "make",
                                          "move",  "own",  "roll", "show", "turn", "use" };
static const char *const adjectives[WORDS] = { "red",  "big",   "old",  "wet",  "new",  "cold",
                                               "blue", "soft",  "dark", "tiny", "flat", "hot",
                                               "thin", "round", "loud", "warm", "dry",  "green",
                                               "long", "deep",  "fine", "raw",  "tall", "wide" };
static const char *const things[WORDS] = { "hat",  "ball", "cup",   "stone", "rope", "drum",
                                           "cake", "leaf", "lamp",  "shoe",  "bell", "coat",
                                           "knot", "nut",  "plate", "ring",  "sock", "spoon",
                                           "tree", "wall", "wheel", "box",   "bag",  "key" };

/* A choice: logarithms of the inverse probabilities of its alternatives, in their order. */
typedef struct {
    int n;
    int8_t bits[NOUNS];
} choice;

static const choice of_noun = { 16, { 2, 2, 4, 5, 5, 5, 5, 5, 5, 4, 5, 5, 5, 5, 5, 5 } };
static const choice of_word = { 12, { 3, 4, 4, 3, 4, 4, 3, 4, 4, 3, 4, 4 } };
static const choice of_digit = { 8, { 3, 3, 3, 3, 3, 3, 3, 3 } };

/* ---- the grammar: which word an alternative is */

static int noun_at(int topic, int i)
{
    return (2 * topic + i) % NOUNS;
}

static int word_at(int topic, int shift, int i)
{
    return (3 * topic + shift + i) % WORDS;
}

static int digit_at(int topic, int i)
{
    return (topic + i) % 9 + 1;
}

/* ---- random bits */

typedef struct {
    uint64_t seed, stream, at; /* the next block of words */
    uint32_t word[256];
    int next;
    hone__stream_kind kind;
} dice;

static uint32_t five_bits(dice *d)
{
    if (d->next == 256) {
        hone__k->random_u32(256, d->word, d->seed, hone__stream(d->kind, d->at++), 0);
        d->next = 0;
    }
    return d->word[d->next++] >> 27;
}

static int choose(dice *d, const choice *c)
{
    const int roll = (int)five_bits(d);
    for (int i = 0, end = 0; i < c->n; i++)
        if (roll < (end += 32 >> c->bits[i]))
            return i;
    return c->n - 1; /* never: they add up to 32 */
}

/* ---- sentences */

enum { LONGEST = 64 };

static size_t add(char *text, size_t n, const char *word)
{
    const size_t length = strlen(word);
    memcpy(text + n, word, length);
    return n + length;
}

/* Writes a sentence and the space after it; the topic becomes its own. */
static size_t sentence(dice *d, int *topic, char *text)
{
    const int noun = noun_at(*topic, choose(d, &of_noun)), plural = noun % 2, t = noun / 2;
    size_t n = add(text, 0, "the ");
    n = add(text, n, nouns[noun]);
    n = add(text, n, " ");
    n = add(text, n, verbs[word_at(t, 0, choose(d, &of_word))]);
    n = add(text, n, plural ? " a " : "s a ");
    n = add(text, n, adjectives[word_at(t, 12 * plural, choose(d, &of_word))]);
    n = add(text, n, " ");
    n = add(text, n, things[word_at(t, 0, choose(d, &of_word))]);
    n = add(text, n, " at ");
    text[n++] = (char)('0' + digit_at(t, choose(d, &of_digit)));
    text[n++] = (char)('0' + digit_at(t, choose(d, &of_digit)));
    *topic = t;
    return add(text, n, ". ");
}

/* ---- entropy: everything counted in 32nds, over a sentence of each noun (all are as likely) */

static int64_t bits_of(const choice *c)
{
    int64_t sum = 0;
    for (int i = 0; i < c->n; i++)
        sum += (32 >> c->bits[i]) * c->bits[i];
    return sum;
}

static int64_t letters_of(const char *const *words, int topic, int shift)
{
    int64_t sum = 0;
    for (int i = 0; i < of_word.n; i++)
        sum += (32 >> of_word.bits[i]) * (int64_t)strlen(words[word_at(topic, shift, i)]);
    return sum;
}

double hone_text_entropy(void)
{
    int64_t bits = 0, bytes = 0;
    for (int noun = 0; noun < NOUNS; noun++) {
        const int t = noun / 2, plural = noun % 2;
        bits += bits_of(&of_noun) + 3 * bits_of(&of_word) + 2 * bits_of(&of_digit);
        bytes += letters_of(verbs, t, 0) + letters_of(adjectives, t, 12 * plural) +
                 letters_of(things, t, 0);
        bytes += 32 * (int64_t)(strlen("the   a   at 12. ") + strlen(nouns[noun]) + !plural);
    }
    return (double)bits / (double)bytes * LN_2;
}

/* ---- the set */

hone_tensor *hone_text(hone_subset subset, int64_t bytes, uint64_t seed)
{
    if (!hone__ready())
        return NULL;
    if (bytes < 0 || (subset != HONE_TRAIN && subset != HONE_TEST)) {
        hone_error_set(HONE_E_VALUE, "text: %lld bytes of subset %d", (long long)bytes,
                       (int)subset);
        return NULL;
    }
    hone_tensor *text = hone__own(hone__new("text", HONE_U8, 1, &bytes));
    if (!text)
        return NULL;
    dice d = { .seed = seed,
               .next = 256,
               .kind = subset == HONE_TRAIN ? HONE__STREAM_TEXT_TRAIN : HONE__STREAM_TEXT_TEST };
    char *to = hone__data(text), last[LONGEST];
    int topic = (int)five_bits(&d) % TOPICS;
    for (int64_t n = 0; n < bytes;) {
        const size_t length = sentence(&d, &topic, last);
        const size_t taken = (int64_t)length < bytes - n ? length : (size_t)(bytes - n);
        memcpy(to + n, last, taken);
        n += (int64_t)taken;
    }
    return text;
}

hone_status hone_dataset_windows(hone_tensor *tokens, int64_t length, hone_dataset *set)
{
    if (!set)
        return hone__error_missing("dataset_windows", "a data set");
    *set = (hone_dataset){ 0 };
    if (!hone__needs_tensor("dataset_windows", tokens))
        return hone__error_last();
    const hone_dtype dtype = hone_dtype_of(tokens);
    if (dtype != HONE_U8 && dtype != HONE_I64)
        return hone_error_set(HONE_E_DTYPE, "dataset_windows: tokens are u8 or i64, not %s",
                              hone__tensor_text(tokens).s);
    if (tokens->ndim != 1)
        return hone_error_set(HONE_E_SHAPE, "dataset_windows: tokens have one dim, not %s",
                              hone__tensor_text(tokens).s);
    if (length < 1)
        return hone_error_set(HONE_E_VALUE, "dataset_windows: windows of %lld tokens",
                              (long long)length);
    const int64_t n = (tokens->numel - 1) / length;
    if (tokens->numel < 1 || n < 1)
        return hone_error_set(HONE_E_VALUE,
                              "dataset_windows: %lld tokens are too few for a window of %lld and "
                              "the token after it",
                              (long long)tokens->numel, (long long)length);
    HONE_SCOPE();
    hone_tensor *wide = hone_contiguous(hone_to(tokens, HONE_I64));
    hone_tensor *x = hone_reshape(hone_slice(wide, 0, 0, n * length, 1), n, length);
    hone_tensor *y = hone_reshape(hone_slice(wide, 0, 1, n * length + 1, 1), n, length);
    return x && y ? hone_dataset_from(x, y, set) : hone__error_last();
}

hone_status hone_dataset_text(hone_subset subset, int64_t bytes, int64_t length, uint64_t seed,
                              hone_dataset *set)
{
    if (!set)
        return hone__error_missing("dataset_text", "a data set");
    *set = (hone_dataset){ 0 };
    HONE_SCOPE();
    if (bytes == 0)
        bytes = subset == HONE_TRAIN ? 1000000 : 100000;
    hone_tensor *text = hone_text(subset, bytes, seed);
    return text ? hone_dataset_windows(text, length, set) : hone__error_last();
}
