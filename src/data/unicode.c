/* unicode.c: characters, and GPT-2's pattern over them, written out:
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * The alternatives are tried in this order, each as far as it goes. */
#include "data/unicode.h"

#include "data/unicode_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

_Static_assert(sizeof UNICODE_VERSION >= sizeof "16.0.0", "the table says its version");

static bool is_in(const uint32_t (*range)[2], int n, uint32_t c)
{
    int low = 0, high = n - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (range[middle][0] <= c)
            low = middle;
        else
            high = middle - 1;
    }
    return range[low][0] <= c && c <= range[low][1];
}

/* White_Space. */
static bool is_blank(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

static hone__character character(uint32_t c)
{
    if (is_blank(c))
        return HONE__BLANK;
    if (is_in(letters, sizeof letters / sizeof *letters, c))
        return HONE__LETTER;
    return is_in(numbers, sizeof numbers / sizeof *numbers, c) ? HONE__NUMBER : HONE__OTHER;
}

void hone__characters_make(hone__characters *c)
{
    for (uint32_t i = 0; i < 0x10000; i++)
        c->of[i] = (uint8_t)character(i);
}

int hone__utf8_step(const uint8_t *at, const uint8_t *end)
{
    const uint8_t first = *at;
    uint8_t least = 0x80, most = 0xBF; /* of the second byte: no longer forms, no surrogates */
    if (first < 0x80)
        return 1;
    const int length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4)
        return -1;
    if (first == 0xE0)
        least = 0xA0;
    else if (first == 0xED)
        most = 0x9F;
    else if (first == 0xF0)
        least = 0x90;
    else if (first == 0xF4)
        most = 0x8F;
    for (int i = 1; i < length; i++, least = 0x80, most = 0xBF)
        if (at + i == end || at[i] < least || at[i] > most)
            return -i;
    return length;
}

hone__character hone__character_at(const hone__characters *c, const uint8_t *at, const uint8_t *end,
                                   int *length)
{
    *length = 1;
    if (*at < 0x80)
        return (hone__character)c->of[*at];
    const int n = hone__utf8_step(at, end);
    if (n < 0)
        return HONE__OTHER;
    *length = n;
    uint32_t code = n == 2 ? *at & 0x1Fu : n == 3 ? *at & 0x0Fu : *at & 0x07u;
    for (int i = 1; i < n; i++)
        code = code << 6 | (at[i] & 0x3Fu);
    return code < 0x10000 ? (hone__character)c->of[code] : character(code);
}

static int64_t contraction(const uint8_t *at, const uint8_t *end)
{
    const ptrdiff_t left = end - at;
    if (*at != '\'' || left < 2)
        return 0;
    if (at[1] == 's' || at[1] == 't' || at[1] == 'm' || at[1] == 'd')
        return 2;
    const bool three =
        left > 2 && ((at[1] == 'r' && at[2] == 'e') || (at[1] == 'v' && at[2] == 'e') ||
                     (at[1] == 'l' && at[2] == 'l'));
    return three ? 3 : 0;
}

/* Where the characters of this kind end. */
static const uint8_t *run(const hone__characters *c, const uint8_t *at, const uint8_t *end,
                          hone__character kind, const uint8_t **last)
{
    int length;
    while (at < end && hone__character_at(c, at, end, &length) == kind) {
        *last = at;
        at += length;
    }
    return at;
}

int64_t hone__gpt2_piece(const hone__characters *c, const uint8_t *at, const uint8_t *end)
{
    const int64_t short_form = contraction(at, end);
    const uint8_t *last = at, *begin = at;
    int length;
    if (short_form)
        return short_form;
    if (*at == ' ' && at + 1 < end)
        begin++;
    const hone__character kind = hone__character_at(c, begin, end, &length);
    if (kind != HONE__BLANK)
        return run(c, begin, end, kind, &last) - at;
    const uint8_t *stop = run(c, at, end, HONE__BLANK, &last);
    /* blanks before something else leave it the last one, unless that is all */
    return (stop < end && last > at ? last : stop) - at;
}
