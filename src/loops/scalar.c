/* scalar.c: kernels, called for one element. */
#include "loops/scalar.h"

#include "isa/isa.h"

static double unary(int kernel, double x)
{
    double y;
    hone__k->unary[kernel][HONE__F64](1, &y, 1, &x, 1);
    return y;
}

double hone__scalar_pow(double base, double exponent)
{
    double y;
    hone__k->binary[HONE__K_POW][HONE__F64](1, &y, 1, &base, 1, &exponent, 1);
    return y;
}

double hone__scalar_exp(double x)
{
    return unary(HONE__K_EXP, x);
}

double hone__scalar_log(double x)
{
    return unary(HONE__K_LOG, x);
}

double hone__scalar_sin(double x)
{
    return unary(HONE__K_SIN, x);
}

double hone__scalar_cos(double x)
{
    return unary(HONE__K_COS, x);
}
