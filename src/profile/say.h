/* say.h: text to a file without the locale. */
#ifndef HONE_PROFILE_SAY_H
#define HONE_PROFILE_SAY_H

#include "core/text.h"

#include <stdio.h>

/** fprintf as in the C locale, up to 4 KB. */
static inline void hone__say(FILE *to, const char *format, ...) HONE_PRINTF(2, 3);
static inline void hone__say(FILE *to, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    hone__vformat(text, sizeof text, format, args);
    va_end(args);
    fputs(text, to);
}

#endif
