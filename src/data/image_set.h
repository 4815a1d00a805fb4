/* image_set.h: sets of picture files, for what takes the pictures as bytes without a tensor between. */
#ifndef HONE_DATA_IMAGE_SET_H
#define HONE_DATA_IMAGE_SET_H

#include "data/transform.h"

#include <hone/pictures.h>

bool hone__images_is(const hone_dataset *set);

/** Sample `index` into w->image, as the set's options want it; its label. -1: an error is set. */
int64_t hone__images_decode(const hone_dataset *set, int64_t index, hone__workspace *w);
int64_t hone__images_label(const hone_dataset *set, int64_t index);
bool hone__images_grey(const hone_dataset *set);

/** The samples index[0..n-1] of a set of pictures, which need not live on. */
hone_status hone__images_part(const hone_dataset *set, const int64_t *index, int64_t n,
                              hone_dataset *out);

/** What its files are like: how many are damaged, lack their end marker only, are turned by EXIF, are
 * grey; extents. Decodes all of them, by the team. */
typedef struct {
    int64_t damaged, no_end, turned, grey;
    int least_height, most_height, least_width, most_width;
    char first_damaged[400]; /* a sentence with its path, or "" */
} hone__images_survey;
/** whole: else only headers are read, and nothing is known of damage. False: an error is set. */
bool hone__images_look(const hone_dataset *set, bool whole, hone__images_survey *survey);

#endif
