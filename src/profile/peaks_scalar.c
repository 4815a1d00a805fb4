/* peaks_scalar.c: the peaks on the vocabulary of scalar. */
#include "vec/vec_scalar.h"

#define BENCH_TABLE     hone__peaks_scalar
#define BENCH_SLEEF_F32 "f_u10"
#define BENCH_SLEEF_F64 "_u10"
#include "profile/peaks_body.h"
