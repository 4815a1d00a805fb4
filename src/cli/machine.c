/* machine.c: see machine.h. */
#include "machine.h"

#include <hone/hone.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "800M" -> bytes; 0: it is none. */
static int64_t bytes_of(const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    const long long n = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    const int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (errno || end == text || n < 1 || n > INT64_MAX >> shift || (*end && (!unit || end[1])))
        return 0;
    return (int64_t)n << shift;
}

/* Which placement the text says; node: of HONE_PLACE_NODE. False: none. */
static bool placement_of(const char *text, hone_placement *placement, int *node)
{
    static const struct {
        const char *name;
        hone_placement placement;
    } names[] = { { "local", HONE_PLACE_LOCAL },
                  { "partition", HONE_PLACE_PARTITION },
                  { "interleave", HONE_PLACE_INTERLEAVE } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            *placement = names[i].placement;
            return true;
        }
    char *end;
    const long n = strtol(text, &end, 10);
    *placement = HONE_PLACE_NODE;
    *node = (int)n;
    return end != text && !*end && n >= 0 && n < 4096;
}

static int refused(const char *command, hone_status status, const char *option, const char *text)
{
    return hone_error_code() == status
               ? cli_error(CLI_USAGE, command, "--%s %s: %s", option, text, hone_error_message())
               : cli_library_error(command);
}

int machine_begin(const char *command, const machine_options *o)
{
    hone_placement placement;
    int node = 0;
    const int64_t bytes = o->memory_limit ? bytes_of(o->memory_limit) : 0;
    if (o->memory_limit && !bytes)
        return cli_error(CLI_USAGE, command,
                         "--memory-limit takes bytes such as 800M or 12G, not '%s'",
                         o->memory_limit);
    if (!placement_of(o->numa, &placement, &node))
        return cli_error(CLI_USAGE, command,
                         "--numa takes local, partition, interleave or a node's number, not '%s'",
                         o->numa);
    if (o->pin)
        setenv("HONE_PIN", "1", 1);
    if (hone_init() != HONE_OK || (o->threads && hone_set_threads((int)o->threads) != HONE_OK))
        return cli_library_error(command);
    if (placement != HONE_PLACE_LOCAL && hone_set_placement(placement, node) != HONE_OK)
        return refused(command, HONE_E_VALUE, "numa", o->numa);
    if (bytes && hone_memory_limit(bytes) != HONE_OK)
        return refused(command, HONE_E_VALUE, "memory-limit", o->memory_limit);
    return CLI_OK;
}
