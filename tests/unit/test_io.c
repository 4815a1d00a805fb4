/* A file is replaced whole or not at all. */
#include "files.h"
#include "support.h"

#include "io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE_WITH_FILES(io);

static const hone__part parts[] = { { "one ", 4 }, { NULL, 0 }, { "two", 3 } };

static void check_content(const char *path, const char *wanted)
{
    size_t n;
    char *text = test_read(path, &n);
    cr_assert(text);
    cr_assert_str_eq(text, wanted);
    free(text);
}

Test(io, writes_the_parts_one_after_the_other)
{
    const char *path = test_path("f");
    CHECK_OK(hone__replace_file("test", path, parts, 3));
    check_content(path, "one two");
    CHECK_OK(hone__replace_file("test", path, parts, 1));
    check_content(path, "one ");
    cr_assert(test_dir_count() == 1);
}

/* A disk that is full after 1000 bytes; SIGXFSZ would end the process. */
Test(io, a_full_disk_leaves_the_old_file)
{
    static const char large[5000];
    const char *path = test_write("f", "old", 3);
    cr_assert(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1000, RLIM_INFINITY }) == 0);
    const hone_status status =
        hone__replace_file("test", path, &(hone__part){ large, sizeof large }, 1);
    cr_assert(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }) == 0);
    CHECK_FAILS(status, HONE_E_IO, "test: can't write");
    check_content(path, "old");
    cr_assert(test_dir_count() == 1);
}

Test(io, a_full_device_is_an_error)
{
    CHECK_FAILS(hone__replace_file("test", "/dev/full", parts, 3), HONE_E_IO,
                "test: can't write /dev/full: No space left on device");
    struct stat st;
    cr_assert(stat("/dev/full", &st) == 0 && S_ISCHR(st.st_mode));
    CHECK_OK(hone__replace_file("test", "/dev/null", parts, 3));
}

Test(io, a_pipe_without_a_reader_is_an_error)
{
    static const char large[1 << 20];
    const char *path = test_path("pipe");
    cr_assert(mkfifo(path, 0600) == 0);
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    cr_assert(reader >= 0);
    const pid_t child = fork();
    if (child == 0) { /* takes the beginning and goes */
        char byte;
        while (read(reader, &byte, 1) != 1) {
        }
        _exit(0);
    }
    close(reader);
    CHECK_FAILS(hone__replace_file("test", path, &(hone__part){ large, sizeof large }, 1),
                HONE_E_IO, "Broken pipe");
    cr_assert(waitpid(child, NULL, 0) == child);
    sigset_t pending, mask;
    cr_assert(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
    cr_assert(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGPIPE));
}

/* ---- what killed processes left */

static const char *beside(const char *name, const char *rest)
{
    static char left[100];
    snprintf(left, sizeof left, "%s%s", hone__beside_stem(name).s, rest);
    return test_write(left, "half", 4);
}

Test(io, what_was_left_goes_with_the_next_save_to_that_name)
{
    const char *path = test_path("f"), *same = beside("f", "1-0.tmp"),
               *same_too = beside("f", "99999999-7.tmp"), *other = beside("g", "1-0.tmp");
    CHECK_OK(hone__replace_file("test", path, parts, 3));
    cr_assert(access(same, F_OK) != 0 && access(same_too, F_OK) != 0 && access(other, F_OK) == 0);
    cr_assert(test_dir_count() == 2);
}

Test(io, what_another_process_is_writing_stays)
{
    const char *path = test_path("f"), *live = beside("f", "1-0.tmp");
    const int fd = open(live, O_WRONLY);
    cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
    CHECK_OK(hone__replace_file("test", path, parts, 3));
    cr_assert(access(live, F_OK) == 0);
    close(fd);
    CHECK_OK(hone__replace_file("test", path, parts, 3));
    cr_assert(access(live, F_OK) != 0);
}

/* ---- looking first */

