/** @file runtime.h
 * The machine, the environment and memory. (Random numbers: random.h.)
 *
 * Environment variables, read once at the first call of any function (or at hone_init):
 *
 *      HONE_ISA=scalar|avx2|avx512|neon  kernels to use (default: the best this machine has;
 *                                        the bits are the same)
 *      HONE_NUM_THREADS=N                at most N threads (so do OMP_NUM_THREADS, the affinity
 *                                        mask, the number of cores but for little ones beside big
 *                                        ones, and the cgroup's cpu quota)
 *      HONE_FORCE_THREADS=N              exactly N threads for everything divisible, for tests
 *      HONE_PIN=1                        binds each thread of the team to a core of its own, the
 *                                        calling thread too (threads it starts later inherit that)
 *      HONE_DEBUG_TENSORS=1              tensors that are used after their end are told, with op,
 *                                        shape and scope; blocks come from malloc, not from pools
 *                                        (so they do under AddressSanitizer)
 *      HONE_DEBUG=1..4                   1 errors as they happen, 2 ops with shapes,
 *                                        3 scheduling, 4 memory (to stderr)
 *
 * The CPUs hone may use are those of the affinity mask; where the OpenMP runtime binds threads
 * (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY, KMP_AFFINITY) those of its places, and binding is
 * left to it. A program that has bound its first thread to one core before the first call, while
 * its other threads may run elsewhere, is taken to mean that thread alone; without such threads the
 * one core is its limit: call hone_init before binding then.
 *
 * Threads that can't be made (limits on processes or memory) are done without; HONE_DEBUG=1 says
 * so. Stacks below 256 KiB (of the first calling thread; OMP_STACKSIZE) are HONE_E_CONFIG.
 *
 * After a fork() the child runs on one thread where libgomp serves hone, which can't start a team
 * there; with LLVM's runtime it makes a team of its own. A fork
 * waits until no other thread is inside hone's first call, its lists or a gradient's sum, so that
 * the child can use hone.
 *
 * hone takes one of the process's keys (pthread_key_create): where none is left, what needs memory
 * fails with HONE_E_NOMEM, and works as soon as there is one again.
 */
#ifndef HONE_RUNTIME_H
#define HONE_RUNTIME_H

#include <hone/random.h>
#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Reads the environment and the machine. Optional: the first call of any function does it, and
 * fails with the same error (HONE_E_CONFIG). */
HONE_API hone_status hone_init(void);

HONE_API const char *hone_version(void);
/** Name of the kernels in use: "scalar", "avx2", "avx512", "neon". */
HONE_API const char *hone_isa(void);

typedef struct {
    int logical_cpus, cores, packages, numa_nodes; /**< of the machine */
    int pool_nodes;                                /**< of numa_nodes, those used unless asked
                                                      for: see hone_placement */
    int affinity_cpus;                             /**< hone may use: see above */
    double cgroup_cpus;                            /**< cgroup v1/v2 quota in CPUs; 0: none */
    int threads;                                   /**< that run in a region of this thread's now */
    char threads_reason[96];                       /**< why that many */
    int64_t l1_bytes, l2_bytes, l3_bytes;          /**< data caches one core sees; 0: unknown */
    char cpu_name[64];                             /**< "": unknown */
    char openmp[256];                              /**< the OpenMP runtime that serves hone */
} hone_machine;

/** What hone found out about the machine. Starts the team, to see how many threads it really has.
 */
HONE_API hone_status hone_machine_get(hone_machine *machine);

/** Threads of the team / changes it for the whole process (1..1024; overrides HONE_NUM_THREADS).
 * More than the CPUs of the affinity mask are never run at once: each would wait for the others.
 *  Errors:  HONE_E_VALUE (out of range; more than OMP_THREAD_LIMIT allows). */
HONE_API int hone_threads(void);
HONE_API hone_status hone_set_threads(int n);

typedef struct {
    int64_t tensors, nodes; /**< live handles and autograd nodes */
    int64_t in_use_bytes;   /**< held by live blocks */
    int64_t peak_bytes;     /**< largest in_use_bytes so far */
    int64_t reserved_bytes; /**< taken from the system, kept in pools included */
    int64_t scope_tensors;  /**< that the calling thread's current scope holds */
    int64_t thread_tensors; /**< that all its open scopes and its root hold: where this grows from
                               step to step a HONE_SCOPE() is missing in the loop */
} hone_memory;

HONE_API void hone_memory_stats(hone_memory *stats);
/** Caps what hone takes from the system (reserved_bytes); 0: no cap (default). An allocation past
 * it first gives back what the pools keep, then fails with HONE_E_NOMEM; the program can go on,
 * with a smaller batch say. What is in use already stays. The lists that a thread which uses hone
 * needs, a page each, count but are never refused: what is freed comes back under any cap. */
HONE_API hone_status hone_memory_limit(int64_t bytes);
/** Gives what the pools keep but nobody uses back to the system: large blocks, and the small ones of
 * this thread and of threads that ended. */
HONE_API void hone_memory_trim(void);

/** Where the pages of large tensors (above 64 KiB) lie in a machine with several NUMA nodes. Where
 * several nodes have the same CPUs (HBM or CXL memory beside DRAM), one of them is used for these
 * CPUs: the one with the most memory among those that are not much slower than the fastest. The
 * others, and nodes without CPUs, are used by HONE_PLACE_NODE only. */
typedef enum {
    HONE_PLACE_LOCAL,     /**< each at the node of the thread that first writes to it (default) */
    HONE_PLACE_NODE,      /**< all at one node */
    HONE_PLACE_PARTITION, /**< in contiguous parts, one a node, as ops share work among threads */
    HONE_PLACE_INTERLEAVE /**< page by page around the nodes, one for each set of CPUs */
} hone_placement;

/** Places what the calling thread makes from now on; what exists stays where it is, and the
 * policies of the process and of its threads are left alone. A wish: where a node is full its
 * neighbours are used. On one node all are the same.
 *  @param node  for HONE_PLACE_NODE: 0..numa_nodes-1 (hwloc's logical index); else ignored.
 *  Errors:  HONE_E_VALUE (no such placement, no such node). */
HONE_API hone_status hone_set_placement(hone_placement placement, int node);

#ifdef __cplusplus
}
#endif
#endif
