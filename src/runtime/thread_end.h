/* thread_end.h: what a thread does when it ends, in one order. */
#ifndef HONE_RUNTIME_THREAD_END_H
#define HONE_RUNTIME_THREAD_END_H

#include <stdbool.h>

/* The first first: what a scope drops goes to the heap that the thread still has. */
typedef enum {
    HONE__END_AUTOCAST,
    HONE__END_SCOPE,
    HONE__END_GENERATOR,
    HONE__END_PROFILE,
    HONE__END_HEAP,
    HONE__ENDS
} hone__end;

/** Has the calling thread run this at its end, once; a thread may ask again, at its end too. False
 * without an error if the system has no key (PTHREAD_KEYS_MAX of them in a process) or no memory:
 * later it may have. */
bool hone__at_thread_end(hone__end step, void (*run)(void));
bool hone__thread_end_is_possible(void);
/** There is one for hone, which it takes, and another one. */
bool hone__thread_end_leaves_a_key(void);

#endif
