/* csv.c: a table of a CSV file. Rows are cut into chunks, which threads read: each cell as the number that
 * it is, each column of a chunk as the widest kind of its cells. When all are read the columns have their
 * kinds, by the whole file; those of text are then read once more. */
#include "data/csv.h"

#include "core/core.h"
#include "core/reserve.h"
#include "data/csv_text.h"
#include "data/records.h"
#include "io/json.h"
#include "isa/isa.h"
#include "runtime/cpu.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/formats.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const where = "csv";

enum { CHUNK = 4096, BLOCK = 8, NS_A_CELL = 15 };

typedef struct {
    const char *path, *file;
    int64_t bytes;
    char separator;
    hone__blob *blob;
    hone__csv_rows rows; /* without the names' */
    int64_t n_columns, n_chunks;
    atomic_llong next_chunk;
    hone_column *column;
    char *names;    /* all of them */
    int64_t **cell; /* a column's numbers: int64_t, or the bits of a double */
    bool **missing;
    hone__texts *texts;
    /* of each chunk: */
    uint8_t *kind;      /* [n_chunks][n_columns] hone__csv_cell */
    bool *minus_zero;   /* the same: a -0 is among the whole numbers */
    bool *gaps;         /* the same: something is missing */
    int64_t *first_bad; /* [n_chunks]: the first row that doesn't fit, or -1 */
    bool *bad;          /* [rows] */
    /* of each thread, for the row that it reads: [n_threads][n_columns and some, for lines of their own] */
    int n_threads;
    int64_t room;
    uint8_t *row_kind;
    int64_t *row_cell;
    int64_t (*run)(const hone__csv_row *row, int64_t k, const char **at, bool *last);
} reader;

/* ---- cells */

static hone__csv_cell read_cell(const reader *r, const char **at, int64_t *whole, double *real,
                                bool *last)
{
    hone__csv_cell kind;
    const char *end = r->file + r->bytes;
    if (hone__csv_fast(at, end, r->separator, &kind, whole, real)) {
        *last = *at == end || **at != r->separator;
        *at += !*last;
        return kind;
    }
    const hone__csv_field f = hone__csv_next(*at, end, r->separator);
    *at = f.next;
    *last = f.last;
    if (!f.composed)
        return hone__csv_cell_of(f.at, f.end, whole, real);
    char plain[64];
    if (f.end - f.at > (int64_t)sizeof plain)
        return HONE__CELL_TEXT;
    return hone__csv_cell_of(plain, plain + hone__csv_plain(&f, plain), whole, real);
}

/* The field of a row in a column. */
static hone__csv_field field_at(const reader *r, int64_t row, int64_t column)
{
    const char *at = r->file + r->rows.start[row];
    hone__csv_field f = hone__csv_next(at, r->file + r->bytes, r->separator);
    while (column-- > 0)
        f = hone__csv_next(f.next, r->file + r->bytes, r->separator);
    return f;
}

static void put_real(int64_t *cell, double real)
{
    memcpy(cell, &real, sizeof real);
}

/* Whole numbers of a chunk's rows become real ones. -0 isn't told from 0 by then, and is read again. */
static void to_real(const reader *r, int64_t chunk, int64_t column, int64_t begin, int64_t end)
{
    int64_t *cell = r->cell[column];
    const bool again = r->minus_zero[chunk * r->n_columns + column],
               gaps = r->gaps[chunk * r->n_columns + column];
    for (int64_t i = begin; i < end; i++) {
        double real = (double)cell[i];
        if (again && !r->bad[i] && !(gaps && r->missing[column][i]) && cell[i] == 0) {
            const hone__csv_field f = field_at(r, i, column);
            const char *minus = memchr(f.at, '-', (size_t)(f.end - f.at));
            real = minus ? -0.0 : 0.0;
        }
        put_real(&cell[i], real);
    }
}

