/* peaks_avx512.c: the peaks on the vocabulary of avx512. */
#include "vec/vec_avx512.h"

#define BENCH_TABLE     hone__peaks_avx512
#define BENCH_SLEEF_F32 "f16_u10avx512f"
#define BENCH_SLEEF_F64 "d8_u10avx512f"
#include "profile/peaks_body.h"
