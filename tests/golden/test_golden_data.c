/* What the real libraries wrote and read (make_data_golden.py), read to the same bits. */
#include "files.h"
#include "support.h"

#include "data/unicode.h"

#include <hone/formats.h>
#include <hone/ops.h>
#include <hone/tokenizer.h>

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

/* ---- byte-pair encoding: tokenizers */

/* Tokens of a text as tokenizers gives them, and the text again of them. */
static void check_tokens(hone_tokenizer *t, const char *name, const char *text, bool special)
{
    HONE_SCOPE();
    char again[2000];
    int64_t n = 0;
    hone_tensor *ids = hone_tokenizer_encode(t, text, (int64_t)strlen(text),
                                             &(hone_tokenizer_options){ .special = special });
    cr_assert(ids, "%s", hone_error_message());
    const int64_t *id = hone_data(ids);
    for (const char *v; (v = strtok(NULL, " \n")); n++)
        cr_assert(n < hone_numel(ids) && id[n] == strtoll(v, NULL, 10), "%s, token %d of '%s'",
                  name, (int)n, text);
    cr_assert(n == hone_numel(ids), "%s, '%s': %d tokens, not %d", name, text, (int)hone_numel(ids),
              (int)n);
    cr_assert(hone_tokenizer_decode(t, id, n, true, again, sizeof again) < (int64_t)sizeof again);
    const bool blank = strlen(again) == strlen(text) + 1; /* of add_prefix_space */
    cr_assert(special || strcmp(again + blank, text) == 0, "'%s' became '%s'", text, again);
}

Test(golden_data, tokens_as_tokenizers_gives_them)
{
    static const char *const names[] = { "bpe", "bpe_json", "bpe_made_up" };
    hone_tokenizer *t[3];
    char path[600], *line = NULL, text[2000];
    size_t room = 0;
    int lines = 0;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, GOLDEN "%s", names[i]);
        cr_assert(t[i] = hone_tokenizer_open(path), "%s", hone_error_message());
    }
    FILE *golden = open_golden("bpe.txt");
    for (; getline(&line, &room, golden) > 0; lines++) {
        const char *name = strtok(line, " \n"), *hex = strtok(NULL, " \n");
        const int i = strcmp(name, "bpe") == 0 ? 0 : strcmp(name, "bpe_json") == 0 ? 1 : 2;
        text[0] = 0;
        from_hex(hex, text);
        check_tokens(t[i], name, text, i == 1);
    }
    cr_assert(lines > 200);
    free(line);
    fclose(golden);
    for (int i = 0; i < 3; i++)
        hone_tokenizer_free(t[i]);
}

/* Every edge of the table of letters and numbers, and the blanks. */
Test(golden_data, characters_as_the_pattern_cuts_them)
{
    hone__characters *c = malloc(sizeof *c);
    FILE *golden = open_golden("pieces.txt");
    char line[20];
    int n = 0;
    hone__characters_make(c);
    for (; fgets(line, sizeof line, golden); n++) {
        const size_t end = strcspn(line, "\n") - 1;
        const char kind = line[end];
        line[end] = 0;
        const unsigned code = (unsigned)strtoul(line, NULL, 16);
        uint8_t text[4];
        int length, bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (int i = bytes - 1, rest = (int)code; i > 0; i--, rest >>= 6)
            text[i] = (uint8_t)(0x80 | (rest & 0x3F));
        text[0] = (uint8_t)(bytes == 1 ? code : (0xF00u >> bytes & 0xFF) | code >> 6 * (bytes - 1));
        const hone__character is = hone__character_at(c, text, text + bytes, &length);
        cr_assert(length == bytes && is == (kind == 'L'   ? HONE__LETTER
                                            : kind == 'N' ? HONE__NUMBER
                                            : kind == 'B' ? HONE__BLANK
                                                          : HONE__OTHER),
                  "U+%04X is %c", code, kind);
    }
    cr_assert(n > 4000);
    fclose(golden);
    free(c);
}
