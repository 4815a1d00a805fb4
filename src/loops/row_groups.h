/* row_groups.h: kernels that want contiguous rows, run on operands of any layout without a copy of
 * them.
 *
 * Rows whose elements lie side by side are used where they lie. Others are gathered, a group of
 * them at a time: into the rows of the result, where the kernel then runs in place, or into a
 * buffer that is as large as a group. A row's result never depends on which way it went. */
#ifndef HONE_LOOPS_ROW_GROUPS_H
#define HONE_LOOPS_ROW_GROUPS_H

#include "loops/rows.h"

enum { HONE__GROUP_INPUTS = 2 };

/** Contiguous rows, `stride` elements apart. */
typedef struct {
    char *p;
    int64_t stride;
} hone__lines;

/** Runs the kernel on rows [row, row + rows) of the inputs. */
typedef void (*hone__group_body)(void *ctx, int64_t row, int64_t rows, const hone__lines *in);

typedef struct {
    int n; /* inputs: one shape, one dtype */
    const hone__rows *in[HONE__GROUP_INPUTS];
    char *result; /* [rows, cols] contiguous, memory that no input lies in; NULL: rows are gathered
                     into buffers alone */
    bool (*wanted)(void *ctx, int64_t row, int64_t rows); /* NULL, or false for rows to leave out */
    bool scratch; /* the kernel overwrites its inputs: all of them are gathered into buffers */
    double ns;    /* what a row costs, on one thread */
    hone__group_body body;
    void *ctx;
} hone__row_groups;

/** All rows, cut over threads. False: out of memory. */
bool hone__row_groups_run(const hone__row_groups *g);

#endif
