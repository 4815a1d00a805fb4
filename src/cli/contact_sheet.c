/* contact_sheet.c: a row a class, of the training set or, if there is none, the test set; sets without
 * classes fill rows in their order. An SVG is the PNG with the classes' names beside it. */
#include "contact_sheet.h"

#include "cli.h"
#include "io/replace.h"
#include "plot.h"
#include "png.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 12, MOST_ROWS = 40, MOST_SIDE = 256, GAP = 2, LOOKED_AT = 20000, NAMES = 140 };

/* What pictures that are larger, or of several sizes, become. */
#define SHRINK "resize:96+center_crop:96"

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

bool contact_sheet_can(const char *command, const char *path)
{
    if (ends_in(path, ".svg") || ends_in(path, ".png"))
        return true;
    cli_error(CLI_USAGE, command, "--sheet %s: a name that ends in .svg or .png is wanted", path);
    return false;
}

typedef struct {
    int channels, height, width, rows; /* of a picture; of the sheet */
    int filled[MOST_ROWS];
    float *planes; /* 3 planes of the sheet */
    int sheet_height, sheet_width;
} sheet;

static void put_picture(sheet *s, int row, const uint8_t *from)
{
    const int left = s->filled[row]++ * (s->width + GAP), top = row * (s->height + GAP);
    const size_t plane = (size_t)s->sheet_height * s->sheet_width;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < s->height; y++)
            for (int x = 0; x < s->width; x++) {
                const int channel = s->channels == 3 ? c : 0;
                s->planes[c * plane + (size_t)(top + y) * s->sheet_width + left + x] =
                    (float)from[(channel * s->height + y) * s->width + x] / 255;
            }
}

/* The row that a sample goes to; -1: none has room for it. */
static int row_of(const sheet *s, const hone_source *source, int64_t label)
{
    if (source->task == HONE_TASK_CLASSES)
        return label >= 0 && label < s->rows && s->filled[label] < COLUMNS ? (int)label : -1;
    for (int r = 0; r < s->rows; r++)
        if (s->filled[r] < COLUMNS)
            return r;
    return -1;
}

static bool is_full(const sheet *s)
{
    for (int r = 0; r < s->rows; r++)
        if (s->filled[r] < COLUMNS)
            return false;
    return true;
}

static bool fill(sheet *s, const hone_source *source, const hone_dataset *set)
{
    const int64_t n = hone_dataset_size(set) < LOOKED_AT ? hone_dataset_size(set) : LOOKED_AT;
    for (int64_t i = 0; i < n && !is_full(s); i++) {
        HONE_SCOPE();
        const hone_tensor_list fields = hone_dataset_batch(set, &i, 1);
        if (!fields.at)
            return false;
        const bool labelled = source->task == HONE_TASK_CLASSES && fields.n > 1;
        const int64_t label =
            labelled ? hone_item_i64(hone_reshape(fields.at[fields.n - 1], 1)) : 0;
        const int row = row_of(s, source, label);
        if (row >= 0)
            put_picture(s, row, hone_data(fields.at[0]));
    }
    return hone_error_code() == HONE_OK;
}

/* False: an error was printed. */
static bool layout_of(const char *command, const hone_dataset *set, hone_sample_layout *layout)
{
    if (hone_dataset_size(set) > 0 && hone_dataset_layout(set, -1, layout) == HONE_OK)
        return true;
    cli_error(CLI_FAILED, command, "--sheet: there is no sample");
    return false;
}

/* Pictures of one size that isn't too large are shown as they are. */
static bool is_to_shrink(const hone_source *source, const hone_sample_layout *layout)
{
    const hone_sample_field *x = &layout->field[0];
    bool fits = true;
    for (int d = x->ndim == 3; d < x->ndim; d++)
        fits = fits && x->shape[d] > 0 && x->shape[d] <= MOST_SIDE;
    return source->pictures && !fits;
}

