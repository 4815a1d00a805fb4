/* text.c: numbers to text and back without the locale. */
#include "core/text.h"

#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* newlocale() of "C" hands out a constant: it takes no memory and can't fail. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The C library's digits follow fegetround(), which on x86-64 is the x87 unit's mode: fpmode.h
 * doesn't reach it. */
static int round_to_nearest(void)
{
    const int before = fegetround();
    if (before != FE_TONEAREST)
        fesetround(FE_TONEAREST);
    return before;
}

static void round_as(int before)
{
    if (before != FE_TONEAREST)
        fesetround(before);
}

int hone__vformat(char *text, size_t size, const char *format, va_list args)
{
    const int rounding = round_to_nearest();
    const locale_t before = uselocale(c_locale());
    const int length = vsnprintf(text, size, format, args);
    uselocale(before);
    round_as(rounding);
    return length;
}

int hone__format(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = hone__vformat(text, size, format, args);
    va_end(args);
    return length;
}

/* ---- reading */

enum { NUMBER_LENGTH = 400 };

/* The text as a C string without blanks that strtod would skip; false: it can't be a number. */
static bool take_text(const char *text, size_t length, char *room)
{
    if (length == 0 || length >= NUMBER_LENGTH || !strchr("+-.0123456789ni", *text))
        return false;
    memcpy(room, text, length);
    room[length] = 0;
    return strlen(room) == length;
}

bool hone__read_f64(const char *text, size_t length, double *value)
{
    char room[NUMBER_LENGTH], *end;
    if (!take_text(text, length, room))
        return false;
    const int rounding = round_to_nearest();
    const locale_t before = uselocale(c_locale());
    *value = strtod(room, &end);
    uselocale(before);
    round_as(rounding);
    return *end == 0;
}

bool hone__read_i64(const char *text, size_t length, int64_t *value)
{
    const bool negative = length > 0 && *text == '-';
    int64_t sum = 0;
    for (size_t i = negative; i < length; i++) {
        const int digit = text[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return false;
    }
    *value = sum;
    return length > (size_t)negative;
}

/* ---- words */

/* Edits (insert, delete, replace, swap of neighbours) between two words; words past 31 letters
 * count as far apart. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t n = strlen(a), m = strlen(b);
    int d[MAX][MAX];
    if (n >= MAX || m >= MAX)
        return MAX;
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (int)(i + j);
                continue;
            }
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[n][m];
}

const char *hone__nearest(const char *word, const char *const *names, int n)
{
    const char *nearest = NULL;
    int best = strlen(word) < 5 ? 2 : 3; /* one edit, or two in a long word: more is no typo */
    for (int i = 0; i < n; i++) {
        size_t length = strlen(word);
        int d = length > 2 && strncmp(word, names[i], length) == 0 ? 1 : distance(word, names[i]);
        if (d < best && d < (int)strlen(names[i])) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
