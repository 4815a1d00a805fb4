/* unicode.h: what characters are, for byte-pair encodings. */
#ifndef HONE_DATA_UNICODE_H
#define HONE_DATA_UNICODE_H

#include <stdint.h>

typedef enum { HONE__OTHER, HONE__LETTER, HONE__NUMBER, HONE__BLANK } hone__character;

/** Those up to U+FFFF, looked up once. */
typedef struct {
    uint8_t of[0x10000];
} hone__characters;
void hone__characters_make(hone__characters *c);

/** The character at `at` < end; *length: its bytes. What is no UTF-8 is one byte of HONE__OTHER. */
hone__character hone__character_at(const hone__characters *c, const uint8_t *at, const uint8_t *end,
                                   int *length);

/** The length of the piece that GPT-2's pattern finds at `at` < end. */
int64_t hone__gpt2_piece(const hone__characters *c, const uint8_t *at, const uint8_t *end);

/** At `at` < end: the bytes of a valid character, or minus those of the longest beginning of one (or of a
 * byte that begins none). */
int hone__utf8_step(const uint8_t *at, const uint8_t *end);

#endif
