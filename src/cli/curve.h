/* curve.h: the loss of a whole run, kept in little memory and drawn in the terminal at the end. */
#ifndef HONE_CLI_CURVE_H
#define HONE_CLI_CURVE_H

#include <stdbool.h>
#include <stdint.h>

enum { CURVE_BUCKETS = 512, CURVE_TESTS = 256 };

/** Training losses are averaged over runs of `per_bucket` steps; when all buckets are full,
 * neighbours are merged. All fields have 8 bytes: a checkpoint has them as so many numbers. */
typedef struct {
    double train[CURVE_BUCKETS]; /* sums over per_bucket steps; the last bucket may be part full */
    int64_t per_bucket, steps;
    struct {
        int64_t step;
        double loss;
    } test[CURVE_TESTS]; /* every `test_every`-th test */
    int64_t n_tests;
    int64_t test_every, tests_seen;
} curve;

void curve_begin(curve *c);
/** Whether numbers that come from a file can be a curve. */
bool curve_is_one(const curve *c);
void curve_train(curve *c, double loss);
void curve_test(curve *c, double loss);
/** Draws both onto stdout, `columns` wide; nothing if there are fewer than two steps. */
void curve_draw(const curve *c, int columns, bool utf8);

#endif
