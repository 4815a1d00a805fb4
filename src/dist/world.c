/* world.c: the thread that calls MPI: work, and signs of life. */
#include "dist/world.h"

#include "runtime/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BEAT_TAG = 1, FIRST_TAG = 16, LAST_TAG = 1 << 26 };

/* What a rank tells the next one each second. */
typedef struct {
    int64_t computed; /* milliseconds that its threads have run */
    int64_t waits;    /* for others */
    int64_t last;     /* no more will come */
} beat;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t for_thread, for_others;
    pthread_t thread;
    const hone__mpi *mpi;
    int rank, size;
    bool started, failed, ending;
    char about[160];
    hone__work *first, **end; /* not begun */
    int n_large, waiting, next_tag;
    int abort_status; /* 0: go on */
    double busy_since, timeout;
    hone__traffic traffic;
    struct {
        double bytes_a_second, latency, free_at;
    } link; /* artificial; 0: none */
} world = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .for_thread = PTHREAD_COND_INITIALIZER,
    .for_others = PTHREAD_COND_INITIALIZER,
    .size = 1,
};

double hone__world_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int hone__world_rank(void)
{
    return world.rank;
}

int hone__world_size(void)
{
    return world.size;
}

const char *hone__world_library(void)
{
    return world.about;
}

/* ---- messages */

hone__span *hone__spans_of(void *at, int64_t bytes, int *n)
{
    const int64_t most = 1 << 30;
    *n = (int)((bytes + most - 1) / most);
    hone__span *spans = hone__malloc(hone__bytes(*n ? *n : 1, sizeof *spans));
    for (int i = 0; spans && i < *n; i++)
        spans[i] = (hone__span){ (char *)at + i * most,
                                 (size_t)(bytes - i * most < most ? bytes - i * most : most) };
    return spans;
}

void hone__message_receive(hone__message *m, hone__span *spans, int n, int from, int tag)
{
    *m = (hone__message){ .spans = spans, .n = n, .peer = from, .tag = tag, .wanted = true };
}

/* An artificial link lets one message pass after the other, small ones first. */
static double due_time(int64_t bytes, bool large)
{
    const double now = hone__world_seconds(), rate = world.link.bytes_a_second;
    if (rate <= 0)
        return 0;
    const double takes = (double)bytes / rate;
    const double begin = large && world.link.free_at > now ? world.link.free_at : now;
    world.link.free_at = (world.link.free_at > now ? world.link.free_at : now) + takes;
    return begin + takes + world.link.latency;
}

void hone__message_send(hone__message *m, hone__span *spans, int n, int to, int tag, bool large)
{
    int64_t bytes = 0;
    hone__message_receive(m, spans, n, to, tag);
    m->sends = true;
    for (int i = 0; spans && i < n; i++)
        bytes += (int64_t)spans[i].bytes;
    m->due = due_time(bytes, large);
    if (tag == BEAT_TAG)
        return;
    pthread_mutex_lock(&world.lock);
    *(large ? &world.traffic.large_bytes : &world.traffic.other_bytes) += bytes;
    pthread_mutex_unlock(&world.lock);
}

static int message_ends(hone__message *m, int state)
{
    hone__free(m->spans);
    m->spans = NULL;
    m->wanted = false;
    return state;
}

int hone__message_test(hone__message *m)
{
    if (!m->wanted)
        return 1;
    if (!m->spans)
        return message_ends(m, -1);
    if (!m->begun && m->due > 0 && hone__world_seconds() < m->due)
        return 0;
    if (!m->begun) {
        m->begun = true;
        m->request =
            (m->sends ? world.mpi->send : world.mpi->receive)(m->spans, m->n, m->peer, m->tag);
        if (!m->request)
            return message_ends(m, -1);
    }
    const int state = world.mpi->test(m->request);
    return state ? message_ends(m, state) : 0;
}

/* ---- signs of life */

static struct {
    hone__message out, in;
    beat sent, got;
    double sent_at, got_at, moved_at;
    int64_t computed; /* by the rank before this one when it last moved */
    bool over;        /* no more come */
} life;

