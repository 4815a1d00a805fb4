/* checkpoint_write.c: a checkpoint's way to the disk, in a thread of its own. The thread ends with its
 * file, so nothing waits for work, and a child of fork() has nothing to mend. */
#include "run/checkpoint.h"
#include "runtime/memory.h"
#include "runtime/pin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char where[] = "checkpoint";

/* ---- those before */

/* FILE.1 becomes FILE.2 and so on; one that is missing leaves a gap. */
static void move_back(const hone_checkpoint *c)
{
    for (int64_t i = c->keep - 1; i > 1; i--) {
        const hone__run_path old = hone__run_before(c, i - 1), new = hone__run_before(c, i);
        rename(old.s, new.s);
    }
}

/* What is too many now, since fewer are kept. */
static void remove_rest(const hone_checkpoint *c)
{
    bool there = true;
    for (int64_t i = c->keep; there; i++) {
        const hone__run_path path = hone__run_before(c, i);
        there = unlink(path.s) == 0;
    }
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* The file gets the name FILE.1, too: at any moment a whole file stands in its place, but where the
 * file system has no links. */
static void keep_before(const hone_checkpoint *c)
{
    const hone__run_path first = hone__run_before(c, 1);
    if (access(c->path, F_OK) != 0 ||
        is_same_file(c->path, first.s)) /* a kill came after the link */
        return;
    move_back(c);
    unlink(first.s);
    if (link(c->path, first.s) != 0)
        rename(c->path, first.s);
}

/* ---- one file */

static hone_status write_kept(const hone_checkpoint *c, hone_named_list list,
                              const hone_metadata_list *metadata)
{
    const hone__run_path new = hone__run_new(c);
    const hone_status status = hone_safetensors_save(new.s, list, metadata);
    if (status != HONE_OK)
        return status;
    keep_before(c);
    if (rename(new.s, c->path) != 0) {
        const int error = errno;
        unlink(new.s);
        return hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, c->path, strerror(error));
    }
    remove_rest(c);
    return HONE_OK;
}

static hone_status write_file(const hone_checkpoint *c)
{
    HONE_SCOPE();
    hone_named_list list = { hone__own_block(hone__malloc(
                                 hone__bytes((int64_t)c->n_copy + 1, sizeof *list.at))),
                             c->n_copy + 1 };
    const hone_named **order =
        hone__own_block(hone__malloc(hone__bytes((int64_t)c->n_copy + 1, sizeof(void *))));
    if (!list.at || !order)
        return HONE_E_NOMEM;
    const hone_metadata_list metadata = { c->metadata, c->n_metadata };
    hone__run_sums((hone_named_list){ c->copy, c->n_copy }, metadata, order, hone__data(c->sums));
    memcpy(list.at, c->copy, (size_t)c->n_copy * sizeof *list.at);
    list.at[c->n_copy] = (hone_named){ HONE__RUN_SUMS, c->sums };
    return c->keep == 1 ? hone_safetensors_save(c->path, list, &metadata)
                        : write_kept(c, list, &metadata);
}

/* ---- its thread */

/* It takes what the training's threads leave, where there is no CPU for it alone. */
enum { NICER = 19 };

static void *run(void *arg)
{
    hone_checkpoint *c = arg;
    const id_t self = (id_t)gettid();
    hone__pin_thread(HONE__RELEASED, 0); /* the calling thread may have one core only */
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + NICER);
    c->status = write_file(c);
    if (c->status != HONE_OK)
        hone__format(c->message, sizeof c->message, "%s", hone_error_message());
    atomic_store_explicit(&c->done, true, memory_order_release);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool begin_thread(hone_checkpoint *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool begun = pthread_create(&c->thread, NULL, run, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return begun;
}

hone_status hone__run_write(hone_checkpoint *c)
{
    atomic_store(&c->done, false);
    if (c->foreground || !begin_thread(c)) /* a thread too many: then it takes its time here */
        return write_file(c);
    c->process = getpid();
    return HONE_OK;
}

void hone__run_settle(hone_checkpoint *c)
{
    if (c->process == getpid())
        pthread_join(c->thread, NULL);
    c->process = 0; /* after a fork: the thread is the parent's */
}

hone_status hone__run_result(hone_checkpoint *c)
{
    const hone_status status = c->status;
    c->status = HONE_OK;
    return status == HONE_OK ? HONE_OK : hone_error_set(status, "%s", c->message);
}

bool hone_checkpoint_busy(const hone_checkpoint *c)
{
    return c && c->process == getpid() && !atomic_load_explicit(&c->done, memory_order_acquire);
}

hone_status hone_checkpoint_wait(hone_checkpoint *c)
{
    if (!c)
        return hone__error_missing("checkpoint_wait", "a checkpoint");
    hone__run_settle(c);
    return hone__run_result(c);
}
