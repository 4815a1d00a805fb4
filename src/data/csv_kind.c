/* csv_kind.c: --data FILE.csv: a table's columns as the numbers that a model takes, and its target. */
#include "core/core.h"
#include "core/map.h"
#include "data/csv_inputs.h"
#include "data/kinds.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const where = "source_open";

typedef enum { MISSING_REFUSE, MISSING_MEAN, MISSING_ZERO, MISSING_DROP } missing_mode;
typedef enum { SCALE_STANDARD, SCALE_NONE } scale_mode;
typedef enum { BY_KIND, CLASSES, NUMBERS } task_mode;

typedef struct {
    const char *target, *drop, *separator;
    int missing, scale, task, damaged, header;
    double test;
} arguments;

#define ARG(field) offsetof(arguments, field)

static const hone__data_argument table[] = {
    { "target", "NAME", "the column to learn, none for none; default: the last one", HONE__ARG_TEXT,
      ARG(target), 0, 0 },
    { "drop", "NAME;NAME...", "columns that are left out", HONE__ARG_TEXT, ARG(drop), 0, 0 },
    { "task", "auto|classes|numbers",
      "what a target of whole numbers is, or one to be told that the file hasn't; auto: numbers",
      HONE__ARG_WORD, ARG(task), 0, 0 },
    { "missing", "refuse|mean|zero|drop",
      "where a number is missing: an error, the column's mean, 0, or without the row; a missing "
      "text "
      "is no class of its column's",
      HONE__ARG_WORD, ARG(missing), 0, 0 },
    { "scale", "standard|none",
      "columns of numbers get mean 0 and deviation 1, by all rows, or stay", HONE__ARG_WORD,
      ARG(scale), 0, 0 },
    { "test", "X", "the share of the rows that is for tests [0.1]", HONE__ARG_REAL, ARG(test), 1e-9,
      1 },
    { "separator", "C", "between fields: a character, or tab; default: what the first line has",
      HONE__ARG_TEXT, ARG(separator), 0, 0 },
    { "header", "yes|no", "whether the first line has the columns' names", HONE__ARG_WORD,
      ARG(header), 0, 0 },
    { "damaged", "refuse|skip", "rows with more or fewer fields than there are names",
      HONE__ARG_WORD, ARG(damaged), 0, 0 },
    { 0 },
};

/* ---- which columns */

typedef struct {
    const hone__data_request *r;
    const arguments *a;
    hone_table t;
    const hone_column *target; /* NULL: none */
    bool *used;                /* [n_columns] as an input */
    bool *row;                 /* [n_rows] which are kept */
    int64_t n_rows, n_inputs;
    bool given; /* `inputs` is what a model was trained with */
    hone__csv_inputs inputs;
    int64_t *column; /* of each input */
} plan;

static hone_status no_column(const plan *p, const char *name, size_t n)
{
    char all[300] = "";
    size_t used = 0;
    for (int64_t c = 0; c < p->t.n_columns && used < sizeof all - 40; c++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%.60s", used ? ", " : "",
                                 p->t.column[c].name);
    return hone_error_set(HONE_E_VALUE, "%s: %s has no column '%.*s'; it has %.290s%s", where,
                          p->r->path, (int)(n < 80 ? n : 80), name, all,
                          used >= sizeof all - 40 ? " ..." : "");
}

/* -1: there is none of that name. */
static int64_t find(const plan *p, const char *name, size_t n)
{
    for (int64_t c = 0; c < p->t.n_columns; c++)
        if (strlen(p->t.column[c].name) == n && memcmp(p->t.column[c].name, name, n) == 0)
            return c;
    return -1;
}

