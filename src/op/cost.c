/* cost.c: see cost.h. */
#include "op/cost.h"

void hone__cost_of_rows(const hone__cost_call *call, hone__cost *cost)
{
    (void)call;
    if (cost->read > 2 * cost->written) /* the rows, and at most as much of indices */
        cost->read = 2 * cost->written;
}

void hone__cost_of_product(const hone__cost_call *call, hone__cost *cost, int a, int b)
{
    const double k = hone__cost_extent(call->in[a], 1);
    const double each = hone__cost_numel(call->out) * k;
    cost->madds += each;
    cost->back[a] = cost->back[b] = each;
}
