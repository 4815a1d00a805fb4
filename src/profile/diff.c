/* diff.c: two files of json.c, row by row. A change is more than the spread when the medians lie
 * further apart than both runs' quartiles reach: |b - a| > (q3 - q1 of a) + (q3 - q1 of b). */
#include "core/core.h"
#include "io/json.h"
#include "profile/say.h"
#include "runtime/memory.h"

#include <hone/profile.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *op, *module, *phase, *shapes;
    int64_t q[5]; /* a step's ns: least, quartiles, largest */
    const char *verdict;
    bool met;
} row;

typedef struct {
    char *text; /* which the names are in */
    size_t bytes;
    int64_t steps, q[5], madds, peak;
    row *rows;
    int n;
    int64_t room;
} run;

/* ---- reading */

static bool read_quarters(hone__json *j, int64_t q[5])
{
    bool first = true;
    int n = 0;
    if (!hone__json_take(j, '['))
        return false;
    while (hone__json_more(j, ']', &first)) {
        const int64_t value = hone__json_number(j);
        if (n < 5)
            q[n++] = value;
    }
    return n == 5 && !j->problem;
}

static bool read_row(hone__json *j, row *r)
{
    bool first = true;
    *r = (row){ .op = "", .module = "", .phase = "", .shapes = "", .verdict = "" };
    if (!hone__json_take(j, '{'))
        return false;
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        if (!key || !hone__json_take(j, ':'))
            return false;
        const char **text = strcmp(key, "op") == 0        ? &r->op
                            : strcmp(key, "module") == 0  ? &r->module
                            : strcmp(key, "phase") == 0   ? &r->phase
                            : strcmp(key, "shapes") == 0  ? &r->shapes
                            : strcmp(key, "verdict") == 0 ? &r->verdict
                                                          : NULL;
        if (text)
            *text = hone__json_string(j);
        else if (strcmp(key, "step_ns") == 0)
            read_quarters(j, r->q);
        else
            hone__json_skip(j);
        if (j->problem)
            return false;
    }
    return !j->problem;
}

static bool read_rows(hone__json *j, run *to)
{
    bool first = true;
    if (!hone__json_take(j, '['))
        return false;
    while (hone__json_more(j, ']', &first)) {
        if (!hone__grow(&to->rows, &to->room, to->n + 1, sizeof *to->rows) ||
            !read_row(j, &to->rows[to->n]))
            return false;
        to->n++;
    }
    return !j->problem;
}

static bool read_all(hone__json *j, run *to)
{
    bool first = true, known = false;
    if (!hone__json_take(j, '{'))
        return false;
    while (hone__json_more(j, '}', &first)) {
        const char *key = hone__json_string(j);
        if (!key || !hone__json_take(j, ':'))
            return false;
        int64_t *number = strcmp(key, "steps") == 0           ? &to->steps
                          : strcmp(key, "multiply_adds") == 0 ? &to->madds
                          : strcmp(key, "peak_bytes") == 0    ? &to->peak
                                                              : NULL;
        if (strcmp(key, "hone_profile") == 0)
            known = hone__json_number(j) == 1;
        else if (number)
            *number = hone__json_number(j);
        else if (strcmp(key, "step_ns") == 0)
            read_quarters(j, to->q);
        else if (strcmp(key, "rows") == 0)
            (void)(read_rows(j, to) || (j->problem = j->problem ? j->problem : "out of memory"));
        else
            hone__json_skip(j);
        if (j->problem)
            return false;
    }
    if (!known && !j->problem)
        j->problem = "\"hone_profile\" isn't 1";
    return !j->problem && hone__json_ends(j);
}

static bool load_text(const char *path, run *to)
{
    FILE *f = fopen(path, "re");
    size_t room = 1 << 16;
    int error = f ? 0 : errno;
    while (f && !error) {
        char *more = hone__realloc(to->text, room + 1);
        if (!more) {
            fclose(f);
            return false;
        }
        to->text = more;
        errno = 0;
        const size_t n = fread(to->text + to->bytes, 1, room - to->bytes, f);
        to->bytes += n;
        if (ferror(f))
            error = errno ? errno : EIO;
        if (to->bytes < room)
            break;
        room *= 2;
    }
    if (f)
        fclose(f);
    if (error)
        hone_error_set(HONE_E_IO, "profile: %s: %s", path, strerror(error));
    return !error;
}

static bool load(const char *path, run *to)
{
    if (!load_text(path, to))
        return false;
    hone__json j = { to->text, to->text + to->bytes, NULL, false };
    if (read_all(&j, to))
        return true;
    hone_error_set(
        HONE_E_VALUE, "profile: %s is no profile's JSON: %s at byte %lld", path,
        j.problem ? j.problem : "its end is missing",
        (long long)(j.at - to->text)); /* or memory is short, which is the pending error */
    return false;
}

