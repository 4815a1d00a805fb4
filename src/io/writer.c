/* writer.c: see writer.h. */
#include "io/writer.h"

#include "core/text.h"

#include <string.h>

void hone__write(hone__writer *w, const void *bytes, size_t n)
{
    if (w->bytes && n)
        memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

void hone__write_text(hone__writer *w, const char *text)
{
    hone__write(w, text, strlen(text));
}

void hone__write_number(hone__writer *w, int64_t number)
{
    char digits[24];
    hone__format(digits, sizeof digits, "%lld", (long long)number);
    hone__write_text(w, digits);
}

void hone__write_json(hone__writer *w, const char *text)
{
    hone__write_text(w, "\"");
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        char escape[8];
        if (c == '"' || c == '\\')
            hone__write_text(w, "\\");
        if (c >= 0x20) {
            hone__write(w, text, 1);
        } else {
            hone__format(escape, sizeof escape, "\\u%04x", c);
            hone__write_text(w, escape);
        }
    }
    hone__write_text(w, "\"");
}
