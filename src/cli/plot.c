/* plot.c: curves, axes and their numbers as SVG. */
#include "plot_axes.h"

#include <math.h>

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

/* ---- numbers at the axes */

static void put_ticks(FILE *to, const plot_axes *a)
{
    double at[PLOT_MOST_TICKS];
    const int n = plot_ticks(a, at);
    for (int i = 0; i < n; i++) {
        const double y = plot_y(a, at[i]);
        fprintf(to,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%.6g</text>\n",
                PLOT_LEFT, y, PLOT_RIGHT, PLOT_LEFT - 6, y + 4, at[i]);
    }
}

static void put_epochs(FILE *to, const plot_axes *a)
{
    const int64_t every = plot_epoch_step(a);
    for (int64_t i = 1; i <= a->n; i++)
        if (i % every == 0)
            fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%lld</text>\n",
                    plot_x(a, i - 1), PLOT_BOTTOM + 18, (long long)i);
}

/* ---- lines */

static void put_path(FILE *to, const plot_axes *a, const plot_line *l)
{
    bool pen_down = false;
    fputs("<path d=\"", to);
    for (int64_t i = 0; i < a->n; i++) {
        if (isfinite(l->y[i]))
            fprintf(to, "%c%.1f %.1f", pen_down ? 'L' : 'M', plot_x(a, i), plot_y(a, l->y[i]));
        pen_down = isfinite(l->y[i]);
    }
    fprintf(to, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", l->colour);
}

static void put_points(FILE *to, const plot_axes *a, const plot_line *l)
{
    for (int64_t i = 0; i < a->n; i++)
        if (isfinite(l->y[i]))
            fprintf(to,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>epoch %lld: %.6g</title>"
                    "</circle>\n",
                    plot_x(a, i), plot_y(a, l->y[i]), a->n > 100 ? 1 : 2, (long long)i + 1,
                    l->y[i]);
}

static void put_plot(FILE *to, const plot *p, int top)
{
    const plot_axes a = plot_axes_of(p);
    fprintf(to,
            "<g class=\"plot\" transform=\"translate(0 %d)\">\n<text class=\"title\" x=\"%d\" "
            "y=\"18\">",
            top, PLOT_LEFT);
    plot_escape(to, p->title);
    fputs("</text>\n", to);
    put_ticks(to, &a);
    put_epochs(to, &a);
    fprintf(to, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", PLOT_LEFT, PLOT_TOP, PLOT_BOTTOM,
            PLOT_RIGHT);
    for (int i = 0; i < p->n_lines; i++) {
        const plot_line *l = &p->line[i];
        fputs("<g class=\"line\" data-name=\"", to);
        plot_escape(to, l->name);
        fprintf(to, "\" fill=\"%s\">\n", l->colour);
        put_path(to, &a, l);
        put_points(to, &a, l);
        fprintf(to, "<text x=\"%d\" y=\"18\" text-anchor=\"end\">", PLOT_RIGHT - 110 * i);
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
