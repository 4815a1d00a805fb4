/* plot.c: curves, axes and their numbers. */
#include "plot.h"

#include <math.h>
#include <stdbool.h>

enum { LEFT = 64, RIGHT = 704, TOP = 36, BOTTOM = 208, TICKS = 7 };

void plot_escape(FILE *to, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '&')
            fputs("&amp;", to);
        else if (c == '<')
            fputs("&lt;", to);
        else if (c == '>')
            fputs("&gt;", to);
        else if (c == '"')
            fputs("&quot;", to);
        else
            fputc((c < 32 && c != '\n') || c == 127 ? '?' : c, to);
    }
}

/* ---- places */

typedef struct {
    double low, high;
    bool logarithmic;
    int64_t n; /* epochs */
} axes;

static axes axes_of(const plot *p)
{
    axes a = { INFINITY, -INFINITY, false, p->n };
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

static double x_of(const axes *a, int64_t i)
{
    return a->n < 2 ? (LEFT + RIGHT) / 2. : LEFT + (RIGHT - LEFT) * (double)i / (double)(a->n - 1);
}

static double y_of(const axes *a, double v)
{
    /* halves, so that a range of the largest numbers stays finite */
    const double place = a->logarithmic ? log(v / a->low) / log(a->high / a->low)
                                        : (v / 2 - a->low / 2) / (a->high / 2 - a->low / 2);
    return BOTTOM - (BOTTOM - TOP) * place;
}

/* ---- numbers at the axes */

static void put_tick(FILE *to, const axes *a, double v)
{
    const double y = y_of(a, v);
    fprintf(to,
            "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%.6g</text>\n",
            LEFT, y, RIGHT, LEFT - 6, y + 4, v);
}

/* 1, 2 or 5 times a power of ten, so that about five of them fit. */
static double nice_step(double range)
{
    const double power = pow(10, floor(log10(range / 5)));
    const double times = range / 5 / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void put_linear_ticks(FILE *to, const axes *a)
{
    const double step = nice_step(a->high - a->low), first = ceil(a->low / step);
    for (int i = 0; i < 2 * TICKS; i++) {
        const double v = (first + i) * step;
        if (!(v <= a->high)) /* NaN, too */
            return;
        put_tick(to, a, v);
    }
}

static void put_log_ticks(FILE *to, const axes *a)
{
    const int decades = (int)ceil(log10(a->high) - log10(a->low)), every = (decades + 5) / 6;
    for (int e = (int)floor(log10(a->low)); e <= (int)ceil(log10(a->high)); e++)
        for (int m = 1; m <= 5; m += m == 1 ? 1 : 3) {
            const double v = m * pow(10, e);
            const bool wanted = decades <= 3 || (m == 1 && e % every == 0);
            if (wanted && v >= a->low && v <= a->high)
                put_tick(to, a, v);
        }
}

static void put_epochs(FILE *to, const axes *a)
{
    const int64_t every = a->n > 10 ? (int64_t)nice_step((double)a->n) : 1;
    for (int64_t i = 1; i <= a->n; i++)
        if (i % every == 0)
            fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%lld</text>\n",
                    x_of(a, i - 1), BOTTOM + 18, (long long)i);
}

/* ---- lines */

static void put_path(FILE *to, const axes *a, const plot_line *l)
{
    bool pen_down = false;
    fputs("<path d=\"", to);
    for (int64_t i = 0; i < a->n; i++) {
        if (isfinite(l->y[i]))
            fprintf(to, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(a, i), y_of(a, l->y[i]));
        pen_down = isfinite(l->y[i]);
    }
    fprintf(to, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", l->colour);
}

static void put_points(FILE *to, const axes *a, const plot_line *l)
{
    for (int64_t i = 0; i < a->n; i++)
        if (isfinite(l->y[i]))
            fprintf(to,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>epoch %lld: %.6g</title>"
                    "</circle>\n",
                    x_of(a, i), y_of(a, l->y[i]), a->n > 100 ? 1 : 2, (long long)i + 1, l->y[i]);
}

static void put_plot(FILE *to, const plot *p, int top)
{
    const axes a = axes_of(p);
    fprintf(to,
            "<g class=\"plot\" transform=\"translate(0 %d)\">\n<text class=\"title\" x=\"%d\" "
            "y=\"18\">",
            top, LEFT);
    plot_escape(to, p->title);
    fputs("</text>\n", to);
    if (a.logarithmic)
        put_log_ticks(to, &a);
    else
        put_linear_ticks(to, &a);
    put_epochs(to, &a);
    fprintf(to, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    for (int i = 0; i < p->n_lines; i++) {
        const plot_line *l = &p->line[i];
        fputs("<g class=\"line\" data-name=\"", to);
        plot_escape(to, l->name);
        fprintf(to, "\" fill=\"%s\">\n", l->colour);
        put_path(to, &a, l);
        put_points(to, &a, l);
        fprintf(to, "<text x=\"%d\" y=\"18\" text-anchor=\"end\">", RIGHT - 110 * i);
        plot_escape(to, l->name);
        fputs("</text>\n</g>\n", to);
    }
    fputs("</g>\n", to);
}

void plot_write(FILE *to, const plot *plots, int n)
{
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<style>.grid{stroke:#ddd}.axis{stroke:#888;fill:none}.title{font-weight:bold;"
            "font-size:14px}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            PLOT_WIDTH, n * PLOT_HEIGHT, PLOT_WIDTH, n * PLOT_HEIGHT, PLOT_WIDTH, n * PLOT_HEIGHT);
    for (int i = 0; i < n; i++)
        put_plot(to, &plots[i], i * PLOT_HEIGHT);
    fputs("</svg>\n", to);
}
