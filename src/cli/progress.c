/* progress.c: the live bar and plain lines. */
#include "progress.h"

#include "cli.h"

#include <math.h>
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

/* "[####    ] " of `width` cells behind a blank. */
static void put_bar(const progress *p, double share, int width)
{
    int full = (int)(share * width);
    fputs(" [", stdout);
    for (int i = 0; i < width; i++)
        fputs(i >= full ? " " : p->utf8 ? "█" : "#", stdout);
    fputs("]", stdout);
}

/* How much of the text fits when whole parts are left off. */
static int cut_parts(const char *text, int columns)
{
    int length = (int)strlen(text);
    while (length > columns && length > 0) {
        length--;
        while (length > 0 && !(text[length] == ' ' && text[length - 1] == ' '))
            length--;
        length -= length > 0;
    }
    return length;
}

void progress_bar(progress *p, const char *left, int64_t done, int64_t total, const char *right)
{
    enum { BAR_LEAST = 4, BAR_MOST = 30, BAR_FRAME = 3, GAP = 2 };
    if (!progress_due(p))
        return;
    p->next_draw = cli_seconds() + 0.1;
    /* A full last column would make some terminals begin a new line. */
    int columns = progress_columns() - 1, room = columns - (int)strlen(left) - GAP;
    int shown = cut_parts(right, room), width = room - shown - BAR_FRAME;
    printf("\r\033[K%.*s", columns, left);
    if (width >= BAR_LEAST)
        put_bar(p, total > 0 ? (double)done / (double)total : 0,
                width > BAR_MOST ? BAR_MOST : width);
    if (shown > 0)
        printf("%*s%.*s", GAP, "", shown, right);
    fflush(stdout);
    p->drawn = true;
}

/* The bytes of the first `columns` characters. */
static int cut_utf8(const char *text, int columns)
{
    int i = 0;
    for (; text[i]; i++) {
        bool begins = (text[i] & 0xC0) != 0x80;
        if (begins && columns-- == 0)
            break;
    }
    return i;
}

void progress_note(progress *p, const char *text)
{
    if (!p->live)
        return;
    printf("\r\033[K%.*s", cut_utf8(text, progress_columns() - 1), text);
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

progress_text progress_loss(double loss)
{
    progress_text text;
    if (!isfinite(loss)) /* printf would tell the sign of a NaN, which means nothing */
        snprintf(text.s, sizeof text.s, isnan(loss) ? "nan" : loss < 0 ? "-inf" : "inf");
    else
        snprintf(text.s, sizeof text.s, fabs(loss) < 1000 ? "%.5f" : "%.4g", loss);
    return text;
}
