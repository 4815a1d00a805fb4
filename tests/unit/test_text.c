#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

SUITE(text);

static uint64_t hash(const uint8_t *data, int64_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (int64_t i = 0; i < n; i++)
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    return h;
}

Test(text, reads_like_this)
{
    HONE_SCOPE();
    const char *begin = "the cats lose a red shoe at 66. the bee pulls a blue box at 84. ";
    hone_tensor *text = hone_text(HONE_TRAIN, 1000, 0);
    cr_assert(hone_dtype_of(text) == HONE_U8 && hone_numel(text) == 1000);
    cr_assert(memcmp(hone_data(text), begin, strlen(begin)) == 0);
    cr_assert(hone_numel(hone_text(HONE_TEST, 0, 0)) == 0);
}

/* The same bytes on every machine and compiler; they change only when somebody wants them to. */
Test(text, has_always_the_same_bits)
{
    HONE_SCOPE();
    const uint64_t train = hash(hone_data(hone_text(HONE_TRAIN, 100000, 0)), 100000);
    const uint64_t test = hash(hone_data(hone_text(HONE_TEST, 100000, 7)), 100000);
    cr_assert(train == UINT64_C(0x78cfa38ba81b9369) && test == UINT64_C(0xcafbe3accc784121),
              "%#llx %#llx", (unsigned long long)train, (unsigned long long)test);
}

Test(text, is_the_beginning_of_every_longer_one)
{
    HONE_SCOPE();
    hone_tensor *all = hone_text(HONE_TRAIN, 50000, 3);
    for (int64_t n = 1; n < 50000; n = n * 3 + 1)
        cr_assert(memcmp(hone_data(hone_text(HONE_TRAIN, n, 3)), hone_data(all), (size_t)n) == 0);
    cr_assert(memcmp(hone_data(hone_text(HONE_TEST, 1000, 3)), hone_data(all), 1000) != 0);
    cr_assert(memcmp(hone_data(hone_text(HONE_TRAIN, 1000, 4)), hone_data(all), 1000) != 0);
}

/* ---- its entropy, by counting words, which knows nothing of the generator's probabilities */

enum { MOST = 200, CONTEXTS = 20, SLOTS = 6 };

typedef struct {
    char word[MOST][16];
    int n;
} lexicon;

static int number_of(lexicon *l, const char *word)
{
    int i = 0;
    while (i < l->n && strcmp(l->word[i], word) != 0)
        i++;
    if (i == l->n) {
        cr_assert(l->n < MOST && strlen(word) < sizeof l->word[0]);
        strcpy(l->word[l->n++], word);
    }
    return i;
}

typedef struct {
    double count[SLOTS][CONTEXTS][MOST];
} table;

/* What follows a noun goes by that noun alone, the next noun, too: this many bits a sentence at
 * least, but for what the counting of few samples loses: about (alternatives - 1) / 2 nats a table. */
static double entropy_of(const table *t)
{
    double sum = 0;
    for (int s = 0; s < SLOTS; s++)
        for (int c = 0; c < CONTEXTS; c++) {
            double all = 0;
            for (int w = 0; w < MOST; w++)
                all += t->count[s][c][w];
            for (int w = 0; w < MOST; w++)
                if (t->count[s][c][w] > 0) {
                    sum -= t->count[s][c][w] * log(t->count[s][c][w] / all);
                    sum += 0.5;
                }
            sum -= all > 0 ? 0.5 : 0;
        }
    return sum;
}

