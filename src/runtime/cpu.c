/* cpu.c: CPUID and XGETBV, read directly: a flag of the CPU counts only if the OS keeps the
 * registers that go with it. */
#include "runtime/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdatomic.h>
#include <stdint.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

typedef struct {
    bool avx2, avx512, avx512_bf16, bits;
    bool amx, tiles_saved; /* AMX-TILE and AMX-BF16; by the OS */
} features;

/* Which register states the OS saves: bit 1 xmm, 2 ymm, 5 masks, 6 and 7 zmm, 17 and 18 tiles. */
static uint32_t saved_states(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static features detect(void)
{
    features f = { .avx2 = false };
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
    const uint32_t amx = 1u << 24 | 1u << 22, tiles = 1u << 17 | 1u << 18;
    f.amx = f.avx512 && (d & amx) == amx;
    f.tiles_saved = (states & tiles) == tiles;
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

bool hone__cpu_is_of_amx(void)
{
    return detect().amx;
}

/* Of the whole process and those that it forks. The OS refuses where a signal's stack is too small for
 * the tiles. */
static bool ask_for_tiles(void)
{
#ifdef __linux__
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
#else
    return false;
#endif
}

bool hone__cpu_has_amx_bf16(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int answer;
    int known = atomic_load(&answer);
    if (known == UNKNOWN) {
        const features f = detect();
        known = f.amx && f.avx512_bf16 && f.tiles_saved && ask_for_tiles() ? YES : NO;
        atomic_store(&answer, known);
    }
    return known == YES;
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

bool hone__cpu_is_of_amx(void)
{
    return false;
}

bool hone__cpu_has_amx_bf16(void)
{
    return false;
}

#endif
