/* peaks_neon.c: the peaks on the vocabulary of neon. */
#include "vec/vec_neon.h"

#define BENCH_TABLE     hone__peaks_neon
#define BENCH_SLEEF_F32 "f4_u10advsimd"
#define BENCH_SLEEF_F64 "d2_u10advsimd"
#include "profile/peaks_body.h"
