/* image_jpeg.c: JPEG by libjpeg-turbo, whose baseline reading is that of every browser, and faster
 * than what could be written here.
 *
 * The same pixels on every CPU and by every version since 2.1 come of JDCT_ISLOW, fancy upsampling
 * and no smoothing of blocks (which versions do differently where a progressive file is cut), whole
 * pictures at their own size. CMYK and YCCK count as inverted, as everybody writes them: what the
 * channels hold is how much light goes through.
 *
 * A warning of the library (num_warnings) means that pixels were made up. Only where it is the one
 * that the data ended, all components were read to their last bit, and nothing else was amiss, the
 * file lacks no more than its end marker. */
#include "data/image.h"

#include "core/core.h"

#include <string.h>

bool hone__jpeg_is(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF;
}

#ifdef HONE_HAS_JPEG

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MOST_SCANS = 500, EXIF_MARKER = JPEG_APP0 + 1 };

typedef struct {
    struct jpeg_error_mgr base; /* the library knows this part */
    jmp_buf back;
    hone__image_report *report;
    bool ended, other; /* warnings: the data ended early; another one */
} errors;

typedef struct {
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress;
    errors errors;
    const uint8_t *data;
    size_t size;
    hone__image *image;
} reader;

/* ---- what the library reports */

static void note(j_common_ptr info)
{
    errors *e = (errors *)info->err;
    char text[JMSG_LENGTH_MAX];
    e->base.format_message(info, text);
    hone__format(e->report->why, sizeof e->report->why, "%s", text);
}

static void on_error(j_common_ptr info)
{
    errors *e = (errors *)info->err;
    note(info);
    longjmp(e->back, 1);
}

static void on_message(j_common_ptr info, int level)
{
    errors *e = (errors *)info->err;
    if (level >= 0)
        return;
    const bool ended = e->base.msg_code == JWRN_JPEG_EOF;
    if (e->base.num_warnings++ == 0 || (!e->other && !ended)) /* the first that says more */
        note(info);
    e->ended |= ended;
    e->other |= !ended;
}

static void say_nothing(j_common_ptr info)
{
    (void)info;
}

/* A file of a few bytes a scan could keep the library busy for hours. */
static void on_progress(j_common_ptr info)
{
    const j_decompress_ptr d = (j_decompress_ptr)info;
    errors *e = (errors *)info->err;
    if (d->input_scan_number <= MOST_SCANS)
        return;
    hone__format(e->report->why, sizeof e->report->why, "it has more than %d scans", MOST_SCANS);
    longjmp(e->back, 1);
}

/* ---- reading */

static void read_orientation(reader *r)
{
    static const char head[6] = "Exif\0";
    for (jpeg_saved_marker_ptr m = r->info.marker_list; m; m = m->next)
        if (m->data_length > sizeof head && memcmp(m->data, head, sizeof head) == 0) {
            r->errors.report->orientation =
                hone__exif_orientation(m->data + sizeof head, m->data_length - sizeof head);
            return;
        }
}

static void refuse(reader *r, const char *why, int n)
{
    hone__format(r->errors.report->why, sizeof r->errors.report->why, why, n);
    longjmp(r->errors.back, 1);
}

static void read_header(reader *r)
{
    j_decompress_ptr info = &r->info;
    hone__image_report *report = r->errors.report;
    jpeg_mem_src(info, r->data, r->size);
    jpeg_save_markers(info, EXIF_MARKER, 0xFFFF);
    jpeg_read_header(info, TRUE);
    report->width = (int)info->image_width;
    report->height = (int)info->image_height;
    report->grey = info->num_components == 1;
    read_orientation(r);
    if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
        refuse(r, "it has %d components: 1, 3 or 4 are wanted", info->num_components);
    if ((int64_t)report->width * report->height > HONE__IMAGE_MOST)
        refuse(r, "it has more than %d million pixels", HONE__IMAGE_MOST >> 20);
}

