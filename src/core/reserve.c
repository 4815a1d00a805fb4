/* reserve.c: options that only a newer library knows. */
#include "core/reserve.h"

#include <hone/error.h>

bool hone__reserve_is_zero(const char *call, const void *reserve, size_t bytes)
{
    const unsigned char *at = reserve;
    size_t i = 0;
    while (i < bytes && at[i] == 0)
        i++;
    if (i == bytes)
        return true;
    hone_error_set(
        HONE_E_VALUE,
        "%s: the options hold one that hone %s doesn't know: the program was built for a "
        "newer one, or the struct was not initialised",
        call, HONE_VERSION);
    return false;
}
