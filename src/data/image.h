/* image.h: pictures as rows of bytes: reading them from PNG and JPEG files, and what is done to
 * their pixels. All arithmetic is on integers, or on floats by + - * / alone: the same bits on every
 * machine. */
#ifndef HONE_DATA_IMAGE_H
#define HONE_DATA_IMAGE_H

#include <hone/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** [height, width, channels], contiguous; channels: 1 (grey) or 3 (red, green, blue). A zeroed one is
 * empty, and its memory serves again for the next picture that is put into it. */
typedef struct {
    int width, height, channels;
    uint8_t *pixels;
    size_t room; /* bytes at pixels */
} hone__image;

enum { HONE__IMAGE_MOST = 1 << 28 }; /* pixels */

/** Makes room for a picture of this size, whose content is lost. False: E_NOMEM. */
bool hone__image_room(hone__image *image, int width, int height, int channels);
void hone__image_free(hone__image *image);

/* ---- reading: image_file.c */

/** What a file turned out to be. */
typedef enum {
    HONE__IMAGE_WHOLE,
    HONE__IMAGE_NO_END,  /* all pixels are there; the file ends before its end marker */
    HONE__IMAGE_DAMAGED, /* pixels are there, some of them made up or wrong */
    HONE__IMAGE_NONE     /* no picture comes out of it */
} hone__image_state;

typedef struct {
    hone__image_state state;
    int width, height; /* as they stand in the file */
    bool grey;         /* the file has one channel */
    int orientation;   /* of EXIF, 1..8; 1 is upright, and what files without one have */
    char why[160];     /* unless whole: what is wrong, without the file's name */
} hone__image_report;

/** Bytes of a file, whose memory serves again. */
typedef struct {
    uint8_t *data;
    size_t size, room;
} hone__image_bytes;

/** Reads a file, or the first `most` bytes of it; false: E_IO or E_NOMEM that names it. */
bool hone__image_load(const char *where, const char *path, size_t most, hone__image_bytes *bytes);

/** Decodes a PNG or JPEG file in memory to `channels` (1, 3, or 0: as the file has them). With image
 * NULL only its header is read: the state is WHOLE or NONE. The report tells what came out; false:
 * E_NOMEM. */
bool hone__image_decode(const uint8_t *data, size_t size, int channels, hone__image *image,
                        hone__image_report *report);

/** Turns it upright; false: E_NOMEM. spare: memory that serves again. */
bool hone__image_upright(hone__image *image, int orientation, hone__image *spare);

/** True if hone was built with the library that reads such files: "PNG", "JPEG". */
bool hone__image_reads(const char *format);

/** Whether the bytes begin as such a file does. */
bool hone__jpeg_is(const uint8_t *data, size_t size);
bool hone__png_is(const uint8_t *data, size_t size);
/** The two halves of hone__image_decode: image is as its file has it, NULL: header only. False:
 * E_NOMEM. */
bool hone__jpeg_decode(const uint8_t *data, size_t size, hone__image *image,
                       hone__image_report *report);
bool hone__png_decode(const uint8_t *data, size_t size, hone__image *image,
                      hone__image_report *report);

/** The orientation that a TIFF structure (the content of EXIF) tells; 1: none. */
int hone__exif_orientation(const uint8_t *tiff, size_t size);

/* ---- image_colour.c */

/** (19595 R + 38470 G + 7471 B + 32768) >> 16, as Pillow's convert("L"). */
static inline uint8_t hone__grey_of(const uint8_t *rgb)
{
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}
/** From 3 channels to 1, or from 1 to 3; false: E_NOMEM. */
bool hone__image_channels(hone__image *image, int channels);

/** Each of these as Pillow's ImageEnhance; 1 changes nothing. Saturation and hue leave grey alone. */
void hone__image_brightness(hone__image *image, float factor);
void hone__image_contrast(hone__image *image, float factor);
void hone__image_saturation(hone__image *image, float factor);
/** Turns the hue by turn / 256 of the circle, in 8-bit HSV as Pillow has it. */
void hone__image_hue(hone__image *image, uint8_t turn);

/* ---- image_resize.c */

typedef enum { HONE__BILINEAR, HONE__BICUBIC, HONE__NEAREST } hone__filter;

/** Memory of a resize, which serves again. */
typedef struct {
    hone__image half; /* between the two passes */
    void *block;
    size_t room;
} hone__resizer;

/** Pillow's resize of 8-bit pictures to the bit (bilinear, bicubic); nearest takes pixel (2 i + 1)
 * in / (2 out) in integers. False: E_NOMEM. */
bool hone__image_resize(const hone__image *from, int width, int height, hone__filter filter,
                        hone__image *to, hone__resizer *memory);
void hone__resizer_free(hone__resizer *memory);

/* ---- image_move.c */

/** Between [height, width, channels] and [channels, height, width]; the second makes room in `to`, and
 * is false + E_NOMEM if there is none. */
void hone__image_to_planes(const hone__image *image, uint8_t *planes);
bool hone__image_of_planes(const uint8_t *planes, int width, int height, int channels,
                           hone__image *to);

/** to = the rectangle of from whose upper left corner is (x, y), which may reach past the picture:
 * there it is `fill`. False: E_NOMEM. */
bool hone__image_crop(const hone__image *from, int x, int y, int width, int height, uint8_t fill,
                      hone__image *to);
/** In place. */
void hone__image_mirror(hone__image *image);
void hone__image_upend(hone__image *image);
/** In place: `fill` in a rectangle, as far as it lies in the picture. */
void hone__image_cut(hone__image *image, int x, int y, int width, int height, uint8_t fill);

/** Where pixel (x, y) of a moved picture comes from: at[0] x + at[1] y + at[2], at[3] x + at[4] y +
 * at[5], in 2^-32 of a pixel. */
typedef struct {
    int64_t at[6];
} hone__affine;
/** Turned by `degrees` (clockwise) and sheared about the middle, enlarged, then shifted, as
 * torchvision's affine. */
hone__affine hone__affine_of(int width, int height, double degrees, double shift_x, double shift_y,
                             double scale, double shear_x, double shear_y);
/** Bilinear (to 2^-16 of a pixel, rounded), or the nearest pixel; what lies outside is `fill`, which
 * blends in. Whole shifts and quarter turns are exact. False: E_NOMEM. */
bool hone__image_affine(const hone__image *from, const hone__affine *map, bool nearest,
                        uint8_t fill, hone__image *to);

#endif
