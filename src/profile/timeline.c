/* timeline.c: the last measured step by thread: ops and nodes as they nest, parts of regions and the
 * waiting in them; and its memory over time. */
#include "profile/report.h"

#include "profile/say.h"

#include <string.h>

enum { WIDTH = 900, LEFT = 90, BAR = 14, MOST_THREADS = 64, DEEPEST = 8, MOST_SLICES = 6000 };

typedef struct {
    int tid[MOST_THREADS], depth[MOST_THREADS], top[MOST_THREADS], n; /* top: of its lanes, y */
} lanes;

static int lane_of(lanes *l, int tid)
{
    for (int i = 0; i < l->n; i++)
        if (l->tid[i] == tid)
            return i;
    if (l->n == MOST_THREADS)
        return -1;
    l->tid[l->n] = tid;
    l->depth[l->n] = 1;
    return l->n++;
}

static int depth_of(const hone__event *e)
{
    return e->depth < DEEPEST ? e->depth : DEEPEST - 1;
}

static int lay_out(lanes *l)
{
    const hone__events *events = &hone__tally.last;
    int y = 0;
    l->n = 0;
    for (int64_t i = 0; i < events->n; i++) {
        const int lane = lane_of(l, events->at[i].tid);
        if (lane >= 0 && depth_of(&events->at[i]) >= l->depth[lane])
            l->depth[lane] = depth_of(&events->at[i]) + 1;
    }
    for (int i = 0; i < l->n; i++) {
        l->top[i] = y;
        y += l->depth[i] * BAR + 10;
    }
    return y;
}

static double x_of(int64_t ticks)
{
    const hone__events *e = &hone__tally.last;
    const double all = (double)(e->end - e->begin);
    const double x = all > 0 ? (double)(ticks - e->begin) / all : 0;
    return LEFT + (x < 0 ? 0 : x > 1 ? 1 : x) * (WIDTH - LEFT);
}

static void put_slice(FILE *to, const lanes *l, int lane, const hone__event *e, double width)
{
    const bool waits = e->kind == HONE__EVENT_WAIT;
    const char *name = waits ? "wait" : e->name ? e->name : "region";
    hone__say(to,
              "<rect class=\"slice\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" "
              "fill=\"%s\"><title>",
              x_of(e->begin), l->top[lane] + depth_of(e) * BAR, width, BAR - 1,
              waits ? "#ddd" : hone__colour_of(name).s);
    hone__put_escaped(to, hone__module_path(e->module));
    fputs(e->module ? ": " : "", to);
    hone__put_escaped(to, name);
    hone__say(to, "\n%.3f us</title></rect>\n",
              1e6 * hone__seconds_of((double)(e->end - e->begin)));
}

/* Those that can be seen. */
static void put_slices(FILE *to, lanes *l)
{
    const hone__events *events = &hone__tally.last;
    int put = 0;
    for (int64_t i = 0; i < events->n && put < MOST_SLICES; i++) {
        const hone__event *e = &events->at[i];
        const int lane = lane_of(l, e->tid);
        const double width = x_of(e->end) - x_of(e->begin);
        if (lane < 0 || width < 0.12)
            continue;
        put_slice(to, l, lane, e, width);
        put++;
    }
}

void hone__put_timeline(FILE *to)
{
    lanes l;
    const hone__events *e = &hone__tally.last;
    const int height = lay_out(&l);
    hone__say(to,
              "<h2>One step by thread</h2>\n<p>%.3f ms; grey is waiting.%s</p>\n"
              "<svg id=\"timeline\" viewBox=\"0 0 %d %d\">\n",
              1e3 * hone__seconds_of((double)(e->end - e->begin)),
              e->dropped ? " Not all of it had room." : "", WIDTH, height > 0 ? height : BAR);
    for (int i = 0; i < l.n; i++)
        hone__say(to, "<text x=\"2\" y=\"%d\">thread %d</text>\n", l.top[i] + 11, l.tid[i]);
    put_slices(to, &l);
    fputs("</svg>\n", to);
}

/* ---- memory */

enum { HEIGHT = 180, BOTTOM = 20 };

void hone__put_memory(FILE *to)
{
    const hone__memory_point *points = hone__tally.last_points;
    const int64_t n = hone__tally.n_last_points;
    int64_t most = 1;
    for (int64_t i = 0; i < n; i++)
        most = points[i].bytes > most ? points[i].bytes : most;
    hone__say(to,
              "<h2>Memory over that step</h2>\n<svg id=\"memory\" viewBox=\"0 0 %d %d\">\n"
              "<text x=\"2\" y=\"14\">%.2f MiB</text><text x=\"2\" y=\"%d\">0</text>\n"
              "<polyline class=\"memory\" fill=\"none\" stroke=\"#3366cc\" points=\"",
              WIDTH, HEIGHT, (double)most / (1 << 20), HEIGHT - BOTTOM);
    double y = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = x_of(points[i].at);
        if (i > 0)
            hone__say(to, "%.1f,%.1f ", x, y);
        y = HEIGHT - BOTTOM - (double)points[i].bytes / (double)most * (HEIGHT - BOTTOM - 6);
        hone__say(to, "%.1f,%.1f ", x, y);
    }
    fputs("\"/>\n</svg>\n", to);
}
