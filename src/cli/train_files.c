/* train_files.c: the files that `hone train` writes, looked at before it begins. */
#include "train.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_file(const struct stat *file, const char *path)
{
    struct stat other;
    return path && stat(path, &other) == 0 && file->st_dev == other.st_dev &&
           file->st_ino == other.st_ino;
}

/* The same file by its name, or by what stands there. */
static bool is_same(const char *a, const char *b)
{
    struct stat file;
    return a && b && (strcmp(a, b) == 0 || (stat(a, &file) == 0 && is_file(&file, b)));
}

static bool ends_with(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

int train_check_files(const train_options *o)
{
    const struct {
        const char *option, *path, *ending, *other;
    } files[] = { { "load", o->load },
                  { "log", o->log },
                  { "save", o->save },
                  { "plot", o->plot, ".svg", ".png" },
                  { "report", o->report, ".html" },
                  { "checkpoint", o->checkpoint } };
    enum { N = sizeof files / sizeof *files, LOG = 1, FIRST = 3 };
    for (int i = FIRST; i < N; i++) {
        const char *ending = files[i].ending, *other = files[i].other;
        if (files[i].path && ending && !ends_with(files[i].path, ending) &&
            !(other && ends_with(files[i].path, other)))
            return cli_error(CLI_USAGE, cli_train.name,
                             "--%s %s: the name of such a file ends in %s%s%s", files[i].option,
                             files[i].path, ending, other ? " or " : "", other ? other : "");
        for (int j = 0; j < i; j++)
            if (is_same(files[i].path, files[j].path))
                return cli_error(CLI_USAGE, cli_train.name, "--%s %s: the same file as --%s",
                                 files[i].option, files[i].path, files[j].option);
    }
    for (int i = LOG + 1; i < N && hone_dist_rank() == 0; i++) /* who writes */
        if (!cli_can_write(cli_train.name, files[i].option, files[i].path))
            return CLI_FAILED;
    return CLI_OK;
}

int train_open_log(training *t)
{
    struct stat log;
    bool is_new = access(t->o.log, F_OK) != 0;
    t->log = fopen(t->o.log, "a");
    if (!t->log || fstat(fileno(t->log), &log) != 0)
        return cli_error(CLI_FAILED, cli_train.name, "--log %s: %s", t->o.log, strerror(errno));
    /* With the log open, two new names of one file are seen to be the same. */
    bool same_save = is_file(&log, t->o.save);
    if (!same_save && !is_file(&log, t->o.load))
        return CLI_OK;
    if (is_new)
        unlink(t->o.log);
    return cli_error(CLI_USAGE, cli_train.name, "--log %s: the same file as --%s", t->o.log,
                     same_save ? "save" : "load");
}

int64_t train_log_bytes(const training *t)
{
    struct stat log;
    return t->log && fstat(fileno(t->log), &log) == 0 && S_ISREG(log.st_mode) ? log.st_size : 0;
}

int train_begin_log(training *t)
{
    const int64_t now = train_log_bytes(t), kept = t->log_bytes < now ? t->log_bytes : now;
    if (t->log && ftruncate(fileno(t->log), kept) != 0 && errno != EINVAL) /* EINVAL: not a file */
        return cli_error(CLI_FAILED, cli_train.name, "--log %s: %s", t->o.log, strerror(errno));
    return CLI_OK;
}

int train_close_log(training *t)
{
    if (!t->log)
        return CLI_OK;
    const int error = cli_close(t->log, t->log_error);
    if (error)
        return cli_error(CLI_FAILED, cli_train.name, "%s: can't be written: %s", t->o.log,
                         strerror(error));
    return CLI_OK;
}
