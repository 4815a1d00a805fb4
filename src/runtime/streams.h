/* streams.h: the one list of what random streams there are. For one seed, two uses of random
 * numbers never share a stream: its upper 8 bits say what it is for, the lower 56 which of those it
 * is. All code that asks a kernel for random numbers gets the stream from here. */
#ifndef HONE_RUNTIME_STREAMS_H
#define HONE_RUNTIME_STREAMS_H

#include "core/core.h"

/* name, value of the upper 8 bits, what the lower 56 are. A value stays for good: the numbers that
 * a seed gives depend on it. */
#define HONE__STREAM_KINDS(X)                                                                      \
    X(DRAW, 0x00, "generator's number (20 bits), its draw (36 bits)")                              \
    X(SHUFFLE, 0x80, "epoch of a loader")                                                          \
    X(DIGITS_TEST, 0x81, "index of a drawn digit")                                                 \
    X(DIGITS_TRAIN, 0x82, "index of a drawn digit")                                                \
    X(TEXT_TEST, 0x83, "block of 256 choices of a text")                                           \
    X(TEXT_TRAIN, 0x84, "block of 256 choices of a text")                                          \
    X(PICTURES_TEST, 0x85, "index of a picture")                                                   \
    X(PICTURES_TRAIN, 0x86, "index of a picture")                                                  \
    X(CUT, 0x87, "number of samples of a set that is cut in two")                                  \
    X(AUGMENT, 0x88, "epoch of a loader: 256 words a sample")                                      \
    X(MIXUP, 0x89, "epoch of a loader: 256 words a sample")                                        \
    X(WEIGHTED, 0x8A, "epoch of a loader")                                                         \
    X(STRATIFIED, 0x8B, "epoch of a loader")                                                       \
    X(SPLIT, 0x8C, "number of samples of a set that is split")

typedef enum {
#define HONE__STREAM_ENUM(name, value, meaning) HONE__STREAM_##name = value,
    HONE__STREAM_KINDS(HONE__STREAM_ENUM)
#undef HONE__STREAM_ENUM
} hone__stream_kind;

#define HONE__STREAM_ASSERT(name, value, meaning)                                                  \
    _Static_assert((value) >> 8 == 0, #name " has 8 bits");
HONE__STREAM_KINDS(HONE__STREAM_ASSERT)
#undef HONE__STREAM_ASSERT

/** What the lower 56 bits of a kind's streams are. Two kinds of one value don't compile. */
static inline const char *hone__stream_meaning(hone__stream_kind kind)
{
    switch (kind) {
#define HONE__STREAM_CASE(name, value, meaning)                                                    \
    case value:                                                                                    \
        return meaning;
        HONE__STREAM_KINDS(HONE__STREAM_CASE)
#undef HONE__STREAM_CASE
    }
    return NULL;
}

enum { HONE__DRAW_BITS = 36 };
#define HONE__STREAM_ENDS (UINT64_C(1) << 56)

/** Stream `which` (below HONE__STREAM_ENDS) of a kind. */
static inline uint64_t hone__stream(hone__stream_kind kind, uint64_t which)
{
    HONE_ASSERT(which < HONE__STREAM_ENDS && hone__stream_meaning(kind));
    return (uint64_t)kind << 56 | which;
}

/** Takes the next stream of what this thread draws from, in the name of `op`; false + error if it
 * has no generator. */
bool hone__draw(const char *op, uint64_t *seed, uint64_t *stream);

/** The parts of a batch draw the same streams: notes where this thread's generator stands; goes back
 * there, as each part begins; goes on after what the longest part drew. */
void hone__parts_draw_from_here(void);
void hone__parts_draw_again(void);
void hone__parts_draw_on(void);

/** What this thread draws comes from `generator`, an option of the caller's, until the next call;
 * NULL: from the one it uses. Gives what was set before, to set again. */
hone_generator *hone__draw_from(hone_generator *generator);

/** A number below `count` out of a random one: the upper half of their product. A value's
 * probability is off by at most 2^-64, so there is no modulo bias worth a rejection loop (which
 * would make the place of a number in the stream depend on others). */
static inline uint64_t hone__below(uint64_t random, uint64_t count)
{
    return (uint64_t)(((unsigned __int128)random * count) >> 64);
}

#endif