/* False: the row has more or fewer fields than there are names. */
static bool read_row(const reader *r, int64_t chunk, int64_t row, const hone__csv_row *to,
                     bool *gaps)
{
    const char *at = r->file + r->rows.start[row];
    const int64_t n = r->n_columns;
    bool last = false;
    *gaps = false;
    for (int64_t c = 0; !last; c++) {
        c = r->run(to, c, &at, &last);
        if (last || c == n)
            return last && c == n;
        int64_t whole = 0;
        double real = 0;
        const hone__csv_cell kind = read_cell(r, &at, &whole, &real, &last);
        if (kind == HONE__CELL_WHOLE && whole == 0 && signbit(real))
            r->minus_zero[chunk * n + c] = true;
        if (kind == HONE__CELL_REAL)
            put_real(&whole, real);
        to->kind[c] = (uint8_t)kind;
        to->cell[c] = whole;
        *gaps |= kind == HONE__CELL_MISSING;
        if (last)
            return c + 1 == n;
    }
    return false;
}

static int64_t end_of(const reader *r, int64_t chunk)
{
    return (chunk + 1) * CHUNK < r->rows.n ? (chunk + 1) * CHUNK : r->rows.n;
}

static void clear_missing(const reader *r, int64_t chunk, int64_t column)
{
    memset(r->missing[column] + chunk * CHUNK, 0, (size_t)(end_of(r, chunk) - chunk * CHUNK));
}

/* Adds what a row's cells are to what the chunk's columns are. */
static void count_row(const reader *r, int64_t chunk, int64_t row, const uint8_t *kind)
{
    uint8_t *all = r->kind + chunk * r->n_columns;
    for (int64_t c = 0; c < r->n_columns; c++) {
        if (kind[c] == HONE__CELL_MISSING) {
            bool *gaps = &r->gaps[chunk * r->n_columns + c];
            if (!*gaps)
                clear_missing(r, chunk, c);
            *gaps = true;
            r->missing[c][row] = true;
            continue;
        }
        if (kind[c] == HONE__CELL_REAL && all[c] == HONE__CELL_WHOLE)
            to_real(r, chunk, c, chunk * CHUNK, row);
        if (kind[c] > all[c])
            all[c] = kind[c];
        if (kind[c] == HONE__CELL_WHOLE && all[c] == HONE__CELL_REAL)
            to_real(r, chunk, c, row, row + 1);
    }
}

/* Rows go to the columns by blocks, a line of each column at once: rows of many columns, one by one, would fall
 * into the same few places of the cache. */
static void put_block(const reader *r, const int64_t *from, int64_t begin, int64_t end)
{
    for (int64_t c = 0; c < r->n_columns; c++) {
        int64_t *to = r->cell[c] + begin;
        for (int64_t i = 0; i < end - begin; i++)
            to[i] = from[i * r->n_columns + c];
    }
}

static void read_chunk(const reader *r, int64_t k, hone__csv_row *to)
{
    const int64_t last = end_of(r, k), n = r->n_columns;
    int64_t *const block = to->cell;
    int64_t begin = k * CHUNK;
    r->first_bad[k] = -1;
    for (int64_t row = begin; row < last; row++) {
        bool gaps;
        to->cell = block + (row - begin) * n;
        const bool good = read_row(r, k, row, to, &gaps);
        const bool count = good && (gaps || memcmp(to->kind, r->kind + k * n, (size_t)n) != 0);
        if (!good) {
            r->bad[row] = true;
            if (r->first_bad[k] < 0)
                r->first_bad[k] = row;
        }
        if (count || row + 1 == last || row + 1 - begin == BLOCK) {
            put_block(r, block, begin, row + 1);
            begin = row + 1;
        }
        if (count)
            count_row(r, k, row, to->kind);
    }
    to->cell = block;
}

/* Of a chunk without texts, which are read again, the file isn't needed any more. */
static void leave_chunk(const reader *r, int64_t k)
{
    const int64_t last = (k + 1) * CHUNK, n = r->n_columns;
    if (!memchr(r->kind + k * n, HONE__CELL_TEXT, (size_t)n))
        hone__blob_done(r->blob, r->rows.start[k * CHUNK],
                        last < r->rows.n ? r->rows.start[last] : r->bytes);
}

