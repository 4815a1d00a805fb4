/* avx512.c: AVX-512 F, BW, DQ and VL (x86-64, compiled with their -m flags). */
#include "isa/tables.h"

#include "vec/vec_avx512.h"
#include "kernels/all.h"
#include "gemm/gemm_avx512.h"

const hone__isa hone__isa_avx512 = {
#include "kernels/table.h"
    .gemm = HONE__GEMM_KERNELS,
};
