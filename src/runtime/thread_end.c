/* thread_end.c: one of POSIX's few keys for all that hone does at a thread's end. See
 * thread_end.h. */
#include "runtime/thread_end.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { NO_KEY = -1 };
static _Atomic int64_t the_key = NO_KEY;

typedef void (*end_function)(void);
static _Thread_local end_function steps[HONE__ENDS] __attribute__((tls_model("initial-exec")));

static void run_steps(void *ignored)
{
    (void)ignored;
    for (int i = 0; i < HONE__ENDS; i++) {
        const end_function run = steps[i];
        steps[i] = NULL;
        if (run)
            run();
    }
}

/* By an exchange: what runs only once could not be tried again. */
static bool find_key(pthread_key_t *key)
{
    int64_t known = atomic_load_explicit(&the_key, memory_order_acquire);
    if (known == NO_KEY && pthread_key_create(key, run_steps) == 0) {
        if (atomic_compare_exchange_strong(&the_key, &known, (int64_t)*key))
            return true;
        pthread_key_delete(*key); /* another thread was faster */
    } else if (known == NO_KEY) {
        known = atomic_load_explicit(&the_key, memory_order_acquire); /* it has the last one */
    }
    *key = (pthread_key_t)known;
    return known != NO_KEY;
}

bool hone__thread_end_is_possible(void)
{
    pthread_key_t ignored;
    return find_key(&ignored);
}

bool hone__thread_end_leaves_a_key(void)
{
    pthread_key_t another;
    if (!hone__thread_end_is_possible() || pthread_key_create(&another, NULL) != 0)
        return false;
    pthread_key_delete(another);
    return true;
}

bool hone__at_thread_end(hone__end step, void (*run)(void))
{
    pthread_key_t key;
    /* Any value but NULL gets the function called. */
    if (!find_key(&key) || pthread_setspecific(key, &the_key) != 0)
        return false;
    steps[step] = run;
    return true;
}