Test(io, a_look_changes_nothing)
{
    const char *path = test_write("f", "old", 3);
    struct stat before, after;
    cr_assert(stat(path, &before) == 0);
    cr_assert(hone__replace_try(path) == 0 && hone__replace_try(test_path("new")) == 0);
    check_content(path, "old");
    cr_assert(stat(path, &after) == 0 && before.st_ino == after.st_ino);
    cr_assert(test_dir_count() == 1);
    char name[300];
    memset(name, 'x', 256);
    name[256] = 0;
    cr_assert(hone__replace_try(test_path(name)) == ENAMETOOLONG);
    name[255] = 0;
    cr_assert(hone__replace_try(test_path(name)) == 0);
    cr_assert(hone__replace_try(test_path("no/f")) == ENOENT);
    cr_assert(hone__replace_try(test_path("")) == EISDIR && hone__replace_try("") == ENOENT);
    cr_assert(test_dir_count() == 1);
}

/* As ranks do with the file of their --checkpoint: none may be in another's way. */
static void *look_often(void *path)
{
    uintptr_t failed = 0;
    for (int i = 0; i < 300; i++)
        failed += hone__replace_try(path) != 0;
    return (void *)failed;
}

Test(io, several_look_at_once)
{
    enum { N = 4 };
    pthread_t thread[N];
    void *failed;
    for (int i = 0; i < N; i++)
        cr_assert(pthread_create(&thread[i], NULL, look_often, (char *)test_path("new")) == 0);
    for (int i = 0; i < N; i++)
        cr_assert(pthread_join(thread[i], &failed) == 0 && !failed, "%zu", (size_t)failed);
    cr_assert(test_dir_count() == 0);
}

Test(io, a_link_stays_a_link)
{
    const char *file = test_write("f", "old", 3), *link = test_path("link");
    cr_assert(symlink(file, link) == 0);
    CHECK_OK(hone__replace_file("test", link, parts, 3));
    check_content(file, "one two");
    struct stat st;
    cr_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
}

/* The file that links lead to is made where they say, relative to their own places. */
Test(io, links_to_what_is_not_there_yet)
{
    test_write("sub/other", "", 0);
    cr_assert(symlink("sub/link", test_path("first")) == 0);
    cr_assert(symlink("file", test_path("sub/link")) == 0);
    CHECK_OK(hone__replace_file("test", test_path("first"), parts, 3));
    check_content(test_path("sub/file"), "one two");
    struct stat st;
    cr_assert(lstat(test_path("first"), &st) == 0 && S_ISLNK(st.st_mode));
    cr_assert(lstat(test_path("sub/link"), &st) == 0 && S_ISLNK(st.st_mode));
}

Test(io, links_that_lead_nowhere)
{
    cr_assert(symlink("no/file", test_path("astray")) == 0);
    CHECK_FAILS(hone__replace_file("test", test_path("astray"), parts, 3), HONE_E_IO,
                "No such file or directory");
    cr_assert(symlink("loop", test_path("loop")) == 0);
    CHECK_FAILS(hone__replace_file("test", test_path("loop"), parts, 3), HONE_E_IO,
                "symbolic links");
    cr_assert(test_dir_count() == 2);
}

Test(io, a_new_file_has_the_usual_permissions)
{
    const mode_t mask = umask(027);
    const char *path = test_path("f");
    CHECK_OK(hone__replace_file("test", path, parts, 3));
    umask(mask);
    struct stat st;
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
}

Test(io, places_that_can_not_be_written)
{
    CHECK_FAILS(hone__replace_file("test", test_path(""), parts, 3), HONE_E_IO, "directory");
    CHECK_FAILS(hone__replace_file("test", test_path("no/f"), parts, 3), HONE_E_IO,
                "No such file or directory");
    CHECK_FAILS(hone__replace_file("test", "", parts, 3), HONE_E_IO, "No such file");
    cr_assert(test_dir_count() == 0);
}

Test(io, relative_paths)
{
    cr_assert(chdir(test_path("")) == 0);
    CHECK_OK(hone__replace_file("test", "f", parts, 3));
    check_content(test_path("f"), "one two");
    cr_assert(chdir("/") == 0);
}
