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
