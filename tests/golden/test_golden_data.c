/* What the real libraries wrote and read (make_data_golden.py), read to the same bits. */
#include "files.h"
#include "support.h"

#include <hone/formats.h>
#include <hone/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(golden_data);

#define GOLDEN HONE_SOURCE_DIR "/tests/golden/data/"

static FILE *open_golden(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, GOLDEN "%s", name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    return file;
}

/* ---- CSV: pandas */

/* "616200" or "-" -> the text; false: missing. */
static bool from_hex(const char *hex, char *text)
{
    if (strcmp(hex, "-") == 0)
        return false;
    size_t n = 0;
    for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1 && hex[2 * n]; n++)
        text[n] = (char)byte;
    text[n] = 0;
    return true;
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void check_value(const hone_column *c, int64_t row, const char *kind, const char *value)
{
    char text[200];
    if (strcmp(value, "-") == 0) {
        cr_assert(c->missing && c->missing[row], "%s, row %d isn't missing", c->name, (int)row);
    } else if (c->kind == HONE_COLUMN_TEXT) {
        from_hex(value, text);
        cr_assert_str_eq(kind, "text");
        cr_assert_str_eq(c->texts[c->text[row]], text);
    } else if (strcmp(kind, "whole") == 0) {
        cr_assert(c->kind == HONE_COLUMN_WHOLE && c->whole[row] == strtoll(value, NULL, 10),
                  "%s, row %d", c->name, (int)row);
    } else {
        /* whole numbers beside a gap are floats in pandas */
        const double x = c->kind == HONE_COLUMN_REAL ? c->real[row] : (double)c->whole[row];
        cr_assert(c->kind == HONE_COLUMN_REAL || c->missing);
        cr_assert(bits_of(x) == strtoull(value, NULL, 16), "%s, row %d: %a, not %s", c->name,
                  (int)row, x, value);
    }
}

static void check_csv(const char *name)
{
    char path[600], *line = NULL, text[200], file_name[100];
    size_t room = 0;
    hone_table t;
    snprintf(path, sizeof path, GOLDEN "%s.csv", name);
    cr_assert(hone_csv_read(path, NULL, &t) == HONE_OK, "%s", hone_error_message());
    snprintf(file_name, sizeof file_name, "%s.csv.txt", name);
    FILE *golden = open_golden(file_name);
    int64_t c = 0;
    for (; getline(&line, &room, golden) > 0; c++) {
        cr_assert(c < t.n_columns);
        from_hex(strtok(line, " \n"), text);
        cr_assert_str_eq(t.column[c].name, text);
        const char *kind = strtok(NULL, " \n");
        int64_t row = 0;
        for (const char *v; (v = strtok(NULL, " \n")); row++) {
            cr_assert(row < t.n_rows, "%s has %d rows", name, (int)t.n_rows);
            check_value(&t.column[c], row, kind, v);
        }
        cr_assert(row == t.n_rows, "%s has %d rows, not %d", name, (int)t.n_rows, (int)row);
    }
    cr_assert(c == t.n_columns);
    free(line);
    fclose(golden);
    hone_table_free(&t);
}

Test(golden_data, csv_as_pandas_reads_it)
{
    static const char *const names[] = { "numbers", "halves", "rules",     "missing",
                                         "one",     "mixed",  "semicolon", "empty" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_csv(names[i]);
}
