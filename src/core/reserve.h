/* reserve.h: the end of a caller's option struct, see HONE_RESERVE in <hone/dtype.h>. */
#ifndef HONE_CORE_RESERVE_H
#define HONE_CORE_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

bool hone__reserve_is_zero(const char *call, const void *reserve, size_t bytes);

/** False + E_VALUE that names the call: the struct has an option that this library doesn't know.
 * options may be NULL. */
#define HONE__KNOWS_OPTIONS(call, options)                                                         \
    (!(options) ||                                                                                 \
     hone__reserve_is_zero(call, (options)->hone_reserve, sizeof(options)->hone_reserve))

#endif
