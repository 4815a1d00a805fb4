/* CSV: where hone goes its own way, and every way in which a file can be wrong. What it shares with pandas is
 * in test_golden_data. */
#include "files.h"
#include "isa/isa.h"
#include "support.h"

#include <hone/formats.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(csv);

static const char *file_of(const char *text)
{
    return test_write("t.csv", text, strlen(text));
}

static hone_table read_text(const char *text, hone_csv_options options)
{
    hone_table t;
    cr_assert(hone_csv_read(file_of(text), &options, &t) == HONE_OK, "%s", hone_error_message());
    return t;
}

#define PLAIN ((hone_csv_options){ 0 })

Test(csv, zeros_in_front_make_a_text)
{
    hone_table t = read_text("a,b,c,d\n007,0.5,0x10,12:30\n8,-00.5,nan(1),1_0\n", PLAIN);
    for (int c = 0; c < 4; c++)
        cr_assert(t.column[c].kind == HONE_COLUMN_TEXT, "%s", t.column[c].name);
    cr_assert(t.column[0].n_texts == 2 && t.column[0].text[1] == 1);
    cr_assert_str_eq(t.column[0].texts[0], "007");
    hone_table_free(&t);
}

/* A blank before the opening quote leaves the field unquoted; its quotes are text. */
Test(csv, quotes_behind_a_blank)
{
    hone_table t = read_text("a,b\n \"x\",1\n\"y\" ,2\n", PLAIN);
    cr_assert(t.column[0].n_texts == 2);
    cr_assert_str_eq(t.column[0].texts[0], " \"x\"");
    cr_assert_str_eq(t.column[0].texts[1], "y ");
    hone_table_free(&t);
}

Test(csv, a_gap_costs_a_whole_number_nothing)
{
    hone_table t = read_text("a,b\n9007199254740993,\n,x\n+3, NA \n", PLAIN);
    cr_assert(t.column[0].kind == HONE_COLUMN_WHOLE && t.column[0].n_missing == 1);
    cr_assert(t.column[0].whole[0] == INT64_C(9007199254740993) && t.column[0].missing[1] &&
              t.column[0].whole[1] == 0 && t.column[0].whole[2] == 3);
    cr_assert(t.column[1].kind == HONE_COLUMN_TEXT && t.column[1].n_missing == 2);
    cr_assert(t.column[1].text[0] == -1 && t.column[1].text[1] == 0 && t.column[1].text[2] == -1);
    hone_table_free(&t);
}

Test(csv, the_whole_file_tells_the_kinds)
{
    enum { ROWS = 20000 };
    char *text = malloc(ROWS * 24 + 100), *at = text;
    at += sprintf(at, "i,r,t,z\n");
    for (int i = 0; i < ROWS; i++)
        at +=
            sprintf(at, "%d,%s,%s,%s\n", i, i == ROWS - 1 ? "0.5" : "7", i == ROWS - 2 ? "x" : "1",
                    i == 5          ? "-0"
                    : i == ROWS - 1 ? "1e-5"
                                    : "0");
    hone_table t = read_text(text, PLAIN);
    cr_assert(t.n_rows == ROWS && t.column[0].kind == HONE_COLUMN_WHOLE &&
              t.column[1].kind == HONE_COLUMN_REAL && t.column[2].kind == HONE_COLUMN_TEXT);
    cr_assert(t.column[1].real[0] == 7 && t.column[1].real[ROWS - 1] == 0.5);
    cr_assert(t.column[0].whole[12345] == 12345 && t.column[2].n_texts == 2);
    cr_assert(signbit(t.column[3].real[5]) && !signbit(t.column[3].real[6]));
    hone_table_free(&t);
    free(text);
}