static void ask_for_the_same_bits(j_decompress_ptr info)
{
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    info->do_block_smoothing = FALSE;
    info->scale_num = info->scale_denom = 1;
    info->out_color_space = info->num_components == 1   ? JCS_GRAYSCALE
                            : info->num_components == 3 ? JCS_RGB
                                                        : JCS_CMYK;
}

/* a b / 255, rounded; 255 is odd, so nothing lies in the middle. */
static uint8_t product(unsigned a, unsigned b)
{
    return (uint8_t)((2 * a * b + 255) / 510);
}

/* [width, 4] -> [width, 3] */
static void cmyk_to_rgb(const uint8_t *from, uint8_t *to, int width)
{
    for (int i = 0; i < width; i++)
        for (int c = 0; c < 3; c++)
            to[3 * i + c] = product(from[4 * i + c], from[4 * i + 3]);
}

static void read_rows(reader *r)
{
    j_decompress_ptr info = &r->info;
    const size_t row = (size_t)r->image->width * (size_t)r->image->channels;
    JSAMPARRAY four = NULL;
    if (info->num_components == 4)
        four = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, info->output_width * 4, 1);
    while (info->output_scanline < info->output_height) {
        JSAMPROW to = r->image->pixels + row * info->output_scanline;
        if (jpeg_read_scanlines(info, four ? four : &to, 1) < 1)
            refuse(r, "it stops at row %d", (int)info->output_scanline);
        if (four)
            cmyk_to_rgb(four[0], to, r->image->width);
    }
}

/* Every component was there, of a progressive file to the last bit. The arithmetic decoder takes what is
 * missing for zeros without a warning, so of its files nobody knows. */
static bool is_complete(const struct jpeg_decompress_struct *info)
{
    if (info->arith_code)
        return false;
    for (int c = 0; c < info->num_components; c++) {
        if (!info->comp_info[c].quant_table) /* set by the first scan that has it */
            return false;
        for (int k = 0; info->coef_bits && k < DCTSIZE2; k++)
            if (info->coef_bits[c][k] != 0)
                return false;
    }
    return true;
}

/* False: no memory for the picture. All that may jump back is called from here. */
static bool read_picture(reader *r)
{
    read_header(r);
    if (!r->image) {
        r->errors.report->state = HONE__IMAGE_WHOLE;
        return true;
    }
    ask_for_the_same_bits(&r->info);
    jpeg_start_decompress(&r->info);
    if (!hone__image_room(r->image, (int)r->info.output_width, (int)r->info.output_height,
                          r->info.num_components == 1 ? 1 : 3))
        return false;
    read_rows(r);
    const bool complete = is_complete(&r->info);
    jpeg_finish_decompress(&r->info);
    const errors *e = &r->errors;
    if (e->base.num_warnings == 0)
        e->report->state = HONE__IMAGE_WHOLE;
    else
        e->report->state =
            e->ended && !e->other && complete ? HONE__IMAGE_NO_END : HONE__IMAGE_DAMAGED;
    return true;
}

bool hone__jpeg_decode(const uint8_t *data, size_t size, hone__image *image,
                       hone__image_report *report)
{
    reader r = { .data = data, .size = size, .image = image };
    report->state = HONE__IMAGE_NONE;
    r.info.err = jpeg_std_error(&r.errors.base);
    r.errors.report = report;
    r.errors.base.error_exit = on_error;
    r.errors.base.emit_message = on_message;
    r.errors.base.output_message = say_nothing;
    volatile bool enough_memory = true;
    if (setjmp(r.errors.back) == 0) {
        jpeg_create_decompress(&r.info);
        r.progress.progress_monitor = on_progress;
        r.info.progress = &r.progress;
        enough_memory = read_picture(&r);
    }
    jpeg_destroy_decompress(&r.info);
    return enough_memory;
}

#else

bool hone__jpeg_decode(const uint8_t *data, size_t size, hone__image *image,
                       hone__image_report *report)
{
    (void)data, (void)size, (void)image;
    report->state = HONE__IMAGE_NONE;
    hone__format(report->why, sizeof report->why,
                 "hone was built without libjpeg-turbo, so it reads no JPEG files");
    return true;
}

#endif