/* Those that the model was trained with; others don't matter. */
static hone_status choose_given(plan *p)
{
    int64_t c = -1;
    p->column = hone__malloc(hone__bytes(p->inputs.n, sizeof *p->column));
    for (int64_t i = 0; p->column && i < p->inputs.n; i++) {
        const hone__csv_input *in = &p->inputs.at[i];
        const size_t n = strlen(in->name);
        c = c + 1 < p->t.n_columns && strcmp(p->t.column[c + 1].name, in->name) == 0
                ? c + 1 /* mostly they have their order */
                : find(p, in->name, n);
        if (c < 0)
            return no_column(p, in->name, n);
        const hone_column *column = &p->t.column[c];
        const bool text = column->kind == HONE_COLUMN_TEXT;
        if (text != in->is_text && column->n_missing < p->t.n_rows)
            return hone_error_set(
                HONE_E_FORMAT, "%s: %s: column '%.80s' is of %s, but the model was trained with %s",
                where, p->r->path, in->name, text ? "texts" : "numbers",
                text ? "numbers" : "texts");
        p->used[c] = true;
        p->column[i] = c;
    }
    return p->column ? HONE_OK : hone__error_last();
}

static hone_status choose_columns(plan *p)
{
    p->used = hone__calloc(hone__bytes(p->t.n_columns, 1));
    p->row = hone__calloc(hone__bytes(p->t.n_rows + 1, 1));
    if (!p->used || !p->row)
        return hone__error_last();
    memset(p->used, !p->given, (size_t)p->t.n_columns);
    if (p->given && choose_given(p) != HONE_OK)
        return hone__error_last();
    for (const char *at = p->given ? NULL : p->a->drop; at && *at;) {
        const size_t n = strcspn(at, ";");
        const int64_t c = find(p, at, n);
        if (c < 0)
            return no_column(p, at, n);
        p->used[c] = false;
        at += n + (at[n] == ';');
    }
    const char *target = p->a->target ? p->a->target : p->given ? p->inputs.target : NULL;
    int64_t c = p->t.n_columns - 1;
    if (p->given && !target)
        return HONE_OK;
    if (target && strcmp(target, "none") == 0)
        return HONE_OK;
    if (target && (c = find(p, target, strlen(target))) < 0) {
        if (p->r->o.whole) /* rows to be told, which need not have what is told */
            return HONE_OK;
        return no_column(p, target, strlen(target));
    }
    p->target = &p->t.column[c];
    p->used[c] = false;
    return HONE_OK;
}

/* ---- rows */

static bool gap(const hone_column *c, int64_t row)
{
    return c->missing && c->missing[row];
}

static hone_status missing_value(const plan *p, const hone_column *c)
{
    return hone_error_set(
        HONE_E_FORMAT,
        "%s: %s: column '%.80s' has %lld missing values; missing=mean, zero or drop "
        "says what becomes of them",
        where, p->r->path, c->name, (long long)c->n_missing);
}

/* A row without a target is left out, unless it is to be told. */
static hone_status choose_rows(plan *p)
{
    const bool refuse = p->a->missing == MISSING_REFUSE;
    for (int64_t c = 0; c < p->t.n_columns && refuse; c++) {
        const hone_column *column = &p->t.column[c];
        const bool is_target = column == p->target && !p->r->o.whole;
        if (column->n_missing > 0 &&
            (is_target || (p->used[c] && column->kind != HONE_COLUMN_TEXT)))
            return missing_value(p, column);
    }
    for (int64_t i = 0; i < p->t.n_rows; i++) {
        bool keep = !p->target || !gap(p->target, i) || p->r->o.whole;
        for (int64_t c = 0; c < p->t.n_columns && p->a->missing == MISSING_DROP; c++)
            keep &=
                !p->used[c] || p->t.column[c].kind == HONE_COLUMN_TEXT || !gap(&p->t.column[c], i);
        p->row[i] = keep;
        p->n_rows += keep;
    }
    return p->n_rows > 0 ? HONE_OK
                         : hone_error_set(HONE_E_FORMAT, "%s: %s has no row that can be used",
                                          where, p->r->path);
}

/* ---- inputs: a number a column, or one for each of a column's texts */

enum { MOST_TEXTS = 1000 };

static double number_at(const hone_column *c, int64_t row)
{
    return c->kind == HONE_COLUMN_WHOLE ? (double)c->whole[row] : c->real[row];
}

static hone_status too_many_texts(const plan *p, const hone_column *c)
{
    return hone_error_set(HONE_E_FORMAT,
                          "%s: %s: column '%.80s' has %lld different texts, too many for an "
                          "input each; drop=%.80s leaves it out",
                          where, p->r->path, c->name, (long long)c->n_texts, c->name);
}

