/* neon.c: Advanced SIMD (AArch64, where it is always there). */
#include "isa/tables.h"

#include "vec/vec_neon.h"
#include "kernels/all.h"
#include "gemm/gemm_neon.h"

const hone__isa hone__isa_neon = {
#include "kernels/table.h"
    .gemm = HONE__GEMM_KERNELS,
};
