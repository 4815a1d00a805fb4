/* readiness.c: see readiness.h. By itself, so that whoever asks the word needs nothing else. */
#include "runtime/readiness.h"

/* Tools add to the counter's place in the file, so it has to have one: initialised data, not what is
 * only zeroed at load. The other names are those that the notes of the probes have (op/probes.h). */
__attribute__((section(".probes"))) _Atomic uint64_t hone__readiness = (uint64_t)HONE__NOT_SET_UP
                                                                       << HONE__SET_UP_BITS;
#ifdef HONE_SDT
extern unsigned short hone_op__begin_semaphore
    __attribute__((alias("hone__readiness"), visibility("hidden")));
extern unsigned short hone_op__end_semaphore
    __attribute__((alias("hone__readiness"), visibility("hidden")));
#endif
