/* writer.h: text and bytes that are written twice: first to measure them, then into their place. */
#ifndef HONE_IO_WRITER_H
#define HONE_IO_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *bytes; /* NULL: count only */
    size_t n;
} hone__writer;

void hone__write(hone__writer *w, const void *bytes, size_t n);
void hone__write_text(hone__writer *w, const char *text);
void hone__write_number(hone__writer *w, int64_t number);
/** A string of JSON, in its quotes. */
void hone__write_json(hone__writer *w, const char *text);

#endif
