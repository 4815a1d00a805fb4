/* walk.c: see walk.h. */
#include "autograd/walk.h"

static _Thread_local char thread_mark;

bool hone__node_is_claimed(hone_context *node)
{
    return atomic_load_explicit(&node->walker, memory_order_acquire) == &thread_mark;
}

bool hone__node_claim(hone_context *node)
{
    const void *walker = NULL;
    if (hone__node_is_claimed(node) ||
        atomic_compare_exchange_strong_explicit(&node->walker, &walker, &thread_mark,
                                                memory_order_acquire, memory_order_acquire))
        return true;
    hone_error_set(
        HONE_E_STATE,
        "backward: another thread's walk goes through this graph (at %s); walks that share "
        "a part must go one after the other",
        hone__call_name(node));
    return false;
}

void hone__node_leave(hone_context *node)
{
    atomic_store_explicit(&node->walker, NULL, memory_order_release);
}
