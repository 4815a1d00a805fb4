/* scalar.c: the ISA that every machine has: one lane, fma() from the C library. */
#include "isa/tables.h"

#include "vec/vec_scalar.h"
#include "kernels/all.h"

const hone__isa hone__isa_scalar = {
#include "kernels/table.h"
};
