/* bf16.c: which kernels of bf16 this machine can use, and those in use. */
#include "isa/bf16.h"

#include "isa/isa.h"
#include "runtime/cpu.h"

#include <string.h>

/* Plainest first; of one ISA the best last. */
static const struct {
    const hone__bf16_kernel *kernel;
    bool (*runs_here)(void);
} candidates[] = {
    { &hone__bf16_scalar, NULL },
#if defined(__x86_64__)
    { &hone__bf16_avx2, hone__cpu_has_avx2 },
    { &hone__bf16_avx512, hone__cpu_has_avx512 },
    { &hone__bf16_avx512_bf16, hone__cpu_has_avx512_bf16 },
    { &hone__bf16_avx512_amx, hone__cpu_has_amx_bf16 },
#elif defined(__aarch64__)
    { &hone__bf16_neon, NULL },
#endif
};
enum { N_CANDIDATES = sizeof candidates / sizeof candidates[0] };

static const hone__bf16_kernel *chosen; /* or NULL */

void hone__bf16_use(const hone__bf16_kernel *kernel)
{
    chosen = kernel;
}

const hone__bf16_kernel *hone__bf16_available(int i)
{
    for (int c = 0; c < N_CANDIDATES; c++)
        if ((!candidates[c].runs_here || candidates[c].runs_here()) && i-- == 0)
            return candidates[c].kernel;
    return NULL;
}

const hone__bf16_kernel *hone__bf16_find(const char *name)
{
    const hone__bf16_kernel *kernel;
    for (int i = 0; (kernel = hone__bf16_available(i)); i++)
        if (strcmp(kernel->name, name) == 0)
            return kernel;
    return NULL;
}

/* Tiles are asked for only where they are wanted. */
static const hone__bf16_kernel *best_of(const char *isa, bool tiles)
{
    const hone__bf16_kernel *best = &hone__bf16_scalar;
    for (int c = 0; c < N_CANDIDATES; c++) {
        const hone__bf16_kernel *kernel = candidates[c].kernel;
        const bool slower = kernel->paired && hone__cpu_is_of_amx();
        if (strcmp(kernel->isa, isa) == 0 && !slower && (tiles || !kernel->tiled) &&
            (!candidates[c].runs_here || candidates[c].runs_here()))
            best = kernel;
    }
    return best;
}

const hone__bf16_kernel *hone__bf16_in(bool tiles)
{
    if (chosen && strcmp(chosen->isa, hone__k->name) == 0 && (tiles || !chosen->tiled))
        return chosen;
    static _Thread_local const hone__isa *of[2]; /* CPUID takes as long as a small product */
    static _Thread_local const hone__bf16_kernel *best[2];
    if (of[tiles] != hone__k) {
        best[tiles] = best_of(hone__k->name, tiles);
        of[tiles] = hone__k;
    }
    return best[tiles];
}
