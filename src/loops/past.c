/* past.c: what is too large for the caches. */
#include "loops/past.h"

#include "isa/isa.h"
#include "runtime/parallel.h"
#include "runtime/topology.h"

enum { DEFAULT_CACHE = 32 << 20 };

bool hone__exceeds_caches(int64_t bytes)
{
    const hone__topology *machine = hone__topology_get();
    const int threads = hone__team_size();
    const int sharers = machine->l3_cores > 0 ? machine->l3_cores : threads;
    if (machine->l3_bytes > 0)
        return bytes > machine->l3_bytes * ((threads + sharers - 1) / sharers);
    return bytes > (machine->l2_bytes > 0 ? machine->l2_bytes * threads : DEFAULT_CACHE);
}

bool hone__goes_past(int64_t bytes)
{
    return hone__k->write_past && hone__exceeds_caches(bytes);
}
