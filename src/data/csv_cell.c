/* csv_cell.c: numbers, missing values and the rest. */
#include "data/csv.h"

#include "core/text.h"
#include "data/csv_decimal.h"

#include <string.h>

/* digits 10^power, digits > 0 */
static double decimal(uint64_t digits, int power)
{
    if (power <= 0)
        return decimal_down(digits, -power);
    const int up = __builtin_clzll(digits), up5 = power_of_5[power].shift;
    const unsigned __int128 product = (unsigned __int128)(digits << up) * power_of_5[power].five;
    const int more = (int)!(product >> 127);
    const unsigned __int128 top = product << more;
    return rounded((uint64_t)(top >> 64), power + 64 - up - up5 - more, (uint64_t)top != 0);
}

/* ---- the fast way */

/* Adds the digits that follow to *digits, which may overflow. */
static inline const char *take_digits(const char *at, const char *end, uint64_t *digits)
{
    uint64_t sum = *digits;
    while (end - at >= 8) {
        const uint64_t eight = eight_at(at);
        const int n = digits_in(eight);
        if (n < 8) {
            *digits = sum * power_of_10[n] + value_of_some(eight, n);
            return at + n;
        }
        sum = sum * 100000000 + (uint32_t)value_of_eight(eight);
        at += 8;
    }
    while (at < end && (unsigned char)(*at - '0') <= 9)
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    *digits = sum;
    return at;
}

/* Digits from the first that isn't 0 on. */
static int64_t digits_that_count(const char *at, int64_t n)
{
    for (; n > 0 && (*at == '0' || *at == '.'); at++)
        n -= *at == '0';
    return n;
}

static inline bool ends_here(const char *at, const char *end, char separator)
{
    return at == end || *at == separator || *at == '\n' ||
           (*at == '\r' && (at + 1 == end || at[1] == '\n'));
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* The exponent behind e or E; NULL: there is none. */
static const char *take_exponent(const char *at, const char *end, int *power)
{
    const bool down = at < end && *at == '-';
    at += down || (at < end && *at == '+');
    const char *digit = at;
    int n = 0;
    while (digit < end && (unsigned char)(*digit - '0') <= 9 && n < 10000)
        n = n * 10 + (*digit++ - '0');
    *power = down ? -n : n;
    return digit == at ? NULL : digit;
}

bool hone__csv_fast(const char **place, const char *end, char separator, hone__csv_cell *kind,
                    int64_t *whole, double *real)
{
    const char *at = *place;
    while (at < end && *at == ' ')
        at++;
    const char sign = at < end ? *at : 0;
    const bool negative = sign == '-';
    at += negative | (sign == '+'); /* signs come as they like: no branch */
    const char *begin = at;
    uint64_t digits = 0;
    at = take_digits(at, end, &digits);
    const int64_t before = at - begin;
    int64_t after = 0;
    int power = 0;
    if (before > 1 && *begin == '0') /* text, or 00.5 */
        return false;
    if (at < end && *at == '.') {
        const char *point = at + 1;
        at = take_digits(point, end, &digits);
        after = at - point;
    } else if (before > 0 && (at == end || (*at | 32) != 'e')) {
        while (at < end && *at == ' ')
            at++;
        if (before >= MOST_DIGITS || !ends_here(at, end, separator))
            return false;
        *place = at;
        *kind = HONE__CELL_WHOLE;
        *whole = negative ? -(int64_t)digits : (int64_t)digits;
        *real = negative ? -(double)digits : (double)digits;
        return true;
    }
    if (before + after == 0 || after > 1000 ||
        (before + after > MOST_DIGITS && digits_that_count(begin, before + after) > MOST_DIGITS))
        return false;
    if (at < end && (*at | 32) == 'e' && !(at = take_exponent(at + 1, end, &power)))
        return false;
    while (at < end && *at == ' ')
        at++;
    power -= (int)after;
    if (!ends_here(at, end, separator) || (digits && (power < -MOST_POWER || power > MOST_POWER)))
        return false;
    *place = at;
    *kind = HONE__CELL_REAL;
    *real = (digits ? decimal(digits, power) : 0.0) * (1 - 2 * (double)negative);
    return true;
}

/* The digits of at most 19 before and behind the point, all of which lie before the file's end: what nearly
 * all cells are made of. NULL: others. */
static inline const char *take_fraction(const char *at, int before, uint64_t *digits, int *after)
{
    uint64_t eight = eight_at(at), sum = *digits;
    int n = digits_in(eight), done = 0;
    if (n == 8) {
        sum = sum * 100000000 + (uint32_t)value_of_eight(eight);
        eight = eight_at(at + 8);
        n = digits_in(eight);
        done = 8;
    }
    if (n == 8) {
        sum = sum * 100000000 + (uint32_t)value_of_eight(eight);
        eight = eight_at(at + 16);
        n = digits_in(eight);
        done = 16;
    }
    if (before + done + n > MOST_DIGITS || n == 8)
        return NULL;
    *digits = sum * power_of_10[n] + value_of_some(eight, n);
    *after = done + n;
    return at + done + n;
}

int64_t hone__csv_run(const hone__csv_row *row, int64_t k, const char **place, bool *last)
{
    enum { MOST_READ = 1 + 8 + 1 + 24 }; /* bytes that are looked at */
    const char *at = *place, *end = row->end, separator = row->separator;
    for (*last = false; k < row->n && !*last && end - at >= MOST_READ;) {
        const bool negative = *at == '-';
        const char *to = at + (negative | (*at == '+')); /* signs come as they like: no branch */
        const uint64_t eight = eight_at(to);
        const int before = digits_in(eight);
        uint64_t digits = eight & 15;
        if (before != 1) {
            if (before == 0 || before == 8 || *to == '0')
                break;
            digits = value_of_some(eight, before);
        }
        to += before;
        const bool real = *to == '.';
        int after = 0;
        if (real && !(to = take_fraction(to + 1, before, &digits, &after)))
            break;
        if ((*to != separator && *to != '\n') || (negative && !real && !digits))
            break; /* -0 is told from 0 where cells are looked at one by one */
        if (real)
            row->cell[k] = bits_of(digits ? decimal_down(digits, after) : 0, negative);
        else
            row->cell[k] = negative ? -(int64_t)digits : (int64_t)digits;
        row->kind[k++] = real ? HONE__CELL_REAL : HONE__CELL_WHOLE;
        *last = *to != separator;
        at = to + 1;
    }
    *place = at;
    return k;
}

/* ---- the rest */

static bool is_word(const char *at, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && memcmp(*words, at, n) == 0)
            return true;
    return false;
}

