/* gradients.h: what the tests of autograd share: a suite whose tests leave no tensor and no node
 * behind, leaves of three elements, checks. */
#ifndef TESTS_GRADIENTS_H
#define TESTS_GRADIENTS_H

#include "runtime/memory.h"

#include <hone/hone.h>

#include <criterion/criterion.h>
#include <string.h>

/** Its tests leave as many tensors and nodes as they found. */
#define GRADIENT_SUITE(name) TestSuite(name, .init = gradients_begin, .fini = gradients_end)
void gradients_begin(void);
void gradients_end(void);

#define OK(expression) cr_assert((expression), "%s", hone_error_message())
#define FAILS(expression, code, text)                                                              \
    do {                                                                                           \
        hone_error_clear();                                                                        \
        cr_assert(!(expression));                                                                  \
        cr_assert_eq(hone_error_code(), code, "%s", hone_error_message());                         \
        cr_assert(strstr(hone_error_message(), text), "%s", hone_error_message());                 \
        hone_error_clear();                                                                        \
    } while (0)

/** A f64 [3] that requires a gradient. */
hone_tensor *leaf(double a, double b, double c);
void expect(hone_tensor *t, double a, double b, double c);

#endif
