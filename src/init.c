/* init.c: the composition root: what has to be told to whom before the first operation. Called once,
 * by core/env.c; the only file that may know all rooms. */
#include "autograd/leaf.h"
#include "autograd/trees.h"
#include "core/core.h"
#include "core/dead.h"
#include "core/hooks.h"
#include "gemm/blocks.h"
#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "isa/isa.h"
#include "op/named.h"
#include "op/node.h"
#include "ops/common.h"
#include "ops/halves.h"
#include "runtime/lock.h"
#include "runtime/memory.h"
#include "runtime/openmp.h"
#include "runtime/parallel.h"
#include "runtime/topology.h"

#include <stdlib.h>
#include <string.h>

static bool choose_isa(char *message, size_t size)
{
    const char *name = getenv("HONE_ISA");
    const bool named = name && *name;
    const hone__bf16_kernel *bf16 = named ? hone__bf16_find(name) : NULL; /* its ISA's, or more */
    const hone__isa *isa = bf16 ? hone__isa_find(bf16->isa) : named ? NULL : hone__isa_best();
    if (!isa) {
        hone__isa_explain(name, message, size);
        return false;
    }
    hone__isa_use(isa);
    hone__bf16_use(bf16);
    return true;
}

static bool choose_order(char *message, size_t size)
{
    const char *name = getenv("HONE_BF16_ORDER");
    const bool named = name && *name, tiles = named && strcmp(name, "tiles") == 0;
    if (named && !tiles && strcmp(name, "pairs") != 0) {
        hone__format(message, size, "HONE_BF16_ORDER=%.64s: pairs or tiles is wanted", name);
        return false;
    }
    hone__bf16_order_begin(tiles ? HONE__BF16_TILES : HONE__BF16_PAIRS);
    return true;
}

/* Of the L3, the matrix product may count on one core's share. */
static void tell_caches(void)
{
    const hone__topology *machine = hone__topology_get();
    const int64_t sharers = machine->l3_cores > 0 ? machine->l3_cores : 1;
    hone__gemm_set_caches((size_t)machine->l1_bytes, (size_t)machine->l2_bytes,
                          (size_t)(machine->l3_bytes / sharers));
}

bool hone__set_up(char *message, size_t size)
{
    long level = 0;
    if (!hone__openmp_load(message, size) || /* first: the rest needs some stack */
        !hone__env_int("HONE_DEBUG", 0, 4, &level, message, size) ||
        !hone__env_int("HONE_DEBUG_TENSORS", 0, 1, &level, message, size))
        return false;
    hone__keeper = (hone__tensor_keeper){ hone__scope_holdings, hone__holdings_text, hone__bury };
    hone__op_list = hone__ops;
    hone__op_of_to = &hone__op_to;
    hone__op_of_copy_ = &hone__op_copy;
    hone__half_rules_begin();
    hone__later_free = hone__leaf_later_free;
    hone__cut_cycles = hone__find_and_cut_cycles;
    hone__shard_sums = hone__trees_chain;
    tell_caches();
    if (!choose_isa(message, size) || !choose_order(message, size) ||
        !hone__team_init(message, size))
        return false;
    hone__lock_at_forks(); /* now the OpenMP runtime is up */
    return true;
}

hone_status hone_init(void)
{
    return hone__ready() ? HONE_OK : HONE_E_CONFIG;
}

const char *hone_version(void)
{
    return HONE_VERSION;
}

const char *hone_isa(void)
{
    hone__ready();
    return hone__k->name;
}
