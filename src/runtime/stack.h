/* stack.h: how much of it a thread must have that runs hone's kernels. */
#ifndef HONE_RUNTIME_STACK_H
#define HONE_RUNTIME_STACK_H

#include <stdbool.h>
#include <stddef.h>

/** False with one line in `message` if so many bytes, those of `what`, are too few. */
bool hone__stack_is_enough(const char *what, size_t bytes, char *message, size_t size);
/** The same of the calling thread. */
bool hone__stack_of_caller_is_enough(char *message, size_t size);

#endif
