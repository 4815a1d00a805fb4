/** @file pictures.h
 * Pictures: PNG and JPEG files, folders of them, and what is done to pictures on their way into a batch.
 *
 *      hone_dataset files, train;
 *      hone_dataset_images("flowers/train", NULL, &files);
 *      hone_dataset_transformed(&files, "resized_crop:224+flip+normalize:0.5,0.25", NULL, &train);
 *      hone_loader *loader = hone_loader_new(&train, &(hone_loader_options){
 *          .batch_size = 64, .shuffle = true, .workers = 4 });
 *
 * The same pixels on every machine: JPEG is decoded by libjpeg-turbo with its slow integer transform and
 * fancy upsampling, never otherwise; resizing is Pillow 13's, to the bit. Of PNG, 16 bits become v >> 8
 * and alpha is left out; CMYK counts as inverted; grey is (19595 R + 38470 G + 7471 B + 32768) >> 16.
 * Both libraries are optional when hone is built: without one, its files are HONE_E_FORMAT.
 */
#ifndef HONE_PICTURES_H
#define HONE_PICTURES_H

#include <hone/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What becomes of a damaged file: one that libjpeg-turbo warns of (it makes pixels up), a PNG whose
 * checksums are wrong. One that lacks its end marker only has all its pixels. */
typedef enum {
    HONE_DAMAGED_REFUSE, /**< an error that names it and what is wrong, also where only the end marker
                            is missing */
    HONE_DAMAGED_SKIP,   /**< it is left out; a file that lacks its end marker only stays */
    HONE_DAMAGED_KEEP    /**< taken as it comes; an error where nothing comes out of it */
} hone_damaged;

typedef struct {
    hone_damaged damaged;
    bool grey;    /**< one channel, else three */
    bool upright; /**< turned as EXIF says; else pictures are taken as they lie in the file */
    HONE_RESERVE(26);
} hone_picture_options;

/** One picture.
 *  @param options  may be NULL.
 *  @return  u8 [channels, height, width], owned by the current scope; NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (neither PNG nor JPEG, damaged), HONE_E_NULL, HONE_E_NOMEM; the
 *           message names the file. */
HONE_API hone_tensor *hone_picture_read(const char *path, const hone_picture_options *options);

typedef enum { HONE_BILINEAR, HONE_BICUBIC, HONE_NEAREST_PIXEL } hone_picture_filter;

/** Resizes a picture as Pillow 13 does (bilinear and bicubic are filters as wide as the reduction
 * demands); the nearest pixel is number (2 i + 1) in / (2 out), in integers.
 *  @param x  u8 [1, height, width] or [3, height, width].
 *  @return   u8 [channels, height, width], owned by the current scope; NULL on error.
 *  Errors:   HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (an extent below 1 or above 65500), HONE_E_NULL. */
HONE_API hone_tensor *hone_picture_resize(hone_tensor *x, int64_t height, int64_t width,
                                          hone_picture_filter filter);

/** A folder of folders of pictures: each folder in it is a class, by name in the order of strcmp; PNG and
 * JPEG files (.png .jpg .jpeg, in any case) anywhere below it are its samples, in the order of their
 * paths. With HONE_DAMAGED_SKIP every file is decoded once, now.
 *  @param set  x u8 [channels, -1, -1] (one extent each where all files have the same), y i64 [].
 *              Keeps paths, not pictures; read by several threads at once.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (no folder in it, no picture in any, one class, a class without a
 *           picture), HONE_E_VALUE (no such option), HONE_E_NULL, HONE_E_NOMEM. A sample's errors are
 *           hone_picture_read's. */
HONE_API hone_status hone_dataset_images(const char *dir, const hone_picture_options *options,
                                         hone_dataset *set);

/** Of such a set: its classes and their names; the file of a sample; how many files were left out as
 * damaged. -1 or NULL and HONE_E_VALUE if it is another set or there is no such number. */
HONE_API int64_t hone_images_classes(const hone_dataset *set);
HONE_API const char *hone_images_class(const hone_dataset *set, int64_t class_number);
HONE_API const char *hone_images_file(const hone_dataset *set, int64_t index);
HONE_API int64_t hone_images_skipped(const hone_dataset *set);

/* ---- transforms */

typedef struct {
    int64_t n_classes; /**< mixup needs it */
    bool still;        /**< for tests: nothing is drawn; see below */
    HONE_RESERVE(23);
} hone_transform_options;

/** A set whose pictures (field 0 of `set`, u8 [height, width], [1, height, width] or [3, height, width])
 * pass through the steps of a list, joined by '+', each NAME or NAME:VALUE,name=VALUE:
 *
 *      resize:SIZE[,WIDTH,filter=]   to SIZE x WIDTH; without WIDTH the shorter side becomes SIZE
 *                                    (filter: bilinear, bicubic or nearest)
 *      center_crop:SIZE[,WIDTH]
 *      crop:SIZE[,WIDTH,padding=0,fill=0]         a random place
 *      resized_crop:SIZE[,WIDTH,scale=0.08/1,ratio=0.75/1.333,filter=]   a random part, resized
 *      flip[:P]   vflip[:P]          left and right, top and bottom, with probability P (0.5)
 *      rotate:DEGREES[,fill=0]       by up to so many, either way
 *      affine:DEGREES[,translate=0/0,scale=1/1,shear=0,fill=0]
 *      jitter:BRIGHTNESS[,CONTRAST,SATURATION,HUE]     by up to so much, in a random order
 *      grey
 *      cutout:SIZE[,fill=0,p=1]      a square anywhere; after normalize its fill is a float
 *      float                         x / 255.0f
 *      normalize:MEAN,STD            (x / 255.0f - MEAN) / STD; 0.5/0.4/0.3 is one a channel
 *      mixup[:ALPHA]                 last; blends with another sample of the set, by Beta(ALPHA, ALPHA)
 *                                    (0.2); y becomes f32 [n_classes], the share of each class
 *
 * What is drawn depends on (the loader's seed, epoch, the sample's number in `set`) and the list alone:
 * not on workers, batches, order, or the other samples. `still` draws nothing: crop becomes center_crop,
 * resized_crop a resize to 8/7 of it and a center_crop, and the others leave the picture alone.
 *  @param set      must outlive it (a set in memory need not).
 *  @param options  may be NULL.
 *  @param out      x u8 or, with float, normalize or mixup, f32; the dims of x stay; other fields too.
 *  Errors:  HONE_E_VALUE (the list; a step that isn't there), HONE_E_SHAPE, HONE_E_DTYPE (x is no
 *           picture; mixup wants one i64 target), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_dataset_transformed(const hone_dataset *set, const char *list,
                                              const hone_transform_options *options,
                                              hone_dataset *out);

#ifdef __cplusplus
}
#endif
#endif
