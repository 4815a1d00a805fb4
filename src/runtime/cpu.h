/* cpu.h: what this CPU, and the OS on it, can run. */
#ifndef HONE_RUNTIME_CPU_H
#define HONE_RUNTIME_CPU_H

#include <stdbool.h>

/** AVX2 and FMA, with the OS saving the ymm registers. */
bool hone__cpu_has_avx2(void);

/** BMI1, BMI2 and LZCNT: every CPU with AVX2 has them, some emulators don't. */
bool hone__cpu_has_bits(void);

/** AVX-512 F, BW, DQ and VL, with the OS saving the zmm and mask registers. */
bool hone__cpu_has_avx512(void);

/** And AVX512-BF16. */
bool hone__cpu_has_avx512_bf16(void);

/** AVX-512 F, BW, DQ and VL, and AMX-TILE and AMX-BF16, whatever the OS says of them: where they are,
 * vdpbf16ps takes longer than the FMAs it stands for. */
bool hone__cpu_is_of_amx(void);

/** And AVX512-BF16, and the OS lets this process have the tiles' registers, for which it is asked at the first call. */
bool hone__cpu_has_amx_bf16(void);

#endif
