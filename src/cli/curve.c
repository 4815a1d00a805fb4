/* curve.c: training loss as a line (braille dots, or * in ASCII), test losses as o, over a
 * logarithmic axis where the values span more than a factor of ten. */
#include "curve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void curve_begin(curve *c)
{
    memset(c, 0, sizeof *c);
    c->per_bucket = 1;
    c->test_every = 1;
}

bool curve_is_one(const curve *c)
{
    bool is = c->per_bucket >= 1 && c->per_bucket <= INT64_MAX / CURVE_BUCKETS / 2 &&
              c->steps >= 0 && c->steps <= c->per_bucket * CURVE_BUCKETS && c->n_tests >= 0 &&
              c->n_tests <= CURVE_TESTS && c->test_every >= 1 && c->tests_seen >= 0;
    for (int i = 0; is && i < c->n_tests; i++)
        is = c->test[i].step >= 0 && c->test[i].step <= c->steps;
    return is;
}

void curve_train(curve *c, double loss)
{
    if (c->steps == c->per_bucket * CURVE_BUCKETS) {
        for (int i = 0; i < CURVE_BUCKETS / 2; i++)
            c->train[i] = c->train[2 * i] + c->train[2 * i + 1];
        memset(c->train + CURVE_BUCKETS / 2, 0, sizeof c->train / 2);
        c->per_bucket *= 2;
    }
    c->train[c->steps++ / c->per_bucket] += loss;
}

void curve_test(curve *c, double loss)
{
    if (c->tests_seen++ % c->test_every)
        return;
    if (c->n_tests == CURVE_TESTS) {
        for (int i = 0; i < CURVE_TESTS / 2; i++)
            c->test[i] = c->test[2 * i];
        c->n_tests /= 2;
        c->test_every *= 2;
    }
    c->test[c->n_tests].step = c->steps;
    c->test[c->n_tests++].loss = loss;
}

/* Mean training loss of the steps in bucket i. */
static double bucket_mean(const curve *c, int i)
{
    int64_t begin = i * c->per_bucket, end = begin + c->per_bucket;
    return c->train[i] / (double)((end < c->steps ? end : c->steps) - begin);
}

static int n_buckets(const curve *c)
{
    return (int)((c->steps + c->per_bucket - 1) / c->per_bucket);
}

/* ---- the axis */

typedef struct {
    double low, high;
    bool logarithmic;
} axis;

static axis axis_of(const curve *c)
{
    axis a = { INFINITY, -INFINITY, false };
    for (int i = 0; i < n_buckets(c); i++) {
        double v = bucket_mean(c, i);
        if (isfinite(v)) {
            a.low = fmin(a.low, v);
            a.high = fmax(a.high, v);
        }
    }
    for (int i = 0; i < c->n_tests; i++)
        if (isfinite(c->test[i].loss)) {
            a.low = fmin(a.low, c->test[i].loss);
            a.high = fmax(a.high, c->test[i].loss);
        }
    if (a.low > a.high) /* no loss was finite */
        a.low = a.high = 0.5;
    if (a.low == a.high) {
        a.low -= 0.5;
        a.high = a.low + 1;
    }
    a.logarithmic = a.low > 0 && a.high > 10 * a.low;
    return a;
}

/* 0 at the axis's low end, 1 at its high end. */
static double axis_place(const axis *a, double v)
{
    if (a->logarithmic)
        return log(v / a->low) / log(a->high / a->low);
    return (v - a->low) / (a->high - a->low);
}

static double axis_value(const axis *a, double place)
{
    if (a->logarithmic)
        return a->low * pow(a->high / a->low, place);
    return a->low + place * (a->high - a->low);
}

/* ---- the canvas: character cells of dots_x x dots_y dots */

enum { ROWS = 12, MAX_WIDTH = 120 };

typedef struct {
    int width, dots_x, dots_y;
    unsigned char dots[ROWS][MAX_WIDTH]; /* one bit a dot, bit y * dots_x + x */
    bool mark[ROWS][MAX_WIDTH];          /* a test loss */
} canvas;

static int dot_row(const canvas *k, double place)
{
    int n = ROWS * k->dots_y;
    int y = (int)((1 - place) * (n - 1) + 0.5);
    return y < 0 ? 0 : y >= n ? n - 1 : y;
}

static void set_dot(canvas *k, int x, int y)
{
    k->dots[y / k->dots_y][x / k->dots_x] |=
        (unsigned char)(1 << (y % k->dots_y * k->dots_x + x % k->dots_x));
}

static void plot_train(canvas *k, const curve *c, const axis *a)
{
    int columns = k->width * k->dots_x, n = n_buckets(c), last = -1;
    for (int x = 0; x < columns; x++) {
        int begin = (int)((int64_t)x * n / columns), end = (int)((int64_t)(x + 1) * n / columns);
        double sum = 0;
        if (end == begin)
            end = begin + 1;
        for (int i = begin; i < end; i++)
            sum += bucket_mean(c, i);
        double mean = sum / (end - begin);
        if (!isfinite(mean)) {
            last = -1;
            continue;
        }
        int y = dot_row(k, axis_place(a, mean)), from = last < 0 ? y : last;
        for (int i = from < y ? from : y; i <= (from < y ? y : from); i++)
            set_dot(k, x, i);
        last = y;
    }
}

static void plot_tests(canvas *k, const curve *c, const axis *a)
{
    for (int i = 0; i < c->n_tests; i++) {
        if (!isfinite(c->test[i].loss))
            continue;
        int64_t x = c->test[i].step * k->width / c->steps;
        int y = dot_row(k, axis_place(a, c->test[i].loss)) / k->dots_y;
        k->mark[y][x < k->width ? x : k->width - 1] = true;
    }
}

/* Unicode numbers the dots of a braille cell by columns and put its fourth row last. */
static void put_braille(unsigned dots)
{
    static const unsigned char bit[8] = { 0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80 };
    unsigned code = 0x2800;
    for (int i = 0; i < 8; i++)
        if (dots >> i & 1)
            code |= bit[i];
    putchar((int)(0xE0 | code >> 12));
    putchar((int)(0x80 | (code >> 6 & 0x3F)));
    putchar((int)(0x80 | (code & 0x3F)));
}

static void print_canvas(const canvas *k, const axis *a, bool utf8)
{
    for (int r = 0; r < ROWS; r++) {
        if (r % 3 == 0 || r == ROWS - 1)
            printf("%9.3g %s", axis_value(a, 1 - (double)r / (ROWS - 1)), utf8 ? "┤" : "|");
        else
            printf("%9s %s", "", utf8 ? "│" : "|");
        for (int x = 0; x < k->width; x++) {
            if (k->mark[r][x])
                putchar('o');
            else if (!k->dots[r][x])
                putchar(' ');
            else if (utf8)
                put_braille(k->dots[r][x]);
            else
                putchar('*');
        }
        putchar('\n');
    }
}

void curve_draw(const curve *c, int columns, bool utf8)
{
    canvas k = { .dots_x = utf8 ? 2 : 1, .dots_y = utf8 ? 4 : 1 };
    k.width = columns - 12 > MAX_WIDTH ? MAX_WIDTH : columns - 12;
    if (c->steps < 2 || k.width < 10)
        return;
    axis a = axis_of(c);
    plot_train(&k, c, &a);
    plot_tests(&k, c, &a);
    if (columns >= 60)
        printf("\n%9s  loss over %lld steps: %s train, o test\n", "", (long long)c->steps,
               utf8 ? "⣀⠤⠒" : "***");
    else
        printf("\nloss, %lld steps\n", (long long)c->steps);
    print_canvas(&k, &a, utf8);
}
