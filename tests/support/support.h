/* support.h: what tests share: a scope around each test, tensors from literals, checks.
 *
 *      SUITE(relu);                        // each of its tests runs in a scope of its own and must
 *                                          // leave no live handle, node or byte behind
 *      Test(relu, clips)
 *      {
 *          hone_tensor *x = T(HONE_F32, (2, 2), -1, 2, -3, 4);
 *          CHECK_VALUES(hone_relu(x), HONE_F32, (2, 2), 0, 2, 0, 4);
 *          CHECK_FAILS(hone_relu(NULL), HONE_E_NULL, "relu");
 *      }
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <hone/error.h>
#include <hone/tensor.h>

#include <criterion/criterion.h>

#define SUITE(name) TestSuite(name, .init = test_begin, .fini = test_end)
void test_begin(void);
void test_end(void); /* closes the scope, then wants 0 tensors, 0 nodes, 0 bytes in use */

/** A tensor with these extents and values, converted from double. Owned by the current scope. */
#define T(dtype, shape, ...)                                                                       \
    test_tensor(dtype, HONE_DIM_ARGS shape, (const double[]){ __VA_ARGS__ },                       \
                sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))
/** 0-d. */
#define T0(dtype, value)                                                                           \
    test_tensor(dtype, (const int64_t[]){ HONE_END_DIM }, (const double[]){ value }, 1)
/** Uninitialised. */
#define T_EMPTY(dtype, ...) test_tensor_empty(dtype, HONE_DIM_ARGS(__VA_ARGS__))
hone_tensor *test_tensor(hone_dtype dtype, const int64_t *shape_then_end, const double *values,
                         size_t n);
hone_tensor *test_tensor_empty(hone_dtype dtype, const int64_t *shape_then_end);
/** A view of t with dims `a` and `b` exchanged. */
hone_tensor *test_transposed(hone_tensor *t, int a, int b);

/** Dtype, shape and values are these; the values bit for bit / to within atol + rtol |wanted|. */
#define CHECK_VALUES(t, dtype, shape, ...) CHECK_CLOSE(t, 0, 0, dtype, shape, __VA_ARGS__)
#define CHECK_CLOSE(t, rtol, atol, dtype, shape, ...)                                              \
    test_check(t, rtol, atol,                                                                      \
               test_tensor(dtype, HONE_DIM_ARGS shape, (const double[]){ __VA_ARGS__ },            \
                           sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)),              \
               __FILE__, __LINE__)
#define CHECK_VALUE0(t, dtype, value) test_check(t, 0, 0, T0(dtype, value), __FILE__, __LINE__)
void test_check(hone_tensor *got, double rtol, double atol, hone_tensor *want, const char *file,
                int line);

/** True if both are there, of one dtype and shape, and the same bit for bit. */
bool test_same_bits(hone_tensor *a, hone_tensor *b);

/** The call fails (NULL, or a status other than HONE_OK) with this code and a message that contains
 * `text`; the error is cleared afterwards. */
#define CHECK_FAILS(call, code, text)                                                              \
    do {                                                                                           \
        const bool failed_ = _Generic((call), hone_status                                          \
                                      : (intptr_t)(call) != 0, default                             \
                                      : (intptr_t)(call) == 0);                                    \
        test_check_error(failed_, code, text, #call, __FILE__, __LINE__);                          \
    } while (0)
/** An error with this code and text is pending; cleared afterwards. */
#define CHECK_ERROR(code, text) test_check_error(true, code, text, "", __FILE__, __LINE__)
void test_check_error(bool failed, hone_status code, const char *text, const char *call,
                      const char *file, int line);

/** The call succeeds: HONE_OK. */
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        const hone_status status_ = (call);                                                        \
        cr_assert(status_ == HONE_OK, "%s: %s", #call, hone_error_message());                      \
    } while (0)

/** Fails each allocation of run() in turn, first to last: every time it must return false with
 * HONE_E_NOMEM and leave nothing behind, and at last true. run() opens and closes its own scope. */
void test_each_allocation_fails(bool (*run)(void));

#endif
