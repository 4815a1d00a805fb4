/* contract_free.c: compiled with -Ofast for this machine alone (perf/CMakeLists.txt). */
#include "contract_free.h"

#include <math.h>

void free_sum(int64_t n, float *y, const float *x)
{
    float sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *y = sum;
}

void free_max(int64_t n, float *y, const float *x)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    *y = most;
}

#define MAP(name, value)                                                                           \
    void free_##name(int64_t n, float *restrict y, const float *restrict x)                        \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i] = value;                                                                          \
    }
MAP(sqrt, sqrtf(x[i]))
MAP(rsqrt, 1 / sqrtf(x[i]))
MAP(reciprocal, 1 / x[i])
MAP(exp, expf(x[i]))
MAP(log, logf(x[i]))
MAP(sin, sinf(x[i]))
MAP(tanh, tanhf(x[i]))
MAP(sigmoid, 1 / (1 + expf(-x[i])))

void free_softmax(int64_t n, float *restrict y, const float *restrict x)
{
    float most, sum = 0;
    free_max(n, &most, x);
    for (int64_t i = 0; i < n; i++) {
        y[i] = expf(x[i] - most);
        sum += y[i];
    }
    const float scale = 1 / sum;
    for (int64_t i = 0; i < n; i++)
        y[i] *= scale;
}
