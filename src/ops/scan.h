/* scan.h: a step of scans' gradients. */
#ifndef HONE_OPS_SCAN_H
#define HONE_OPS_SCAN_H

#include "ops/common.h"

/** y[i] = a[i] y[i - 1] + x[i] along dim, or from the end y[i] = a[i] y[i + 1] + x[i]. */
hone_tensor *hone__linear_scan(hone_tensor *x, hone_tensor *a, int dim, bool reverse);

#endif
