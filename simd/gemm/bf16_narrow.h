/* bf16_narrow.h: `narrow`, by integers, and `follow` (bf16_kernels.h): loops that compilers turn into
 * vectors; of `narrow` into twice as many instructions of AVX-512 as it takes. */
#ifndef HONE_GEMM_BF16_NARROW_H
#define HONE_GEMM_BF16_NARROW_H

#include "core/half.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __AVX512BW__
#include "gemm/bf16_narrow_avx512.h"
#else
static void narrow(int64_t rows, int64_t n, uint16_t *restrict to, int64_t to_rs,
                   const float *restrict from, int64_t from_rs)
{
    for (int64_t i = 0; i < rows; i++, to += to_rs, from += from_rs) {
        for (int64_t j = 0; j < n; j++) {
            uint32_t bits;
            memcpy(&bits, from + j, sizeof bits);
            to[j] = hone__bf16_of(bits);
        }
    }
}
#endif

static void follow(int64_t rows, int64_t n, float *restrict v, int64_t v_rs,
                   const float *restrict bias, int64_t bias_rs, int64_t bias_cs, bool relu)
{
    for (int64_t i = 0; i < rows; i++, v += v_rs) {
        const float *of_row = bias ? bias + i * bias_rs : NULL;
        for (int64_t j = 0; bias && bias_cs == 1 && j < n; j++) {
            v[j] = v[j] + of_row[j];
        }
        for (int64_t j = 0; bias && bias_cs != 1 && j < n; j++) {
            v[j] = v[j] + of_row[j * bias_cs];
        }
        for (int64_t j = 0; relu && j < n; j++) {
            v[j] = v[j] > 0 || v[j] != v[j] ? v[j] : 0;
        }
    }
}

#endif
