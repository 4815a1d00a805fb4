/* bench_peaks.h: loops that do nothing but reach a limit of the machine, one table an ISA, made as
 * the kernels are (simd/isa/isa.h). */
#ifndef HONE_CLI_BENCH_PEAKS_H
#define HONE_CLI_BENCH_PEAKS_H

#include <stdint.h>

/** What a pass over memory reads and writes: the operands' mix. */
typedef enum {
    BENCH_READ,   /* 1 read */
    BENCH_WRITE,  /* 1 write */
    BENCH_COPY,   /* 1 read, 1 write */
    BENCH_ADD,    /* 2 reads, 1 write */
    BENCH_UPDATE, /* 2 reads, 1 write over the first of them */
    BENCH_STREAMS
} bench_stream;

typedef struct {
    const char *isa;
    /** `rounds` of `chains` independent fused multiply-adds of a vector. */
    float (*fma_f32)(int64_t rounds);
    double (*fma_f64)(int64_t rounds);
    int chains, lanes_f32, lanes_f64;
    /** out[i] = f(a[i]) or, if b is not NULL, f(a[i], b[i]), f a vector function of another
     * library; n is a multiple of 64. */
    void (*map_f32)(int64_t n, float *out, const float *a, const float *b, void (*f)(void));
    void (*map_f64)(int64_t n, double *out, const double *a, const double *b, void (*f)(void));
    const char *sleef_f32, *sleef_f64; /* SLEEF's exp is Sleef_exp + this */
    /** One pass over n floats (n a multiple of 256). Returns something that depends on all reads.
     */
    float (*stream[BENCH_STREAMS])(int64_t n, float *to, const float *a, const float *b);
    /** The same with stores past the caches; `to` begins with a vector of 32 bytes. NULL: the ISA
     * has none, or the kind writes over what it read. */
    float (*past[BENCH_STREAMS])(int64_t n, float *to, const float *a, const float *b);
} bench_peaks;

extern const bench_peaks bench_peaks_scalar;
#if defined(__x86_64__)
extern const bench_peaks bench_peaks_avx2, bench_peaks_avx512;
#elif defined(__aarch64__)
extern const bench_peaks bench_peaks_neon;
#endif

#endif
