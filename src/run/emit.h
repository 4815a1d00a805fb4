/* emit.h: between emit.c and emit_op.c. */
#ifndef HONE_RUN_EMIT_H
#define HONE_RUN_EMIT_H

#include "run/build.h"

/** A step at the program's end, whose results have registers of their own. */
hone__step *hone__step_new(hone__frame *f, hone__step_kind kind, hone__place place,
                           const char *name, int n_in, int n_out);
/** Its first result, or a list of all where several names are on the left of "=". */
bool hone__step_result(hone__frame *f, hone__place place, const hone__step *s, int wanted,
                       hone__value *out);
/** A whole number, known or not. */
bool hone__extent_of(hone__place place, const hone__value *v, hone__extent *out);

#endif
