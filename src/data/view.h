/* view.h: sets that are other sets seen through a list of numbers, or through a transform. */
#ifndef HONE_DATA_VIEW_H
#define HONE_DATA_VIEW_H

#include <hone/data.h>

/** The set that a view shows, whose samples have the classes that this one's have (or are mixed of);
 * NULL: it is none. */
const hone_dataset *hone__view_below(const hone_dataset *set);
/** The number below of a view's sample. */
int64_t hone__view_index(const hone_dataset *set, int64_t index);

/** Of a set of dataset_transformed; else NULL. */
const hone_dataset *hone__transformed_below(const hone_dataset *set);

#endif
