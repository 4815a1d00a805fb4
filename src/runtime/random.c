/* random.c: generators. Each is a seed, a number and a count of the streams taken from it; one of
 * them is the default. */
#include <hone/random.h>
#include "core/core.h"
#include "runtime/lock.h"
#include "runtime/memory.h"
#include "runtime/streams.h"
#include "runtime/thread_end.h"

struct hone_generator {
    hone_generator_state state;
    uint64_t user; /* the thread that draws from it; 0: none */
    int owners;    /* who made it, and the thread that uses it */
};

static hone_generator standard; /* its user stays, or the next thread would go on in its place */

/* HONE__LOCK_RANDOM guards every generator, and this: what draws holds it for a few instructions. */
static uint64_t n_threads;

static _Thread_local struct {
    uint64_t id;            /* 1, 2, ...; 0: not given yet */
    hone_generator *used;   /* NULL: the default one */
    hone_generator *passed; /* by an option */
} self;

/* Both with the lock held. */
static uint64_t my_id(void)
{
    if (!self.id)
        self.id = ++n_threads;
    return self.id;
}

static bool is_others(const hone_generator *g)
{
    return g->user && g->user != my_id();
}

static hone_status refuse_others(const char *op, const hone_generator *g)
{
    if (g == &standard)
        return hone_error_set(HONE_E_STATE,
                              "%s: the default generator is another thread's; give this one a "
                              "generator with a number of its own: hone_generator_new(seed, "
                              "number), hone_generator_use()",
                              op);
    return hone_error_set(HONE_E_STATE, "%s: another thread uses generator %llu of seed %llu", op,
                          (unsigned long long)g->state.number, (unsigned long long)g->state.seed);
}

/* ---- the thread's generator */

static void drop(hone_generator *g, bool as_user)
{
    if (!g || g == &standard)
        return;
    hone__lock(HONE__LOCK_RANDOM);
    if (as_user)
        g->user = 0;
    const bool last = --g->owners == 0;
    hone__unlock(HONE__LOCK_RANDOM);
    if (last)
        hone__free(g);
}

/* The thread gives its generator back when it ends. */
static void end_thread(void)
{
    hone_generator *g = self.used;
    self.used = NULL;
    drop(g, true);
}

hone_status hone_generator_use(hone_generator *g)
{
    if (!g)
        return hone__error_missing("generator_use", "a generator");
    if (!hone__at_thread_end(HONE__END_GENERATOR, end_thread))
        return hone_error_set(HONE_E_NOMEM, "generator_use: the system has no thread-specific "
                                            "value left (pthread_key_create)");
    hone__lock(HONE__LOCK_RANDOM);
    const bool refused = is_others(g), keeps = g == self.used;
    if (!refused && !keeps) {
        g->user = my_id();
        g->owners += g != &standard;
    }
    hone__unlock(HONE__LOCK_RANDOM);
    if (refused)
        return refuse_others("generator_use", g);
    if (!keeps) {
        drop(self.used, true);
        self.used = g;
    }
    return HONE_OK;
}

hone_generator *hone_generator_default(void)
{
    return &standard;
}

hone_generator *hone_generator_current(void)
{
    hone_generator *g = self.used ? self.used : &standard;
    hone__lock(HONE__LOCK_RANDOM);
    const bool refused = is_others(g);
    hone__unlock(HONE__LOCK_RANDOM);
    if (!refused)
        return g;
    refuse_others("generator_current", g);
    return NULL;
}

hone_generator *hone__draw_from(hone_generator *generator)
{
    hone_generator *before = self.passed;
    self.passed = generator;
    return before;
}

/* ---- drawing */

#define MOST_DRAWS (UINT64_C(1) << HONE__DRAW_BITS)

