/* profile/peaks.h: loops that do nothing but reach a limit of the machine, one table an ISA, made as
 * the kernels are (simd/isa/isa.h). */
#ifndef HONE_PROFILE_PEAKS_H
#define HONE_PROFILE_PEAKS_H

#include <stdint.h>

/** What a pass over memory reads and writes: the operands' mix. */
typedef enum {
    HONE__STREAM_READ,   /* 1 read */
    HONE__STREAM_WRITE,  /* 1 write */
    HONE__STREAM_COPY,   /* 1 read, 1 write */
    HONE__STREAM_ADD,    /* 2 reads, 1 write */
    HONE__STREAM_UPDATE, /* 2 reads, 1 write over the first of them */
    HONE__STREAMS
} hone__stream;

typedef struct {
    const char *isa;
    /** `rounds` of `chains` independent fused multiply-adds of a vector. */
    float (*fma_f32)(int64_t rounds);
    double (*fma_f64)(int64_t rounds);
    int chains, lanes_f32, lanes_f64;
    /** The same of products of pairs of bf16, for each lane of f32 two multiply-adds; NULL: the ISA has
     * none. Only where bf16's kernel is paired (gemm/bf16_kernels.h) has the CPU the instruction. */
    float (*dot_bf16)(int64_t rounds);
    /** `rounds` of four products of AMX's tiles, 16 x 16 x 32 each; only where bf16's kernel is tiled,
     * between its begin and end. */
    void (*tiles_bf16)(int64_t rounds);
    /** out[i] = f(a[i]) or, if b is not NULL, f(a[i], b[i]), f a vector function of another
     * library; n is a multiple of 64. */
    void (*map_f32)(int64_t n, float *out, const float *a, const float *b, void (*f)(void));
    void (*map_f64)(int64_t n, double *out, const double *a, const double *b, void (*f)(void));
    const char *sleef_f32, *sleef_f64; /* SLEEF's exp is Sleef_exp + this */
    /** One pass over n floats (n a multiple of 256). Returns something that depends on all reads.
     */
    float (*stream[HONE__STREAMS])(int64_t n, float *to, const float *a, const float *b);
    /** The same with stores past the caches; `to` begins with a vector of 32 bytes. NULL: the ISA
     * has none, or the kind writes over what it read. */
    float (*past[HONE__STREAMS])(int64_t n, float *to, const float *a, const float *b);
} hone__peaks;

extern const hone__peaks hone__peaks_scalar;
#if defined(__x86_64__)
extern const hone__peaks hone__peaks_avx2, hone__peaks_avx512;
#elif defined(__aarch64__)
extern const hone__peaks hone__peaks_neon;
#endif

#endif
