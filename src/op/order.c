/* order.c: the order of sums of products of bf16 (hone/autocast.h), as users choose it. */
#include "core/core.h"
#include "gemm/pairs.h"

#include <hone/autocast.h>
#include <hone/error.h>

const char *hone_order_name(hone_order order)
{
    if (order == HONE_PAIRS || order == HONE_TILES)
        return order == HONE_TILES ? "tiles" : "pairs";
    hone_error_set(HONE_E_VALUE, "bf16_order: HONE_PAIRS and HONE_TILES there are, not %d",
                   (int)order);
    return NULL;
}

hone_order hone_bf16_order(void)
{
    hone__ready(); /* which reads the environment */
    return hone__bf16_tiles_now() ? HONE_TILES : HONE_PAIRS;
}

hone_order hone_set_bf16_order(hone_order order)
{
    const hone_order previous = hone_bf16_order();
    if (hone_order_name(order))
        hone__bf16_order_set(order == HONE_TILES ? HONE__BF16_TILES : HONE__BF16_PAIRS);
    return previous;
}

void hone_bf16_order_guard(const hone_order *previous)
{
    hone_set_bf16_order(*previous);
}
