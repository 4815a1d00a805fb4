/* crew.c: a ring of batches under one lock. Where a set's samples can be written one by one, the caller
 * makes room for a batch when it adds it, and workers take runs of its rows, the first batch's first;
 * else a worker makes a whole batch. Rows are handed out in their order and none after one that failed, so
 * the first that fails is the one that fails without workers.
 *
 * The lock is not among those that a fork takes (runtime/lock.h): its threads don't live in the child,
 * which is told so instead. */
#include "data/crew.h"

#include "core/core.h"
#include "runtime/fpmode.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RUN = 16 };

typedef struct {
    hone__batch batch;
    int64_t *index;
    int64_t size, epoch;   /* samples */
    int64_t n, next, done; /* rows, those handed out, those finished; a whole batch counts as one */
    int64_t failed;        /* the first row that failed; -1: none */
    hone_status code;
    char message[512];
} slot;

struct hone__crew {
    hone_dataset set;
    uint64_t seed;
    bool by_rows, one_at_a_time, busy; /* busy: a thread asks a set that only one may ask */
    int64_t run;                       /* rows a worker takes at once */
    pid_t process;

    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    bool stops;
    int n_slots, first, n; /* those in use are first, first + 1, ... around the ring */
    slot *slots;

    int n_threads;
    pthread_t *threads;
};

static slot *slot_at(const hone__crew *c, int i)
{
    return &c->slots[(c->first + i) % c->n_slots];
}

/* ---- workers */

typedef struct {
    slot *slot;
    int64_t begin, end;
} job;

/* The next rows of the earliest batch that has some left. */
static bool next_job(hone__crew *c, job *j)
{
    for (int i = 0; i < c->n; i++) {
        slot *s = slot_at(c, i);
        if (s->next == s->n || s->failed >= 0)
            continue;
        if (c->one_at_a_time && c->busy)
            return false;
        const int64_t run = c->by_rows ? c->run : 1;
        *j = (job){ s, s->next, s->n - s->next < run ? s->n : s->next + run };
        s->next = j->end;
        c->busy = true;
        return true;
    }
    return false;
}

static bool do_job(const hone__crew *c, const job *j)
{
    HONE_SCOPE();
    slot *s = j->slot;
    const hone_sample_place of = { 0, s->epoch, c->seed };
    return c->by_rows ? hone__batch_read(&c->set, s->index, j->begin, j->end, &of, &s->batch)
                      : hone__batch_fill("loader", &c->set, s->index, s->size, &of, &s->batch);
}

/* The calling thread's error is the slot's, if it is its first row to fail. A run ends at its first
 * failure, so its rows before are good, and those of other runs that come before it are awaited. */
static void note_failure(const job *j)
{
    slot *s = j->slot;
    if (s->failed < 0 || j->begin < s->failed) {
        s->failed = j->begin;
        s->code = hone_error_code() != HONE_OK ? hone_error_code() : HONE_E_INTERNAL;
        hone__format(s->message, sizeof s->message, "%s", hone_error_message());
    }
    hone_error_clear();
}

static bool is_finished(const slot *s)
{
    return s->done == s->next && (s->next == s->n || s->failed >= 0);
}

