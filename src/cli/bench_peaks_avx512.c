/* bench_peaks_avx512.c: the peaks on the vocabulary of avx512. */
#include "vec/vec_avx512.h"

#define BENCH_TABLE     bench_peaks_avx512
#define BENCH_SLEEF_F32 "f16_u10avx512f"
#define BENCH_SLEEF_F64 "d8_u10avx512f"
#include "bench_peaks_body.h"
