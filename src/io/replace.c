/* replace.c: write beside, fsync, rename, fsync the directory. */
#include "io/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- a signal that a write raises is for this thread, and would end the process: its errno tells
 * the same */

typedef struct {
    sigset_t raised, before, pending;
} quiet;

static quiet quiet_begin(void)
{
    quiet q;
    sigemptyset(&q.raised);
    sigaddset(&q.raised, SIGPIPE);
    sigaddset(&q.raised, SIGXFSZ);
    sigpending(&q.pending);
    pthread_sigmask(SIG_BLOCK, &q.raised, &q.before);
    return q;
}

static void quiet_end(const quiet *q)
{
    static const int signals[] = { SIGPIPE, SIGXFSZ };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, signals[i]);
        while (!sigismember(&q->pending, signals[i]) &&
               sigtimedwait(&one, NULL, &(struct timespec){ 0 }) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

/* ---- writing: the functions below give 0 or an errno */

static int write_all(int fd, const hone__part *part)
{
    const char *at = part->data;
    for (size_t left = part->bytes; left > 0;) {
        const ssize_t n = write(fd, at, left < 1u << 30 ? left : 1u << 30);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}

static int write_parts(int fd, const hone__part *parts, int n_parts)
{
    for (int i = 0; i < n_parts; i++) {
        const int error = write_all(fd, &parts[i]);
        if (error)
            return error;
    }
    /* A pipe or a terminal can't be synchronised, and needs not. */
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
}

/* Splits the directory off: "" gives "." */
static void directory_of(const char *path, char dir[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(dir, PATH_MAX, ".");
    else
        snprintf(dir, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* ---- the unfinished file beside: locked by who writes it, so that what a killed process left is
 * told from what another one is writing right now, also from another container or machine */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

hone__beside_stem_text hone__beside_stem(const char *path)
{
    hone__beside_stem_text stem;
    uint64_t hash =
        0xcbf29ce484222325u; /* FNV-1a: the name itself may be as long as names can be */
    for (const char *c = name_of(path); *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(stem.s, sizeof stem.s, ".hone-%016" PRIx64 "-", hash);
    return stem;
}

/* Removes what was left beside `path`. What can't be told or removed stays. */
static void remove_left(const char *path, const char *dir)
{
    const hone__beside_stem_text stem = hone__beside_stem(path);
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (strncmp(entry->d_name, stem.s, strlen(stem.s)) != 0)
            continue;
        const int fd =
            openat(dirfd(d), entry->d_name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(d), entry->d_name, 0);
        close(fd);
    }
    closedir(d);
}

/* False if somebody who cleans up was faster than the lock. */
static bool lock_beside(int fd)
{
    struct stat st;
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    return fstat(fd, &st) != 0 || st.st_nlink > 0;
}

/* A new file in the directory of `path`, with the user's usual permissions. */
static int open_beside(const char *path, const char *dir, char name[PATH_MAX])
{
    static atomic_uint count;
    const hone__beside_stem_text stem = hone__beside_stem(path);
    remove_left(path, dir);
    for (int tries = 0; tries < 1000; tries++) {
        const unsigned number = atomic_fetch_add(&count, 1u);
        if (snprintf(name, PATH_MAX, "%s/%s%ld-%u.tmp", dir, stem.s, (long)getpid(), number) >=
            PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            return -1;
        if (fd >= 0 && lock_beside(fd))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

/* The directory's entry must reach the disk too; some file systems can't, and then it can't be
 * helped. */
static void sync_directory(const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static int replace(const char *path, const struct stat *old, const hone__part *parts, int n_parts)
{
    char dir[PATH_MAX], beside[PATH_MAX];
    directory_of(path, dir);
    const int fd = open_beside(path, dir, beside);
    if (fd < 0)
        return errno;
    if (old && fchmod(fd, old->st_mode & 07777) != 0)
        errno = 0; /* another's file: the usual permissions have to do */
    int error = write_parts(fd, parts, n_parts);
    if (!error && rename(beside, path) != 0)
        error = errno;
    if (error)
        unlink(beside);
    close(fd); /* after the rename: with it goes the lock. All data is on the disk. */
    if (!error)
        sync_directory(dir);
    return error;
}

/* All but the rename itself. Others may try the same name at the same time, as ranks do: it comes and
 * goes. */
static int try_replace(const char *path, bool exists)
{
    char dir[PATH_MAX], beside[PATH_MAX];
    directory_of(path, dir);
    int fd = open_beside(path, dir, beside);
    if (fd < 0)
        return errno;
    int error = write_all(fd, &(hone__part){ "", 1 });
    if (unlink(beside) != 0 && !error)
        error = errno;
    close(fd);
    if (error)
        return error;
    /* Whether the old file may be replaced (another user's in a sticky directory and an append-only
     * one may not) is what rmdir asks before it finds that it is no directory. */
    if (exists)
        return rmdir(path) == 0 || errno == ENOTDIR || errno == ENOENT ? 0 : errno;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); /* the name itself */
    if (fd < 0)
        return errno == EEXIST ? 0 : errno;
    close(fd);
    return unlink(path) == 0 ? 0 : errno;
}

/* The file that a path leads to behind symbolic links, which stay links; also one that is not there
 * yet. */
static int follow_links(const char *path, char target[PATH_MAX])
{
    enum { MOST_LINKS = 40 };
    char link[PATH_MAX], dir[PATH_MAX];
    if (snprintf(target, PATH_MAX, "%s", path) >= PATH_MAX)
        return ENAMETOOLONG;
    for (int i = 0; i < MOST_LINKS; i++) {
        const ssize_t length = readlink(target, link, sizeof link - 1);
        if (length < 0) /* EINVAL: no link; ENOENT: nothing there */
            return errno == EINVAL || errno == ENOENT ? 0 : errno;
        link[length] = 0;
        directory_of(target, dir);
        const bool absolute = link[0] == '/';
        if (snprintf(target, PATH_MAX, "%s%s%s", absolute ? "" : dir, absolute ? "" : "/", link) >=
            PATH_MAX)
            return ENAMETOOLONG;
    }
    return ELOOP;
}

static int write_directly(const char *path, const hone__part *parts, int n_parts)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const int error = write_parts(fd, parts, n_parts);
    const int closed = close(fd) == 0 ? 0 : errno;
    return error ? error : closed;
}

/* ---- what a path is */

typedef struct {
    char target[PATH_MAX]; /* behind links; unless it is to be written to directly */
    struct stat old;
    bool exists, directly;
} place;

static int look_at(const char *path, place *p)
{
    p->exists = stat(path, &p->old) == 0;
    p->directly = p->exists && !S_ISREG(p->old.st_mode);
    if (p->exists && S_ISDIR(p->old.st_mode))
        return EISDIR;
    if (p->directly)
        return 0;
    if (p->exists && access(path, W_OK) != 0 && errno != ENOENT)
        return errno; /* a file that may not be written may not be replaced either */
    return follow_links(path, p->target);
}

hone_status hone__replace_file(const char *where, const char *path, const hone__part *parts,
                               int n_parts)
{
    place p;
    const quiet q = quiet_begin();
    int error = look_at(path, &p);
    if (!error)
        error = p.directly ? write_directly(path, parts, n_parts)
                           : replace(p.target, p.exists ? &p.old : NULL, parts, n_parts);
    quiet_end(&q);
    if (error)
        return hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, path, strerror(error));
    return HONE_OK;
}

int hone__replace_try(const char *path)
{
    place p;
    const quiet q = quiet_begin();
    int error = look_at(path, &p);
    if (!error)
        error =
            p.directly ? (access(path, W_OK) == 0 ? 0 : errno) : try_replace(p.target, p.exists);
    quiet_end(&q);
    return error;
}
