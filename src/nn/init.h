/* init.h: what the files of initial values share. */
#ifndef HONE_NN_INIT_H
#define HONE_NN_INIT_H

#include <hone/init.h>

/** True if it is a tensor of floats; else an error in the name of `name`. */
bool hone__init_takes(const char *name, hone_tensor *t);

/** Copies fn(t, numbers) into t, where what fn draws comes from the generator (NULL: the thread's).
 * Returns t; NULL on error. */
hone_tensor *hone__init_drawn(hone_tensor *t, hone_generator *generator,
                              hone_tensor *(*fn)(hone_tensor *t, const double *numbers),
                              const double *numbers);

/** All of t = value. */
hone_tensor *hone__init_fill(const char *name, hone_tensor *t, double value);

#endif
