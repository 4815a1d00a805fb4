/* rows.h: runs a Criterion test once for every row of the catalog, each in its own process. */
#ifndef ROWS_H
#define ROWS_H

#include "catalog.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

/** All row numbers, for ParameterizedTestParameters. */
static struct criterion_test_params all_rows(void)
{
    static int numbers[1024];
    const int n = catalog_count();
    cr_assert(n <= (int)(sizeof numbers / sizeof *numbers));
    for (int i = 0; i < n; i++)
        numbers[i] = i;
    return cr_make_param_array(int, numbers, (size_t)n);
}

/** TEST_ROWS(suite) { ... } with `row`. */
#define TEST_ROWS(suite)                                                                           \
    static void suite##_row(const catalog_row *row);                                               \
    ParameterizedTestParameters(suite, rows)                                                       \
    {                                                                                              \
        return all_rows();                                                                         \
    }                                                                                              \
    ParameterizedTest(int *number, suite, rows)                                                    \
    {                                                                                              \
        suite##_row(catalog_at(*number));                                                          \
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
