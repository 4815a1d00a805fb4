/* bench_peaks_scalar.c: the peaks on the vocabulary of scalar. */
#include "vec/vec_scalar.h"

#define BENCH_TABLE bench_peaks_scalar
#include "bench_peaks_body.h"