/* Each thread takes the next chunk: where they are read at different speeds none waits. What is written
 * depends on the chunk alone. */
static void read_chunks(void *ctx, int thread, int n_threads)
{
    reader *r = ctx;
    hone__csv_row row = { .begin = r->file,
                          .end = r->file + r->bytes,
                          .separator = r->separator,
                          .n = r->n_columns,
                          .kind = r->row_kind + thread * r->room,
                          .cell = r->row_cell + thread * r->room * BLOCK };
    (void)n_threads;
    for (int64_t k; (k = atomic_fetch_add(&r->next_chunk, 1)) < r->n_chunks;) {
        read_chunk(r, k, &row);
        leave_chunk(r, k);
    }
}

/* ---- columns */

static hone_status bad_row(const reader *r, int64_t row)
{
    int64_t n = 1;
    hone__csv_field f = field_at(r, row, 0);
    for (; !f.last; n++)
        f = hone__csv_next(f.next, r->file + r->bytes, r->separator);
    return hone_error_set(HONE_E_FORMAT,
                          "%s: %s: line %lld has %lld fields, but there are %lld names", where,
                          r->path, (long long)hone__csv_line(r->file, r->rows.start[row]),
                          (long long)n, (long long)r->n_columns);
}

/* Of a column with gaps in some chunks; a text's are told when it is read. */
static void settle_gaps(reader *r)
{
    for (int64_t c = 0; c < r->n_columns; c++) {
        hone_column *column = &r->column[c];
        column->n_missing = column->kind == HONE_COLUMN_TEXT;
        for (int64_t k = 0; k < r->n_chunks; k++)
            column->n_missing |= r->gaps[k * r->n_columns + c];
        for (int64_t k = 0; k < r->n_chunks && column->n_missing; k++)
            if (!r->gaps[k * r->n_columns + c])
                clear_missing(r, k, c);
    }
}

static void settle_kinds(reader *r)
{
    for (int64_t c = 0; c < r->n_columns; c++) {
        uint8_t kind = HONE__CELL_MISSING;
        for (int64_t k = 0; k < r->n_chunks; k++)
            kind = r->kind[k * r->n_columns + c] > kind ? r->kind[k * r->n_columns + c] : kind;
        r->column[c].kind = kind == HONE__CELL_TEXT    ? HONE_COLUMN_TEXT
                            : kind == HONE__CELL_WHOLE ? HONE_COLUMN_WHOLE
                                                       : HONE_COLUMN_REAL;
        for (int64_t k = 0; k < r->n_chunks && kind == HONE__CELL_REAL; k++)
            if (r->kind[k * r->n_columns + c] <= HONE__CELL_WHOLE)
                to_real(r, k, c, k * CHUNK,
                        (k + 1) * CHUNK < r->rows.n ? (k + 1) * CHUNK : r->rows.n);
    }
}

/* Takes the rows that are bad out. */
static void compact(reader *r)
{
    int64_t n = 0;
    for (int64_t row = 0; row < r->rows.n; row++) {
        if (r->bad[row])
            continue;
        for (int64_t c = 0; c < r->n_columns; c++) {
            r->cell[c][n] = r->cell[c][row];
            if (r->column[c].n_missing)
                r->missing[c][n] = r->missing[c][row];
        }
        r->rows.start[n++] = r->rows.start[row];
    }
    r->rows.n = n;
}

static hone_status bad_text(const reader *r, int64_t row, int64_t column, const char *what)
{
    return hone_error_set(HONE_E_FORMAT, "%s: %s: line %lld, column '%.60s': %s", where, r->path,
                          (long long)hone__csv_line(r->file, r->rows.start[row]),
                          r->column[column].name, what);
}

/* NULL, or what is wrong with a text. */
static const char *flaw_of(const char *text, int64_t length)
{
    for (int64_t i = 0; i < length;) {
        const int n = hone__utf8_length(text + i, (size_t)(length - i));
        if (text[i] == 0)
            return "a NUL in a text";
        if (n == 0)
            return "what is no UTF-8";
        i += n;
    }
    return NULL;
}

