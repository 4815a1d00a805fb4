/* plain.c: text from files, for a terminal. */
#include "cli.h"

#include <stdbool.h>
#include <string.h>

/* Those of ASCII, and U+0080 to U+009F, two bytes in UTF-8. */
static int control_bytes(const char *text, size_t left)
{
    const unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && left > 1 && ((unsigned char)text[1] & 0xe0) == 0x80 ? 2 : 0;
}

int cli_put_plain(FILE *to, const char *text, size_t n, const char *keep)
{
    int width = 0;
    for (size_t i = 0; i < n;) {
        const int bytes = control_bytes(text + i, n - i);
        const bool as_it_is = bytes == 0 || (bytes == 1 && text[i] && strchr(keep, text[i]));
        if (as_it_is && to)
            fputc(text[i], to);
        const int c = (unsigned char)text[i + (bytes == 2)];
        const bool named = c == '\n' || c == '\t';
        if (!as_it_is && to && named)
            fprintf(to, "\\%c", c == '\n' ? 'n' : 't');
        else if (!as_it_is && to)
            fprintf(to, "\\x%02x", (unsigned)c);
        width += as_it_is ? 1 : named ? 2 : 4;
        i += bytes == 2 ? 2 : 1;
    }
    return width;
}