static int64_t milliseconds_of(clockid_t clock)
{
    struct timespec t = { 0 };
    clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static hone__span *span_of(void *at, size_t bytes)
{
    int n;
    return hone__spans_of(at, (int64_t)bytes, &n);
}

static void expect_beat(void)
{
    const int before = (world.rank + world.size - 1) % world.size;
    hone__message_receive(&life.in, span_of(&life.got, sizeof life.got), 1, before, BEAT_TAG);
}

static void send_beat(double now, bool last)
{
    pthread_mutex_lock(&world.lock);
    const bool waits = world.waiting > 0;
    pthread_mutex_unlock(&world.lock);
    life.sent_at = now;
    life.sent = (beat){ milliseconds_of(CLOCK_PROCESS_CPUTIME_ID) -
                            milliseconds_of(CLOCK_THREAD_CPUTIME_ID),
                        waits, last };
    hone__message_send(&life.out, span_of(&life.sent, sizeof life.sent), 1,
                       (world.rank + 1) % world.size, BEAT_TAG, false);
}

static void note_beat(double now)
{
    enum { MOVED = 20 }; /* milliseconds; what a sleeping program's runtime takes is less */
    life.got_at = now;
    life.over = life.got.last;
    if (life.got.waits || life.got.computed > life.computed + MOVED) {
        life.computed = life.got.computed;
        life.moved_at = now;
    }
    if (!life.over)
        expect_beat();
}

static void end_job(const char *why, double seconds)
{
    fprintf(stderr, "hone: rank %d of %d %s for %.0f s; the job ends (HONE_DIST_TIMEOUT)\n",
            (world.rank + world.size - 1) % world.size, world.size, why, seconds);
    fflush(stderr);
    world.mpi->abort(1);
}

static void tend_life(bool last)
{
    const double now = hone__world_seconds();
    if (hone__message_test(&life.out) == 1 && (last || now - life.sent_at >= 1) && !life.sent.last)
        send_beat(now, last);
    if (!life.over && hone__message_test(&life.in) == 1)
        note_beat(now);
    if (world.timeout <= 0 || life.over)
        return;
    if (now - life.got_at > world.timeout)
        end_job("has not answered", now - life.got_at);
    else if (now - life.moved_at > world.timeout)
        end_job("has neither computed nor waited for others", now - life.moved_at);
}

/* ---- the thread */

/* Whatever the locale. */
static double number_of(const char *text, size_t length, double otherwise)
{
    double number;
    return hone__read_f64(text, length, &number) ? number : otherwise;
}

static void take_settings(void)
{
    const char *timeout = getenv("HONE_DIST_TIMEOUT"), *link = getenv("HONE_DIST_LINK");
    world.timeout = timeout ? number_of(timeout, strlen(timeout), 20) : 20;
    if (link) {
        const size_t length = strcspn(link, ",");
        const char *rest = link[length] ? link + length + 1 : "";
        world.link.bytes_a_second = number_of(link, length, 0) * 1e9 / 8;
        world.link.latency = number_of(rest, strlen(rest), 0) * 1e-6;
    }
}

/* Works at all that is under way. True: something has ended. */
static bool work_on(hone__work **under_way)
{
    bool ended = false;
    for (hone__work **at = under_way; *at;) {
        hone__work *work = *at;
        const int state = work->step(work);
        if (state == 0) {
            at = &work->next;
            continue;
        }
        *at = work->next;
        ended = true;
        pthread_mutex_lock(&world.lock);
        if (work->large && --world.n_large == 0)
            world.traffic.busy += hone__world_seconds() - world.busy_since;
        work->state = state;
        pthread_cond_broadcast(&world.for_others);
        pthread_mutex_unlock(&world.lock);
    }
    return ended;
}

/* Appends what was handed over; sleeps if there is nothing to do. False: the end. */
static bool take_work(hone__work **under_way)
{
    hone__work **last = under_way;
    while (*last)
        last = &(*last)->next;
    pthread_mutex_lock(&world.lock);
    if (!*under_way && !world.first && !world.ending && !world.abort_status) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&world.for_thread, &world.lock, &until);
    }
    *last = world.first;
    world.first = NULL;
    world.end = &world.first;
    const bool more = *under_way || !world.ending;
    const int abort_status = world.abort_status;
    pthread_mutex_unlock(&world.lock);
    if (abort_status)
        world.mpi->abort(abort_status);
    return more;
}

