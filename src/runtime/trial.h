/* trial.h: whether threads can be made, tried before it matters: an OpenMP runtime that can't make
 * one ends the program. */
#ifndef HONE_RUNTIME_TRIAL_H
#define HONE_RUNTIME_TRIAL_H

#include <stddef.h>

/** Of `n` threads with stacks of stack_bytes (0: as pthread_create has them), so many that can be
 * there at once beside those that are. They are made, and gone when this returns. */
int hone__trial_threads(int n, size_t stack_bytes);

#endif
