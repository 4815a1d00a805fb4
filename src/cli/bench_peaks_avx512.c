/* bench_peaks_avx512.c: the peaks on the vocabulary of avx512. */
#include "vec/vec_avx512.h"

#define BENCH_TABLE bench_peaks_avx512
#include "bench_peaks_body.h"
