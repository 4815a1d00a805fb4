/* tiles.h: the gradient of a tensor of which views that lie side by side were taken (slices, what
 * split and select give): each view's goes where it belongs in memory that nobody has filled with
 * zeros, in one pass. The bits are those of zeros with one after the other added. */
#ifndef HONE_AUTOGRAD_TILES_H
#define HONE_AUTOGRAD_TILES_H

#include "core/core.h"

/** What has been written so far of a gradient: columns [begin, end) of all its rows, which have
 * `columns` elements each and needn't be those of its last dim. */
typedef struct {
    hone_tensor *whole;      /* contiguous; whoever it is for holds it; NULL: none is open */
    const hone_tensor *leaf; /* whose gradient that is; NULL: an inner tensor's */
    int64_t columns, begin, end;
    int64_t raw_begin, raw_end; /* columns to which not even zeros were added */
} hone__tiles;

/** Puts `grad`, of the view of `whole`, where the view shows it: behind t->whole's others, or the
 * first of another (then what is open is ended). raw: the first as it is, else with +0 added, as all
 * others. plus_zeros: with a second one the first gets +0, too, as by the sum of wholes that are 0
 * elsewhere. *laid false: they don't lie side by side; nothing was done. False: out of memory. */
bool hone__tiles_lay(hone__tiles *t, hone_tensor *whole, hone_tensor *view, hone_tensor *grad,
                     bool raw, bool plus_zeros, bool *laid);
/** Zeros where nothing was put. False: out of memory. */
bool hone__tiles_end(hone__tiles *t);
/** The same if `sum` is the one that is open, for who reads it or adds to it. */
static inline bool hone__tiles_end_of(hone__tiles *t, const hone_tensor *sum)
{
    return !t->whole || t->whole != sum || hone__tiles_end(t);
}

#endif
