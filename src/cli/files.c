/* files.c: files that the program writes, looked at before the work. */
#include "cli.h"

#include "io/replace.h"

#include <string.h>
#include <sys/stat.h>

bool cli_can_write(const char *command, const char *option, const char *path)
{
    struct stat s;
    if (!path)
        return true;
    if (stat(path, &s) == 0 && !S_ISREG(s.st_mode)) {
        cli_error(CLI_FAILED, command, "--%s %s: not a regular file", option, path);
        return false;
    }
    const int error = hone__replace_try(path);
    if (error)
        cli_error(CLI_FAILED, command, "--%s %s: %s", option, path, strerror(error));
    return !error;
}