typedef struct {
    double mean, scale;
} measure;

/* Of a column's numbers in the rows that are kept, as f64 sums in their order. */
static measure measure_of(const plan *p, const hone_column *c)
{
    double sum = 0, squares = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < p->t.n_rows; i++)
        if (p->row[i] && !gap(c, i)) {
            sum += number_at(c, i);
            n++;
        }
    const double mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < p->t.n_rows; i++)
        if (p->row[i] && !gap(c, i)) {
            const double off = number_at(c, i) - mean;
            squares += off * off;
        }
    const double deviation = n ? sqrt(squares / (double)n) : 0;
    return (measure){ mean, deviation > 0 && isfinite(deviation) ? deviation : 1 };
}

/* Copies that live as long as the data; NULL + E_NOMEM. */
static const char *const *copies(hone_source *data, const char *const *texts, int64_t n)
{
    const char **to = hone__data_take(data, hone__bytes(n + 1, sizeof *to));
    for (int64_t i = 0; to && i < n; i++)
        if (!(to[i] = hone__data_copy(data, texts[i], strlen(texts[i]))))
            return NULL;
    return to;
}

/* What the table's own columns are as inputs. */
static hone_status tell_inputs(plan *p, hone_source *data)
{
    p->inputs.at = hone__data_take(data, hone__bytes(p->t.n_columns + 1, sizeof *p->inputs.at));
    p->column = hone__malloc(hone__bytes(p->t.n_columns + 1, sizeof *p->column));
    if (!p->inputs.at || !p->column)
        return hone__error_last();
    for (int64_t c = 0; c < p->t.n_columns; c++) {
        const hone_column *column = &p->t.column[c];
        if (!p->used[c])
            continue;
        hone__csv_input *in = &p->inputs.at[p->inputs.n];
        p->column[p->inputs.n++] = c;
        *in = (hone__csv_input){ .over = 1, .is_text = column->kind == HONE_COLUMN_TEXT };
        if (!(in->name = hone__data_copy(data, column->name, strlen(column->name))))
            return hone__error_last();
        if (in->is_text && column->n_texts > MOST_TEXTS)
            return too_many_texts(p, column);
        if (in->is_text) {
            in->n_texts = column->n_texts;
            in->texts = copies(data, column->texts, column->n_texts);
            if (!in->texts)
                return hone__error_last();
            continue;
        }
        const measure m = measure_of(p, column);
        in->fill = m.mean;
        if (p->a->scale == SCALE_STANDARD) {
            in->minus = m.mean;
            in->over = m.scale;
        }
    }
    return HONE_OK;
}

static hone_status count_inputs(plan *p, hone_source *data)
{
    if (!p->given && tell_inputs(p, data) != HONE_OK)
        return hone__error_last();
    for (int64_t i = 0; i < p->inputs.n; i++)
        p->n_inputs += p->inputs.at[i].is_text ? p->inputs.at[i].n_texts : 1;
    return p->n_inputs > 0 ? HONE_OK
                           : hone_error_set(HONE_E_FORMAT, "%s: %s has no column for an input",
                                            where, p->r->path);
}

static void fill_numbers(const plan *p, const hone_column *c, const hone__csv_input *in, float *to)
{
    for (int64_t i = 0; i < p->t.n_rows; i++) {
        if (!p->row[i])
            continue;
        const double x = !gap(c, i)                      ? number_at(c, i)
                         : p->a->missing == MISSING_MEAN ? in->fill
                                                         : 0;
        *to = (float)((x - in->minus) / in->over);
        to += p->n_inputs;
    }
}

/* The numbers of a column's texts among others; -1: it isn't there. False: E_NOMEM. */
static bool numbers_among(const hone_column *c, const char *const *texts, int64_t n,
                          int32_t **number)
{
    hone__map map;
    *number = hone__own_block(hone__malloc(hone__bytes(c->n_texts + 1, sizeof **number)));
    if (!*number || !hone__map_begin(&map, n, true))
        return false;
    for (int64_t i = 0; i < n; i++)
        hone__map_add(&map, texts[i], (int)i);
    for (int64_t i = 0; i < c->n_texts; i++)
        (*number)[i] = hone__map_find(&map, c->texts[i]);
    hone__map_end(&map);
    return true;
}

