/* scalar.c: the ISA that every machine has: one lane, fma() from the C library. */
#include "isa/tables.h"

#include "vec/vec_scalar.h"
#include "kernels/all.h"
#include "gemm/gemm_scalar.h"

const hone__isa hone__isa_scalar = {
#include "kernels/table.h"
    .gemm = HONE__GEMM_KERNELS,
};