Test(csv, no_header_and_separators)
{
    hone_table t = read_text("1\t2\n3\t4\n", (hone_csv_options){ .no_header = true });
    cr_assert(t.n_rows == 2 && t.n_columns == 2 && t.column[1].whole[1] == 4);
    cr_assert_str_eq(t.column[1].name, "1");
    hone_table_free(&t);
    t = read_text("a,b|c\n1,5|2\n", (hone_csv_options){ .separator = '|' });
    cr_assert(t.n_columns == 2 && t.column[0].kind == HONE_COLUMN_TEXT);
    hone_table_free(&t);
    t = read_text("a,b\n", PLAIN); /* names alone */
    cr_assert(t.n_rows == 0 && t.n_columns == 2);
    hone_table_free(&t);
    t = read_text("\n\na,b\n1,2", PLAIN); /* blank lines, no last newline */
    cr_assert(t.n_rows == 1 && t.column[1].whole[0] == 2);
    hone_table_free(&t);
    hone_table_free(NULL);
}

/* As many digits before and behind the point as there may be, with either sign, in wide and in narrow rows: what
 * each instruction set makes of them is strtod's. Every other number is near the middle between two doubles. */
static char *random_number(char *to, int i)
{
    const uint64_t bits = (uint64_t)hone_item_i64(hone_randint(HONE_I64, 0, INT64_MAX, 1));
    const double x = ldexp((double)(bits >> 10) * 0x1p-53, i % 40 - 20);
    if (i % 2)
        to += sprintf(to, "%.*f", i % 23, x);
    else
        to += sprintf(to, "%.*Lf", 21 - i % 8, ((long double)x + (long double)nextafter(x, 1)) / 2);
    return to;
}

Test(csv, digits_of_any_length_on_every_isa)
{
    HONE_SCOPE();
    enum { ROWS = 900, COLUMNS = 7 };
    char *text = malloc(ROWS * COLUMNS * 64 + 200), *at = text;
    double *wanted = malloc(ROWS * COLUMNS * sizeof *wanted);
    hone_seed(1);
    at += sprintf(at, "a,b,c,d,e,f,g\n");
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        HONE_SCOPE();
        char *const begin = at;
        if (i % 3 == 0)
            *at++ = i % 2 ? '-' : '+';
        at = random_number(at, i);
        *at = 0;
        wanted[i] = strtod(begin, NULL);
        *at++ = i % COLUMNS == COLUMNS - 1 ? '\n' : ',';
    }
    *at = 0;
    const hone__isa *isa, *before = hone__k;
    for (int k = 0; (isa = hone__isa_available(k)); k++) {
        hone__isa_use(isa);
        hone_table t = read_text(text, PLAIN);
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            const double is = t.column[i % COLUMNS].real[i / COLUMNS];
            cr_assert(memcmp(&is, &wanted[i], sizeof is) == 0,
                      "%s: row %d, column %d: %.17g, not %.17g", isa->name, i / COLUMNS,
                      i % COLUMNS, is, wanted[i]);
        }
        hone_table_free(&t);
    }
    hone__isa_use(before);
    free(text);
    free(wanted);
}

Test(csv, whole_numbers_of_any_length_on_every_isa)
{
    static const char *const text =
        "a,b\n"
        "0,-1\n1,-0\n22,7\n-333,12345678\n999999999999999999,-123456789012345678\n"
        "9223372036854775807,-9223372036854775808\n+5,0\n1,2\n3,4\n5,6\n";
    static const int64_t wanted[][2] = { { 0, -1 },
                                         { 1, 0 },
                                         { 22, 7 },
                                         { -333, 12345678 },
                                         { INT64_C(999999999999999999),
                                           INT64_C(-123456789012345678) },
                                         { INT64_MAX, INT64_MIN },
                                         { 5, 0 } };
    const hone__isa *isa, *before = hone__k;
    for (int k = 0; (isa = hone__isa_available(k)); k++) {
        hone__isa_use(isa);
        hone_table t = read_text(text, PLAIN);
        for (int i = 0; i < 14; i++)
            cr_assert(t.column[i % 2].whole[i / 2] == wanted[i / 2][i % 2], "%s: row %d, column %d",
                      isa->name, i / 2, i % 2);
        hone_table_free(&t);
    }
    hone__isa_use(before);
}