/* A text that the model wasn't trained with is none of its inputs. */
static bool fill_texts(const plan *p, const hone_column *c, const hone__csv_input *in, float *to)
{
    int32_t *number;
    if (!numbers_among(c, in->texts, in->n_texts, &number))
        return false;
    for (int64_t i = 0; i < p->t.n_rows; i++) {
        if (!p->row[i])
            continue;
        const int64_t is = c->kind != HONE_COLUMN_TEXT || c->text[i] < 0 ? -1 : number[c->text[i]];
        for (int64_t k = 0; k < in->n_texts; k++)
            to[k] = (float)(is == k);
        to += p->n_inputs;
    }
    return true;
}

static bool name_input(const hone__csv_input *in, const char *text, const char **name,
                       hone_source *data)
{
    const size_t n = strlen(in->name), m = text ? strlen(text) + 1 : 0;
    char *to = hone__data_take(data, n + m + 1);
    if (!to)
        return false;
    memcpy(to, in->name, n);
    if (text) {
        to[n] = '=';
        memcpy(to + n + 1, text, m);
    }
    *name = to;
    return true;
}

static hone_tensor *make_inputs(const plan *p, hone_source *data)
{
    hone_tensor *x =
        hone__own(hone__new(where, HONE_F32, 2, (const int64_t[]){ p->n_rows, p->n_inputs }));
    const char **names = hone__data_take(data, hone__bytes(p->n_inputs, sizeof *names));
    if (!x || !names)
        return NULL;
    float *at = hone__data(x);
    int64_t k = 0;
    for (int64_t i = 0; i < p->inputs.n; i++) {
        const hone__csv_input *in = &p->inputs.at[i];
        const hone_column *column = &p->t.column[p->column[i]];
        if (!in->is_text) {
            if (!name_input(in, NULL, &names[k], data))
                return NULL;
            fill_numbers(p, column, in, at + k++);
            continue;
        }
        if (!fill_texts(p, column, in, at + k))
            return NULL;
        for (int64_t t = 0; t < in->n_texts; t++)
            if (!name_input(in, in->texts[t], &names[k++], data))
                return NULL;
    }
    data->column_names = names;
    data->n_columns = p->n_inputs;
    return x;
}

/* ---- the target */

static bool is_constant(const plan *p)
{
    const hone_column *c = p->target;
    int64_t first = -1;
    for (int64_t i = 0; i < p->t.n_rows; i++) {
        if (!p->row[i])
            continue;
        if (first < 0)
            first = i;
        if (c->kind == HONE_COLUMN_TEXT ? c->text[i] != c->text[first]
                                        : number_at(c, i) != number_at(c, first))
            return false;
    }
    return true;
}

static hone_tensor *text_classes(const plan *p, hone_source *data)
{
    const hone_column *c = p->target;
    hone_tensor *y = hone__own(hone__new(where, HONE_I64, 1, &p->n_rows));
    const char **names = hone__data_take(data, hone__bytes(c->n_texts + 1, sizeof *names));
    if (!y || !names)
        return NULL;
    int64_t *to = hone__data(y);
    for (int64_t i = 0; i < p->t.n_rows; i++)
        if (p->row[i])
            *to++ = c->text[i];
    for (int64_t k = 0; k < c->n_texts; k++)
        if (!(names[k] = hone__data_copy(data, c->texts[k], strlen(c->texts[k]))))
            return NULL;
    data->class_names = names;
    data->n_classes = c->n_texts;
    return y;
}

