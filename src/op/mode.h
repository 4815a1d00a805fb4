/* mode.h: whether this thread records what it computes, and notes where. */
#ifndef HONE_OP_MODE_H
#define HONE_OP_MODE_H

#include <hone/autograd.h>

extern _Thread_local bool hone__grad_disabled __attribute__((tls_model("initial-exec")));

extern _Thread_local bool hone__anomaly_on __attribute__((tls_model("initial-exec")));

/** hone_grad_enabled() without a call. */
static inline bool hone__grad_on(void)
{
    return !hone__grad_disabled;
}

#endif
