/* fpmode.h: rounding and denormals as contract 1 wants them, whatever the caller has set. */
#ifndef HONE_RUNTIME_FPMODE_H
#define HONE_RUNTIME_FPMODE_H

#include <hone/tensor.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <fenv.h>
#endif

typedef uint64_t hone__fpmode;

/* Round to nearest, denormals kept, no traps. The register is only written if it differs: reading
 * it costs a few cycles, writing it tens. */
#if defined(__x86_64__)

#define HONE__FPMODE_CONTROL 0xffc0u /* the other bits are sticky flags */
#define HONE__FPMODE_WANTED  0x1f80u

static inline hone__fpmode hone__fpmode_enter(void)
{
    const unsigned before = _mm_getcsr();
    if ((before & HONE__FPMODE_CONTROL) != HONE__FPMODE_WANTED)
        _mm_setcsr((before & ~HONE__FPMODE_CONTROL) | HONE__FPMODE_WANTED);
    return before;
}
static inline void hone__fpmode_leave(hone__fpmode before)
{
    if ((before & HONE__FPMODE_CONTROL) != HONE__FPMODE_WANTED)
        _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

static inline hone__fpmode hone__fpmode_enter(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (before != 0)
        __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0));
    return before;
}
static inline void hone__fpmode_leave(hone__fpmode before)
{
    if (before != 0)
        __asm__ volatile("msr fpcr, %0" ::"r"(before));
}

#else

static inline hone__fpmode hone__fpmode_enter(void)
{
    const int before = fegetround();
    if (before != FE_TONEAREST)
        fesetround(FE_TONEAREST);
    return (hone__fpmode)before;
}
static inline void hone__fpmode_leave(hone__fpmode before)
{
    if (before != FE_TONEAREST)
        fesetround((int)before);
}

#endif

static inline void hone__fpmode_leave_guard(const hone__fpmode *before)
{
    hone__fpmode_leave(*before);
}

/** Hone's mode until this block is left by any way. Ops and parallel bodies have it already; a
 * public function that is neither and computes with reals begins with it. */
#define HONE__FP_GUARD()                                                                           \
    __attribute__((cleanup(hone__fpmode_leave_guard), unused)) const hone__fpmode HONE_CAT(        \
        hone__fpmode_guard_, __COUNTER__) = hone__fpmode_enter()

#endif