/* Room for the plain text of the longest field so far. */
typedef struct {
    char *at;
    int64_t room;
} scratch;

static hone_status add_text(reader *r, int64_t row, int64_t c, const hone__csv_field *f, scratch *s)
{
    const char *text = f->at;
    int64_t length = f->end - f->at, whole;
    double real;
    int32_t *to = (int32_t *)(void *)r->cell[c];
    if (f->composed) {
        if (!hone__grow(&s->at, &s->room, length, 1))
            return hone__error_last();
        length = hone__csv_plain(f, s->at);
        text = s->at;
    }
    r->missing[c][row] =
        hone__csv_cell_of(text, text + length, &whole, &real) == HONE__CELL_MISSING;
    to[row] = -1;
    if (r->missing[c][row])
        return HONE_OK;
    const int32_t before = r->texts[c].n;
    to[row] = hone__texts_add(&r->texts[c], text, length);
    if (to[row] < 0)
        return hone__error_last();
    const char *flaw = to[row] == before ? flaw_of(text, length) : NULL;
    return flaw ? bad_text(r, row, c, flaw) : HONE_OK;
}

static hone_status read_texts(reader *r)
{
    hone_status status = HONE_OK;
    int64_t last = r->n_columns - 1;
    scratch s = { NULL, 0 };
    while (last >= 0 && r->column[last].kind != HONE_COLUMN_TEXT)
        last--;
    for (int64_t row = 0; row < r->rows.n && last >= 0 && status == HONE_OK; row++) {
        hone__csv_field f = { .next = r->file + r->rows.start[row] };
        for (int64_t c = 0; c <= last && status == HONE_OK; c++) {
            f = hone__csv_next(f.next, r->file + r->bytes, r->separator);
            if (r->column[c].kind == HONE_COLUMN_TEXT)
                status = add_text(r, row, c, &f, &s);
        }
    }
    hone__free(s.at);
    for (int64_t c = 0; c <= last && status == HONE_OK; c++) {
        if (r->column[c].kind != HONE_COLUMN_TEXT)
            continue;
        if (!hone__texts_sort(&r->texts[c], (int32_t *)(void *)r->cell[c], r->rows.n))
            return hone__error_last();
        r->column[c].texts = r->texts[c].sorted;
        r->column[c].n_texts = r->texts[c].n;
    }
    return status;
}

static void fill_gaps(const reader *r, int64_t c)
{
    hone_column *column = &r->column[c];
    column->n_missing = 0; /* so far it told that there are some */
    for (int64_t i = 0; i < r->rows.n; i++) {
        if (!r->missing[c][i])
            continue;
        column->n_missing++;
        if (column->kind == HONE_COLUMN_REAL)
            put_real(&r->cell[c][i], NAN);
        else if (column->kind == HONE_COLUMN_WHOLE)
            r->cell[c][i] = 0;
    }
    column->missing = column->n_missing ? r->missing[c] : NULL;
}

static void finish_columns(reader *r)
{
    for (int64_t c = 0; c < r->n_columns; c++) {
        hone_column *column = &r->column[c];
        if (column->n_missing)
            fill_gaps(r, c);
        if (column->kind == HONE_COLUMN_WHOLE)
            column->whole = r->cell[c];
        else if (column->kind == HONE_COLUMN_REAL)
            column->real = (const double *)(const void *)r->cell[c];
        else
            column->text = (const int32_t *)(const void *)r->cell[c];
    }
}

/* ---- the file's beginning */

/* The separator that the first line has most of, outside of quotes. */
static char separator_of(const char *at, const char *end)
{
    static const char separators[] = { ',', ';', '\t', '|' };
    int64_t count[sizeof separators] = { 0 };
    bool inside = false;
    for (; at < end && (inside || *at != '\n'); at++) {
        inside ^= *at == '"';
        for (size_t i = 0; i < sizeof separators && !inside; i++)
            count[i] += *at == separators[i];
    }
    size_t best = 0;
    for (size_t i = 1; i < sizeof separators; i++)
        if (count[i] > count[best])
            best = i;
    return separators[best];
}

