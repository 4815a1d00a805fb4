/* halves.h: which op does what with floats of 16 bits (op/half.h): the list halves.def. */
#ifndef HONE_OPS_HALVES_H
#define HONE_OPS_HALVES_H

/** Tells the calls the rules. Called once, by src/init.c. */
void hone__half_rules_begin(void);

#endif
