/* load.c DIR [MB]: how fast a safetensors file is loaded beside a plain read of its bytes, and what memory that takes.
 * The file is in the page cache; both read into fresh memory, in turn, eleven times. */
#include "../clock.h"

#include <hone/hone.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 11, TENSORS = 50 };

static double now(void)
{
    return 1e-9 * now_ns();
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *at)
{
    qsort(at, ROUNDS, sizeof *at, by_value);
    return at[ROUNDS / 2];
}

/* Into fresh pages, as the system gives them. */
static double plain_read(const char *path, size_t bytes)
{
    const double begin = now();
    char *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int fd = open(path, O_RDONLY);
    size_t at = 0;
    for (ssize_t n; at < bytes && (n = read(fd, to + at, bytes - at)) > 0;)
        at += (size_t)n;
    close(fd);
    const double end = now();
    munmap(to, bytes);
    return at == bytes ? end - begin : -1;
}

static double hone_read(const char *path, int64_t *peak)
{
    HONE_SCOPE();
    hone_memory_trim();
    hone_memory after;
    const double begin = now();
    const hone_named_list list = hone_safetensors_load(path, NULL);
    const double end = now();
    hone_memory_stats(&after);
    *peak = after.peak_bytes;
    return list.n == TENSORS ? end - begin : -1;
}

static bool write_file(const char *path, int64_t mb)
{
    HONE_SCOPE();
    static hone_named list[TENSORS];
    static char names[TENSORS][16];
    hone_tensor *t = hone_rand(HONE_F32, mb * 262144 / TENSORS);
    for (int i = 0; i < TENSORS; i++) {
        snprintf(names[i], sizeof names[i], "tensor.%d", i);
        list[i] = (hone_named){ names[i], t };
    }
    return hone_safetensors_save(path, (hone_named_list){ list, TENSORS }, NULL) == HONE_OK;
}

int main(int argc, char **argv)
{
    char path[600];
    double plain[ROUNDS], loaded[ROUNDS];
    int64_t peak = 0;
    const int64_t mb = argc > 2 ? atoll(argv[2]) : 500;
    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s/load.safetensors", argv[1]);
    if (!write_file(path, mb)) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    for (int i = 0; i < ROUNDS; i++) {
        plain[i] = plain_read(path, (size_t)mb << 20);
        loaded[i] = hone_read(path, &peak);
        if (plain[i] < 0 || loaded[i] < 0)
            return 1;
    }
    const double p = median(plain), l = median(loaded);
    printf("%lld MB: plain read %.1f ms, hone_safetensors_load %.1f ms: %.2f of its speed; memory "
           "at most %.2f "
           "of the file\n",
           (long long)mb, 1e3 * p, 1e3 * l, p / l, (double)peak / (double)(mb << 20));
    return 0;
}