static hone_status check_names(const reader *r)
{
    hone__texts seen = { 0 };
    hone_status status = HONE_OK;
    for (int64_t c = 0; c < r->n_columns && status == HONE_OK; c++) {
        const char *name = r->column[c].name;
        const int32_t found = hone__texts_add(&seen, name, (int64_t)strlen(name));
        if (found < 0)
            status = hone__error_last();
        else if (found < c)
            status = hone_error_set(HONE_E_FORMAT, "%s: %s: two columns are called '%.80s'", where,
                                    r->path, name);
    }
    hone__texts_free(&seen);
    return status;
}

/* The fields of the first line, as names, or their number alone; *next: the second line. */
static hone_status read_names(reader *r, bool no_header, int64_t begin, int64_t *next)
{
    const char *at = r->file + begin, *end = r->file + r->bytes;
    int64_t n = 0, bytes = 0;
    hone__csv_field f = { .next = at };
    do {
        f = hone__csv_next(f.next, end, r->separator);
        if (f.open)
            return hone_error_set(HONE_E_FORMAT,
                                  "%s: %s: line 1: a quote is opened and never closed", where,
                                  r->path);
        bytes += (f.end - f.at) + 24;
        n++;
    } while (!f.last);
    *next = no_header ? begin : f.next - r->file;
    r->n_columns = n;
    r->column = hone__calloc(hone__bytes(n, sizeof *r->column));
    char *to = r->names = hone__calloc(hone__bytes(bytes, 1));
    if (!r->column || !r->names)
        return hone__error_last();
    f.next = at;
    for (int64_t c = 0; c < n; c++) {
        f = hone__csv_next(f.next, end, r->separator);
        const int64_t length =
            no_header ? hone__format(to, 24, "%lld", (long long)c) : hone__csv_plain(&f, to);
        r->column[c].name = to;
        const char *flaw = no_header ? NULL : flaw_of(to, length);
        if (flaw)
            return hone_error_set(HONE_E_FORMAT, "%s: %s: line 1: %s", where, r->path, flaw);
        to += length + 1;
    }
    return no_header ? HONE_OK : check_names(r);
}

static hone_status take_memory(reader *r)
{
    const int64_t n = r->rows.n, m = r->n_columns;
    r->n_chunks = n > 0 ? (n - 1) / CHUNK + 1 : 0;
    r->n_threads = hone__team_for((double)n * NS_A_CELL * (double)m, r->n_chunks);
    r->room = (m + 63) / 64 * 64 + 64;
    r->run = hone__csv_run;
#ifdef __x86_64__
    if (strncmp(hone__k->name, "avx", 3) == 0 && hone__cpu_has_bits())
        r->run = hone__csv_run_avx2;
#endif
    const size_t each = hone__bytes((r->n_chunks + 1) * m, 1);
    r->cell = hone__calloc(hone__bytes(m, sizeof *r->cell));
    r->missing = hone__calloc(hone__bytes(m, sizeof *r->missing));
    r->texts = hone__calloc(hone__bytes(m, sizeof *r->texts));
    r->kind = hone__calloc(each);
    r->minus_zero = hone__calloc(each);
    r->gaps = hone__calloc(each);
    r->row_kind = hone__malloc(hone__bytes(r->n_threads, r->room));
    r->row_cell = hone__calloc(hone__bytes(r->n_threads * r->room, BLOCK * sizeof *r->row_cell));
    r->first_bad = hone__calloc(hone__bytes(r->n_chunks + 1, sizeof *r->first_bad));
    r->bad = hone__calloc(hone__bytes(n + 1, 1));
    if (!r->cell || !r->missing || !r->texts || !r->kind || !r->minus_zero || !r->gaps ||
        !r->row_kind || !r->row_cell || !r->first_bad || !r->bad)
        return hone__error_last();
    for (int64_t c = 0; c < m; c++) {
        r->cell[c] = hone__malloc(hone__bytes(n + 1, sizeof **r->cell));
        r->missing[c] = hone__malloc(hone__bytes(n + 1, 1)); /* cleared where there are gaps */
        if (!r->cell[c] || !r->missing[c])
            return hone__error_last();
    }
    return HONE_OK;
}

