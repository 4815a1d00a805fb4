/* search.c: see search.h. */
#include "autograd/search.h"

#include "runtime/memory.h"

void hone__search_begin(hone__search *s)
{
    static atomic_uint_fast64_t stamps;
    s->stamp = atomic_fetch_add_explicit(&stamps, 1, memory_order_relaxed) + 1;
    s->n = 0;
    s->room = HONE__SEARCH_INLINE;
    s->stack = s->inline_stack;
}

bool hone__meet(hone__search *s, hone_context *node)
{
    if (!node || atomic_load_explicit(&node->met, memory_order_relaxed) == s->stamp)
        return true;
    atomic_store_explicit(&node->met, s->stamp, memory_order_relaxed);
    if (s->n == s->room) {
        hone_context **more = hone__grown(s->stack, s->inline_stack, &s->room, sizeof *more);
        if (!more)
            return false;
        s->stack = more;
    }
    s->stack[s->n++] = hone__node_retain(node);
    return true;
}

hone_context *hone__search_next(hone__search *s)
{
    return s->n > 0 ? s->stack[--s->n] : NULL;
}

void hone__search_end(hone__search *s)
{
    if (s->stack != s->inline_stack)
        hone__free(s->stack);
}
