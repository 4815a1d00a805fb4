#include "guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRONT = 64, PATTERN = 0xa5 };

guard guard_new(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (bytes + FRONT + page - 1) / page * page;
    guard g = { .bytes = bytes, .map_bytes = room + page };
    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + room, page, PROT_NONE) != 0)
        abort();
    g.data = g.map + room - bytes;
    memset(g.data - FRONT, PATTERN, FRONT);
    return g;
}

bool guard_intact(const guard *g)
{
    for (int i = 1; i <= FRONT; i++)
        if (g->data[-i] != PATTERN)
            return false;
    return true;
}

void guard_free(guard *g)
{
    munmap(g->map, g->map_bytes);
}

uint64_t test_bits(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double test_uniform(uint64_t i)
{
    return (double)(test_bits(i) >> 11) * 0x1p-53;
}

size_t test_size(int dtype)
{
#define SIZE(NAME, name, type, ...) [HONE__##NAME] = sizeof(type),
    static const size_t sizes[] = { HONE__EACH_STORED(SIZE, ) };
    return sizes[dtype];
}

bool test_is_real(int dtype)
{
#define KIND(NAME, name, type, size, kind, ...) [HONE__##NAME] = HONE__KIND_##kind,
    static const hone__kind kinds[] = { HONE__EACH_STORED(KIND, ) };
    return kinds[dtype] == HONE__KIND_FLOAT;
}

static double real_value(int dtype, uint64_t i)
{
    static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, (double)NAN, 1,
                                      -1,  0.5,  2,        -2,        3,           -0.5 };
    static const double edge[2][6] = {
        { 0x1p-149, -0x1p-149, 0x1.8p-130, 0x1.fffffep127, -0x1.fffffep127, 0x1p-126 },
        { 0x1p-1074, -0x1p-1074, 0x1.8p-1030, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023,
          0x1p-1022 },
    };
    const uint64_t bits = test_bits(i);
    if (bits % 8 == 0) {
        const uint64_t which = (bits >> 8) % 18;
        return which < 12 ? special[which] : edge[dtype != HONE__F32][which - 12];
    }
    const int exponent = (int)((bits >> 40) % 17) - 8;
    return ldexp(2 * test_uniform(i + 77777) - 1, bits % 8 < 5 ? exponent / 2 : exponent * 3);
}

void test_value(int dtype, uint64_t i, void *out)
{
    const uint64_t bits = test_bits(i);
    const double real = real_value(dtype, i);
    const int64_t wide = bits % 5 == 0 ? (int64_t)bits : (int64_t)(bits >> 16) % 10 - 4;
#define VALUE_FLOAT(type, least, most) (type) real
#define VALUE_INTEGER(type, least, most)                                                           \
    (type)(bits % 31 == 1      ? least                                                             \
           : bits % 31 == 2    ? most                                                              \
           : sizeof(type) == 1 ? (int64_t)(bits >> 20)                                             \
                               : wide)
#define VALUE_BOOL(type, least, most) (type)(bits >> 20 & 1)
#define VALUE(NAME, name, type, size, kind, rank, least, most, ...)                                \
    case HONE__##NAME: {                                                                           \
        const type value = VALUE_##kind(type, least, most);                                        \
        memcpy(out, &value, sizeof value);                                                         \
        break;                                                                                     \
    }
    switch (dtype) {
        HONE__EACH_DTYPE(VALUE, )
    default: /* bf16, f16: any bits */
        memcpy(out, &(uint16_t){ (uint16_t)(bits >> 20) }, 2);
    }
}

double test_number(int dtype, const void *x)
{
#define NUMBER(NAME, name, type, ...)                                                              \
    case HONE__##NAME: {                                                                           \
        type number;                                                                               \
        memcpy(&number, x, sizeof number);                                                         \
        return (double)number;                                                                     \
    }
    switch (dtype) {
        HONE__EACH_DTYPE(NUMBER, )
    case HONE__BF16: {
        uint16_t number;
        memcpy(&number, x, sizeof number);
        return (double)hone__f32_of_bits(hone__bf16_bits(number));
    }
    case HONE__F16: {
        uint16_t number;
        memcpy(&number, x, sizeof number);
        return (double)hone__f32_of_bits(hone__f16_bits(number));
    }
    }
    return (double)NAN;
}

bool test_same(int dtype, const void *a, const void *b)
{
    if (memcmp(a, b, test_size(dtype)) == 0)
        return true;
    return test_is_real(dtype) && isnan(test_number(dtype, a)) && isnan(test_number(dtype, b));
}

double test_ulp_f32(float y, long double exact)
{
    if ((float)exact == y || (isnan(exact) && isnan(y)))
        return 0;
    if (isnan(exact) || isnan(y) || isinf(y))
        return INFINITY;
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)y - exact) /
                    ldexpl(1, (exponent < -125 ? -125 : exponent) - 24));
}

double test_ulp_f64(double y, long double exact)
{
    if ((double)exact == y || (isnan(exact) && isnan(y)))
        return 0;
    if (isnan(exact) || isnan(y) || isinf(y))
        return INFINITY;
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)y - exact) /
                    ldexpl(1, (exponent < -1021 ? -1021 : exponent) - 53));
}
