/* test_fpmode.c: what is no op keeps contract 1 too, whatever rounding the caller has set and
 * whether denormals are flushed. */
#include "support.h"

#include <hone/hone.h>

#include <fenv.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

SUITE(fpmode);

/* ---- the caller's modes */

typedef enum { NEAREST, UP, DOWN, TO_ZERO, FLUSHED, MODES } mode;

static bool set_rounding(mode wanted)
{
    switch (wanted) {
#ifdef FE_UPWARD
    case UP:
        return fesetround(FE_UPWARD) == 0;
#endif
#ifdef FE_DOWNWARD
    case DOWN:
        return fesetround(FE_DOWNWARD) == 0;
#endif
#ifdef FE_TOWARDZERO
    case TO_ZERO:
        return fesetround(FE_TOWARDZERO) == 0;
#endif
    default:
        return false;
    }
}

/* Results and operands: FTZ and DAZ, or FZ. */
static bool flush(bool on)
{
#if defined(__x86_64__)
    _mm_setcsr(on ? _mm_getcsr() | 0x8040u : _mm_getcsr() & ~0x8040u);
    return true;
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(on ? (uint64_t)1 << 24 : (uint64_t)0));
    return true;
#else
    return !on;
#endif
}

/* False: this machine has no such mode. */
static bool enter(mode wanted)
{
    return wanted == NEAREST || (wanted == FLUSHED ? flush(true) : set_rounding(wanted));
}

static void leave(void)
{
    flush(false);
    fesetround(FE_TONEAREST);
}

/* ---- what is made, as bytes */

typedef struct {
    size_t n;
    char bytes[16384];
} record;

static void keep(record *to, const void *bytes, size_t n)
{
    cr_assert(to->n + n <= sizeof to->bytes);
    memcpy(to->bytes + to->n, bytes, n);
    to->n += n;
}

static void keep_tensor(record *to, hone_tensor *t)
{
    cr_assert(t, "%s", hone_error_message());
    cr_assert(hone_is_contiguous(t));
    keep(to, hone_data(t), (size_t)hone_numel(t) * hone_dtype_size(hone_dtype_of(t)));
}

static void constants(record *to)
{
    keep_tensor(to, hone_full(HONE_F32, 0.1, 3));
    keep_tensor(to, hone_full(HONE_F32, -0.1, 3));
    keep_tensor(to, hone_full(HONE_F32, 1e-40, 3));
    keep_tensor(to, hone_scalar(HONE_F32, 1.0 / 3));
    keep_tensor(to, hone_scalar(HONE_F64, 0x1p-1060));
    keep_tensor(to, hone_eye(HONE_F32, 3, 3));
}

static void ranges(record *to)
{
    keep_tensor(to, hone_arange(HONE_F32, 0, 1, 0.1));
    keep_tensor(to, hone_arange(HONE_F64, 1, -2, -0.3));
    keep_tensor(to, hone_arange(HONE_F64, 0, 0.7, 0.1)); /* the count depends on rounding */
    keep_tensor(to, hone_arange(HONE_F64, 0, 5e-310, 1e-310));
    keep_tensor(to, hone_arange(HONE_I64, 0, 9, 3));
}

static void numbers_at_random(record *to)
{
    hone_seed(5);
    keep_tensor(to, hone_rand(HONE_F32, 50));
    keep_tensor(to, hone_rand(HONE_F64, 50));
    keep_tensor(to, hone_randn(HONE_F32, 50));
    keep_tensor(to, hone_randn(HONE_F64, 50));
    keep_tensor(to, hone_randint(HONE_F32, 0, 1 << 24, 50));
    keep_tensor(to, hone_randperm(50));
}

static void layers(record *to)
{
    hone_seed(6);
    hone_module *linear = hone_nn_linear_with(7, 5, &(hone_nn_linear_options){ .dtype = HONE_F64 });
    cr_assert(linear);
    keep_tensor(to, hone_parameters(linear).at[0]);
    hone_module_free(linear);
}

static void drawn_digits(record *to)
{
    hone_dataset set;
    CHECK_OK(hone_digits(HONE_TEST, 10, 1, &set));
    keep_tensor(to, set.x);
    keep_tensor(to, set.y);
    hone_dataset_free(&set);
}

static void keep_double(record *to, double value)
{
    keep(to, &value, sizeof value);
}

static void elements(record *to)
{
    const int64_t odd[] = { ((int64_t)1 << 60) + 1, -((int64_t)1 << 60) - 255 };
    const uint32_t tiny_bits[] = { 0x00012345u, 0x00012346u };
    const uint64_t least_bits[] = { 1, 0 };
    hone_tensor *whole = hone_from_data(HONE_I64, odd, 2);
    hone_tensor *tiny = hone_from_data(HONE_F32, tiny_bits, 2);
    hone_tensor *least = hone_from_data(HONE_F64, least_bits, 2);
    for (int i = 0; i < 2; i++) {
        keep_double(to, hone_at(whole, i));
        keep_double(to, hone_at(tiny, i));
        keep_double(to, hone_item(hone_from_data(HONE_I64, odd + i, 1)));
        keep_double(to, hone_item(hone_from_data(HONE_F32, tiny_bits + i, 1)));
    }
    hone_tensor *zeros = hone_zeros(HONE_F64, 2);
    const bool same[] = { hone_equal(least, zeros), hone_equal(tiny, tiny),
                          hone_allclose(least, zeros, 0, 0),
                          hone_allclose(hone_full(HONE_F64, 0.1, 1), hone_full(HONE_F64, 0.3, 1), 0,
                                        0x1.999999999999ap-3) };
    keep(to, same, sizeof same);
}

static void texts(record *to)
{
    char text[200];
    hone_tensor *values = hone_full(HONE_F64, 0.10005, 2);
    cr_assert(hone_sprint(text, sizeof text, values) > 0);
    keep(to, text, strlen(text));
    values = hone_full(HONE_F64, -123456.78905, 2);
    cr_assert(hone_sprint(text, sizeof text, values) > 0);
    keep(to, text, strlen(text));
}

/* ---- each of them under each mode */

static void check(void (*make)(record *to))
{
    record want = { 0 };
    make(&want);
    for (mode m = UP; m < MODES; m++) {
        record got = { 0 };
        if (enter(m))
            make(&got);
        else
            got = want;
        leave();
        cr_expect(got.n == want.n && memcmp(got.bytes, want.bytes, want.n) == 0, "mode %d", m);
    }
}

Test(fpmode, constants_are_the_same)
{
    check(constants);
}

Test(fpmode, ranges_are_the_same)
{
    check(ranges);
}

Test(fpmode, random_numbers_are_the_same)
{
    check(numbers_at_random);
}

Test(fpmode, layers_begin_the_same)
{
    check(layers);
}

Test(fpmode, digits_are_the_same)
{
    check(drawn_digits);
}

Test(fpmode, elements_are_read_the_same)
{
    check(elements);
}

Test(fpmode, texts_are_the_same)
{
    check(texts);
}

/* The caller's mode is there again after all of them. */
Test(fpmode, the_callers_mode_stays)
{
    void (*const all[])(record *) = { constants, ranges, layers, elements, texts };
    volatile double one = 1, little = 1e-30, least = 0x1p-1022;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        record ignored = { 0 };
        bool kept = true;
        if (enter(UP)) {
            all[i](&ignored);
            kept = one + little > one;
        }
        leave();
        ignored.n = 0;
        if (enter(FLUSHED)) {
            all[i](&ignored);
            kept = kept && least * 0.5 == 0;
        }
        leave();
        cr_expect(kept, "function %zu", i);
    }
}
