/* transform.h: what is done to pictures on their way into a batch: a list of steps, read from text. */
#ifndef HONE_DATA_TRANSFORM_H
#define HONE_DATA_TRANSFORM_H

#include "data/image.h"

#include <hone/data.h>

#include <stdatomic.h>

/* name, and the parameters in their order: see transform.c */
typedef enum {
    HONE__STEP_RESIZE,
    HONE__STEP_CENTER_CROP,
    HONE__STEP_CROP,
    HONE__STEP_RESIZED_CROP,
    HONE__STEP_FLIP,
    HONE__STEP_VFLIP,
    HONE__STEP_ROTATE,
    HONE__STEP_AFFINE,
    HONE__STEP_JITTER,
    HONE__STEP_CUTOUT,
    HONE__STEP_GREY,
    HONE__STEP_FLOAT,
    HONE__STEP_NORMALIZE,
    HONE__STEP_MIXUP,
    HONE__STEPS
} hone__step_kind;

enum { HONE__STEP_PARAMETERS = 5, HONE__STEP_VALUES = 4, HONE__TRANSFORM_STEPS = 15 };

typedef struct {
    hone__step_kind kind;
    double value[HONE__STEP_PARAMETERS][HONE__STEP_VALUES];
    int n_values[HONE__STEP_PARAMETERS];
} hone__step;

/** Steps on bytes come first, then those on floats: float or normalize, cutout, mixup. */
typedef struct {
    hone__step step[HONE__TRANSFORM_STEPS];
    int n;
    bool floats; /* what comes out is f32, else u8 */
    bool still;  /* nothing is drawn: for tests */
    int mixup;   /* the step's number; -1: there is none */
} hone__transform;

/** Reads "resize:32+crop:28,padding=4+flip+normalize:0.5,0.25". False + E_VALUE in the name of `where`. */
bool hone__transform_read(const char *where, const char *text, bool still, hone__transform *t);

/** Extents of a picture, each -1 where it isn't known. */
typedef struct {
    int64_t channels, height, width;
} hone__picture_shape;
/** What comes out of a picture of this shape. */
hone__picture_shape hone__transform_shape(const hone__transform *t, hone__picture_shape in);

/** Memory that serves again. */
typedef struct {
    hone__image image; /* goes in and comes out */
    hone__image spare;
    hone__resizer resizer;
    hone__image_bytes bytes;
    hone__image_report report;
    float *partner; /* of mixup */
    size_t partner_room;
    uint8_t *sample; /* of the set below */
    size_t sample_room;
} hone__workspace;

/** Some of them, for threads that come and go: each that is taken is given back. Zeroed: empty. */
enum { HONE__WORKSPACES = 64 };
typedef struct {
    atomic_flag taken[HONE__WORKSPACES];
    hone__workspace at[HONE__WORKSPACES];
} hone__workspaces;
/** NULL: all are taken, without an error; the caller uses one of its own then, zeroed, and frees it. */
hone__workspace *hone__workspace_take(hone__workspaces *all);
void hone__workspace_give(hone__workspaces *all, hone__workspace *w);
void hone__workspace_free(hone__workspace *w);
void hone__workspaces_free(hone__workspaces *all);

/** Runs the steps on w->image by what (seed, epoch, index) draw, and writes [channels, height, width] of
 * what comes out, u8 or f32, to `out`, which has room for `shape`. False + an error: a picture too small
 * for a crop, one of another shape than `shape`, no memory. */
bool hone__transform_run(const char *where, const hone__transform *t,
                         const hone_sample_place *place, const hone__picture_shape *shape,
                         hone__workspace *w, void *out);

/** The partner of a sample in mixup, one of n, and how much the sample itself keeps. */
int64_t hone__mixup_partner(const hone_sample_place *place, int64_t n);
double hone__mixup_weight(const hone__transform *t, const hone_sample_place *place);

#endif
