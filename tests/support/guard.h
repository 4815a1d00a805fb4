/* guard.h: operands for kernel tests whose neighbourhood is watched.
 *
 * A guard's data ends exactly where an inaccessible page begins, so that reading or writing one
 * byte past the end is a crash; the bytes before it hold a pattern that guard_check wants
 * untouched. So an odd number of elements also starts misaligned. */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include "isa/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *data;
    size_t bytes;
    unsigned char *map;
    size_t map_bytes;
} guard;

guard guard_new(size_t bytes);
/** False if a byte before the data changed. */
bool guard_intact(const guard *g);
void guard_free(guard *g);

/** A fixed pseudo-random sequence. */
uint64_t test_bits(uint64_t i);
double test_uniform(uint64_t i); /* [0, 1) */

/** Element i of a sequence of values of this dtype: for floats numbers of all sizes, every 8th one
 * special (zeros, infinities, NaN, subnormals, largest and smallest). */
void test_value(int dtype, uint64_t i, void *out);
size_t test_size(int dtype);
bool test_is_real(int dtype);

/** Same bits; two NaNs are always the same. */
bool test_same(int dtype, const void *a, const void *b);
/** x as a printable number. */
double test_number(int dtype, const void *x);

/** The error of y in ulps of the type, against a more exact value; 0 if y is what `exact` rounds to
 * (or both are NaN). */
double test_ulp_f32(float y, long double exact);
double test_ulp_f64(double y, long double exact);

#endif
