/* contract_free.h: loops as a compiler makes them where contract 1 does not hold: any order of
 * sums, estimates for divisions and roots, the C library's vector functions, no care for NaN. */
#ifndef HONE_PERF_CONTRACT_FREE_H
#define HONE_PERF_CONTRACT_FREE_H

#include <stdint.h>

typedef void (*free_fn)(int64_t n, float *y, const float *x);

void free_sum(int64_t n, float *y, const float *x); /* y[0] = x[0] + ... */
void free_max(int64_t n, float *y, const float *x); /* y[0] */
void free_sqrt(int64_t n, float *y, const float *x);
void free_rsqrt(int64_t n, float *y, const float *x);
void free_reciprocal(int64_t n, float *y, const float *x);
void free_exp(int64_t n, float *y, const float *x);
void free_log(int64_t n, float *y, const float *x);
void free_sin(int64_t n, float *y, const float *x);
void free_tanh(int64_t n, float *y, const float *x);
void free_sigmoid(int64_t n, float *y, const float *x);
void free_softmax(int64_t n, float *y, const float *x); /* of one row */

#endif
