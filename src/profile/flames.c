/* flames.c: own times as stacks: phase, the parts of the module's path, op. A box is as wide as what is
 * in it takes. */
#include "profile/report.h"

#include "profile/say.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 900, BAR = 18, MOST_PARTS = 24, TEXT = 256 };

/* A row as "forward;layers;0;linear1;linear", for sorting. */
typedef struct {
    char path[TEXT];
    double seconds;
} stack;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const stack *)a)->path, ((const stack *)b)->path);
}

static void set_stack(stack *s, const hone_profile_row *r)
{
    hone__format(s->path, sizeof s->path, "%s;%.150s%s%.60s", hone__phase_name((int)r->phase),
                 r->module, r->module[0] ? ";" : "", r->op);
    for (char *c = s->path; *c; c++)
        if (*c == '.' && (size_t)(c - s->path) < strlen(s->path) - strlen(r->op))
            *c = ';';
    s->seconds = r->seconds;
}

/* Where part `depth` of the path ends; NULL: there is none. */
static const char *end_of_part(const char *path, int depth)
{
    const char *at = path;
    for (int i = 0;; i++) {
        const char *end = at + strcspn(at, ";");
        if (i == depth)
            return end;
        if (!*end)
            return NULL;
        at = end + 1;
    }
}

static void put_box(FILE *to, const char *path, size_t length, int depth, double x, double width,
                    double seconds, double all)
{
    char name[TEXT];
    hone__format(name, sizeof name, "%.*s", (int)length, path);
    const char *last = strrchr(name, ';');
    last = last ? last + 1 : name;
    hone__say(to,
              "<rect class=\"flame\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" "
              "fill=\"%s\"><title>",
              x, depth * BAR, width, BAR - 1, hone__colour_of(last).s);
    hone__put_escaped(to, name);
    hone__say(to, "\n%.3f us a step, %.1f %%</title></rect>\n",
              1e6 * seconds / (hone__tally.steps > 0 ? (double)hone__tally.steps : 1),
              100 * seconds / all);
    const int fits = (int)(width / 6.5);
    if (fits < 3)
        return;
    char shown[TEXT];
    hone__format(shown, sizeof shown, "%.*s", fits, last);
    hone__say(to, "<text x=\"%.1f\" y=\"%d\">", x + 2, depth * BAR + 13);
    hone__put_escaped(to, shown);
    fputs("</text>\n", to);
}

/* Boxes of one depth for stacks [begin, end), which have all before that depth in common. */
static void put_level(FILE *to, const stack *s, int begin, int end, int depth, double x, double all)
{

    for (int i = begin; i < end && depth < MOST_PARTS;) {
        const char *stop = end_of_part(s[i].path, depth);
        if (!stop) {
            x += s[i].seconds / all * WIDTH;
            i++;
            continue;
        }
        const size_t length = (size_t)(stop - s[i].path);
        double seconds = 0;
        int k = i;
        for (; k < end && strncmp(s[k].path, s[i].path, length) == 0 &&
               (s[k].path[length] == ';' || !s[k].path[length]);
             k++)
            seconds += s[k].seconds;
        const double width = seconds / all * WIDTH;
        if (width >= 0.15) {
            put_box(to, s[i].path, length, depth, x, width, seconds, all);
            put_level(to, s, i, k, depth + 1, x, all);
        }
        x += width;
        i = k;
    }
}

void hone__put_flames(FILE *to)
{
    const int n = hone__the_report.n_rows;
    double all = 0;
    stack *s = hone__book_realloc(NULL, 0, ((size_t)n + 1) * sizeof *s);
    fputs("<h2>Time by module</h2>\n", to);
    if (!s)
        return;
    for (int i = 0; i < n; i++) {
        set_stack(&s[i], &hone__the_report.rows[i]);
        all += s[i].seconds;
    }
    qsort(s, (size_t)n, sizeof *s, by_path);
    int deepest = 3;
    for (int i = 0; i < n; i++) {
        int depth = 0;
        while (depth < MOST_PARTS && end_of_part(s[i].path, depth))
            depth++;
        deepest = depth > deepest ? depth : deepest;
    }
    hone__say(to, "<svg id=\"flames\" viewBox=\"0 0 %d %d\">\n", WIDTH, deepest * BAR);
    if (all > 0)
        put_level(to, s, 0, n, 0, 0, all);
    fputs("</svg>\n", to);
    hone__book_realloc(s, ((size_t)n + 1) * sizeof *s, 0);
}
