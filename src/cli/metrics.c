/* metrics.c: counting answers, and the table of them. */
#include "metrics.h"

#include "cli.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool metrics_can_top(const char *command, int64_t top_k, const images *set)
{
    const bool classes = set->task != HONE_TASK_NUMBERS;
    if (top_k == 0 || (classes && top_k <= set->outputs))
        return true;
    cli_error(CLI_USAGE, command, "--top-k %lld: there are %lld classes", (long long)top_k,
              (long long)(classes ? set->outputs : 0));
    return false;
}

void metrics_begin(metrics *m, int64_t top_k)
{
    metrics_free(m);
    m->top_k = top_k;
}

void metrics_free(metrics *m)
{
    free(m->confusion);
    free(m->mean);
    *m = (metrics){ 0 };
}

/* False: an error is pending. */
static bool make_room(metrics *m, int64_t classes)
{
    if (m->classes)
        return true;
    m->classes = classes;
    if (classes > METRICS_COUNTED)
        return true;
    m->confusion = calloc((size_t)(classes * classes), sizeof *m->confusion);
    if (!m->confusion)
        hone_error_set(HONE_E_NOMEM, "no memory for a matrix of %lld classes", (long long)classes);
    return m->confusion;
}

/* Whether the label is among the k best; of equal scores the first is the better one, as argmax has
 * it. */
static bool is_among(const double *value, int64_t classes, int64_t label, int64_t k)
{
    int64_t before = 0;
    for (int64_t c = 0; c < classes; c++)
        before += value[c] > value[label] || (value[c] == value[label] && c < label);
    return before < k && !isnan(value[label]);
}

static void keep_worst(metrics *m, wrong_answer one)
{
    int at = m->n_worst;
    while (at > 0 && m->worst[at - 1].loss < one.loss)
        at--;
    if (at == METRICS_WORST)
        return;
    const int last = m->n_worst < METRICS_WORST ? m->n_worst++ : METRICS_WORST - 1;
    memmove(m->worst + at + 1, m->worst + at, (size_t)(last - at) * sizeof one);
    m->worst[at] = one;
}

/* ---- numbers: mean and squares about it sample by sample, as Welford does */

static bool add_numbers(metrics *m, hone_tensor *answers, hone_tensor *targets)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *a = hone_contiguous(hone_to(answers, HONE_F64));
    hone_tensor *y = hone_contiguous(hone_to(targets, HONE_F64));
    if (!a || !y)
        return false;
    const int64_t k = hone_size(y, 1);
    if (!m->mean) {
        m->mean = calloc((size_t)(3 * k), sizeof *m->mean);
        if (!m->mean)
            return hone_error_set(HONE_E_NOMEM, "no memory for the metrics of %lld numbers",
                                  (long long)k) == HONE_OK;
        m->spread = m->mean + k;
        m->rest = m->spread + k;
        m->classes = k;
    }
    const double *answer = hone_data(a), *target = hone_data(y);
    for (int64_t i = 0; i < hone_size(y, 0); i++) {
        m->n++;
        for (int64_t j = 0; j < k; j++, answer++, target++) {
            const double from_mean = *target - m->mean[j], off = *answer - *target;
            m->mean[j] += from_mean / (double)m->n;
            m->spread[j] += from_mean * (*target - m->mean[j]);
            m->rest[j] += off * off;
        }
    }
    return true;
}

double metrics_r2(const metrics *m)
{
    double sum = 0;
    for (int64_t j = 0; m->mean && j < m->classes; j++)
        sum += m->spread[j] > 0 ? 1 - m->rest[j] / m->spread[j] : NAN;
    return m->mean ? sum / (double)m->classes : NAN;
}