/* The different whole numbers, sorted, are the classes. */
static hone_tensor *whole_classes(const plan *p, hone_source *data)
{
    const hone_column *c = p->target;
    hone_tensor *all = hone__own(hone__new(where, HONE_I64, 1, &p->n_rows));
    if (!all)
        return NULL;
    int64_t *to = hone__data(all);
    for (int64_t i = 0; i < p->t.n_rows; i++)
        if (p->row[i])
            *to++ = c->whole[i];
    hone_tensor *sorted = hone_sort(all, 0, false).values;
    if (!sorted)
        return NULL;
    int64_t *value = hone_data(sorted), n = 0;
    for (int64_t i = 0; i < p->n_rows; i++)
        if (i == 0 || value[i] != value[n - 1])
            value[n++] = value[i];
    const char **names = hone__data_take(data, hone__bytes(n, sizeof *names));
    for (int64_t k = 0; names && k < n; k++) {
        char text[24];
        hone__format(text, sizeof text, "%lld", (long long)value[k]);
        if (!(names[k] = hone__data_copy(data, text, strlen(text))))
            return NULL;
    }
    if (!names)
        return NULL;
    data->class_names = names;
    data->n_classes = n;
    to = hone__data(all);
    for (int64_t i = 0; i < p->n_rows; i++) {
        int64_t low = 0;
        for (int64_t high = n - 1; low < high;) {
            const int64_t middle = (low + high) / 2;
            if (value[middle] < to[i])
                low = middle + 1;
            else
                high = middle;
        }
        to[i] = low;
    }
    return all;
}

static hone_tensor *numbers(const plan *p)
{
    hone_tensor *y = hone__own(hone__new(where, HONE_F32, 2, (const int64_t[]){ p->n_rows, 1 }));
    float *to = y ? hone__data(y) : NULL;
    for (int64_t i = 0; y && i < p->t.n_rows; i++)
        if (p->row[i])
            *to++ = gap(p->target, i) ? NAN : (float)number_at(p->target, i);
    return y;
}

static hone_tensor *unknown_class(const plan *p, const char *name)
{
    hone_error_set(HONE_E_FORMAT,
                   "%s: %s: the target '%.80s' has '%.80s', which is no class that the model knows",
                   where, p->r->path, p->target->name, name);
    return NULL;
}

/* The classes are those that a model was trained with. */
static hone_tensor *given_classes(const plan *p, hone_source *data)
{
    const hone_column *c = p->target;
    const hone__csv_inputs *known = &p->inputs;
    const bool text = c->kind == HONE_COLUMN_TEXT;
    hone_tensor *y = hone__own(hone__new(where, HONE_I64, 1, &p->n_rows));
    int64_t *to = y ? hone__data(y) : NULL;
    int32_t *number;
    hone__map map;
    if (!y || !numbers_among(c, known->classes, known->n_classes, &number) ||
        !hone__map_begin(&map, known->n_classes, true))
        return NULL;
    for (int64_t k = 0; k < known->n_classes; k++)
        hone__map_add(&map, known->classes[k], (int)k);
    char name[24] = "";
    bool good = true;
    for (int64_t i = 0; i < p->t.n_rows && good; i++) {
        if (!p->row[i])
            continue;
        if (!text)
            hone__format(name, sizeof name, "%lld", (long long)c->whole[i]);
        *to = text ? number[c->text[i]] : hone__map_find(&map, name);
        good = *to++ >= 0;
        if (!good)
            unknown_class(p, text ? c->texts[c->text[i]] : name);
    }
    hone__map_end(&map);
    data->class_names = known->classes;
    data->n_classes = known->n_classes;
    return good ? y : NULL;
}

/* Of rows that are to be told there is no target; what the model gives is known. */
static hone_tensor *told(const plan *p, hone_source *data)
{
    data->task = p->inputs.classes  ? HONE_TASK_CLASSES
                 : p->inputs.target ? HONE_TASK_NUMBERS
                                    : HONE_TASK_NONE;
    data->class_names = p->inputs.classes;
    data->n_classes = p->inputs.n_classes;
    return HONE_NONE;
}

