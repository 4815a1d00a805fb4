/* bench_peers.c: other libraries of this kind, if the machine has them. */
#include "bench.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
    const char *name;
    const char *files[3];
    const char *set_threads; /* takes an int, or an int64_t in the same register */
} known[BENCH_MAX_PEERS] = {
    { "OpenBLAS", { "libopenblas.so.0", "libopenblas.so" }, "openblas_set_num_threads" },
    { "BLIS", { "libblis.so.4", "libblis.so.5", "libblis.so" }, "bli_thread_set_num_threads" },
    { "oneDNN", { "libdnnl.so.2", "libdnnl.so.3", "libdnnl.so" }, "omp_set_num_threads" },
    { "MKL", { "libmkl_rt.so.2", "libmkl_rt.so.1", "libmkl_rt.so" }, "MKL_Set_Num_Threads" },
};

/* ISO C has no conversion from an object pointer to a function pointer; POSIX does. */
static void find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
}

int bench_peers_open(bench_peer *peers)
{
    int n = 0;
    for (int i = 0; i < BENCH_MAX_PEERS; i++) {
        bench_peer *p = &peers[n];
        *p = (bench_peer){ .name = known[i].name };
        for (int f = 0; f < 3 && known[i].files[f] && !p->handle; f++)
            p->handle = dlopen(known[i].files[f], RTLD_NOW | RTLD_LOCAL);
        if (!p->handle)
            continue;
        if (strcmp(p->name, "oneDNN") == 0) {
            find(p->handle, "dnnl_sgemm", &p->dnnl_sgemm);
        } else {
            find(p->handle, "cblas_sgemm", &p->sgemm);
            find(p->handle, "cblas_dgemm", &p->dgemm);
        }
        if (p->sgemm || p->dnnl_sgemm)
            n++;
        else
            dlclose(p->handle);
    }
    return n;
}

int bench_sleef_open(bench_peer *peers)
{
    peers[0] = (bench_peer){ .name = "SLEEF", .handle = dlopen("libsleef.so.3", RTLD_NOW) };
    return peers[0].handle ? 1 : 0;
}

void (*bench_sleef_find(const bench_peer *peer, const char *op, bool f64))(void)
{
    const hone__peaks *peaks = hone__peaks_get();
    char symbol[64];
    void (*f)(void) = NULL;
    snprintf(symbol, sizeof symbol, "Sleef_%s%s", op, f64 ? peaks->sleef_f64 : peaks->sleef_f32);
    find(peer->handle, symbol, &f);
    return f;
}

void bench_peers_set_threads(const bench_peer *peers, int n, int threads)
{
    for (int p = 0; p < n; p++) {
        void (*set)(int64_t) = NULL;
        for (int i = 0; i < BENCH_MAX_PEERS; i++)
            if (strcmp(known[i].name, peers[p].name) == 0)
                find(peers[p].handle, known[i].set_threads, &set);
        if (set)
            set(threads);
    }
}
