/* dispatch.c: which tables this machine can use, and the one in use. */
#include "isa/isa.h"

#include "isa/bf16.h"
#include "isa/images.h"
#include "isa/tables.h"
#include "runtime/cpu.h"

#include <stdio.h>
#include <string.h>

const hone__isa *hone__k = &hone__isa_scalar;
int hone__gemm_l1_ways = 8;

void hone__isa_use(const hone__isa *isa)
{
    hone__k = isa;
}

/* Everything that was linked in, plainest first. */
static const struct {
    const hone__isa *isa;
    const hone__image_kernels *images;
    bool (*runs_here)(void);
} candidates[] = {
    { &hone__isa_scalar, &hone__images_scalar, NULL },
#if defined(__x86_64__)
    { &hone__isa_avx2, &hone__images_avx2, hone__cpu_has_avx2 },
    { &hone__isa_avx512, &hone__images_avx512, hone__cpu_has_avx512 },
#elif defined(__aarch64__)
    { &hone__isa_neon, &hone__images_neon, NULL },
#endif
};
enum { N_CANDIDATES = sizeof candidates / sizeof candidates[0] };

const hone__image_kernels *hone__images(void)
{
    int c = 0;
    while (candidates[c].isa != hone__k)
        c++;
    return candidates[c].images;
}

const hone__image_kernels *hone__images_for(int64_t n)
{
    const hone__image_kernels *images = hone__images();
#if defined(__x86_64__)
    if (images == &hone__images_avx512 && n <= 8) /* every machine with AVX-512 has AVX2, too */
        images = &hone__images_avx2;
#else
    (void)n;
#endif
    return images;
}

const hone__isa *hone__isa_available(int i)
{
    for (int c = 0; c < N_CANDIDATES; c++)
        if ((!candidates[c].runs_here || candidates[c].runs_here()) && i-- == 0)
            return candidates[c].isa;
    return NULL;
}

const hone__isa *hone__isa_best(void)
{
    const hone__isa *best = &hone__isa_scalar;
    for (int i = 0; hone__isa_available(i); i++)
        best = hone__isa_available(i);
    return best;
}

const hone__isa *hone__isa_find(const char *name)
{
    const hone__isa *isa = NULL;
    for (int i = 0; (isa = hone__isa_available(i)) && strcmp(isa->name, name) != 0;)
        i++;
    return isa;
}

void hone__isa_explain(const char *name, char *text, size_t size)
{
    static const char *const known[] = { "scalar",      "avx2",       "avx512",
                                         "avx512_bf16", "avx512_amx", "neon" };
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        is_known = is_known || strcmp(name, known[i]) == 0;
    char have[64] = "";
    const hone__bf16_kernel *kernel; /* each ISA has some, and one of them its name */
    for (int i = 0; (kernel = hone__bf16_available(i)); i++) {
        const size_t used = strlen(have);
        snprintf(have + used, sizeof have - used, "%s%s", i ? ", " : "", kernel->name);
    }
    snprintf(text, size, "HONE_ISA=%.32s is %s (this machine has %s)", name,
             is_known ? "not available" : "unknown", have);
}