/* HONE_NONE: there is none. */
static hone_tensor *make_target(const plan *p, hone_source *data)
{
    const hone_column *c = p->target;
    if (p->given && p->r->o.whole)
        return told(p, data);
    if (!c) {
        data->task = p->r->o.whole && p->a->task == NUMBERS ? HONE_TASK_NUMBERS : HONE_TASK_NONE;
        return HONE_NONE;
    }
    const bool text = c->kind == HONE_COLUMN_TEXT, whole = c->kind == HONE_COLUMN_WHOLE;
    if ((text && p->a->task == NUMBERS) || (!text && !whole && p->a->task == CLASSES)) {
        hone_error_set(HONE_E_VALUE, "%s: %s: the target '%.80s' is %s, which task=%s can't be",
                       where, p->r->path, c->name, text ? "text" : "of real numbers",
                       text ? "numbers" : "classes");
        return NULL;
    }
    if (p->given && p->inputs.classes && (text || whole)) {
        data->task = HONE_TASK_CLASSES;
        return given_classes(p, data);
    }
    if (is_constant(p) && !p->r->o.whole && !p->given) {
        hone_error_set(
            HONE_E_FORMAT,
            "%s: %s: the target '%.80s' is the same in all %lld rows: there is nothing to "
            "learn",
            where, p->r->path, c->name, (long long)p->n_rows);
        return NULL;
    }
    data->task = text || p->a->task == CLASSES ? HONE_TASK_CLASSES : HONE_TASK_NUMBERS;
    return text                              ? text_classes(p, data)
           : data->task == HONE_TASK_CLASSES ? whole_classes(p, data)
                                             : numbers(p);
}

/* ---- the kind */

static hone_status make_set(plan *p, hone_source *data)
{
    HONE_SCOPE();
    hone_dataset all;
    p->given = p->r->o.columns;
    if ((p->given && !hone__csv_inputs_read(where, data, p->r->o.columns, &p->inputs)) ||
        choose_columns(p) != HONE_OK || choose_rows(p) != HONE_OK ||
        count_inputs(p, data) != HONE_OK)
        return hone__error_last();
    hone_tensor *x = make_inputs(p, data), *y = x ? make_target(p, data) : NULL;
    if (!x || !y || hone_dataset_from(x, y, &all) != HONE_OK)
        return hone__error_last();
    if (!p->given) {
        p->inputs.target = p->target ? p->target->name : NULL;
        p->inputs.classes = data->class_names;
        p->inputs.n_classes = data->n_classes;
    }
    data->columns = hone__csv_inputs_text(data, &p->inputs);
    if (!data->columns) {
        hone_dataset_free(&all);
        return hone__error_last();
    }
    data->skipped = p->t.skipped;
    if (p->n_rows < p->t.n_rows &&
        hone__data_note(data, "%lld rows without all values were left out",
                        (long long)(p->t.n_rows - p->n_rows)) != HONE_OK) {
        hone_dataset_free(&all);
        return hone__error_last();
    }
    return hone__data_cut(p->r, &all, p->a->test, data);
}

static hone_status open_csv(const hone__data_request *r, hone_source *data)
{
    plan p = { .r = r, .a = r->arguments };
    hone_csv_options o = { .no_header = p.a->header == 1, .skip_damaged = p.a->damaged == 1 };
    const char *separator = p.a->separator;
    if (separator)
        o.separator = strcmp(separator, "tab") == 0 ? '\t' : separator[0];
    if (hone_csv_read(r->path, &o, &p.t) != HONE_OK)
        return hone__error_last();
    const hone_status status = make_set(&p, data);
    hone__free(p.used);
    hone__free(p.row);
    hone__free(p.column);
    hone_table_free(&p.t);
    return status;
}

/* ---- told by name, or by two lines with as many separators */

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

static int64_t separators(const uint8_t *at, size_t n, char separator, size_t *line)
{
    int64_t count = 0;
    for (*line = 0; *line < n && at[*line] != '\n'; ++*line)
        count += at[*line] == separator;
    return *line < n ? count : -1;
}

static bool knows_csv(const hone__data_look *look)
{
    if (look->folder || memchr(look->head, 0, look->n_head))
        return false;
    if (ends_in(look->path, ".csv") || ends_in(look->path, ".tsv"))
        return true;
    if (ends_in(look->path, ".txt"))
        return false;
    for (const char *s = ",;\t|"; *s; s++) {
        size_t first, second;
        const int64_t n = separators(look->head, look->n_head, *s, &first);
        if (n > 0 && separators(look->head + first + 1, look->n_head - first - 1, *s, &second) == n)
            return true;
    }
    return false;
}

const hone__data_kind hone__data_kind_csv = {
    .name = "csv",
    .form = "csv:FILE",
    .help = "a table: names in the first line, then rows; texts as inputs become one a text",
    .arguments = table,
    .argument_bytes = sizeof(arguments),
    .knows = knows_csv,
    .open = open_csv,
};
