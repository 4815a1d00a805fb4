/* product M N K FILE: a profile of products [M, K] x [K, N] on one thread, as JSON. */
#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    const int64_t m = atoi(argv[1]), n = atoi(argv[2]), k = atoi(argv[3]);
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_set_threads(1);
    hone_tensor *a = hone_randn(HONE_F32, m, k), *b = hone_randn(HONE_F32, k, n);
    hone_profile_begin(&(hone_profile_options){ .warmup = 5, .events = "none", .json = argv[4] });
    const int64_t steps = (int64_t)(2e10 / (double)(m * n * k)) + 20;
    for (int64_t i = 0; i < steps; i++) {
        HONE_SCOPE();
        hone_matmul(a, b);
        hone_profile_step();
    }
    hone_profile_end();
    if (hone_error_code() != HONE_OK)
        puts(hone_error_message());
    return hone_error_code() != HONE_OK;
}
