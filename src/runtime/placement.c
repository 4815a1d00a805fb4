/* placement.c: the policies for large blocks. Pages are bound by range, never by the policy of the
 * process or thread, which are the caller's. */
#include "runtime/placement.h"
#include "core/core.h"
#include "runtime/topology.h"

#include <hone/runtime.h>

static _Thread_local hone_placement policy; /* HONE_PLACE_LOCAL is 0 */
static _Thread_local int policy_node;

hone_status hone_set_placement(hone_placement placement, int node)
{
    if (!hone__ready())
        return HONE_E_CONFIG;
    const int nodes = hone__topology_get()->numa_nodes;
    if ((unsigned)placement > HONE_PLACE_INTERLEAVE)
        return hone_error_set(HONE_E_VALUE, "set_placement: %d is no placement", (int)placement);
    if (placement == HONE_PLACE_NODE && (node < 0 || node >= nodes || node >= HONE__NODES))
        return hone_error_set(HONE_E_VALUE, "set_placement: node %d, but there are 0 to %d", node,
                              (nodes < HONE__NODES ? nodes : HONE__NODES) - 1);
    policy = placement;
    policy_node = node;
    return HONE_OK;
}

int hone__place_now(void)
{
    switch (policy) {
    case HONE_PLACE_NODE:
        return HONE__PLACE_BOUND + policy_node;
    case HONE_PLACE_PARTITION:
        return HONE__PLACE_PARTITION;
    case HONE_PLACE_INTERLEAVE:
        return HONE__PLACE_INTERLEAVE;
    case HONE_PLACE_LOCAL:
        break;
    }
    const int node = hone__topology_current_node();
    return HONE__PLACE_FIRST_TOUCH + (node < HONE__NODES ? node : 0);
}

/* Each node gets a share by the cores hone may use there, as the team's threads do. */
static void partition(char *p, size_t bytes, size_t wanted, size_t step)
{
    const int nodes = hone__topology_get()->numa_nodes;
    size_t total = 0, before = 0, begin = 0;
    for (int node = 0; node < nodes; node++)
        total += (size_t)hone__topology_node_cores(node);
    for (int node = 0; total > 0 && node < nodes && begin < bytes; node++) {
        before += (size_t)hone__topology_node_cores(node);
        size_t end = (size_t)((double)wanted * (double)before / (double)total);
        end = (end + step / 2) / step * step;
        if (before == total || end > bytes)
            end = bytes;
        if (end > begin) {
            hone__topology_bind(p + begin, end - begin, node);
            begin = end;
        }
    }
}

void hone__place_block(int place, void *p, size_t bytes, size_t wanted, size_t step)
{
    if (place < HONE__PLACE_BOUND || hone__topology_get()->numa_nodes < 2)
        return;
    if (place == HONE__PLACE_PARTITION)
        partition(p, bytes, wanted, step);
    else
        hone__topology_bind(p, bytes,
                            place == HONE__PLACE_INTERLEAVE ? -1 : place - HONE__PLACE_BOUND);
}