/* What only the reading needs. */
static void drop_scaffold(reader *r)
{
    hone__free(r->kind);
    hone__free(r->minus_zero);
    hone__free(r->gaps);
    hone__free(r->row_kind);
    hone__free(r->row_cell);
    hone__free(r->first_bad);
    hone__free(r->bad);
    hone__free(r->rows.start);
    hone__blob_release(r->blob);
    r->kind = r->row_kind = NULL;
    r->minus_zero = r->gaps = r->bad = NULL;
    r->first_bad = r->rows.start = r->row_cell = NULL;
    r->blob = NULL;
}

static void reader_free(reader *r)
{
    drop_scaffold(r);
    for (int64_t c = 0; c < r->n_columns; c++) {
        if (r->cell)
            hone__free(r->cell[c]);
        if (r->missing)
            hone__free(r->missing[c]);
        if (r->texts)
            hone__texts_free(&r->texts[c]);
    }
    hone__free(r->cell);
    hone__free(r->missing);
    hone__free(r->texts);
    hone__free(r->names);
    hone__free(r->column);
    hone__free(r);
}

static hone_status read_all(reader *r, const hone_csv_options *o, hone_table *table)
{
    r->blob = hone__blob_map(where, r->path);
    if (!r->blob)
        return hone__error_last();
    r->file = (const char *)hone__blob_at(r->blob);
    r->bytes = hone__blob_size(r->blob);
    int64_t begin = r->bytes >= 3 && memcmp(r->file, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (begin < r->bytes && (r->file[begin] == '\n' || r->file[begin] == '\r'))
        begin++;
    if (begin == r->bytes)
        return hone_error_set(HONE_E_FORMAT, "%s: %s is empty", where, r->path);
    r->separator = o->separator ? o->separator : separator_of(r->file + begin, r->file + r->bytes);
    if (read_names(r, o->no_header, begin, &begin) != HONE_OK ||
        !hone__csv_rows_find(r->path, r->file, begin, r->bytes, r->separator, r->n_columns > 1,
                             &r->rows) ||
        take_memory(r) != HONE_OK)
        return hone__error_last();
    hone__parallel_team(r->n_threads, read_chunks, r);
    const int64_t all = r->rows.n;
    for (int64_t k = 0; k < r->n_chunks; k++)
        if (r->first_bad[k] >= 0 && !o->skip_damaged)
            return bad_row(r, r->first_bad[k]);
    settle_kinds(r);
    settle_gaps(r);
    if (o->skip_damaged)
        compact(r);
    if (read_texts(r) != HONE_OK)
        return hone__error_last();
    finish_columns(r);
    *table = (hone_table){ r->rows.n, r->n_columns, r->column, all - r->rows.n, r };
    drop_scaffold(r);
    return HONE_OK;
}

hone_status hone_csv_read(const char *path, const hone_csv_options *options, hone_table *table)
{
    const hone_csv_options o = options ? *options : (hone_csv_options){ 0 };
    if (!table)
        return hone__error_missing(where, "a table");
    *table = (hone_table){ 0 };
    if (!path)
        return hone__error_missing(where, "a path");
    if (!hone__ready() || !HONE__KNOWS_OPTIONS(where, options))
        return hone__error_last();
    if (o.separator && strchr("\"\n\r.+-0123456789eE ", o.separator))
        return hone_error_set(HONE_E_VALUE, "%s: a separator '%c'", where, o.separator);
    reader *r = hone__calloc(sizeof *r);
    if (!r)
        return hone__error_last();
    r->path = path;
    const hone_status status = read_all(r, &o, table);
    if (status != HONE_OK)
        reader_free(r);
    return status;
}

void hone_table_free(hone_table *table)
{
    if (!table)
        return;
    if (table->own)
        reader_free(table->own);
    *table = (hone_table){ 0 };
}
