/* plot.h: curves over epochs as SVG, or as a PNG of twice as many pixels. */
#ifndef HONE_CLI_PLOT_H
#define HONE_CLI_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PLOT_LINES = 4, PLOT_WIDTH = 720, PLOT_HEIGHT = 240 };

typedef struct {
    const char *name, *colour; /* "train loss", "#3366cc" */
    const double *y;           /* of epochs 1..n; what isn't finite is a gap */
} plot_line;

typedef struct {
    const char *title;
    int64_t n;
    plot_line line[PLOT_LINES];
    int n_lines;
} plot;

/** A whole SVG with these one above the other. Each line is a <g class="line"> with a circle for each
 * finite value; the axis is logarithmic where values span more than a factor of ten. */
void plot_write(FILE *to, const plot *plots, int n);
/** The same as a whole PNG. False: no memory. */
bool plot_write_png(FILE *to, const plot *plots, int n);

/** A text with what HTML and XML take for themselves escaped; control characters become '?'. */
void plot_escape(FILE *to, const char *text);

#endif
