/* sha256.h: SHA-256 (FIPS 180-4), for tests. */
#ifndef TESTS_SHA256_H
#define TESTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint8_t block[64];
    uint64_t bytes;
} sha256;

sha256 sha256_begin(void);
void sha256_add(sha256 *s, const void *data, size_t n);
/** In hexadecimal digits. */
void sha256_end(sha256 *s, char digest[65]);

#endif
