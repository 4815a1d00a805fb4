/* csv_avx2.c: hone__csv_run by vectors of 32 bytes. What ends a number is found by one comparison; its last 32 digits,
 * those before it made 0, become two numbers of 16 digits. Their quotient by 10^n is taken by one product with a
 * truncated inverse, which lies less than 4 units of the last of 64 bits too low: where half of the 53rd bit is that
 * near (5 of 2048 numbers) the exact division tells. */
#include "data/csv.h"
#include "data/csv_decimal.h"

#include <immintrin.h>

/* Digits behind the point: 18 and one before it fit 64 bits; with a 0 before it there may be more zeros. */
enum { BYTES = 32, MOST_AFTER = 22, MOST_WITH_HEAD = 18 };

#define NINE 255, 255, 255, 255, 255, 255, 255, 255, 255
static const uint8_t keep[BYTES + MOST_AFTER] = { [BYTES] = NINE, NINE, 255, 255, 255, 255 };

static const uint64_t tens[MOST_AFTER + 1] = { 1,
                                               10,
                                               100,
                                               1000,
                                               10000,
                                               100000,
                                               1000000,
                                               10000000,
                                               100000000,
                                               1000000000,
                                               10000000000,
                                               100000000000,
                                               1000000000000,
                                               10000000000000,
                                               100000000000000,
                                               1000000000000000,
                                               10000000000000000,
                                               100000000000000000,
                                               1000000000000000000 };

/* Of the n digits, at most MOST_AFTER, that end before `stop`; false: it has more than 19 digits. */
static inline bool digits_before(const char *stop, int n, uint64_t *digits)
{
    const __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(stop - BYTES));
    const __m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)(keep + n));
    const __m256i one = _mm256_and_si256(_mm256_sub_epi8(text, _mm256_set1_epi8('0')), mask);
    const __m256i two = _mm256_maddubs_epi16(one, _mm256_set1_epi16(1 << 8 | 10));
    const __m256i four = _mm256_madd_epi16(two, _mm256_set1_epi32(1 << 16 | 100));
    const __m256i eight =
        _mm256_madd_epi16(_mm256_packus_epi32(four, four), _mm256_set1_epi32(1 << 16 | 10000));
    const __m256i sixteen = _mm256_add_epi64(_mm256_mul_epu32(eight, _mm256_set1_epi64x(100000000)),
                                             _mm256_srli_epi64(eight, 32));
    const uint64_t first = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(sixteen)),
                   last = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(sixteen, 1));
    *digits = first * tens[16] + last;
    return first < 1000;
}

/* digits / 10^n, digits > 0 */
static inline double quotient(uint64_t digits, int n)
{
    const int up = __builtin_clzll(digits);
    const uint64_t inverse = power_of_5[n].inverse >> 1 | UINT64_C(1) << 63;
    const uint64_t high = (uint64_t)((unsigned __int128)(digits << up) * inverse >> 64);
    const int more = (int)(high >> 63 ^ 1);
    const uint64_t m = high << more, cut = m & 0x7FF;
    if (cut - 0x3FC <= 4)
        return decimal_down(digits, n);
    const int e = power_of_5[n].shift - n - up - 63 - more + 11 + 52 + 1023;
    const uint64_t bits = ((uint64_t)(e - 1) << 52) + (m >> 11) + (cut > 0x400);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int64_t hone__csv_run_avx2(const hone__csv_row *row, int64_t k, const char **place, bool *last)
{
    const char *at = *place, *const end = row->end, separator = row->separator;
    const int64_t n = row->n;
    uint8_t *const kind = row->kind;
    int64_t *const cell = row->cell;
    bool ended = false;
    if (at - row->begin < BYTES)
        return hone__csv_run(row, k, place, last);
    while (k < n && !ended && end - at >= BYTES) {
        const __m256i off = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)at),
                                            _mm256_set1_epi8('0'));
        const __m256i other = _mm256_cmpeq_epi8(_mm256_max_epu8(off, _mm256_set1_epi8(10)), off);
        const uint32_t others = (uint32_t)_mm256_movemask_epi8(other);
        const uint32_t negative = others & 1, points = others - negative;
        if (!points || (negative & (uint32_t)(*at != '-'))) /* signs come as they like: no branch */
            break;
        const char *point = at + __builtin_ctz(points), *stop = point;
        const int before = (int)(point - at) - (int)negative;
        const bool real = *point == '.';
        uint64_t head = 0;
        int digits = before;
        if (real) {
            const uint32_t stops = points & (points - 1);
            if (!stops)
                break;
            stop = at + __builtin_ctz(stops);
            digits = (int)(stop - point) - 1;
            head = (uint64_t)(point[-1] - '0');
        }
        if (before != 1) {
            if (before < 1 || (real && before > 7) || at[negative] == '0')
                break;
            if (real)
                head = value_of_some(eight_at(at + negative), before);
        }
        uint64_t all;
        if ((digits > MOST_WITH_HEAD && (head || digits > MOST_AFTER)) ||
            (before != 1 && real && before + digits > MOST_DIGITS) ||
            (*stop != separator && *stop != '\n') || !digits_before(stop, digits, &all))
            break;
        all += head * tens[digits];
        if (real) {
            cell[k] = bits_of(all ? quotient(all, digits) : 0, negative);
            kind[k++] = HONE__CELL_REAL;
        } else {
            if (negative & (uint32_t)!all)
                break;
            cell[k] = (int64_t)((all ^ -(uint64_t)negative) + negative);
            kind[k++] = HONE__CELL_WHOLE;
        }
        ended = *stop != separator;
        at = stop + 1; /* which needn't wait for what is there */
    }
    *place = at;
    *last = ended;
    return k;
}
