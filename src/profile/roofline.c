/* roofline.c: a point an op: how many multiply-adds a byte, and how fast; the machine's limits above.
 * Both axes are logarithmic. */
#include "profile/report.h"

#include "profile/say.h"

#include <math.h>

enum { WIDTH = 900, HEIGHT = 420, LEFT = 60, RIGHT = 170, TOP = 12, BOTTOM = 40 };

typedef struct {
    double x0, x1, y0, y1; /* log10 */
} axes;

static double x_of(const axes *a, double value)
{
    return LEFT + (log10(value) - a->x0) / (a->x1 - a->x0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const axes *a, double value)
{
    return HEIGHT - BOTTOM - (log10(value) - a->y0) / (a->y1 - a->y0) * (HEIGHT - TOP - BOTTOM);
}

/* What has multiply-adds: flops a byte, and GFLOP/s. */
static bool point_of(const hone_profile_row *r, double *intensity, double *rate)
{
    if (r->multiply_adds <= 0 || r->bytes <= 0 || r->seconds <= 0)
        return false;
    *intensity = 2 * r->multiply_adds / r->bytes;
    *rate = 2e-9 * r->multiply_adds / r->seconds;
    return true;
}

static void widen(double value, double *low, double *high)
{
    const double at = log10(value);
    *low = floor(at) < *low ? floor(at) : *low;
    *high = ceil(at) > *high ? ceil(at) : *high;
}

static axes axes_of(double peak)
{
    axes a = { -1, 2, 0, 1 };
    double x, y;
    for (int i = 0; i < hone__the_report.n_rows; i++)
        if (point_of(&hone__the_report.rows[i], &x, &y)) {
            widen(x, &a.x0, &a.x1);
            widen(y, &a.y0, &a.y1);
        }
    if (peak > 0)
        widen(peak, &a.y0, &a.y1);
    return a;
}

static void put_grid(FILE *to, const axes *a)
{
    for (double d = a->x0; d <= a->x1 + 0.5; d++) {
        const double x = x_of(a, pow(10, d));
        hone__say(to,
                  "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#eee\"/>"
                  "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                  x, TOP, x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 14, pow(10, d));
    }
    for (double d = a->y0; d <= a->y1 + 0.5; d++) {
        const double y = y_of(a, pow(10, d));
        hone__say(to,
                  "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#eee\"/>"
                  "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                  LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4, pow(10, d));
    }
    hone__say(to,
              "<text x=\"%d\" y=\"%d\">flops a byte</text><text x=\"%d\" y=\"%d\">GFLOP/s</text>\n",
              WIDTH / 2 - 90, HEIGHT - 8, LEFT + 6, TOP + 12);
}

/* A slope of memory up to the peak, and the peak's line from there on. */
static void put_roof(FILE *to, const axes *a, const char *name, double gbps, double peak,
                     const char *colour, int line)
{
    if (gbps <= 0 || peak <= 0)
        return;
    const double ridge = peak / gbps;
    double left = pow(10, a->x0);
    if (left * gbps < pow(10, a->y0))
        left = pow(10, a->y0) / gbps;
    hone__say(to,
              "<polyline class=\"roof\" fill=\"none\" stroke=\"%s\" points=\"%.1f,%.1f %.1f,%.1f "
              "%.1f,%.1f\"><title>%s: %.1f GB/s, %.1f GFLOP/s</title></polyline>\n"
              "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s %.0f GB/s</text>\n",
              colour, x_of(a, left), y_of(a, left * gbps), x_of(a, ridge), y_of(a, peak),
              (double)(WIDTH - RIGHT), y_of(a, peak), name, gbps, peak, WIDTH - RIGHT + 8,
              TOP + 30 + 15 * line, colour, name, gbps);
}

static void put_roofs(FILE *to, const axes *a)
{
    static const char *const colours[] = { "#2a8f50", "#3366cc", "#8250b4", "#d9731a" };
    const hone__roofs *r = &hone__the_report.roofs;
    if (!hone__the_report.has_roofs)
        return;
    const double peak = r->tile[0][HONE__ALL_THREADS];
    for (hone__mem_level level = 0; level < HONE__MEM_LEVELS; level++)
        put_roof(to, a, hone__mem_level_name[level],
                 r->gbps[level][HONE__STREAM_READ][HONE__ALL_THREADS], peak, colours[level],
                 (int)level);
    hone__say(to, "<text x=\"%d\" y=\"%d\">products %.0f GFLOP/s</text>\n", WIDTH - RIGHT + 8,
              TOP + 12, peak);
}

void hone__put_roofline(FILE *to)
{
    double x, y;
    const double peak =
        hone__the_report.has_roofs ? hone__the_report.roofs.tile[0][HONE__ALL_THREADS] : 0;
    const axes a = axes_of(peak);
    hone__say(to, "<h2>Roofline</h2>\n<svg id=\"roofline\" viewBox=\"0 0 %d %d\">\n", WIDTH,
              HEIGHT);
    put_grid(to, &a);
    put_roofs(to, &a);
    for (int i = 0; i < hone__the_report.n_rows; i++) {
        const hone_profile_row *r = &hone__the_report.rows[i];
        if (!point_of(r, &x, &y))
            continue;
        const double share =
            hone__tally.own > 0 ? r->seconds / hone__seconds_of(hone__tally.own) : 0;
        hone__say(to,
                  "<circle class=\"op\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" "
                  "fill-opacity=\"0.75\"><title>",
                  x_of(&a, x), y_of(&a, y), 3 + 14 * sqrt(share), hone__colour_of(r->op).s);
        hone__put_escaped(to, r->module);
        fputs(r->module[0] ? ": " : "", to);
        hone__put_escaped(to, r->op);
        fputs("\n", to);
        hone__put_escaped(to, r->shapes);
        hone__say(to,
                  "\n%.1f GFLOP/s, %.1f flops a byte, %.1f %% of the ops' time</title></circle>\n",
                  y, x, 100 * share);
    }
    fputs("</svg>\n", to);
}
