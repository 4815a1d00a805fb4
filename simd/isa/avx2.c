/* avx2.c: AVX2 and FMA (x86-64, compiled with -mavx2 -mfma). */
#include "isa/tables.h"

#include "vec/vec_avx2.h"
#include "kernels/all.h"
#include "gemm/gemm_avx2.h"

const hone__isa hone__isa_avx2 = {
#include "kernels/table.h"
    .gemm = HONE__GEMM_KERNELS,
};
