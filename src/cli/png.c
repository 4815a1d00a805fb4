/* png.c: PNG as its specification (W3C, third edition) has it, by zlib, in base64. */
#include "png.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put_base64(FILE *to, const unsigned char *at, size_t bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        const size_t n = bytes - i < 3 ? bytes - i : 3;
        const unsigned word = (unsigned)at[i] << 16 | (n > 1 ? (unsigned)at[i + 1] << 8 : 0u) |
                              (n > 2 ? (unsigned)at[i + 2] : 0u);
        for (unsigned j = 0; j < 4; j++)
            fputc(j <= n ? digit[word >> (18 - 6 * j) & 63] : '=', to);
    }
}

static unsigned char *put32(unsigned char *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *at++ = (unsigned char)(v >> (24 - 8 * i));
    return at;
}

/* Length, name, content, check sum. */
static unsigned char *put_chunk(unsigned char *at, const char *name, const void *data, size_t bytes)
{
    unsigned char *begin = put32(at, (uint32_t)bytes);
    memcpy(begin, name, 4);
    if (bytes > 0)
        memcpy(begin + 4, data, bytes);
    return put32(begin + 4 + bytes, (uint32_t)crc32(0, begin, (uInt)(bytes + 4)));
}

static unsigned char to_byte(float v)
{
    return v >= 1 ? 255 : v > 0 ? (unsigned char)(v * 255 + 0.5f) : 0; /* NaN is black */
}

/* Rows of pixels, a filter's number (0: none) before each. */
static void fill_rows(unsigned char *row, const float *planes, int channels, int height, int width)
{
    for (int y = 0; y < height; y++) {
        *row++ = 0;
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                *row++ = to_byte(planes[((size_t)c * height + y) * width + x]);
    }
}

/* The file's bytes, malloc'ed; NULL: no memory. */
static unsigned char *make_file(const float *planes, int channels, int height, int width,
                                size_t *file_bytes)
{
    static const unsigned char signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };
    const size_t bytes = (size_t)height * ((size_t)width * channels + 1);
    uLongf packed_bytes = compressBound(bytes);
    unsigned char *rows = malloc(bytes), *packed = malloc(packed_bytes),
                  *file = malloc(packed_bytes + 64), *at = file;
    bool done = rows && packed && file;
    if (done)
        fill_rows(rows, planes, channels, height, width);
    done = done && compress2(packed, &packed_bytes, rows, bytes, 9) == Z_OK;
    if (done) {
        unsigned char header[13] = { [8] = 8, [9] = channels == 3 ? 2 : 0 };
        put32(put32(header, (uint32_t)width), (uint32_t)height);
        memcpy(at, signature, sizeof signature);
        at = put_chunk(at + sizeof signature, "IHDR", header, sizeof header);
        at = put_chunk(at, "IDAT", packed, packed_bytes);
        at = put_chunk(at, "IEND", NULL, 0);
        *file_bytes = (size_t)(at - file);
    }
    free(rows);
    free(packed);
    if (!done)
        free(file);
    return done ? file : NULL;
}

bool png_write_data(FILE *to, const float *planes, int channels, int height, int width)
{
    size_t bytes;
    unsigned char *file = make_file(planes, channels, height, width, &bytes);
    if (!file)
        return false;
    fputs("data:image/png;base64,", to);
    put_base64(to, file, bytes);
    free(file);
    return true;
}

bool png_write(FILE *to, const float *planes, int channels, int height, int width)
{
    size_t bytes;
    unsigned char *file = make_file(planes, channels, height, width, &bytes);
    if (file)
        fwrite(file, 1, bytes, to);
    free(file);
    return file;
}
