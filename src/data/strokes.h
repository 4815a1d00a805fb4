/* strokes.h: how digits are written by hand: for each digit four ways, each a few pen strokes. */
#ifndef HONE_DATA_STROKES_H
#define HONE_DATA_STROKES_H

#include <stdint.h>

/** A point the pen passes, in hundredths of the digit's box, y downwards. */
typedef struct {
    int8_t x, y;
} hone__pen;

#define HONE__PEN_UP  (-1) /* x: the stroke ends, another begins */
#define HONE__PEN_END (-2) /* x: the digit ends */

#define HONE__WAYS       4
#define HONE__PEN_POINTS 16
/** The curve goes smoothly through the points; a point given twice is a corner. */
extern const hone__pen hone__strokes[10][HONE__WAYS][HONE__PEN_POINTS];

#endif