static void *run(void *unused)
{
    (void)unused;
    const struct timespec pause = { 0, 20000 };
    hone__work *under_way = NULL;
    char about[sizeof world.about] = "";
    int rank = 0, size = 1;
    const int failed = world.mpi->start(&rank, &size, about, sizeof about);
    pthread_mutex_lock(&world.lock);
    world.rank = rank;
    world.size = size;
    memcpy(world.about, about, sizeof about);
    world.failed = failed;
    world.started = true;
    pthread_cond_broadcast(&world.for_others);
    pthread_mutex_unlock(&world.lock);
    if (failed)
        return NULL;
    life.got_at = life.moved_at = hone__world_seconds();
    if (size > 1)
        expect_beat();
    while (take_work(&under_way)) {
        const bool ended = work_on(&under_way);
        if (size > 1)
            tend_life(false);
        if (under_way && !ended)
            nanosleep(&pause, NULL);
    }
    while (size > 1 && !(life.sent.last && life.over && !life.out.wanted)) {
        tend_life(true);
        nanosleep(&pause, NULL);
    }
    world.mpi->finish();
    return NULL;
}

bool hone__world_start(const hone__mpi *mpi)
{
    sigset_t all, before;
    if (world.started) { /* MPI begins once in a process */
        hone_error_set(HONE_E_STATE, "dist_init: a job that was left can't be joined again");
        return false;
    }
    world.mpi = mpi;
    world.end = &world.first;
    world.next_tag = FIRST_TAG;
    take_settings();
    sigfillset(&all); /* Ctrl-C is the others' */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&world.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        hone_error_set(HONE_E_CONFIG, "dist_init: no thread: %s", strerror(error));
        return false;
    }
    pthread_mutex_lock(&world.lock);
    while (!world.started)
        pthread_cond_wait(&world.for_others, &world.lock);
    pthread_mutex_unlock(&world.lock);
    if (world.failed) {
        pthread_join(world.thread, NULL);
        hone_error_set(HONE_E_CONFIG, "dist_init: %s", world.about);
    }
    return !world.failed;
}

void hone__world_finish(void)
{
    pthread_mutex_lock(&world.lock);
    world.ending = true;
    world.waiting++;
    pthread_cond_signal(&world.for_thread);
    pthread_mutex_unlock(&world.lock);
    pthread_join(world.thread, NULL);
    world.rank = 0;
    world.size = 1;
}

void hone__world_abort(int status)
{
    const struct timespec while_ = { 2, 0 };
    pthread_mutex_lock(&world.lock);
    world.abort_status = status >= 1 && status <= 255 ? status : 1;
    pthread_cond_signal(&world.for_thread);
    pthread_mutex_unlock(&world.lock);
    nanosleep(&while_, NULL); /* the thread ends all; but it may be in a call that never returns */
    world.mpi->abort(world.abort_status);
}

hone__traffic hone__world_traffic(void)
{
    pthread_mutex_lock(&world.lock);
    const hone__traffic traffic = world.traffic;
    pthread_mutex_unlock(&world.lock);
    return traffic;
}

void hone__work_begin(hone__work *work)
{
    pthread_mutex_lock(&world.lock);
    work->tag = world.next_tag;
    world.next_tag = world.next_tag + 2 < LAST_TAG ? world.next_tag + 2 : FIRST_TAG;
    work->state = 0;
    work->next = NULL;
    if (work->large && world.n_large++ == 0)
        world.busy_since = hone__world_seconds();
    *world.end = work;
    world.end = &work->next;
    pthread_cond_signal(&world.for_thread);
    pthread_mutex_unlock(&world.lock);
}

void hone__world_tell(void)
{
    pthread_mutex_lock(&world.lock);
    pthread_cond_broadcast(&world.for_others);
    pthread_mutex_unlock(&world.lock);
}

void hone__world_wait(bool (*is_so)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&world.lock);
    world.waiting++;
    while (!is_so(ctx))
        pthread_cond_wait(&world.for_others, &world.lock);
    world.waiting--;
    pthread_mutex_unlock(&world.lock);
}

static bool has_ended(void *work)
{
    return ((const hone__work *)work)->state != 0;
}

bool hone__work_wait(hone__work *work)
{
    hone__world_wait(has_ended, work);
    if (work->state < 0)
        hone_error_set(HONE_E_IO, "dist: rank %d of %d can't reach the others: %s fails",
                       world.rank, world.size, world.about);
    return work->state > 0;
}
