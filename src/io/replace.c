/* replace.c: write beside, fsync, rename, fsync the directory. */
#include "io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The functions below give 0 or an errno. */

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

static int write_and_close(int fd, const hone__part *parts, int n_parts)
{
    const int error = write_parts(fd, parts, n_parts);
    const int closed = close(fd) == 0 ? 0 : errno;
    return error ? error : closed;
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

/* A new file in that directory, with the user's usual permissions. */
static int open_beside(const char *dir, char name[PATH_MAX])
{
    static atomic_uint count;
    for (int tries = 0; tries < 1000; tries++) {
        const unsigned number = atomic_fetch_add(&count, 1u);
        if (snprintf(name, PATH_MAX, "%s/.hone-%ld-%u.tmp", dir, (long)getpid(), number) >=
            PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
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
    const int fd = open_beside(dir, beside);
    if (fd < 0)
        return errno;
    if (old && fchmod(fd, old->st_mode & 07777) != 0)
        errno = 0; /* another's file: the usual permissions have to do */
    int error = write_and_close(fd, parts, n_parts);
    if (!error && rename(beside, path) != 0)
        error = errno;
    if (error)
        unlink(beside);
    else
        sync_directory(dir);
    return error;
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
    return fd < 0 ? errno : write_and_close(fd, parts, n_parts);
}

hone_status hone__replace_file(const char *where, const char *path, const hone__part *parts,
                               int n_parts)
{
    char target[PATH_MAX];
    struct stat old;
    int error;
    const bool exists = stat(path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode))
        error = EISDIR;
    else if (exists && !S_ISREG(old.st_mode))
        error = write_directly(path, parts, n_parts);
    else if (exists && access(path, W_OK) != 0)
        error = errno; /* a file that may not be written may not be replaced either */
    else if (!(error = follow_links(path, target)))
        error = replace(target, exists ? &old : NULL, parts, n_parts);
    if (error)
        return hone_error_set(HONE_E_IO, "%s: can't write %s: %s", where, path, strerror(error));
    return HONE_OK;
}
