/* Streams (runtime/streams.h): what one use of random numbers gets tells nothing about another. */
#include "isa/isa.h"
#include "loops/shuffle.h"
#include "runtime/streams.h"
#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>
#include <hone/random.h>

#include <string.h>

SUITE(streams);

static const hone__stream_kind kinds[] = {
#define KIND(name, value, meaning) HONE__STREAM_##name,
    HONE__STREAM_KINDS(KIND)
#undef KIND
};
enum { KINDS = sizeof kinds / sizeof *kinds, WORDS = 8, EACH = 4 };

Test(streams, no_two_are_equal)
{
    static const uint64_t which[EACH] = { 0, 1, UINT64_C(1) << 36, HONE__STREAM_ENDS - 1 };
    uint64_t streams[KINDS * EACH];
    uint32_t words[KINDS * EACH][WORDS];
    for (int i = 0; i < KINDS * EACH; i++) {
        streams[i] = hone__stream(kinds[i / EACH], which[i % EACH]);
        cr_assert(streams[i] >> 56 == (uint64_t)kinds[i / EACH]);
        hone__k->random_u32(WORDS, words[i], 5, streams[i], 0);
        for (int k = 0; k < i; k++)
            cr_assert(streams[i] != streams[k] && memcmp(words[i], words[k], sizeof *words) != 0);
    }
}

/* ---- by what the public functions give */

enum { N = 40, EPOCHS = 200 };

static void epoch_order(hone_loader *loader, int64_t epoch, int64_t order[N])
{
    hone_batch b;
    CHECK_OK(hone_loader_set_epoch(loader, epoch));
    cr_assert(hone_loader_next(loader, &b) && b.size == N);
    CHECK_OK(hone_copy_out(b.y, order, N * sizeof *order));
}

/* The streams in which drawn digits, draws and initial weights would predict an epoch's order. */
Test(streams, nothing_else_predicts_the_loader)
{
    hone_tensor *numbers = hone_arange(HONE_I64, 0, N, 1);
    hone_dataset set;
    CHECK_OK(hone_dataset_from(numbers, numbers, &set));
    for (uint64_t seed = 0; seed < 3; seed++) {
        const hone_loader_options o = { .batch_size = N, .shuffle = true, .seed = seed };
        hone_loader *loader = hone_loader_new(&set, &o);
        for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
            int64_t order[N], other[N];
            epoch_order(loader, epoch, order);
            for (int k = 0; k < KINDS; k++) {
                hone__shuffle(N, other, seed, hone__stream(kinds[k], (uint64_t)epoch));
                cr_assert(
                    (memcmp(order, other, sizeof order) == 0) == (kinds[k] == HONE__STREAM_SHUFFLE),
                    "seed %d, epoch %d: %s", (int)seed, (int)epoch, hone__stream_meaning(kinds[k]));
            }
        }
        hone_loader_free(loader);
    }
    hone_dataset_free(&set);
}

/* A digit's label is its stream's first word times 10: of 200 labels 20 agree by chance. */
static int agreeing(hone_subset subset, uint64_t seed, uint64_t (*stream)(int64_t i))
{
    hone_dataset set;
    int n = 0;
    CHECK_OK(hone_digits(subset, EPOCHS, seed, &set));
    for (int64_t i = 0; i < EPOCHS; i++) {
        uint32_t word;
        hone__k->random_u32(1, &word, seed, stream(i), 0);
        n += (int)((uint64_t)word * 10 >> 32) == (int)hone_at(set.y, i);
    }
    hone_dataset_free(&set);
    return n;
}

static uint64_t loader_stream(int64_t epoch)
{
    return hone__stream(HONE__STREAM_SHUFFLE, (uint64_t)epoch);
}

static uint64_t drawn_stream(int64_t draw)
{
    uint64_t seed, stream;
    if (draw == 0)
        hone_seed(1);
    CHECK_OK(hone_next_stream(&seed, &stream));
    return stream;
}

static uint64_t train_stream(int64_t i)
{
    return hone__stream(HONE__STREAM_DIGITS_TRAIN, (uint64_t)i);
}

Test(streams, nothing_else_predicts_the_digits)
{
    for (hone_subset subset = HONE_TRAIN; subset <= HONE_TEST; subset++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            cr_expect(agreeing(subset, seed, loader_stream) < 50);
            cr_expect(agreeing(subset, seed, drawn_stream) < 50);
            cr_expect((agreeing(subset, seed, train_stream) == EPOCHS) == (subset == HONE_TRAIN));
        }
    }
}
