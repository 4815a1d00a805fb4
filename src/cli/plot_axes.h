/* plot_axes.h: what a plot's two forms, SVG and pixels, share: places and numbers. */
#ifndef HONE_CLI_PLOT_AXES_H
#define HONE_CLI_PLOT_AXES_H

#include "plot.h"

#include <stdbool.h>

enum {
    PLOT_LEFT = 64,
    PLOT_RIGHT = 704,
    PLOT_TOP = 36,
    PLOT_BOTTOM = 208,
    PLOT_MOST_TICKS = 40,
};

typedef struct {
    double low, high;
    bool logarithmic;
    int64_t n; /* epochs */
} plot_axes;

plot_axes plot_axes_of(const plot *p);
/** Where epoch i (0 is the first) and a finite value lie in a plot of PLOT_WIDTH x PLOT_HEIGHT. */
double plot_x(const plot_axes *a, int64_t i);
double plot_y(const plot_axes *a, double v);
/** The values that have a line; at: room for PLOT_MOST_TICKS. How many. */
int plot_ticks(const plot_axes *a, double *at);
/** Each so many-th epoch has its number. */
int64_t plot_epoch_step(const plot_axes *a);

#endif