Test(text, has_the_entropy_that_it_says)
{
    enum { BYTES = 3000000 };
    static table t;
    static lexicon nouns, words;
    HONE_SCOPE();
    const char *at = hone_data(hone_text(HONE_TRAIN, BYTES, 11)), *end = at + BYTES - 64;
    int noun = -1;
    double bytes = 0;
    while (at < end) {
        char name[16], verb[16], adjective[16], thing[16];
        int number, length = 0;
        const int got = sscanf(at, "the %15s %15s a %15s %15s at %d. %n", name, verb, adjective,
                               thing, &number, &length);
        cr_assert(got == 5 && length > 0, "%.40s", at);
        const int next = number_of(&nouns, name);
        if (noun >= 0) {
            bytes += length;
            t.count[0][noun][next]++;
            t.count[1][next][number_of(&words, verb)]++;
            t.count[2][next][number_of(&words, adjective)]++;
            t.count[3][next][number_of(&words, thing)]++;
            t.count[4][next][number / 10]++;
            t.count[5][next][number % 10]++;
        }
        noun = next;
        at += length;
    }
    cr_assert(nouns.n == 16 && words.n == 48 + 24 + 24);
    const double counted = entropy_of(&t) / bytes, stated = hone_text_entropy();
    cr_assert(fabs(counted / stated - 1) < 0.002, "counted %.6f, stated %.6f", counted, stated);
}

/* ---- windows */

Test(text, windows_and_what_follows)
{
    HONE_SCOPE();
    hone_dataset set;
    hone_tensor *text = hone_text(HONE_TRAIN, 1001, 0);
    const uint8_t *bytes = hone_data(text);
    CHECK_OK(hone_dataset_windows(text, 100, &set));
    cr_assert(hone_dataset_size(&set) == 10 && hone_size(set.x, 1) == 100);
    cr_assert(hone_dtype_of(set.x) == HONE_I64 && hone_dtype_of(set.y) == HONE_I64);
    for (int i = 0; i < 1000; i++) {
        cr_assert((uint8_t)hone_at(set.x, i / 100, i % 100) == bytes[i]);
        cr_assert((uint8_t)hone_at(set.y, i / 100, i % 100) == bytes[i + 1]);
    }
    hone_dataset_free(&set);
    CHECK_OK(hone_dataset_windows(hone_slice(text, 0, 0, 1000, 1), 100, &set));
    cr_assert(hone_dataset_size(&set) == 9); /* nothing follows the thousandth */
    hone_dataset_free(&set);
    CHECK_OK(hone_dataset_text(HONE_TRAIN, 1001, 100, 0, &set));
    cr_assert(hone_dataset_size(&set) == 10 && (uint8_t)hone_at(set.x, 9, 99) == bytes[999]);
    hone_dataset_free(&set);
    CHECK_OK(hone_dataset_text(HONE_TEST, 0, 99, 0, &set));
    cr_assert(hone_dataset_size(&set) == 1010);
    hone_dataset_free(&set);
}

Test(text, calls_that_make_no_sense)
{
    HONE_SCOPE();
    hone_dataset set;
    hone_tensor *text = hone_text(HONE_TRAIN, 10, 0);
    CHECK_FAILS(hone_dataset_windows(text, 0, &set), HONE_E_VALUE, "windows of 0 tokens");
    CHECK_FAILS(hone_dataset_windows(text, 10, &set), HONE_E_VALUE,
                "10 tokens are too few for a window of 10");
    CHECK_FAILS(hone_dataset_windows(hone_zeros(HONE_F32, 10), 2, &set), HONE_E_DTYPE, "u8 or i64");
    CHECK_FAILS(hone_dataset_windows(hone_zeros(HONE_U8, 2, 10), 2, &set), HONE_E_SHAPE, "one dim");
    CHECK_FAILS(hone_dataset_windows(NULL, 2, &set), HONE_E_NULL, "dataset_windows");
    CHECK_FAILS(hone_dataset_windows(text, 2, NULL), HONE_E_NULL, "dataset_windows");
    CHECK_FAILS(hone_dataset_text(HONE_TRAIN, -1, 2, 0, &set), HONE_E_VALUE, "text: -1 bytes");
    CHECK_FAILS(hone_dataset_text((hone_subset)2, 10, 2, 0, &set), HONE_E_VALUE, "subset 2");
    CHECK_FAILS(hone_dataset_text(HONE_TRAIN, 10, 2, 0, NULL), HONE_E_NULL, "dataset_text");
}