/* A name is looked up, not compared with all others: 100,000 columns take no time. */
Test(csv, many_columns)
{
    enum { COLUMNS = 100000 };
    char *text = malloc(COLUMNS * 16), *at = text;
    for (int c = 0; c < COLUMNS; c++)
        at += sprintf(at, "x%d%c", c == COLUMNS - 1 ? 5 : c, c == COLUMNS - 1 ? '\n' : ',');
    hone_table t;
    CHECK_FAILS(hone_csv_read(file_of(text), NULL, &t), HONE_E_FORMAT,
                "two columns are called 'x5'");
    free(text);
}

/* Numbers don't go by the locale. */
Test(csv, no_locale)
{
    const char *const comma[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8" };
    for (size_t i = 0; i < 3; i++)
        setlocale(LC_ALL, comma[i]);
    hone_table t = read_text("a\n0.1\n12345678901234567890123456789012345678.5e-20\n", PLAIN);
    setlocale(LC_ALL, "C");
    cr_assert(t.column[0].real[0] == 0.1 &&
              t.column[0].real[1] == 12345678901234567890123456789012345678.5e-20);
    hone_table_free(&t);
}

Test(csv, what_is_refused)
{
    hone_table t;
    const hone_csv_options digit = { .separator = '5' };
#define REFUSED(text, message)                                                                     \
    CHECK_FAILS(hone_csv_read(file_of(text), NULL, &t), HONE_E_FORMAT, message)
    REFUSED("a,b\n1,2\n3\n", "t.csv: line 3 has 1 fields, but there are 2 names");
    REFUSED("a,b\n1,2\n\n\n3,4,5\n", "line 5 has 3 fields, but there are 2 names");
    REFUSED("a,b\n\"x\ny\",2\n3,4,5\n", "line 4 has 3 fields");
    REFUSED("a,b,a\n1,2,3\n", "two columns are called 'a'");
    REFUSED("a,b\n1,\"2\n3,4\n", "line 2: a quote is opened and never closed");
    REFUSED("a,\"b\n1,2\n", "line 1: a quote is opened and never closed");
    REFUSED("a,b\n1,x\xff\n", "line 2, column 'b': what is no UTF-8");
    REFUSED("a\xff,b\n1,x\n", "line 1: what is no UTF-8");
    REFUSED("", "is empty");
    REFUSED("\n\r\n", "is empty");
    CHECK_FAILS(hone_csv_read(test_write("t.csv", "a\nx\0y\n", 6), NULL, &t), HONE_E_FORMAT,
                "line 2, column 'a': a NUL in a text");
    CHECK_FAILS(hone_csv_read(test_path("none.csv"), NULL, &t), HONE_E_IO, "No such file");
    CHECK_FAILS(hone_csv_read(file_of("a\n"), &digit, &t), HONE_E_VALUE, "a separator '5'");
    CHECK_FAILS(hone_csv_read(NULL, NULL, &t), HONE_E_NULL, "a path");
    CHECK_FAILS(hone_csv_read("x", NULL, NULL), HONE_E_NULL, "a table");
    cr_assert(!t.own && !t.column);
}

Test(csv, damaged_rows_can_be_left_out)
{
    hone_table t =
        read_text("a,b\n1,2\n3\nx,y,z\n4,5\n", (hone_csv_options){ .skip_damaged = true });
    cr_assert(t.n_rows == 2 && t.skipped == 2 && t.column[0].kind == HONE_COLUMN_WHOLE);
    cr_assert(t.column[0].whole[1] == 4 && t.column[1].whole[1] == 5);
    hone_table_free(&t);
}

static const char *tried;

static bool read_it(void)
{
    hone_table t;
    const bool done = hone_csv_read(tried, NULL, &t) == HONE_OK;
    hone_table_free(&t);
    return done;
}

Test(csv, failed_allocations_leave_nothing)
{
    tried = file_of(
        "a,b,c\n1,x,\"q\"\"r\"\n2,y,\"a much longer text in quotes, \"\"here\"\"\"\n3,z,\n");
    test_each_allocation_fails(read_it);
}
