/* data.c: `hone data`: what is found behind a source, before anything is trained on it. */
#include "cli.h"
#include "contact_sheet.h"
#include "data/kinds.h"
#include "survey.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const name = "data";

typedef struct {
    const char *options, *sheet;
    int64_t limit, window;
    bool kinds;
} data_options;

#define FIELD(name) offsetof(data_options, name)

static const cli_option table[] = {
    { "data-options", "NAME=VALUE,...", "arguments of its kind: target=price, missing=mean ...",
      CLI_TEXT, FIELD(options), NULL, 0, 0 },
    { "kinds", NULL, "list the kinds of data and their arguments, and nothing else", CLI_FLAG,
      FIELD(kinds), NULL, 0, 0 },
    { "limit", "N", "look at the first N samples of each set only", CLI_INT, FIELD(limit), NULL, 1,
      1e12 },
    { "window", "N", "tokens of a text's windows", CLI_INT, FIELD(window), "64", 1, 1e9 },
    { "sheet", "FILE.svg|png", "draw the first pictures of each class", CLI_TEXT, FIELD(sheet),
      NULL, 0, 0 },
    { 0 },
};

/* ---- the kinds */

static void print_kinds(void)
{
    for (int i = 0; i < hone__data_kind_count; i++) {
        const hone__data_kind *k = hone__data_kinds[i];
        printf("%s\n    %s\n", k->form, k->help);
        for (const hone__data_argument *a = k->arguments; a && a->name; a++)
            printf("    %s=%s: %s\n", a->name, a->value, a->help);
    }
}

/* ---- one set */

static void print_layout(const hone_sample_layout *layout)
{
    for (int f = 0; f < layout->n; f++) {
        const hone_sample_field *field = &layout->field[f];
        printf("%s%s %s [", f ? ", " : "", field->name, hone_dtype_name(field->dtype));
        for (int d = 0; d < field->ndim; d++)
            if (field->shape[d] < 0)
                printf("%s?", d ? ", " : "");
            else
                printf("%s%lld", d ? ", " : "", (long long)field->shape[d]);
        printf("]");
    }
}

static void print_classes(const hone_source *source, const survey *s)
{
    int64_t empty = 0;
    printf("  classes:");
    for (int64_t c = 0; c < s->n_classes; c++) {
        empty += s->count[c] == 0;
        if (c == SURVEY_CLASSES_SHOWN)
            printf(" ...");
        if (c >= SURVEY_CLASSES_SHOWN)
            continue;
        const char *of = source->class_names ? source->class_names[c] : NULL;
        putchar(' ');
        if (of)
            cli_put_plain(stdout, of, strlen(of), "");
        else
            printf("%lld:", (long long)c);
        printf(" %lld", (long long)s->count[c]);
    }
    printf("\n");
    if (empty)
        printf("  %lld of %lld classes have no sample\n", (long long)empty,
               (long long)s->n_classes);
}

static void print_set(const char *which, const hone_source *source, const hone_dataset *set,
                      const survey *s)
{
    hone_sample_layout layout;
    printf("%s: %lld samples", which, (long long)hone_dataset_size(set));
    if (hone_dataset_layout(set, -1, &layout) == HONE_OK) {
        printf(", ");
        print_layout(&layout);
    }
    printf("\n");
    if (source->task == HONE_TASK_TOKENS)
        printf("  tokens: %lld, of which %lld of %lld values occur\n", (long long)s->n_numbers,
               (long long)s->n_values, (long long)source->n_classes);
    else
        printf("  mean %.6g, deviation %.6g, from %.6g to %.6g\n", s->mean, survey_deviation(s),
               s->least, s->most);
    if (s->n_not_finite)
        printf("  %lld numbers are NaN or infinite\n", (long long)s->n_not_finite);
    if (source->task == HONE_TASK_CLASSES)
        print_classes(source, s);
    else if (source->task == HONE_TASK_NUMBERS)
        printf("  targets: mean %.6g, deviation %.6g\n", s->target_mean,
               survey_target_deviation(s));
    printf("  %lld samples are copies of earlier ones\n", (long long)s->n_copies);
}

static void print_source(const char *what, const hone_source *source)
{
    static const char *const tasks[] = { "nothing is learnt: there is no target", "classes",
                                         "numbers", "tokens" };
    printf("%s: %s, %s", what, source->kind, tasks[source->task]);
    if (source->n_classes)
        printf(source->task == HONE_TASK_TOKENS ? ", %lld values" : ", %lld of them",
               (long long)source->n_classes);
    printf("\n");
    if (source->entropy > 0)
        printf("entropy %.4f nats a byte\n", source->entropy);
    if (source->n_columns) {
        printf("columns:");
        for (int64_t c = 0; c < source->n_columns && c < SURVEY_CLASSES_SHOWN; c++) {
            printf(c ? ", " : " ");
            cli_put_plain(stdout, source->column_names[c], strlen(source->column_names[c]), "");
        }
        printf(source->n_columns > SURVEY_CLASSES_SHOWN ? ", ...\n" : "\n");
    }
    if (source->skipped)
        printf("%lld damaged samples were left out\n", (long long)source->skipped);
    if (source->note)
        printf("%s\n", source->note);
}

static int look(const data_options *o, const char *what, hone_source *source)
{
    const struct {
        const char *name;
        const hone_dataset *set;
    } sets[] = { { "train", &source->train }, { "test", &source->test } };
    survey s[2] = { { 0 } };
    int status = CLI_OK;
    print_source(what, source);
    for (int i = 0; i < 2 && status == CLI_OK; i++) {
        if (hone_dataset_size(sets[i].set) < 1)
            continue;
        if (survey_make(source, sets[i].set, &s[i]))
            print_set(sets[i].name, source, sets[i].set, &s[i]);
        else
            status = cli_stopped() ? cli_stopped() : cli_library_error(name);
    }
    const int64_t both = status == CLI_OK ? survey_in_both(&s[0], &s[1]) : 0;
    if (both)
        printf("%lld test samples are in the training set, too\n", (long long)both);
    survey_free(&s[0]);
    survey_free(&s[1]);
    if (status == CLI_OK && o->sheet)
        status = contact_sheet_write(name, o->sheet, source);
    return status;
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    data_options o = { 0 };
    hone_source source;
    const char *what = argc > 0 && argv[0][0] != '-' ? argv[0] : NULL;
    const cli_parsed parsed =
        cli_parse(&cli_data, table, &o, argc - (what != NULL), argv + (what != NULL));
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (o.kinds) {
        print_kinds();
        return CLI_OK;
    }
    if (!what)
        return cli_error(CLI_USAGE, name,
                         "what to look at is missing: a directory, a file, KIND:PATH or "
                         "the name of a built-in set");
    if (o.sheet && !contact_sheet_can(name, o.sheet))
        return CLI_USAGE;
    if (hone_init() != HONE_OK)
        return cli_library_error(name);
    if (!cli_can_write(name, "sheet", o.sheet))
        return CLI_FAILED;
    cli_catch_stop();
    cli_stop_is(CLI_STOP_NOTED);
    const hone_source_options options = { .arguments = o.options,
                                          .limit = o.limit,
                                          .window = o.window };
    if (hone_source_open(what, &options, &source) != HONE_OK)
        return images_not_opened(name);
    const int status = look(&o, what, &source);
    hone_source_free(&source);
    return status;
}

const cli_command cli_data = { "data", "Tells what is found in data: samples, classes, copies.",
                               run, "DATA" };