static void *work(void *arg)
{
    hone__crew *c = arg;
    HONE__FP_GUARD();
    hone__team_never();
    pthread_mutex_lock(&c->lock);
    while (!c->stops) {
        job j;
        if (!next_job(c, &j)) {
            pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        pthread_mutex_unlock(&c->lock);
        const bool done = do_job(c, &j);
        pthread_mutex_lock(&c->lock);
        c->busy = false;
        if (!done)
            note_failure(&j);
        j.slot->done += j.end - j.begin;
        if (is_finished(j.slot))
            pthread_cond_signal(&c->ready);
        if (c->one_at_a_time)
            pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Signals are for the program's own threads. */
static void start_threads(hone__crew *c, int workers)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (c->n_threads < workers && pthread_create(&c->threads[c->n_threads], NULL, work, c) == 0)
        c->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (c->n_threads < workers)
        hone__debug_print(1, "loader: the system makes %d of %d threads", c->n_threads, workers);
}

/* ---- the caller's side */

bool hone__crew_is_here(const char *where, const hone__crew *c)
{
    if (getpid() == c->process)
        return true;
    hone_error_set(HONE_E_STATE,
                   "%s: the loader's workers are threads of the process that made it, and this is "
                   "another: make a loader after the fork",
                   where);
    return false;
}

static bool make_room(hone__crew *c, int workers, int prefetch, int64_t batch_size)
{
    c->slots = hone__calloc(hone__bytes(prefetch, sizeof *c->slots));
    c->threads = hone__calloc(hone__bytes(workers, sizeof *c->threads));
    if (!c->slots || !c->threads)
        return false;
    for (c->n_slots = 0; c->n_slots < prefetch; c->n_slots++) {
        slot *s = &c->slots[c->n_slots];
        s->index = hone__malloc(hone__bytes(batch_size, sizeof *s->index));
        if (!s->index)
            return false;
    }
    return true;
}

hone__crew *hone__crew_new(const hone_dataset *set, uint64_t seed, int workers, int prefetch,
                           int64_t batch_size)
{
    hone__crew *c = hone__calloc(sizeof *c);
    if (!c)
        return NULL;
    c->set = *set;
    c->seed = seed;
    c->by_rows = hone__batch_by_rows(set);
    c->one_at_a_time = set->type && set->type->sample;
    c->process = getpid();
    const int64_t run = batch_size / (4 * (int64_t)workers);
    c->run = run < 1 ? 1 : run > MOST_RUN ? MOST_RUN : run;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->ready, NULL);
    if (make_room(c, workers, prefetch, batch_size))
        start_threads(c, workers);
    if (c->n_threads > 0)
        return c;
    hone__crew_free(c);
    return NULL;
}

int64_t *hone__crew_next(hone__crew *c)
{
    return c->n < c->n_slots ? slot_at(c, c->n)->index : NULL;
}

bool hone__crew_add(hone__crew *c, int64_t n, int64_t epoch)
{
    slot *s = slot_at(c, c->n); /* no worker looks at it yet */
    if (c->by_rows && !hone__batch_room("loader", &c->set, n, &s->batch)) {
        hone__batch_drop(&s->batch);
        return false;
    }
    s->size = n;
    s->n = c->by_rows ? n : 1;
    s->epoch = epoch;
    s->next = s->done = 0;
    s->failed = -1;
    pthread_mutex_lock(&c->lock);
    c->n++;
    if (c->by_rows)
        pthread_cond_broadcast(&c->work);
    else
        pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    return true;
}

bool hone__crew_take(hone__crew *c, hone__batch *batch)
{
    slot *s = slot_at(c, 0);
    pthread_mutex_lock(&c->lock);
    while (!is_finished(s))
        pthread_cond_wait(&c->ready, &c->lock);
    c->first = (c->first + 1) % c->n_slots;
    c->n--;
    pthread_mutex_unlock(&c->lock);
    const hone__batch made = s->batch;
    s->batch = *batch;
    *batch = made;
    if (s->failed < 0)
        return true;
    hone_error_set(s->code, "%s", s->message);
    return false;
}

void hone__crew_forget(hone__crew *c)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->n; i++) { /* no more rows of them are handed out */
        slot *s = slot_at(c, i);
        s->n = s->next;
    }
    for (int i = 0; i < c->n; i++)
        while (!is_finished(slot_at(c, i)))
            pthread_cond_wait(&c->ready, &c->lock);
    c->n = 0;
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->n_slots; i++)
        hone__batch_drop(&c->slots[i].batch);
}

void hone__crew_free(hone__crew *c)
{
    if (!c)
        return;
    if (getpid() == c->process) {
        pthread_mutex_lock(&c->lock);
        c->stops = true;
        pthread_cond_broadcast(&c->work);
        pthread_mutex_unlock(&c->lock);
        for (int i = 0; i < c->n_threads; i++)
            pthread_join(c->threads[i], NULL);
        pthread_mutex_destroy(&c->lock);
        pthread_cond_destroy(&c->work);
        pthread_cond_destroy(&c->ready);
    }
    for (int i = 0; i < c->n_slots; i++) {
        hone__batch_drop(&c->slots[i].batch);
        hone__free(c->slots[i].index);
    }
    hone__free(c->slots);
    hone__free(c->threads);
    hone__free(c);
}
