/* peaks_avx2.c: the peaks on the vocabulary of avx2. */
#include "vec/vec_avx2.h"

#define BENCH_TABLE     hone__peaks_avx2
#define BENCH_SLEEF_F32 "f8_u10avx2"
#define BENCH_SLEEF_F64 "d4_u10avx2"
#include "profile/peaks_body.h"
