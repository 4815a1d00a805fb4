/* bf16_mode.h: the CPU's own flushing of denormals, for FMAs that do a step (bf16_step.h): operands
 * and results. x86 flushes just as a step does. Arm calls results tiny before they are rounded, but
 * tells that it met one: what was computed then is computed again, step by step.
 *
 * What is between enter and leave has to be a call that isn't inlined: the compiler doesn't know that
 * arithmetic depends on the mode. */
#ifndef HONE_GEMM_BF16_MODE_H
#define HONE_GEMM_BF16_MODE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

typedef unsigned hone__bf16_mode;

static inline hone__bf16_mode hone__bf16_enter(void)
{
    enum { FTZ_DAZ = 0x8040 };
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | FTZ_DAZ);
    return before;
}

/** If something was tiny that may have to be settled. */
static inline bool hone__bf16_leave(hone__bf16_mode before)
{
    _mm_setcsr(before);
    return false;
}

#elif defined(__aarch64__)

typedef struct {
    uint64_t control, status;
} hone__bf16_mode;

enum { HONE__FPCR_FZ = 1 << 24, HONE__FPSR_UFC = 1 << 3 };

static inline hone__bf16_mode hone__bf16_enter(void)
{
    hone__bf16_mode before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(before.status));
    __asm__ volatile("msr fpcr, %0" ::"r"(before.control | HONE__FPCR_FZ));
    __asm__ volatile("msr fpsr, %0" ::"r"(before.status & ~(uint64_t)HONE__FPSR_UFC) : "memory");
    return before;
}

static inline bool hone__bf16_leave(hone__bf16_mode before)
{
    uint64_t status;
    __asm__ volatile("mrs %0, fpsr" : "=r"(status)::"memory");
    __asm__ volatile("msr fpsr, %0" ::"r"(before.status));
    __asm__ volatile("msr fpcr, %0" ::"r"(before.control));
    return status & HONE__FPSR_UFC;
}

#endif
#endif
