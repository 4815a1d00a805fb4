/* stack.c: see stack.h. */
#include "runtime/stack.h"
#include "core/core.h"

#include <pthread.h>
#include <stdint.h>

enum {
    LEAST = 256 << 10,    /* kernels keep tiles there, up to 144 KiB */
    ARGUMENTS = 32 << 10, /* and the environment lie in the first thread's stack, too */
};

bool hone__stack_is_enough(const char *what, size_t bytes, char *message, size_t size)
{
    if (bytes >= LEAST)
        return true;
    hone__format(message, size, "%s: a stack of %zu KiB is too small for hone, %d KiB is the least",
                 what, bytes >> 10, LEAST >> 10);
    return false;
}

bool hone__stack_of_caller_is_enough(char *message, size_t size)
{
    pthread_attr_t attributes;
    size_t bytes = SIZE_MAX;
    void *bottom;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &bottom, &bytes);
        pthread_attr_destroy(&attributes);
    }
    return bytes >= LEAST - ARGUMENTS ||
           hone__stack_is_enough("the calling thread (ulimit -s)", bytes, message, size);
}
