/* scalar_math.c: single numbers through the scalar ISA's kernels. */
#include "kernels/scalar_math.h"

#include "isa/tables.h"

static double unary(int kind, double x)
{
    hone__isa_scalar.unary[kind][HONE__F64](1, &x, 1, &x, 1);
    return x;
}

double hone__exp64(double x)
{
    return unary(HONE__K_EXP, x);
}

double hone__log64(double x)
{
    return unary(HONE__K_LOG, x);
}

double hone__tanh64(double x)
{
    return unary(HONE__K_TANH, x);
}

double hone__sin64(double x)
{
    return unary(HONE__K_SIN, x);
}

double hone__cos64(double x)
{
    return unary(HONE__K_COS, x);
}

double hone__pow64(double x, double y)
{
    hone__isa_scalar.binary[HONE__K_POW][HONE__F64](1, &x, 1, &x, 1, &y, 1);
    return x;
}
