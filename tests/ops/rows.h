/* rows.h: runs a Criterion test for every row of the catalog, some of them in turn in a process: a process
 * a row took most of the time, with sanitizers nearly all of it. HONE_TEST_ROWS=1 runs each in its own, to
 * learn which one crashes. */
#ifndef ROWS_H
#define ROWS_H

#include "catalog.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdlib.h>

/** Rows in a process. */
static int rows_together(void)
{
    const char *asked = getenv("HONE_TEST_ROWS");
    const int n = asked ? atoi(asked) : 0;
    return n > 0 ? n : 20;
}

/** The first row of each process, for ParameterizedTestParameters. */
static struct criterion_test_params first_rows(void)
{
    static int numbers[1024];
    int n = 0;
    for (int i = 0; i < catalog_count(); i += rows_together()) {
        cr_assert(n < (int)(sizeof numbers / sizeof *numbers));
        numbers[n++] = i;
    }
    return cr_make_param_array(int, numbers, (size_t)n);
}

/** TEST_ROWS(suite) { ... } with `row`. */
#define TEST_ROWS(suite)                                                                           \
    static void suite##_row(const catalog_row *row);                                               \
    ParameterizedTestParameters(suite, rows)                                                       \
    {                                                                                              \
        return first_rows();                                                                       \
    }                                                                                              \
    ParameterizedTest(int *first, suite, rows)                                                     \
    {                                                                                              \
        for (int i = *first; i < catalog_count() && i < *first + rows_together(); i++)             \
            suite##_row(catalog_at(i));                                                            \
    }                                                                                              \
    static void suite##_row(const catalog_row *row)

/** Builds a case or fails the test. */
static inline void make_case(const catalog_row *row, const char *text, hone_dtype dtype,
                             bool leaves, catalog_case *c)
{
    cr_assert(catalog_make(row, text, dtype, leaves, c), "%s: \"%s\" can't be built: %s", row->op,
              text, hone_error_message());
}

#endif
