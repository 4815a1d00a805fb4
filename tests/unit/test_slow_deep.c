/* A graph of 1,000,000 nodes in a row: made, walked and freed without recursion, on a stack of 256 KB. */
#include "support.h"

#include <hone/hone.h>

#include <pthread.h>

SUITE(deep);

static void *deep(void *done)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F64, 1), true), *y = hone_retain(x);
    for (int i = 0; y && i < 1000000; i++) {
        HONE_SCOPE();
        hone_assign(&y, hone_add_scalar(y, 1));
    }
    hone_tensor_list d = hone_autograd_grad(hone_list(y), hone_list(x), NULL);
    *(bool *)done = d.at && hone_item(d.at[0]) == 1 && hone_item(y) == 1000001;
    hone_tensor *z = hone_retain(x);
    for (int i = 0; z && i < 1000000; i++) { /* freed without a walk */
        HONE_SCOPE();
        hone_assign(&z, hone_add_scalar(z, 1));
    }
    hone_release(z);
    hone_release(y);
    return NULL;
}

Test(deep, a_million_nodes_in_a_row)
{
    pthread_attr_t attributes;
    pthread_t thread;
    bool done = false;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    cr_assert_eq(pthread_create(&thread, &attributes, deep, &done), 0);
    pthread_join(thread, NULL);
    cr_expect(done);
}
