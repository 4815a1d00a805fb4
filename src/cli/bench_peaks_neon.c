/* bench_peaks_neon.c: the peaks on the vocabulary of neon. */
#include "vec/vec_neon.h"

#define BENCH_TABLE bench_peaks_neon
#include "bench_peaks_body.h"
