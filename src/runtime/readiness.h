/* readiness.h: the word that every call of an op asks first. 0 says that hone is set up and that nobody
 * looks on, so that an op that nothing is to be done for besides its work finds it out at once. */
#ifndef HONE_RUNTIME_READINESS_H
#define HONE_RUNTIME_READINESS_H

#include <stdatomic.h>
#include <stdint.h>

/** The low half is who looks on: runtime/watch.h. The high half is 0 once hone
 * is set up: core/env.c. */
extern _Atomic uint64_t hone__readiness;
#define HONE__SET_UP_BITS 32 /* where the high half begins */
#define HONE__NOT_SET_UP  1  /* ... and with what */

static inline uint64_t hone__readiness_now(void)
{
    return atomic_load_explicit(&hone__readiness, memory_order_acquire);
}

#endif
