/* half_windows.h: windows of images of bf16 as an operand of the product that a weight's gradient is
 * (gemm/pairs.h): its row (channel, tap) is what that tap sees at all places of all samples.
 *
 * Images are copied once, with their padding, columns that are a stride apart side by side: so a row
 * of places is always one run. */
#ifndef HONE_LOOPS_HALF_WINDOWS_H
#define HONE_LOOPS_HALF_WINDOWS_H

#include "gemm/args.h"

#include <stdbool.h>
#include <string.h>

enum { HONE__HALF_TAPS = 64 };

/** An axis of images and kernels; `out` places. */
typedef struct {
    int64_t extent, taps, stride, before, dilation, out;
} hone__half_axis;

typedef struct {
    hone__gemm_source source; /* [channels * taps, n * filled] */
    int64_t n, channels;
    hone__half_axis y, x;
    bool pairs; /* the copy's elements: 32 bits, of two channels; their number is even */
    /* of the copy, in elements; with `pairs` `channel` is from two channels to the next two */
    const void *image;
    void *copy; /* NULL: the images themselves, which need no padding */
    size_t bytes;
    int64_t sample, channel, row, places;
    int64_t filled; /* columns of the source for each sample: its places, then any number of -0 */
    int64_t tap[HONE__HALF_TAPS]; /* where it begins */
} hone__half_windows;

/** A run of a row: mostly too short for a call. */
static inline void hone__copy_run(uint16_t *restrict to, const uint16_t *restrict from, int64_t n)
{
#define FROM_BOTH_ENDS(some)                                                                       \
    (memcpy(to, from, (some) * sizeof *to),                                                        \
     memcpy(to + n - (some), from + n - (some), (some) * sizeof *to))
    if (n > 64)
        memcpy(to, from, (size_t)n * sizeof *to);
    else if (n >= 32)
        FROM_BOTH_ENDS(32);
    else if (n >= 16)
        FROM_BOTH_ENDS(16);
    else if (n >= 8)
        FROM_BOTH_ENDS(8);
    else if (n >= 4)
        FROM_BOTH_ENDS(4);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i];
#undef FROM_BOTH_ENDS
}

/** From w's n, channels, y, x and pairs: copies images [n, channels, y, x], contiguous, of no more taps
 * than HONE__HALF_TAPS, unless they lie so already. False: out of memory. */
bool hone__half_windows_begin(hone__half_windows *w, const uint16_t *images);
void hone__half_windows_end(hone__half_windows *w);

#endif
