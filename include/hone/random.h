/** @file random.h
 * Where random numbers come from.
 *
 * A random number is a function of a seed, a stream and its place in the stream (Philox4x32-10, a
 * counter), so any thread can make any range of them. Each call that draws (hone_rand, hone_randn,
 * hone_randint, hone_randperm, the initial weights of a layer) takes the next stream of a
 * generator: a seed, a number and a count of the streams taken. Same generator, same order of the
 * calls: same numbers, on every machine. (Shuffling loaders and drawn digits have seeds of their
 * own and take nothing from a generator; no two of these uses ever share a stream.)
 *
 * A program that draws on one thread needs hone_seed() alone. The default generator belongs to one
 * thread: the first that seeds it or draws from it. The order in which several threads draw differs
 * from run to run, so each further thread needs a generator of its own, by a number that the
 * program gives it:
 *
 *      void *worker(void *number)                       // 1, 2, ...
 *      {
 *          hone_generator *generator = hone_generator_new(seed, *(int *)number);
 *          hone_generator_use(generator);
 *          hone_generator_free(generator);              // the thread keeps it until it ends
 *          ... hone_randn(HONE_F32, 3) ...
 *      }
 *
 * Without one, what draws there fails with HONE_E_STATE.
 *
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
 */
#ifndef HONE_RANDOM_H
#define HONE_RANDOM_H

#include <hone/error.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hone_generator hone_generator;

/** Starts the default generator again from this seed (0 before the first call) and makes it the
 * calling thread's. A thread that uses another generator goes on with that one. */
HONE_API void hone_seed(uint64_t seed);

#define HONE_GENERATORS (1 << 20)
/** A generator of its own: what it gives depends on seed and number alone, and differs from what
 * every other number of that seed and the default generator give.
 *  @param number  1..HONE_GENERATORS - 1 (the default generator is number 0 of its seed).
 *  @return        owned by the caller, see hone_generator_free(); NULL on error.
 *  Errors:  HONE_E_VALUE (number), HONE_E_NOMEM. */
HONE_API hone_generator *hone_generator_new(uint64_t seed, int64_t number);

/** The calling thread draws from this generator from now on, until it uses another one or ends. A
 * generator is used by one thread at a time.
 *  Errors:  HONE_E_STATE (another thread uses it), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_generator_use(hone_generator *generator);

/** The default generator; hone_generator_use(hone_generator_default()) goes back to it. */
HONE_API hone_generator *hone_generator_default(void);

/** What this thread draws from; it stays with its owner. NULL on error.
 *  Errors:  HONE_E_STATE (no generator: see above). */
HONE_API hone_generator *hone_generator_current(void);

/** The caller doesn't need it any longer; a thread that uses it keeps it. NULL and the default
 * generator are ignored. */
HONE_API void hone_generator_free(hone_generator *generator);

/** All that a generator is. Save it with what else a run needs to go on, as a tensor say, and read
 * it back with hone_copy_out():
 *      hone_from_data(HONE_I64, &state, 3) */
typedef struct {
    uint64_t seed;
    uint64_t number; /**< 0: the default generator's */
    uint64_t draws;  /**< streams taken so far */
} hone_generator_state;

/** Reads / sets the state.
 *  Errors:  HONE_E_VALUE (set: a number that isn't one of hone_generator_new, or for the default
 *           generator not 0; more than 2^36 draws), HONE_E_STATE (set: another thread uses it),
 *           HONE_E_NULL. */
HONE_API hone_status hone_generator_get(const hone_generator *generator,
                                        hone_generator_state *state);
HONE_API hone_status hone_generator_set(hone_generator *generator,
                                        const hone_generator_state *state);

/** Takes the next stream of the calling thread's generator, for a random function of one's own:
 * (seed, stream) name an independent sequence of Philox4x32-10 numbers. Either may be NULL.
 *  Errors:  HONE_E_STATE (no generator, or its 2^36 streams are all taken). */
HONE_API hone_status hone_next_stream(uint64_t *seed, uint64_t *stream);

#ifdef __cplusplus
}
#endif
#endif