static void drop(run *r)
{
    hone__free(r->rows);
    hone__free(r->text);
}

/* ---- comparing */

static bool same(const row *a, const row *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->module, b->module) == 0 &&
           strcmp(a->phase, b->phase) == 0 && strcmp(a->shapes, b->shapes) == 0;
}

typedef struct {
    const row *a, *b; /* NULL: not there */
    int64_t change;   /* of the medians, ns a step */
    bool real;        /* more than the spread */
} change;

static int64_t spread(const int64_t q[5])
{
    return q[3] - q[1];
}

static bool exceeds(const int64_t a[5], const int64_t b[5])
{
    return llabs(b[2] - a[2]) > spread(a) + spread(b);
}

static int by_size(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->real != y->real)
        return x->real ? -1 : 1;
    const int64_t p = llabs(x->change), q = llabs(y->change);
    return (p < q) - (p > q);
}

static int compare(run *a, run *b, change *out)
{
    int n = 0;
    for (int i = 0; i < a->n; i++) {
        row *match = NULL;
        for (int k = 0; k < b->n && !match; k++)
            if (!b->rows[k].met && same(&a->rows[i], &b->rows[k]))
                match = &b->rows[k];
        if (match)
            match->met = true;
        out[n] = (change){ &a->rows[i], match, (match ? match->q[2] : 0) - a->rows[i].q[2], true };
        out[n].real = !match || exceeds(a->rows[i].q, match->q);
        n++;
    }
    for (int k = 0; k < b->n; k++)
        if (!b->rows[k].met)
            out[n++] = (change){ NULL, &b->rows[k], b->rows[k].q[2], true };
    qsort(out, (size_t)n, sizeof *out, by_size);
    return n;
}

/* ---- printing */

static void print_change(FILE *to, const change *c)
{
    const row *r = c->a ? c->a : c->b;
    const double before = c->a ? (double)c->a->q[2] : 0, after = c->b ? (double)c->b->q[2] : 0;
    hone__say(to, "%12.3f %12.3f %+11.3f", before * 1e-3, after * 1e-3, (double)c->change * 1e-3);
    if (c->a && c->b && before > 0)
        hone__say(to, " %+8.1f %%", 100 * (after - before) / before);
    else
        hone__say(to, " %10s", c->a ? "gone" : "new");
    hone__say(to, "  %-9s %s%s%s, %s  %s", c->real ? "changed" : "spread", r->module,
              r->module[0] ? ": " : "", r->op, r->phase, r->shapes);
    if (c->a && c->b && strcmp(c->a->verdict, c->b->verdict) != 0)
        hone__say(to, "  %s -> %s", c->a->verdict, c->b->verdict);
    hone__say(to, "\n");
}

static void print(FILE *to, const run *a, const run *b, const change *changes, int n)
{
    enum { MOST = 30 };
    const bool real = exceeds(a->q, b->q);
    hone__say(to,
              "a step: %.3f us -> %.3f us (%+.1f %%), %s their spread (quartiles %.3f..%.3f and "
              "%.3f..%.3f)\n",
              (double)a->q[2] * 1e-3, (double)b->q[2] * 1e-3,
              a->q[2] > 0 ? 100.0 * (double)(b->q[2] - a->q[2]) / (double)a->q[2] : 0,
              real ? "more than" : "within", (double)a->q[1] * 1e-3, (double)a->q[3] * 1e-3,
              (double)b->q[1] * 1e-3, (double)b->q[3] * 1e-3);
    if (a->steps > 0 && b->steps > 0)
        hone__say(to, "multiply-adds a step: %lld -> %lld; peak of memory: %lld -> %lld bytes\n",
                  (long long)(a->madds / a->steps), (long long)(b->madds / b->steps),
                  (long long)a->peak, (long long)b->peak);
    hone__say(to, "\n%12s %12s %11s %10s  (medians of a step's own time, us)\n", "before", "after",
              "change", "");
    for (int i = 0; i < n && i < MOST; i++)
        print_change(to, &changes[i]);
    if (n > MOST)
        hone__say(to, "and %d more\n", n - MOST);
}

hone_status hone_profile_diff(const char *before, const char *after, FILE *to)
{
    if (!before || !after || !to)
        return hone__error_missing("profile_diff", "a file");
    run a = { .text = NULL }, b = { .text = NULL };
    const uint64_t errors = hone__error_count();
    if (load(before, &a) && load(after, &b)) {
        change *changes = hone__malloc(hone__bytes((int64_t)a.n + b.n + 1, sizeof *changes));
        if (changes)
            print(to, &a, &b, changes, compare(&a, &b, changes));
        hone__free(changes);
    }
    drop(&a);
    drop(&b);
    return hone__error_count() == errors ? HONE_OK : hone__error_last();
}
