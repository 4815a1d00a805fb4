/* html.c: the report as a page that needs nothing else: pictures as SVG, no script; what a mark is
 * stands in its title. */
#include "profile/report.h"

#include "profile/say.h"

#include <math.h>
#include <string.h>

static const hone__tallied *const g = &hone__tally;

void hone__put_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                         : *text == '"' ? "&quot;"
                                        : NULL;
        if (as)
            fputs(as, to);
        else
            fputc(*text, to);
    }
}

hone__colour hone__colour_of(const char *name)
{
    hone__colour c;
    unsigned h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    hone__format(c.s, sizeof c.s, "hsl(%u,%u%%,%u%%)", h % 360, 45 + h / 360 % 25,
                 62 + h / 9000 % 16);
    return c;
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
    "<meta charset=\"utf-8\"/>\n<title>hone profile</title>\n<style>\n"
    "body{font-family:sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:#222;"
    "background:#fff}\n"
    "table{border-collapse:collapse;font-size:85%}td,th{padding:.15em .6em;text-align:right}\n"
    "th{font-weight:normal;color:#666}td.name,th.name{text-align:left}\n"
    "svg{width:100%;height:auto;display:block;font-size:11px}svg text{pointer-events:none}\n"
    ".slice:hover,.flame:hover,.op:hover{stroke:#000}\n"
    "</style>\n</head>\n<body>\n<h1>hone profile</h1>\n";

static void cell(FILE *to, bool known, const char *format, double value)
{
    char text[48] = "-";
    if (known)
        hone__format(text, sizeof text, format, value);
    fprintf(to, "<td>%s</td>", text);
}

static void put_row(FILE *to, const hone_profile_row *r)
{
    const double steps = g->steps > 0 ? (double)g->steps : 1, wall = hone__seconds_of(g->wall);
    fputs("<tr><td class=\"name\">", to);
    hone__put_escaped(to, r->module);
    fputs("</td><td class=\"name\">", to);
    hone__put_escaped(to, r->op);
    fputs("</td><td class=\"name\">", to);
    hone__put_escaped(to, r->shapes);
    fprintf(to, "</td><td>%s</td>", hone__phase_name((int)r->phase));
    cell(to, true, "%.1f", (double)r->calls / steps);
    cell(to, true, "%.3f", 1e3 * r->seconds / steps);
    cell(to, wall > 0, "%.1f", 100 * r->seconds / wall);
    cell(to, r->multiply_adds > 0, "%.1f", 2e-9 * r->multiply_adds / r->seconds);
    cell(to, r->bytes > 0, "%.1f", 1e-9 * r->bytes / r->seconds);
    cell(to, r->roof_seconds > 0, "%.1f", 100 * r->roof_seconds / r->seconds);
    cell(to, r->wait_share > 0, "%.1f", 100 * r->wait_share);
    fprintf(to, "<td class=\"name\">%s</td></tr>\n", hone__verdict_name(r->verdict));
}

static void put_rows(FILE *to)
{
    enum { MOST = 60 };
    fputs("<h2>Ops</h2>\n<table>\n<tr><th class=\"name\">module</th><th class=\"name\">op</th>"
          "<th class=\"name\">shapes</th><th>phase</th><th>calls a step</th><th>ms a step</th>"
          "<th>% of it</th><th>GFLOP/s</th><th>GB/s</th><th>% of its limit</th><th>waiting %</th>"
          "<th class=\"name\">verdict</th></tr>\n",
          to);
    for (int i = 0; i < hone__the_report.n_rows && i < MOST; i++)
        if (hone__the_report.rows[i].seconds > 0)
            put_row(to, &hone__the_report.rows[i]);
    fputs("</table>\n", to);
}

static void put_facts(FILE *to)
{
    double q[5];
    hone__samples_quarters(&g->step_walls, q);
    const double steps = g->steps > 0 ? (double)g->steps : 1;
    fputs("<p>", to);
    hone__put_escaped(to, hone__the_report.title);
    hone__say(
        to,
        "</p>\n<p>%lld steps; %.3f ms a step (quartiles %.3f, %.3f, %.3f), of which ops take "
        "%.1f %%; %.0f multiply-adds and %.0f bytes at least. %lld records, %lld dropped.</p>\n",
        (long long)g->steps, 1e3 * hone__seconds_of(g->wall) / steps, 1e3 * hone__seconds_of(q[1]),
        1e3 * hone__seconds_of(q[2]), 1e3 * hone__seconds_of(q[3]),
        g->wall > 0 ? 100 * g->own / g->wall : 0, g->madds / steps, g->bytes / steps,
        (long long)g->records, (long long)g->dropped);
}

void hone__report_html(FILE *to)
{
    fputs(head, to);
    put_facts(to);
    hone__put_roofline(to);
    hone__put_flames(to);
    hone__put_timeline(to);
    hone__put_memory(to);
    put_rows(to);
    fputs("</body>\n</html>\n", to);
}
