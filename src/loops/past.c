/* past.c: what is too large for the caches. */
#include "loops/past.h"

#include "isa/isa.h"
#include "loops/rows.h"
#include "runtime/parallel.h"
#include "runtime/topology.h"

enum { DEFAULT_CACHE = 32 << 20 };

/* Bytes of an L3 that a core can have: what is more belongs to cores that a virtual machine doesn't see. */
enum { OF_A_CORE = 48 << 20 };

bool hone__exceeds_caches(int64_t bytes)
{
    const hone__topology *machine = hone__topology_get();
    const int threads = hone__team_size();
    const int sharers = machine->l3_cores > 0 ? machine->l3_cores : threads;
    if (machine->l3_bytes > 0) {
        const int64_t l3 = hone__min(machine->l3_bytes, (int64_t)OF_A_CORE * sharers);
        return bytes > l3 * ((threads + sharers - 1) / sharers);
    }
    return bytes > (machine->l2_bytes > 0 ? machine->l2_bytes * threads : DEFAULT_CACHE);
}

bool hone__goes_past(int64_t bytes)
{
    return hone__k->write_past && hone__exceeds_caches(bytes);
}
