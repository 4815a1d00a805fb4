/* csv_cell.c: numbers, missing values and the rest.
 *
 * A decimal number is digits x 10^e. Where the digits fit 64 bits and -27 <= e <= 27, which is what files
 * have, 5^|e| fits 64 bits too, and one product or one division of 128 bits gives the value with all its
 * bits or with a remainder that tells on which side it is: rounded once, correctly. The rest goes to
 * hone__read_f64. There is no table of powers and no error bound to argue about. */
#include "data/csv.h"

#include "core/text.h"

#include <string.h>

enum { MOST_POWER = 27, MOST_DIGITS = 19 };

/* 5^n shifted up by `shift` to 64 bits, and the upper part of its inverse, (2^128 - 1) / five - 2^64. */
static const struct {
    uint64_t five, inverse;
    int shift;
} power_of_5[MOST_POWER + 1] = {
    { 0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 63 }, { 0xA000000000000000, 0x9999999999999999, 61 },
    { 0xC800000000000000, 0x47AE147AE147AE14, 59 }, { 0xFA00000000000000, 0x0624DD2F1A9FBE76, 57 },
    { 0x9C40000000000000, 0xA36E2EB1C432CA57, 54 }, { 0xC350000000000000, 0x4F8B588E368F0846, 52 },
    { 0xF424000000000000, 0x0C6F7A0B5ED8D36B, 50 }, { 0x9896800000000000, 0xAD7F29ABCAF48578, 47 },
    { 0xBEBC200000000000, 0x5798EE2308C39DF9, 45 }, { 0xEE6B280000000000, 0x12E0BE826D694B2E, 43 },
    { 0x9502F90000000000, 0xB7CDFD9D7BDBAB7D, 40 }, { 0xBA43B74000000000, 0x5FD7FE17964955FD, 38 },
    { 0xE8D4A51000000000, 0x19799812DEA11197, 36 }, { 0x9184E72A00000000, 0xC25C268497681C26, 33 },
    { 0xB5E620F480000000, 0x6849B86A12B9B01E, 31 }, { 0xE35FA931A0000000, 0x203AF9EE756159B2, 29 },
    { 0x8E1BC9BF04000000, 0xCD2B297D889BC2B6, 26 }, { 0xB1A2BC2EC5000000, 0x70EF54646D496892, 24 },
    { 0xDE0B6B3A76400000, 0x2725DD1D243ABA0E, 22 }, { 0x8AC7230489E80000, 0xD83C94FB6D2AC34A, 19 },
    { 0xAD78EBC5AC620000, 0x79CA10C9242235D5, 17 }, { 0xD8D726B7177A8000, 0x2E3B40A0E9B4F7DD, 15 },
    { 0x878678326EAC9000, 0xE392010175EE5962, 12 }, { 0xA968163F0A57B400, 0x82DB34012B25144E, 10 },
    { 0xD3C21BCECCEDA100, 0x357C299A88EA76A5, 8 },  { 0x84595161401484A0, 0xEF2D0F5DA7DD8AA2, 5 },
    { 0xA56FA5B99019A5C8, 0x8C240C4AECB13BB5, 3 },  { 0xCECB8F27F4200F3A, 0x3CE9A36F23C0FC90, 1 },
};

/* (high 2^64 + low) / five, high < five, by two products: Moeller and Granlund, Improved division by
 * invariant integers (2011), algorithm 4. */
static inline uint64_t divided(uint64_t high, uint64_t low, int n, bool *rest)
{
    const uint64_t five = power_of_5[n].five;
    const unsigned __int128 guess =
        (unsigned __int128)power_of_5[n].inverse * high + ((unsigned __int128)high << 64 | low);
    uint64_t q = (uint64_t)(guess >> 64) + 1, r = low - q * five;
    const uint64_t too_much = -(uint64_t)(r > (uint64_t)guess); /* half of them: no branch */
    q += too_much;
    r += five & too_much;
    if (r >= five) {
        q++;
        r -= five;
    }
    *rest = r != 0;
    return q;
}

/* m 2^e, of which `rest` says whether something was cut off, as the nearest double; m has 64 bits. */
static inline double rounded(uint64_t m, int e, bool rest)
{
    uint64_t kept = m >> 11;
    kept += ((m & 0x7FF) + 0x3FF + ((kept & 1) | rest)) >>
            11;       /* up from the half on, which goes to even */
    if (kept >> 53) { /* 2^53 */
        kept >>= 1;
        e++;
    }
    const uint64_t bits = (uint64_t)(e + 11 + 52 + 1023) << 52 | (kept & ~(UINT64_C(1) << 52));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* digits / 10^n, digits > 0 */
static inline double decimal_down(uint64_t digits, int n)
{
    const int up = __builtin_clzll(digits);
    const uint64_t full = digits << up;
    bool rest;
    const uint64_t q = divided(full >> 1, full << 63, n, &rest);
    const int more = __builtin_clzll(q);
    return rounded(q << more, power_of_5[n].shift - n - up - 63 - more, rest);
}

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

static inline uint64_t eight_at(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    return eight;
}

/* How many bytes, from the lowest on, are digits: what isn't one, less '0', is 10 or more. (A carry goes to
 * bytes behind the first that isn't a digit, which don't count.) */
static inline int digits_in(uint64_t eight)
{
    const uint64_t off = eight ^ 0x3030303030303030u;
    const uint64_t others = ((off + 0x7676767676767676u) | off) & 0x8080808080808080u;
    return others ? __builtin_ctzll(others) >> 3 : 8;
}

/* The number that eight digits are, the first one's in the lowest byte: pairs are put together to pairs of
 * pairs, all at once. */
static inline uint64_t value_of_eight(uint64_t eight)
{
    eight -= 0x3030303030303030u;
    eight = eight * 10 + (eight >> 8);
    const uint64_t mask = 0x000000FF000000FFu;
    return ((eight & mask) * (100 + (UINT64_C(1000000) << 32)) +
            (eight >> 16 & mask) * (1 + (UINT64_C(10000) << 32))) >>
           32;
}

static const uint32_t power_of_10[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };

/* Of n < 8 digits: zeros are put in front, so that nothing is decided digit by digit. */
static inline uint64_t value_of_some(uint64_t eight, int n)
{
    return (uint32_t)value_of_eight((eight << (56 - 8 * n) << 8) | 0x3030303030303030u >> 8 * n);
}

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

int64_t hone__csv_run(const char **place, const char *end, char separator, int64_t n, uint8_t *kind,
                      int64_t *cell, bool *last)
{
    enum { MOST_READ = 1 + 8 + 1 + 24 }; /* bytes that are looked at */
    const char *at = *place;
    int64_t k = 0;
    *last = false;
    while (k < n && !*last && end - at >= MOST_READ) {
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
        if (real) {
            const double value = digits ? decimal_down(digits, after) : 0;
            uint64_t bits;
            memcpy(&bits, &value, sizeof bits);
            cell[k] = (int64_t)(bits | (uint64_t)negative << 63);
        } else {
            cell[k] = negative ? -(int64_t)digits : (int64_t)digits;
        }
        kind[k++] = real ? HONE__CELL_REAL : HONE__CELL_WHOLE;
        *last = *to != separator;
        at = to + !*last;
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
