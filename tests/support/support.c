#include "support.h"
#include "element.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

static hone_scope scope;

void test_begin(void)
{
    scope = hone_scope_enter();
}

static void check_nothing_left(void)
{
    hone_memory stats;
    hone_memory_stats(&stats);
    cr_assert(stats.tensors == 0, "%lld tensors are left", (long long)stats.tensors);
    cr_assert(stats.nodes == 0, "%lld nodes are left", (long long)stats.nodes);
    cr_assert(hone__obj_live(HONE__OBJ_STORAGE) == 0, "storage is left");
    cr_assert(stats.in_use_bytes == 0, "%lld bytes are left", (long long)stats.in_use_bytes);
}

void test_end(void)
{
    hone_scope_leave(scope);
    check_nothing_left();
}

/* ---- tensors from literals ---------------------------------------------------------------- */

hone_tensor *test_tensor_empty(hone_dtype dtype, const int64_t *shape_then_end)
{
    hone__shape shape;
    cr_assert(hone__read_dims("test", shape_then_end, &shape));
    hone_tensor *t = hone__own(hone__new("test", dtype, shape.ndim, shape.shape));
    cr_assert(t, "%s", hone_error_message());
    return t;
}

hone_tensor *test_tensor(hone_dtype dtype, const int64_t *shape_then_end, const double *values,
                         size_t n)
{
    hone_tensor *t = test_tensor_empty(dtype, shape_then_end);
    cr_assert(n == (size_t)t->numel, "%zu values for %s", n, hone__tensor_text(t).s);
    char *p = hone__data(t);
    for (size_t i = 0; i < n; i++)
        test_store(dtype, p + i * hone_dtype_size(dtype), values[i]);
    return t;
}

hone_tensor *test_transposed(hone_tensor *t, int a, int b)
{
    int64_t shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS];
    for (int d = 0; d < t->ndim; d++) {
        const int from = d == a ? b : d == b ? a : d;
        shape[d] = t->shape[from];
        stride[d] = t->stride[from];
    }
    return hone__own(hone__alias(t, t->ndim, shape, stride, t->offset));
}

/* ---- checks ------------------------------------------------------------------------------- */

void test_check(hone_tensor *got, double rtol, double atol, hone_tensor *want, const char *file,
                int line)
{
    cr_assert(got, "%s:%d: NULL: %s", file, line, hone_error_message());
    char text[2][4000];
    hone_sprint(text[0], sizeof text[0], got);
    hone_sprint(text[1], sizeof text[1], want);
    const bool good = hone_allclose(got, want, rtol, atol);
    cr_assert(good, "%s:%d: %s %s\nis not\n%s %s", file, line, hone__tensor_text(got).s, text[0],
              hone__tensor_text(want).s, text[1]);
}

bool test_same_bits(hone_tensor *a, hone_tensor *b)
{
    if (!a || !b || a->dtype != b->dtype || !hone__same_shape(a, b))
        return false;
    const size_t bytes = (size_t)hone_numel(a) * hone_dtype_size(hone_dtype_of(a));
    char *x = malloc(bytes + 1), *y = malloc(bytes + 1);
    const bool same = x && y && hone_copy_out(a, x, bytes) == HONE_OK &&
                      hone_copy_out(b, y, bytes) == HONE_OK && memcmp(x, y, bytes) == 0;
    free(x);
    free(y);
    return same;
}

void test_check_error(bool failed, hone_status code, const char *text, const char *call,
                      const char *file, int line)
{
    cr_assert(failed, "%s:%d: %s did not fail", file, line, call);
    cr_assert(hone_error_code() == code, "%s:%d: %s: error %s (%s), not %s", file, line, call,
              hone_status_name(hone_error_code()), hone_error_message(), hone_status_name(code));
    cr_assert(strstr(hone_error_message(), text), "%s:%d: \"%s\" is not in \"%s\"", file, line,
              text, hone_error_message());
    hone_error_clear();
}

void test_each_allocation_fails(bool (*run)(void))
{
    hone_memory before, after;
    cr_assert(run(), "without a failure: %s", hone_error_message());
    hone_memory_stats(&before);
    int64_t n = 0;
    for (;; n++) {
        cr_assert(n < 100000, "no end of allocations");
        hone__fail_allocation(n);
        const bool good = run();
        const bool fired = hone__fail_allocation(-1) > n;
        hone_memory_stats(&after);
        cr_assert(after.tensors == before.tensors && after.nodes == before.nodes &&
                      after.in_use_bytes == before.in_use_bytes,
                  "allocation %lld failed: %lld tensors, %lld nodes, %lld bytes leak", (long long)n,
                  (long long)(after.tensors - before.tensors),
                  (long long)(after.nodes - before.nodes),
                  (long long)(after.in_use_bytes - before.in_use_bytes));
        if (!fired)
            break;
        cr_assert(!good, "allocation %lld failed, but the result is good", (long long)n);
        cr_assert(hone_error_code() == HONE_E_NOMEM, "allocation %lld failed: %s", (long long)n,
                  hone_error_message());
        hone_error_clear();
    }
    cr_assert(n > 0, "nothing was allocated");
}