static bool measure(const char *command, const hone_source *source, const hone_dataset *set,
                    sheet *s)
{
    hone_sample_layout layout;
    if (!layout_of(command, set, &layout))
        return false;
    const hone_sample_field *x = &layout.field[0];
    const int64_t *shape = x->shape + (x->ndim == 3);
    const int64_t channels = x->ndim == 3 ? x->shape[0] : 1;
    const bool bytes = x->dtype == HONE_U8 && (x->ndim == 2 || x->ndim == 3);
    if (!bytes || (channels != 1 && channels != 3) || shape[0] < 1 || shape[1] < 1 ||
        shape[0] > MOST_SIDE || shape[1] > MOST_SIDE) {
        cli_error(CLI_FAILED, command, "--sheet: the samples aren't pictures of bytes");
        return false;
    }
    const int64_t rows = source->task == HONE_TASK_CLASSES ? source->n_classes : 10;
    *s = (sheet){ .channels = (int)channels,
                  .height = (int)shape[0],
                  .width = (int)shape[1],
                  .rows = rows < MOST_ROWS ? (int)rows : MOST_ROWS };
    s->sheet_height = s->rows * (s->height + GAP);
    s->sheet_width = COLUMNS * (s->width + GAP);
    return true;
}

static bool put_svg(FILE *to, const sheet *s, const hone_source *source)
{
    fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"11\">\n<image x=\"%d\" width=\"%d\" height=\"%d\" "
        "style=\"image-rendering:pixelated\" href=\"",
        s->sheet_width + NAMES, s->sheet_height, NAMES, s->sheet_width, s->sheet_height);
    if (!png_write_data(to, s->planes, 3, s->sheet_height, s->sheet_width))
        return false;
    fputs("\"/>\n", to);
    for (int r = 0; r < s->rows && source->task == HONE_TASK_CLASSES; r++) {
        char number[24];
        snprintf(number, sizeof number, "%d", r);
        fprintf(to, "<text x=\"4\" y=\"%d\">", r * (s->height + GAP) + s->height / 2 + 4);
        plot_escape(to, source->class_names ? source->class_names[r] : number);
        fputs("</text>\n", to);
    }
    fputs("</svg>\n", to);
    return true;
}

static int write_sheet(const char *command, const char *path, const sheet *s,
                       const hone_source *source)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    const bool done = to && (ends_in(path, ".svg")
                                 ? put_svg(to, s, source)
                                 : png_write(to, s->planes, 3, s->sheet_height, s->sheet_width));
    const int error = to ? cli_close(to, 0) : errno;
    const hone__part part = { text, bytes };
    int status = CLI_OK;
    if (!done || error)
        status = cli_error(CLI_FAILED, command, "%s: %s", path, strerror(error ? error : ENOMEM));
    else if (hone__replace_file(command, path, &part, 1) != HONE_OK)
        status = cli_library_error(command);
    else
        printf("wrote %s\n", path);
    free(text);
    return status;
}

static int write_of(const char *command, const char *path, const hone_source *source,
                    const hone_dataset *set)
{
    sheet s;
    if (!measure(command, source, set, &s))
        return CLI_FAILED;
    const size_t plane = (size_t)s.sheet_height * s.sheet_width;
    s.planes = malloc(3 * plane * sizeof *s.planes);
    if (!s.planes)
        return cli_error(CLI_FAILED, command, "no memory for the sheet");
    for (size_t i = 0; i < 3 * plane; i++)
        s.planes[i] = 1;
    const int status =
        fill(&s, source, set) ? write_sheet(command, path, &s, source) : cli_library_error(command);
    free(s.planes);
    return status;
}

int contact_sheet_write(const char *command, const char *path, const hone_source *source)
{
    hone_sample_layout layout;
    hone_dataset small = { 0 };
    const hone_dataset *set =
        hone_dataset_size(&source->train) > 0 ? &source->train : &source->test;
    if (!layout_of(command, set, &layout))
        return CLI_FAILED;
    if (!is_to_shrink(source, &layout))
        return write_of(command, path, source, set);
    if (hone_dataset_transformed(set, SHRINK, &(hone_transform_options){ .still = true }, &small) !=
        HONE_OK)
        return cli_library_error(command);
    const int status = write_of(command, path, source, &small);
    hone_dataset_free(&small);
    return status;
}
