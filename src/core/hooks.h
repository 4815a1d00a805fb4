/* hooks.h: what the rooms above core ask of it for hooks and anomaly mode. */
#ifndef HONE_CORE_HOOKS_H
#define HONE_CORE_HOOKS_H

#include "core/core.h"

/** Frees what a leaf that goes still had of hooks. Set by src/init.c: autograd/leaf.c. */
extern void (*hone__later_free)(struct hone__later *later);

/** Where the innermost scope was opened, of those that are noted; zeroed: there is none. */
hone__site hone__scope_site(void);

#endif
