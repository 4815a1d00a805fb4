/* train_report.c: --plot and --report: what a run was like, as a picture and as a page that needs
 * nothing besides itself. */
#include "train.h"

#include "io/replace.h"
#include "plot.h"
#include "png.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "train";

enum { MATRIX_CLASSES = 100 }; /* in the page, at most */

/* ---- the rows so far */

bool train_remember(training *t, const epoch_row *row)
{
    if (!t->o.plot && !t->o.report && !t->saving.file)
        return true;
    if (t->n_rows == t->room) {
        const int64_t room = t->room ? 2 * t->room : 64;
        epoch_row *rows = realloc(t->rows, (size_t)room * sizeof *rows);
        if (!rows) {
            hone_error_set(HONE_E_NOMEM, "no memory for the curves");
            return false;
        }
        t->rows = rows;
        t->room = room;
    }
    t->rows[t->n_rows++] = *row;
    return true;
}

/* ---- curves */

typedef struct {
    plot p;
    double *values; /* of all its lines */
} curves;

static void add_line(const training *t, curves *c, const char *title, const char *colour,
                     size_t offset)
{
    double *y = c->values + c->p.n_lines * t->n_rows;
    for (int64_t i = 0; i < t->n_rows; i++)
        memcpy(&y[i], (const char *)&t->rows[i] + offset, sizeof *y);
    c->p.line[c->p.n_lines++] = (plot_line){ title, colour, y };
}

enum { LOSS, ERROR, RATE, NORM, SPEED, N_CURVES };

#define BLUE   "#3366cc"
#define ORANGE "#d9731a"
#define GREEN  "#2a8f50"
#define VIOLET "#8250b4"

static void fill(const training *t, curves *all)
{
    static const char *const titles[N_CURVES] = { "Loss", "Error", "Learning rate",
                                                  "Norm of the gradients", "Samples a second" };
    const bool numbers = t->set.task == HONE_TASK_NUMBERS;
    for (int i = 0; i < N_CURVES; i++) {
        all[i].p.title = numbers && i == ERROR ? "Mean absolute error" : titles[i];
        all[i].p.n = t->n_rows;
    }
#define LINE(which, title, colour, member)                                                         \
    add_line(t, &all[which], title, colour, offsetof(epoch_row, member))
    LINE(LOSS, "train loss", BLUE, train_loss);
    LINE(LOSS, "test loss", ORANGE, test.loss);
    LINE(ERROR, numbers ? "train MAE" : "train error", BLUE, train_error);
    LINE(ERROR, numbers ? "test MAE" : "test error", ORANGE, test.error);
    if (t->val.x) {
        LINE(LOSS, "val loss", GREEN, val.loss);
        LINE(ERROR, numbers ? "val MAE" : "val error", GREEN, val.error);
    }
    if (t->o.top_k)
        LINE(ERROR, "top-k error", VIOLET, top_error);
    LINE(RATE, "learning rate", BLUE, lr);
    LINE(NORM, "gradient norm", BLUE, norm);
    LINE(SPEED, "samples/s", BLUE, speed);
#undef LINE
}

static void free_curves(curves *all)
{
    for (int i = 0; i < N_CURVES; i++)
        free(all[i].values);
}

/* False: no memory. */
static bool make_curves(const training *t, curves *all)
{
    memset(all, 0, N_CURVES * sizeof *all);
    for (int i = 0; i < N_CURVES; i++)
        if (!(all[i].values =
                  calloc((size_t)(PLOT_LINES * (t->n_rows + 1)), sizeof *all[i].values))) {
            free_curves(all);
            return false;
        }
    fill(t, all);
    return true;
}

/* ---- the page's parts */

static void put_pair(FILE *to, const char *what, const char *text)
{
    fprintf(to, "<tr><th>%s</th><td>", what);
    plot_escape(to, text);
    fputs("</td></tr>\n", to);
}

