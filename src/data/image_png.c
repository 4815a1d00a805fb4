/* image_png.c: PNG by libpng, through its row interface (its simplified one takes 16 bits for linear
 * light, applies gAMA and blends alpha). 16 bits become v >> 8; 1, 2 and 4 bits of grey are times
 * 255, 85, 17; alpha, gamma and profiles are left out of it. Other chunks than IHDR, PLTE, IDAT, IEND
 * are skipped, so what is wrong with them is no fault of the picture. */
#include "data/image.h"

#include "core/core.h"

#include <string.h>

static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n' };

bool hone__png_is(const uint8_t *data, size_t size)
{
    return size >= sizeof signature && memcmp(data, signature, sizeof signature) == 0;
}

#ifdef HONE_HAS_PNG

#include <png.h>

typedef struct {
    png_structp png;
    png_infop info;
    const uint8_t *data;
    size_t size, at;
    bool ran_out, has_pixels;
    hone__image *image;
    hone__image_report *report;
} reader;

/* ---- what the library reports */

static void on_error(png_structp png, png_const_charp message)
{
    reader *r = png_get_error_ptr(png);
    hone__format(r->report->why, sizeof r->report->why, "%s",
                 r->ran_out ? "the file is cut" : message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message; /* what counts is an error: png_set_benign_errors */
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (n > r->size - r->at) {
        r->ran_out = true;
        png_error(png, "the file is cut");
    }
    memcpy(to, r->data + r->at, n);
    r->at += n;
}

/* ---- reading */

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* That of the chunk eXIf, wherever it stands. */
static int orientation_of(const uint8_t *data, size_t size)
{
    for (size_t at = sizeof signature; size - at >= 12;) {
        const size_t length = big_endian(data + at);
        if (length > size - at - 12)
            break;
        if (memcmp(data + at + 4, "eXIf", 4) == 0)
            return hone__exif_orientation(data + at + 8, length);
        at += length + 12;
    }
    return 1;
}

static void skip_other_chunks(png_structp png)
{
#ifdef PNG_SET_UNKNOWN_CHUNKS_SUPPORTED
    static const png_byte transparency[] = "tRNS";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, transparency, 1);
#endif
    png_set_benign_errors(png, 0);
    png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE); /* critical; others */
}

static void read_header(reader *r)
{
    skip_other_chunks(r->png);
    png_read_info(r->png, r->info);
    r->report->width = (int)png_get_image_width(r->png, r->info);
    r->report->height = (int)png_get_image_height(r->png, r->info);
    r->report->grey = !(png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_COLOR);
    r->report->orientation = orientation_of(r->data, r->size);
    if ((int64_t)r->report->width * r->report->height > HONE__IMAGE_MOST)
        png_error(r->png, "it has more than 256 million pixels");
}

static void ask_for_bytes(png_structp png)
{
    png_set_strip_16(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_palette_to_rgb(png);
    png_set_strip_alpha(png);
}

/* False: no memory for the picture. */
static bool read_picture(reader *r)
{
    read_header(r);
    if (!r->image) {
        r->report->state = HONE__IMAGE_WHOLE;
        return true;
    }
    ask_for_bytes(r->png);
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    if (!hone__image_room(r->image, r->report->width, r->report->height, r->report->grey ? 1 : 3))
        return false;
    const size_t row = (size_t)r->image->width * (size_t)r->image->channels;
    HONE_ASSERT(png_get_rowbytes(r->png, r->info) == row);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < r->image->height; y++)
            png_read_row(r->png, r->image->pixels + row * (size_t)y, NULL);
    r->has_pixels = true;
    png_read_end(r->png, NULL);
    r->report->state = HONE__IMAGE_WHOLE;
    return true;
}

/* libpng's stack frame for jumps is its own, so nothing here changes behind one. */
static bool run(reader *r)
{
    if (setjmp(png_jmpbuf(r->png)) != 0) {
        if (r->has_pixels)
            r->report->state = r->ran_out ? HONE__IMAGE_NO_END : HONE__IMAGE_DAMAGED;
        return true;
    }
    return read_picture(r);
}

bool hone__png_decode(const uint8_t *data, size_t size, hone__image *image,
                      hone__image_report *report)
{
    reader r = { .data = data, .size = size, .image = image, .report = report };
    report->state = HONE__IMAGE_NONE;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    bool enough_memory = false;
    if (r.info) {
        png_set_read_fn(r.png, &r, on_read);
        enough_memory = run(&r);
    } else {
        hone_error_set(HONE_E_NOMEM, "picture: libpng has no memory");
    }
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return enough_memory;
}

#else

bool hone__png_decode(const uint8_t *data, size_t size, hone__image *image,
                      hone__image_report *report)
{
    (void)data, (void)size, (void)image;
    report->state = HONE__IMAGE_NONE;
    hone__format(report->why, sizeof report->why,
                 "hone was built without libpng, so it reads no PNG files");
    return true;
}

#endif
