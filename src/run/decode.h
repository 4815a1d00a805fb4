/* decode.h: what a program's steps do while a decoder (hone/model.h) goes on position by position:
 * attention reads keys and values of the positions before, a recurrence goes on from its state, and
 * positions are counted from the first one on. */
#ifndef HONE_RUN_DECODE_H
#define HONE_RUN_DECODE_H

#include "run/program.h"

#include <hone/model.h>

/** The decoder whose step this thread runs, or NULL. */
hone_decoder *hone__decoding(void);

/** Where arange(n) begins: at the first new position if it counts the new ones. */
int64_t hone__decode_begin(const hone_decoder *d, int64_t n);

/** Before an op runs: gives it what is kept (in: its operands, which change; options: its own, or
 * `room`, to which they are copied and changed). After: keeps what it gives. False + an error: it
 * can't go on position by position. */
bool hone__decode_before(hone_decoder *d, const hone__step *s, hone_tensor **in,
                         const void **options, void *room);
bool hone__decode_after(hone_decoder *d, const hone__step *s, hone_tensor *const *out);

/** A layer's result for one input: of RNN, GRU and LSTM from the states that are kept. NULL + an
 * error. */
hone_tensor *hone__decode_module(hone_decoder *d, const hone__step *s, hone_tensor **in);

#endif