/* As a shell would take it. */
static void put_command(FILE *to, const training *t)
{
    fputs("<pre>hone train", to);
    for (int i = 0; i < t->argc; i++) {
        const char *word = t->argv[i];
        const bool plain = word[0] && !word[strcspn(word, " '\"\\$`!*?[](){}<>|&;#~\t\n")];
        fputs(plain ? " " : " '", to);
        for (; *word; word++)
            if (*word == '\'')
                fputs("'\\''", to);
            else
                plot_escape(to, (char[]){ *word, 0 });
        fputs(plain ? "" : "'", to);
    }
    fputs("</pre>\n", to);
}

static void put_machine(FILE *to, training *t)
{
    hone_machine m;
    char text[400];
    fputs("<table class=\"facts\">\n", to);
    if (hone_machine_get(&m) == HONE_OK) {
        snprintf(text, sizeof text, "%s, %d cores", m.cpu_name[0] ? m.cpu_name : "unknown CPU",
                 m.cores);
        put_pair(to, "machine", text);
    }
    snprintf(text, sizeof text, "hone %s, %s, %d threads", hone_version(), hone_isa(),
             hone_threads());
    put_pair(to, "program", text);
    snprintf(text, sizeof text, "%s, %lld parameters", model_describe(&t->spec).s,
             (long long)hone_parameter_count(t->model));
    put_pair(to, "network", text);
    snprintf(text, sizeof text, "%.150s: %lld for training, %lld held out, %lld for tests",
             t->o.data.source, (long long)hone_dataset_size(&t->set.train),
             (long long)(t->val.x ? hone_dataset_size(&t->val) : 0),
             (long long)hone_dataset_size(&t->set.test));
    put_pair(to, "data", text);
    if (t->n_rows > 0) {
        const epoch_row *last = &t->rows[t->n_rows - 1];
        snprintf(text, sizeof text, "test loss %s, test error %.4f after %lld epochs, %s",
                 progress_loss(last->test.loss).s, last->test.error, (long long)t->n_rows,
                 progress_time(t->train_seconds).s);
        put_pair(to, "result", text);
    }
    fputs("</table>\n", to);
}

static void put_share(FILE *to, double share)
{
    if (isnan(share))
        fputs("<td>-</td>", to);
    else
        fprintf(to, "<td>%.4f</td>", share);
}

static void put_matrix_row(FILE *to, const metrics *m, int64_t label)
{
    int64_t most = 1;
    for (int64_t i = 0; i < m->classes; i++)
        most = m->confusion[label * m->classes + i] > most ? m->confusion[label * m->classes + i]
                                                           : most;
    fprintf(to, "<tr><th>%lld</th>", (long long)label);
    for (int64_t i = 0; i < m->classes; i++) {
        const int64_t count = m->confusion[label * m->classes + i];
        fprintf(to, "<td style=\"background:rgba(%s,%.2f)\">%lld</td>",
                i == label ? "51,102,204" : "217,115,26", 0.6 * sqrt((double)count / (double)most),
                (long long)count);
    }
    put_share(to, metrics_recall(m, label));
    put_share(to, metrics_precision(m, label));
    fputs("</tr>\n", to);
}

static void put_matrix(FILE *to, const training *t)
{
    const metrics *m = &t->answers;
    if (m->classes > MATRIX_CLASSES)
        return;
    fprintf(to,
            "<h2>Confusion matrix after epoch %lld</h2>\n<p>Rows are labels, columns answers.</p>\n"
            "<table class=\"matrix\">\n<tr><th></th>",
            (long long)t->answered);
    for (int64_t i = 0; i < m->classes; i++)
        fprintf(to, "<th>%lld</th>", (long long)i);
    fputs("<th>recall</th><th>precision</th></tr>\n", to);
    for (int64_t i = 0; i < m->classes; i++)
        put_matrix_row(to, m, i);
    fputs("</table>\n", to);
}

/* 1 or 3; 0: the rows are no pictures. */
static int channels_of(const images *set)
{
    const int64_t pixels = set->height * set->width;
    const bool small = set->source.pictures && pixels > 0 && set->features <= 1 << 20;
    return small && set->features == pixels ? 1 : small && set->features == 3 * pixels ? 3 : 0;
}

