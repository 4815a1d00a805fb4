/* progress.c: the live bar and plain lines. */
#include "progress.h"

#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

progress progress_new(bool quiet)
{
    const char *term = getenv("TERM");
    bool live = !quiet && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
    return (progress){ .quiet = quiet, .live = live, .utf8 = live && locale_is_utf8() };
}

int progress_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool progress_due(progress *p)
{
    return p->live && cli_seconds() >= p->next_draw;
}

void progress_bar(progress *p, const char *left, int64_t done, int64_t total, const char *right)
{
    if (!progress_due(p))
        return;
    p->next_draw = cli_seconds() + 0.1;
    int room = progress_columns() - 1 - (int)strlen(left) - (int)strlen(right) - 4;
    int width = room > 30 ? 30 : room;
    double share = total > 0 ? (double)done / (double)total : 0;
    fputs("\r\033[K", stdout);
    fputs(left, stdout);
    if (width >= 4) {
        int full = (int)(share * width);
        fputs(" [", stdout);
        for (int i = 0; i < width; i++)
            fputs(i >= full ? " " : p->utf8 ? "█" : "#", stdout);
        fputs("] ", stdout);
        fputs(right, stdout);
    }
    fflush(stdout);
    p->drawn = true;
}

void progress_note(progress *p, const char *text)
{
    if (!p->live)
        return;
    printf("\r\033[K%.*s", progress_columns() - 1, text);
    fflush(stdout);
    p->drawn = true;
}

void progress_clear(progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stdout);
    p->drawn = false;
}

void progress_line(progress *p, const char *format, ...)
{
    if (p->quiet)
        return;
    progress_clear(p);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout); /* a pipe or a log file should see each epoch as it ends */
}

progress_text progress_time(double seconds)
{
    progress_text text;
    long long s = seconds < 0 ? 0 : seconds > 1e9 ? 1000000000LL : (long long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text.s, sizeof text.s, "%lld:%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    else
        snprintf(text.s, sizeof text.s, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return text;
}
