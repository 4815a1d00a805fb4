/* plot_axes.c: where the values of a plot lie, and the numbers at its axes. */
#include "plot_axes.h"

#include <math.h>

enum { TICKS = 7 };

plot_axes plot_axes_of(const plot *p)
{
    plot_axes a = { INFINITY, -INFINITY, false, p->n };
    for (int l = 0; l < p->n_lines; l++)
        for (int64_t i = 0; i < p->n; i++)
            if (isfinite(p->line[l].y[i])) {
                a.low = fmin(a.low, p->line[l].y[i]);
                a.high = fmax(a.high, p->line[l].y[i]);
            }
    if (a.low > a.high)
        a.low = a.high = 0.5;
    a.logarithmic = a.low > 0 && a.high > 10 * a.low;
    if (!a.logarithmic && a.low >= 0 && a.low < a.high / 2)
        a.low = 0;
    if (a.low == a.high) {
        const double around = a.low == 0 ? 0.5 : fabs(a.low) / 2;
        a.low -= around;
        a.high += around;
    }
    return a;
}

double plot_x(const plot_axes *a, int64_t i)
{
    return a->n < 2 ? (PLOT_LEFT + PLOT_RIGHT) / 2.
                    : PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (double)i / (double)(a->n - 1);
}

double plot_y(const plot_axes *a, double v)
{
    /* halves, so that a range of the largest numbers stays finite */
    const double place = a->logarithmic ? log(v / a->low) / log(a->high / a->low)
                                        : (v / 2 - a->low / 2) / (a->high / 2 - a->low / 2);
    return PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * place;
}

/* 1, 2 or 5 times a power of ten, so that about five of them fit. */
static double nice_step(double range)
{
    const double power = pow(10, floor(log10(range / 5)));
    const double times = range / 5 / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static int linear_ticks(const plot_axes *a, double *at)
{
    const double step = nice_step(a->high - a->low), first = ceil(a->low / step);
    int n = 0;
    for (int i = 0; i < 2 * TICKS; i++) {
        const double v = (first + i) * step;
        if (!(v <= a->high)) /* NaN, too */
            break;
        at[n++] = v;
    }
    return n;
}

static int log_ticks(const plot_axes *a, double *at)
{
    const int decades = (int)ceil(log10(a->high) - log10(a->low)), every = (decades + 5) / 6;
    int n = 0;
    for (int e = (int)floor(log10(a->low)); e <= (int)ceil(log10(a->high)); e++)
        for (int m = 1; m <= 5; m += m == 1 ? 1 : 3) {
            const double v = m * pow(10, e);
            const bool wanted = decades <= 3 || (m == 1 && e % every == 0);
            if (wanted && v >= a->low && v <= a->high && n < PLOT_MOST_TICKS)
                at[n++] = v;
        }
    return n;
}

int plot_ticks(const plot_axes *a, double *at)
{
    return a->logarithmic ? log_ticks(a, at) : linear_ticks(a, at);
}

int64_t plot_epoch_step(const plot_axes *a)
{
    return a->n > 10 ? (int64_t)nice_step((double)a->n) : 1;
}
