/* options.h: option structs by their field tables: from text, from a user's struct with its zeros,
 * and to text. */
#ifndef HONE_OP_OPTIONS_H
#define HONE_OP_OPTIONS_H

#include "op/op.h"

/** A user's struct, whose zeros mean the defaults and HONE_ZERO an explicit 0, made plain; NULL
 * given: all defaults. False + E_VALUE that names op and option: out of range, or missing. */
bool hone__options_resolve(const hone__op *op, const void *given, void *plain);

/** "name=value name=value" read into a plain struct. False + E_VALUE that names op and attribute. */
bool hone__options_read(const hone__op *op, const char *text, void *plain);

/** The same for those that the text names; the others stay. On failure some may have changed. */
bool hone__options_change(const hone__op *op, const char *text, void *plain);

/** A plain struct's number of that name; false, without an error: there is none. */
bool hone__option_get(const hone__op *op, const char *name, const void *plain, double *value);
/** Sets it. False + E_VALUE that names op and option: out of range, or no such option. */
bool hone__option_set(const hone__op *op, const char *name, double value, void *plain);

/** ", *, dim: int, eps: float = 1e-05" as hone__format does: the table's part of a signature. */
int hone__options_print(const hone__op *op, char *text, size_t size);

#endif
