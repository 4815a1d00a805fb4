#include "sha256.h"

#include <stdio.h>
#include <string.h>

/* The first 32 bits of the fractional part of the n-th root of p, by integers: the largest r with
 * r^n < p 2^(32 n). */
static uint32_t root_bits(uint32_t p, int n)
{
    uint64_t r = 0;
    for (int bit = 36; bit >= 0; bit--) {
        const uint64_t next = r | UINT64_C(1) << bit;
        /* next^n / 2^(32 n) against p; next has at most 37 bits */
        const unsigned __int128 square = (unsigned __int128)next * next;
        const unsigned __int128 low = (unsigned __int128)(uint32_t)square * next >> 32;
        const unsigned __int128 power = n == 2 ? square : (square >> 32) * next + low;
        const int fits = power < (unsigned __int128)p << 64; /* roots of primes: never equal */
        r = fits ? next : r;
    }
    return (uint32_t)r;
}

static uint32_t prime(int i)
{
    for (uint32_t p = 2;; p++) {
        uint32_t d = 2;
        while (p % d)
            d++;
        if (d == p && i-- == 0)
            return p;
    }
}

static uint32_t turned(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void mix(sha256 *s)
{
    static uint32_t constant[64];
    uint32_t w[64], v[8];
    for (int i = 0; constant[63] == 0 && i < 64; i++)
        constant[i] = root_bits(prime(i), 3);
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, s->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = v[0], e = v[4];
        const uint32_t one = v[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                             ((e & v[5]) ^ (~e & v[6])) + constant[i] + w[i];
        const uint32_t two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
                             ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        s->state[i] += v[i];
}

sha256 sha256_begin(void)
{
    sha256 s = { .bytes = 0 };
    for (int i = 0; i < 8; i++)
        s.state[i] = root_bits(prime(i), 2);
    return s;
}

void sha256_add(sha256 *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) {
        s->block[s->bytes++ % 64] = p[i];
        if (s->bytes % 64 == 0)
            mix(s);
    }
}

void sha256_end(sha256 *s, char digest[65])
{
    const uint64_t bits = s->bytes * 8;
    sha256_add(s, "\x80", 1);
    while (s->bytes % 64 != 56)
        sha256_add(s, "", 1);
    for (int i = 0; i < 8; i++)
        sha256_add(s, &(uint8_t){ (uint8_t)(bits >> (56 - 8 * i)) }, 1);
    for (int i = 0; i < 8; i++)
        snprintf(digest + 8 * i, 9, "%08x", s->state[i]);
}