bool hone__draw(const char *op, uint64_t *seed, uint64_t *stream)
{
    hone_generator *g = self.passed ? self.passed : self.used ? self.used : &standard;
    hone__lock(HONE__LOCK_RANDOM);
    const bool refused = is_others(g), full = g->state.draws == MOST_DRAWS;
    const hone_generator_state state = g->state;
    if (!refused && !full) {
        g->state.draws++;
        if (g == &standard)
            g->user = my_id();
    }
    hone__unlock(HONE__LOCK_RANDOM);
    if (refused) {
        refuse_others(op, g);
        return false;
    }
    if (full) {
        hone_error_set(HONE_E_STATE, "%s: the generator's 2^%d streams are all taken: seed it anew",
                       op, HONE__DRAW_BITS);
        return false;
    }
    *seed = state.seed;
    *stream = hone__stream(HONE__STREAM_DRAW, state.number << HONE__DRAW_BITS | state.draws);
    return true;
}

/* Between hone__parts_draw_from_here() and hone__parts_draw_on(). */
static _Thread_local struct {
    hone_generator *of;
    uint64_t begin, most;
} parts;

void hone__parts_draw_from_here(void)
{
    hone__lock(HONE__LOCK_RANDOM);
    parts.of = self.used ? self.used : &standard;
    parts.begin = parts.most = parts.of->state.draws;
    hone__unlock(HONE__LOCK_RANDOM);
}

/* A generator that another thread draws from is left alone: nothing of it is drawn here. */
static void draw_from(uint64_t draws)
{
    hone__lock(HONE__LOCK_RANDOM);
    const bool own = parts.of == (self.used ? self.used : &standard) && !is_others(parts.of);
    if (own && parts.of->state.draws > parts.most)
        parts.most = parts.of->state.draws;
    if (own)
        parts.of->state.draws = draws < parts.most ? draws : parts.most;
    hone__unlock(HONE__LOCK_RANDOM);
}

void hone__parts_draw_again(void)
{
    draw_from(parts.begin);
}

void hone__parts_draw_on(void)
{
    draw_from(UINT64_MAX);
}

hone_status hone_next_stream(uint64_t *seed, uint64_t *stream)
{
    uint64_t s, n;
    if (!hone__draw("next_stream", &s, &n))
        return HONE_E_STATE;
    if (seed)
        *seed = s;
    if (stream)
        *stream = n;
    return HONE_OK;
}

/* ---- making, and the state */

void hone_seed(uint64_t seed)
{
    hone__lock(HONE__LOCK_RANDOM);
    standard.state = (hone_generator_state){ .seed = seed };
    standard.user = my_id();
    hone__unlock(HONE__LOCK_RANDOM);
}

hone_generator *hone_generator_new(uint64_t seed, int64_t number)
{
    if (number < 1 || number >= HONE_GENERATORS) {
        hone_error_set(HONE_E_VALUE, "generator_new: number %lld (1 to %d are wanted)",
                       (long long)number, HONE_GENERATORS - 1);
        return NULL;
    }
    hone_generator *g = hone__calloc(sizeof *g);
    if (!g)
        return NULL;
    g->state = (hone_generator_state){ .seed = seed, .number = (uint64_t)number };
    g->owners = 1;
    return g;
}

void hone_generator_free(hone_generator *g)
{
    drop(g, false);
}

hone_status hone_generator_get(const hone_generator *g, hone_generator_state *state)
{
    if (!g || !state)
        return hone__error_missing("generator_get", g ? "a state" : "a generator");
    hone__lock(HONE__LOCK_RANDOM);
    *state = g->state;
    hone__unlock(HONE__LOCK_RANDOM);
    return HONE_OK;
}

hone_status hone_generator_set(hone_generator *g, const hone_generator_state *state)
{
    if (!g || !state)
        return hone__error_missing("generator_set", g ? "a state" : "a generator");
    if (state->number >= HONE_GENERATORS || (state->number == 0) != (g == &standard) ||
        state->draws > MOST_DRAWS)
        return hone_error_set(HONE_E_VALUE,
                              "generator_set: number %llu and %llu draws are no state "
                              "of %s",
                              (unsigned long long)state->number, (unsigned long long)state->draws,
                              g == &standard ? "the default generator" : "such a generator");
    hone__lock(HONE__LOCK_RANDOM);
    const bool refused = is_others(g);
    if (!refused) {
        g->state = *state;
        if (g == &standard)
            g->user = my_id();
    }
    hone__unlock(HONE__LOCK_RANDOM);
    return refused ? refuse_others("generator_set", g) : HONE_OK;
}
