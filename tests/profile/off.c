/* Ops in a loop, for callgrind: off KIND N. KIND forward: N ops that nothing is recorded of; training:
 * N / 4 times a forward of four ops and its backward. Prints how many ops were called. */
#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const int n = atoi(argv[2]);
    const bool training = strcmp(argv[1], "training") == 0;
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 8), true);
    if (!training)
        hone_set_grad_enabled(false);
    for (int i = 0; i < n / 4; i++) {
        HONE_SCOPE();
        hone_tensor *y = hone_neg(hone_relu(hone_add_scalar(hone_mul(x, x), 1)));
        if (training)
            hone_backward(hone_sum(y));
    }
    printf("%d\n", n / 4 * 4);
    return hone_error_code() != HONE_OK;
}
