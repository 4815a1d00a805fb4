/* scalar.h: functions of one number, as the kernels have them: the same bits everywhere, which the
 * C library's functions have not. */
#ifndef HONE_LOOPS_SCALAR_H
#define HONE_LOOPS_SCALAR_H

double hone__scalar_pow(double base, double exponent);
double hone__scalar_exp(double x);
double hone__scalar_log(double x);
double hone__scalar_sin(double x);
double hone__scalar_cos(double x);

#endif