/* False: no memory. */
static bool put_worst(FILE *to, const training *t)
{
    HONE_SCOPE();
    const metrics *m = &t->answers;
    const int channels = channels_of(&t->set);
    if (!channels || m->n_worst == 0)
        return true;
    fputs("<h2>What went most wrong</h2>\n<p>Test images by their loss.</p>\n<div>\n", to);
    for (int i = 0; i < m->n_worst; i++) {
        const wrong_answer *w = &m->worst[i];
        hone_tensor *x, *y;
        if (!images_rows(&t->set, &t->set.test, w->row, w->row + 1, &x, &y))
            return false;
        hone_tensor *one = hone_contiguous(x);
        const float *planes = hone_dtype_of(one) == HONE_F32 ? hone_data(one) : NULL;
        fputs("<figure><img width=\"84\" height=\"84\" alt=\"\" src=\"", to);
        if (!planes || !png_write_data(to, planes, channels, (int)t->set.height, (int)t->set.width))
            return false;
        fprintf(
            to, "\"/><figcaption>%lld, not %lld<br/>loss %s<br/>image %lld</figcaption></figure>\n",
            (long long)w->label, (long long)w->answer, progress_loss(w->loss).s, (long long)w->row);
    }
    fputs("</div>\n", to);
    return true;
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
    "charset=\"utf-8\"/>\n<title>hone train</title>\n<style>\n"
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;"
    "background:#fff}\n"
    "pre{background:#f4f4f4;padding:.7em;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "th{text-align:left;font-weight:normal;color:#666;padding-right:1em}\n"
    ".matrix{border-collapse:collapse}.matrix td,.matrix th{text-align:right;padding:.25em .5em}\n"
    "svg{max-width:100%;height:auto;display:block}\n"
    "figure{display:inline-block;margin:0 .8em .8em 0;font-size:80%;vertical-align:top}\n"
    "figure img{image-rendering:pixelated;border:1px solid #ccc}\n"
    "</style>\n</head>\n<body>\n<h1>hone train</h1>\n";

/* False: no memory. */
static bool put_page(FILE *to, training *t, curves *all)
{
    bool done = true;
    fputs(head, to);
    put_command(to, t);
    put_machine(to, t);
    fputs("<h2>Curves</h2>\n", to);
    for (int i = 0; i < N_CURVES; i++)
        plot_write(to, &all[i].p, 1);
    if (t->answers.confusion && t->answers.n == hone_dataset_size(&t->set.test)) {
        put_matrix(to, t);
        done = put_worst(to, t);
    }
    fputs("</body>\n</html>\n", to);
    return done;
}

static bool put_plot(FILE *to, training *t, curves *all)
{
    const plot plots[] = { all[LOSS].p, all[ERROR].p };
    if (strcmp(t->o.plot + strlen(t->o.plot) - 4, ".png") == 0)
        return plot_write_png(to, plots, 2);
    plot_write(to, plots, 2);
    return true;
}

/* ---- files */

static int write_file(training *t, const char *path, curves *all,
                      bool (*put)(FILE *to, training *t, curves *all))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    const bool done = to && put(to, t, all);
    const int error = to ? cli_close(to, 0) : errno;
    const hone__part part = { text, bytes };
    int status = CLI_OK;
    if (!done || error)
        status = cli_error(CLI_FAILED, name, "%s: %s", path, strerror(error ? error : ENOMEM));
    else if (hone__replace_file(name, path, &part, 1) != HONE_OK)
        status = cli_library_error(name);
    else
        progress_line(&t->show, "wrote %s", path);
    free(text);
    return status;
}

int train_report(training *t)
{
    curves all[N_CURVES];
    int status = CLI_OK;
    if (!t->o.plot && !t->o.report)
        return CLI_OK;
    if (!make_curves(t, all))
        return cli_error(CLI_FAILED, name, "no memory for the curves");
    if (t->o.plot)
        status = write_file(t, t->o.plot, all, put_plot);
    if (t->o.report) {
        const int written = write_file(t, t->o.report, all, put_page);
        status = status == CLI_OK ? written : status;
    }
    free_curves(all);
    return status;
}
