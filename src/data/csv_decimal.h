/* csv_decimal.h: digits as numbers, for the files that read cells.
 *
 * A decimal number is digits x 10^e. Where the digits fit 64 bits and -27 <= e <= 27, which is what files
 * have, 5^|e| fits 64 bits too, and one product or one division of 128 bits gives the value with all its
 * bits or with a remainder that tells on which side it is: rounded once, correctly. The rest goes to
 * hone__read_f64. There is no table of powers and no error bound to argue about. */
#ifndef HONE_DATA_CSV_DECIMAL_H
#define HONE_DATA_CSV_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>
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

/* The bits of a double that isn't below 0, with a sign. */
static inline int64_t bits_of(double value, bool negative)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (int64_t)(bits | (uint64_t)negative << 63);
}

/* ---- eight digits at once */

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

#endif
