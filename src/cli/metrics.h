/* metrics.h: what a classification is judged by besides loss and error: how often a class is taken for
 * which, whether the label is among the K best, and what went most wrong. */
#ifndef HONE_CLI_METRICS_H
#define HONE_CLI_METRICS_H

#include "progress.h"

#include <hone/hone.h>

struct images;

enum {
    METRICS_WORST = 24,
    METRICS_SHOWN = 20,     /* classes in the terminal, at most */
    METRICS_COUNTED = 1000, /* classes of a matrix, at most */
};

typedef struct {
    int64_t row, label, answer;
    double loss;
} wrong_answer;

typedef struct {
    int64_t n, classes;
    int64_t *confusion;                /* [label][answer] */
    int64_t top_k;                     /* 0: nobody asks */
    int64_t missed;                    /* labels not among the top_k best scores */
    double *mean, *spread, *rest;      /* of numbers, one each: of the targets, the sum of squares
                                          about it, the sum of squared distances of the answers */
    wrong_answer worst[METRICS_WORST]; /* of the highest loss first */
    int n_worst;
} metrics;

/** False with a usage error printed: --top-k has no meaning with so few classes. */
bool metrics_can_top(const char *command, int64_t top_k, const struct images *set);
/** Empties it for another pass; a zeroed one is empty. */
void metrics_begin(metrics *m, int64_t top_k);
/** Counts scores f32|f64 [n, classes] and labels [n], which are the rows from `row` on; of numbers
 * answers and targets [n, numbers]. False: an error is pending. */
bool metrics_add(metrics *m, hone_task task, hone_tensor *scores, hone_tensor *labels, int64_t row);
void metrics_free(metrics *m);

/** R2 of numbers, the mean over them: 1 - squared distances / squares about the mean; NaN where all
 * targets are one. */
double metrics_r2(const metrics *m);
/** The share of labels that aren't among the K best. */
double metrics_top_error(const metrics *m);
/** Of the rows of a class, the share that was answered so / of the answers, the share that was right;
 * NaN where there are none. */
double metrics_recall(const metrics *m, int64_t class_);
double metrics_precision(const metrics *m, int64_t class_);
/** The confusion matrix with each class's recall and precision; of more than METRICS_SHOWN classes
 * the means alone. On a terminal that is too narrow, without the matrix. */
void metrics_print(const metrics *m, progress *p);

#endif
