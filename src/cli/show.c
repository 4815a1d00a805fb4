/* show.c: `hone show`: what a file of tensors holds, and what their numbers are like. */
#include "cli.h"

#include <hone/hone.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    bool stats, no_stats, metadata;
} show_options;

static const cli_option table[] = {
    { "stats", NULL,
      "min, max, mean, NaN and infinity counts also of more than 64 MB, which takes reading them",
      CLI_FLAG, offsetof(show_options, stats), NULL, 0, 0 },
    { "no-stats", NULL, "names, dtypes and shapes alone, without reading data", CLI_FLAG,
      offsetof(show_options, no_stats), NULL, 0, 0 },
    { "metadata", NULL, "all metadata, whole; else 20 of them, cut to a line", CLI_FLAG,
      offsetof(show_options, metadata), NULL, 0, 0 },
    { 0 },
};

static const char *const name = "show";

enum { MOST_SMALL = 64 << 20 }; /* bytes that are read without being asked to */

/* ---- numbers */

typedef struct {
    double least, most, sum;
    int64_t finite, nans, infinities;
} stats;

static void look(stats *s, double x)
{
    if (isnan(x)) {
        s->nans++;
        return;
    }
    s->least = fmin(s->least, x);
    s->most = fmax(s->most, x);
    if (isinf(x)) {
        s->infinities++;
        return;
    }
    s->sum += x;
    s->finite++;
}

static stats stats_of(hone_tensor *t)
{
    stats s = { .least = INFINITY, .most = -INFINITY };
    const void *at = hone_data(t);
    for (int64_t i = 0; i < hone_numel(t); i++)
        switch (hone_dtype_of(t)) {
        case HONE_F32:
            look(&s, (double)((const float *)at)[i]);
            break;
        case HONE_F64:
            look(&s, ((const double *)at)[i]);
            break;
        case HONE_I64:
            look(&s, (double)((const int64_t *)at)[i]);
            break;
        case HONE_I32:
            look(&s, ((const int32_t *)at)[i]);
            break;
        default:
            look(&s, ((const uint8_t *)at)[i]);
            break;
        }
    return s;
}

static void print_stats(const stats *s)
{
    if (s->finite + s->infinities > 0)
        printf("  %12.6g %12.6g", s->least, s->most);
    else
        printf("  %12s %12s", "-", "-");
    if (s->finite > 0)
        printf(" %12.6g", s->sum / (double)s->finite);
    else
        printf(" %12s", "-");
    printf(" %6lld %6lld", (long long)s->nans, (long long)s->infinities);
}

/* ---- the table */

static void shape_text(char *text, size_t size, const hone_file_entry *e)
{
    int used = snprintf(text, size, "[");
    for (int d = 0; d < e->ndim && used < (int)size; d++)
        used += snprintf(text + used, size - (size_t)used, "%s%lld", d ? ", " : "",
                         (long long)e->shape[d]);
    if (used < (int)size)
        snprintf(text + used, size - (size_t)used, "]");
}

static int64_t numel_of(const hone_file_entry *e)
{
    int64_t n = 1;
    for (int d = 0; d < e->ndim; d++)
        n *= e->shape[d];
    return n;
}

/* What can't be read says why, and the others are shown all the same. */
static void print_entry(const hone_file *file, const hone_file_entry *e, int width, bool with_stats)
{
    HONE_SCOPE();
    char shape[120];
    shape_text(shape, sizeof shape, e);
    const int used = cli_put_plain(stdout, e->name, strlen(e->name), "");
    printf("%*s  %-8s %-20s", used < width ? width - used : 0, "", e->dtype, shape);
    hone_tensor *t =
        with_stats ? hone_file_read_with(file, e->name, &(hone_file_options){ .convert = true })
                   : NULL;
    if (t) {
        const stats s = stats_of(t);
        print_stats(&s);
    } else if (with_stats) {
        const char *message = hone_error_message(), *quote = strrchr(message, '"');
        const char *why = quote && quote[1] ? quote + 2 : message; /* a long name is cut */
        printf("  ");
        cli_put_plain(stdout, why, strlen(why), "");
        hone_error_clear();
    }
    putchar('\n');
}

static void print_metadata(const hone_file *file, bool all)
{
    const hone_metadata_list metadata = hone_file_metadata(file);
    const int n = all || metadata.n <= 20 ? metadata.n : 20;
    for (int i = 0; i < n; i++) {
        const char *value = metadata.at[i].value;
        const char *key = metadata.at[i].key;
        const size_t length = all ? strlen(value) : strcspn(value, "\n");
        const bool cut = !all && (length >= 80 || value[length]);
        printf("  ");
        cli_put_plain(stdout, key, strlen(key), "");
        printf(": ");
        cli_put_plain(stdout, value, all || length < 80 ? length : 77, all ? "\n\t" : "\t");
        printf("%s\n", cut ? "..." : "");
    }
    if (n < metadata.n)
        printf("  and %d more (--metadata)\n", metadata.n - n);
}

static void print_file(const char *path, const hone_file *file, const show_options *o)
{
    const hone_file_list list = hone_file_entries(file);
    int64_t numbers = 0, bytes = 0;
    int width = 4;
    for (int i = 0; i < list.n; i++) {
        const int length = cli_put_plain(NULL, list.at[i].name, strlen(list.at[i].name), "");
        width = length > width ? length : width;
        numbers += numel_of(&list.at[i]);
        bytes += list.at[i].bytes > 0 ? list.at[i].bytes : 0;
    }
    width = width < 60 ? width : 60;
    printf("%s: %s, %d tensor%s, %lld numbers, %lld bytes of data\n", path, hone_file_format(file),
           list.n, list.n == 1 ? "" : "s", (long long)numbers, (long long)bytes);
    print_metadata(file, o->metadata);
    const bool with_stats = !o->no_stats && (o->stats || bytes <= MOST_SMALL);
    if (list.n == 0)
        return;
    printf("%-*s  %-8s %-20s", width, "name", "dtype", "shape");
    if (with_stats)
        printf("  %12s %12s %12s %6s %6s", "min", "max", "mean", "NaN", "inf");
    putchar('\n');
    for (int i = 0; i < list.n; i++)
        print_entry(file, &list.at[i], width, with_stats);
    if (!with_stats && !o->no_stats)
        printf("(--stats reads the data, too: min, max, mean, NaN and infinities)\n");
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    const bool named = argc > 0 && argv[0][0] != '-';
    show_options o = { 0 };
    const cli_parsed parsed = cli_parse(&cli_show, table, &o, argc - named, argv + named);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!named)
        return cli_error(CLI_USAGE, name, "FILE is missing");
    hone_file *file = hone_file_open(argv[0]);
    if (!file)
        return cli_library_error(name);
    print_file(argv[0], file, &o);
    hone_file_close(file);
    return CLI_OK;
}

const cli_command cli_show = {
    "show",
    "Tells what a file of tensors holds: names, dtypes, shapes, and what "
    "the numbers are like.",
    run, "FILE|DIR"
};
