/* text.h: numbers to text and back without the locale. */
#ifndef HONE_CORE_TEXT_H
#define HONE_CORE_TEXT_H

#include <hone/error.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** snprintf as in the C locale, whatever the program has set. */
int hone__format(char *text, size_t size, const char *format, ...) HONE_PRINTF(3, 4);
int hone__vformat(char *text, size_t size, const char *format, va_list args) HONE_PRINTF(3, 0);

/** Reads a number that is the whole text; correctly rounded, "inf" and "nan" too / within int64_t.
 * False: it is none. */
bool hone__read_f64(const char *text, size_t length, double *value);
bool hone__read_i64(const char *text, size_t length, int64_t *value);

/** The name that is a typing error or two away from a word, or begins with it; NULL: none. */
const char *hone__nearest(const char *word, const char *const *names, int n);

#endif