bool metrics_add(metrics *m, hone_task task, hone_tensor *scores, hone_tensor *labels, int64_t row)
{
    if (task == HONE_TASK_NUMBERS)
        return add_numbers(m, scores, labels);
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *wide = hone_contiguous(hone_to(scores, HONE_F64));
    hone_tensor *right = hone_contiguous(hone_to(labels, HONE_I64));
    hone_tensor *answers = hone_contiguous(hone_argmax(scores, 1, false));
    hone_tensor *losses = hone_to(
        hone_cross_entropy_loss(scores, labels, HONE_NONE, -100, 0, HONE_REDUCE_NONE), HONE_F64);
    const double *value = hone_data(wide), *loss = hone_data(losses);
    const int64_t *label = hone_data(right), *answer = hone_data(answers);
    if (hone_error_code() != HONE_OK || !make_room(m, hone_size(scores, 1)))
        return false;
    for (int64_t i = 0; i < hone_numel(right); i++, m->n++) {
        if (label[i] < 0) /* ignored by the loss */
            continue;
        if (m->confusion)
            m->confusion[label[i] * m->classes + answer[i]]++;
        m->missed += m->top_k && !is_among(value + i * m->classes, m->classes, label[i], m->top_k);
        if (label[i] != answer[i])
            keep_worst(m, (wrong_answer){ row + i, label[i], answer[i], loss[i] });
    }
    return true;
}

double metrics_top_error(const metrics *m)
{
    return (double)m->missed / (double)m->n;
}

static double share(const metrics *m, int64_t class_, int64_t begin, int64_t step)
{
    int64_t all = 0;
    for (int64_t i = 0; i < m->classes; i++)
        all += m->confusion[begin + i * step];
    return (double)m->confusion[class_ * m->classes + class_] / (double)all;
}

double metrics_recall(const metrics *m, int64_t class_)
{
    return share(m, class_, class_ * m->classes, 1);
}

double metrics_precision(const metrics *m, int64_t class_)
{
    return share(m, class_, class_, m->classes);
}

/* ---- the table */

enum { LABEL = 5, NUMBER = 11 };

static int cell_width(const metrics *m)
{
    int64_t most = m->classes - 1;
    for (int64_t i = 0; i < m->classes * m->classes; i++)
        most = m->confusion[i] > most ? m->confusion[i] : most;
    return snprintf(NULL, 0, "%lld", (long long)most) + 2;
}

static const char *in_text(char *text, size_t size, double value)
{
    if (isnan(value))
        return "-";
    snprintf(text, size, "%.4f", value);
    return text;
}

static void print_row(const metrics *m, progress *p, int64_t label, int width)
{
    char line[512], recall[24], precision[24];
    int used = snprintf(line, sizeof line, "%*lld", LABEL, (long long)label);
    for (int64_t i = 0; i < m->classes && width; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%*lld", width,
                         (long long)m->confusion[label * m->classes + i]);
    progress_line(p, "%s%*s%*s", line, NUMBER,
                  in_text(recall, sizeof recall, metrics_recall(m, label)), NUMBER,
                  in_text(precision, sizeof precision, metrics_precision(m, label)));
}

static void print_titles(const metrics *m, progress *p, int width)
{
    char line[512];
    int used = snprintf(line, sizeof line, "%*s", LABEL, "class");
    for (int64_t i = 0; i < m->classes && width; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%*lld", width, (long long)i);
    progress_line(p, "%s%*s%*s", line, NUMBER, "recall", NUMBER, "precision");
}

static void print_means(const metrics *m, progress *p)
{
    double recall = 0, precision = 0;
    int64_t n_recall = 0, n_precision = 0;
    for (int64_t c = 0; c < m->classes; c++) {
        const double r = metrics_recall(m, c), q = metrics_precision(m, c);
        recall += isnan(r) ? 0 : r;
        precision += isnan(q) ? 0 : q;
        n_recall += !isnan(r);
        n_precision += !isnan(q);
    }
    progress_line(p, "\n%lld classes: mean recall %.4f, mean precision %.4f", (long long)m->classes,
                  recall / (double)n_recall, precision / (double)n_precision);
}

void metrics_print(const metrics *m, progress *p)
{
    const int room = p->live ? progress_columns() - 1 : 1 << 20, fixed = LABEL + 2 * NUMBER;
    if (!m->confusion || room < fixed)
        return;
    if (m->classes > METRICS_SHOWN) {
        if (room > 72)
            print_means(m, p);
        return;
    }
    int width = cell_width(m);
    if (fixed + (int)m->classes * width > room)
        width = 0;
    progress_line(p, "\n%s", width ? "rows are labels, columns answers" : "each class's shares");
    print_titles(m, p, width);
    for (int64_t c = 0; c < m->classes; c++)
        print_row(m, p, c, width);
}
