/* named.h: the list of ops, for the calls by name. */
#ifndef HONE_OP_NAMED_H
#define HONE_OP_NAMED_H

#include "op/op.h"

/** Set before the first call of any op, by src/init.c: hone__ops. */
extern const hone__op *const *hone__op_list;

#endif
