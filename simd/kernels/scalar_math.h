/* scalar_math.h: single-number math for the library's own use (schedules, bias corrections,
 * distortions), where libm would give other bits on other systems. The same bits as the f64 kernels
 * of every ISA. sqrt, fma, floor and the like may come from libm. */
#ifndef HONE_KERNELS_SCALAR_MATH_H
#define HONE_KERNELS_SCALAR_MATH_H

double hone__exp64(double x);
double hone__log64(double x);
double hone__tanh64(double x);
double hone__sin64(double x);
double hone__cos64(double x);
double hone__pow64(double x, double y);

#endif
