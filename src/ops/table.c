/* table.c: all ops, in the order of the list. */
#include "ops/common.h"

const hone__op *const hone__ops[] = {
#define HONE_OP(name) &hone__op_##name,
#include "ops/ops.def"
#undef HONE_OP
    NULL,
};
