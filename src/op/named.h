/* named.h: the list of ops, for the calls by name. */
#ifndef HONE_OP_NAMED_H
#define HONE_OP_NAMED_H

#include "op/op.h"

/** Set before the first call of any op, by src/init.c: hone__ops. */
extern const hone__op *const *hone__op_list;

/** The op of a name, without an error where there is none. "add_" is the in-place form of "add". */
const hone__op *hone__op_find(const char *name, bool *in_place);
/** How many inputs, optional ones included, a call has for which so many are given; -1 + E_VALUE:
 * these are too many, or too few. */
int hone__op_takes(const hone__op *op, int given);

#endif