static bool is_missing(const char *at, size_t n)
{
    static const char *const words[] = { "",         "#N/A", "#N/A N/A", "#NA",    "-1.#IND",
                                         "-1.#QNAN", "-NaN", "-nan",     "1.#IND", "1.#QNAN",
                                         "<NA>",     "N/A",  "NA",       "NULL",   "NaN",
                                         "None",     "n/a",  "nan",      "null",   NULL };
    return n <= 8 && is_word(at, n, words);
}

/* inf and infinity in any case, as pandas has it. */
static bool read_infinity(const char *at, size_t n, double *real)
{
    char lower[12] = "";
    const bool negative = n > 0 && *at == '-', sign = negative || (n > 0 && *at == '+');
    static const char *const words[] = { "inf", "infinity", NULL };
    if (n > sizeof lower)
        return false;
    for (size_t i = sign; i < n; i++)
        lower[i - sign] = (char)(at[i] | 32);
    if (!is_word(lower, n - sign, words))
        return false;
    *real = negative ? -__builtin_inf() : __builtin_inf();
    return true;
}

/* [+-]digits[.digits][e[+-]digits] with a digit before the exponent, and no 0 before another digit of
 * the whole part. */
static bool is_number(const char *at, size_t n, bool *is_whole)
{
    size_t i = n > 0 && (*at == '+' || *at == '-');
    const size_t begin = i;
    *is_whole = true;
    while (i < n && at[i] >= '0' && at[i] <= '9')
        i++;
    size_t digits = i - begin;
    if (digits > 1 && at[begin] == '0')
        return false;
    if (i < n && at[i] == '.') {
        *is_whole = false;
        const size_t point = ++i;
        while (i < n && at[i] >= '0' && at[i] <= '9')
            i++;
        digits += i - point;
    }
    if (digits == 0)
        return false;
    if (i < n && (at[i] | 32) == 'e') {
        *is_whole = false;
        i++;
        i += i < n && (at[i] == '+' || at[i] == '-');
        const size_t power = i;
        while (i < n && at[i] >= '0' && at[i] <= '9')
            i++;
        if (i == power)
            return false;
    }
    return i == n;
}

hone__csv_cell hone__csv_cell_of(const char *at, const char *end, int64_t *whole, double *real)
{
    at = skip_blanks(at, end);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    const size_t n = (size_t)(end - at);
    bool is_whole;
    if (is_missing(at, n))
        return HONE__CELL_MISSING;
    if (read_infinity(at, n, real))
        return HONE__CELL_REAL;
    if (!is_number(at, n, &is_whole))
        return HONE__CELL_TEXT;
    const size_t plus = *at == '+';
    if (!hone__read_f64(at + plus, n - plus, real))
        return HONE__CELL_TEXT;
    return is_whole && hone__read_i64(at + plus, n - plus, whole) ? HONE__CELL_WHOLE
                                                                  : HONE__CELL_REAL;
}
