/* cpu.c: CPUID and XGETBV, read directly: a flag of the CPU counts only if the OS keeps the
 * registers that go with it. */
#include "runtime/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdint.h>

typedef struct {
    bool avx2, avx512, avx512_bf16, bits;
} features;

/* Which register states the OS saves: bit 1 xmm, 2 ymm, 5 masks, 6 and 7 zmm. */
static uint32_t saved_states(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static features detect(void)
{
    features f = { false, false, false, false };
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return f;
    const bool fma = c & bit_FMA;
    const uint32_t states = saved_states();
    const bool ymm = (states & 0x06) == 0x06, zmm = (states & 0xe6) == 0xe6;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return f;
    const uint32_t wanted = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    f.avx2 = ymm && fma && (b & bit_AVX2);
    f.avx512 = f.avx2 && zmm && (b & wanted) == wanted;
    const uint32_t last = a, more = b; /* sub-leaf; flags of leaf 7 */
    f.avx512_bf16 =
        f.avx512 && last >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
    f.bits = (more & bit_BMI) && (more & bit_BMI2) && __get_cpuid(0x80000001, &a, &b, &c, &d) &&
             (c & bit_LZCNT);
    return f;
}

bool hone__cpu_has_avx2(void)
{
    return detect().avx2;
}

bool hone__cpu_has_avx512(void)
{
    return detect().avx512;
}

bool hone__cpu_has_bits(void)
{
    return detect().bits;
}

bool hone__cpu_has_avx512_bf16(void)
{
    return detect().avx512_bf16;
}

#else

bool hone__cpu_has_bits(void)
{
    return false;
}

bool hone__cpu_has_avx2(void)
{
    return false;
}

bool hone__cpu_has_avx512(void)
{
    return false;
}

bool hone__cpu_has_avx512_bf16(void)
{
    return false;
}

#endif
