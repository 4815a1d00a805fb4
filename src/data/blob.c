/* blob.c: bytes with several holders. */
#include "core/core.h"
#include "data/records.h"
#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct hone__blob {
    atomic_int refs;
    bool mapped;
    uint8_t *at;
    int64_t n;
};

static hone__blob *blob_of(uint8_t *at, int64_t n, bool mapped)
{
    hone__blob *blob = hone__calloc(sizeof *blob);
    if (!blob)
        return NULL;
    atomic_store(&blob->refs, 1);
    blob->at = at;
    blob->n = n;
    blob->mapped = mapped;
    return blob;
}

hone__blob *hone__blob_map(const char *where, const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    int error = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
    if (!error && S_ISDIR(st.st_mode))
        error = EISDIR;
    if (!error && !S_ISREG(st.st_mode)) {
        close(fd);
        hone_error_set(HONE_E_IO, "%s: %s is no regular file", where, path);
        return NULL;
    }
    uint8_t *at = NULL;
    if (!error && st.st_size > 0) {
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        error = at == MAP_FAILED ? errno : 0;
    }
    if (fd >= 0)
        close(fd);
    if (error) {
        hone_error_set(HONE_E_IO, "%s: %s: %s", where, path, strerror(error));
        return NULL;
    }
    const bool mapped = st.st_size > 0;
    hone__blob *blob = blob_of(at, (int64_t)st.st_size, mapped);
    if (!blob && mapped)
        munmap(at, (size_t)st.st_size);
    return blob;
}

hone__blob *hone__blob_of(void *memory, int64_t n)
{
    hone__blob *blob = blob_of(memory, n, false);
    if (!blob)
        hone__free(memory);
    return blob;
}

hone__blob *hone__blob_new(int64_t n)
{
    uint8_t *at = hone__malloc(n > 0 ? hone__bytes(n, 1) : 1);
    return at ? hone__blob_of(at, n) : NULL;
}

hone__blob *hone__blob_retain(hone__blob *blob)
{
    atomic_fetch_add(&blob->refs, 1);
    return blob;
}

void hone__blob_release(hone__blob *blob)
{
    if (!blob || atomic_fetch_sub(&blob->refs, 1) > 1)
        return;
    if (blob->mapped)
        munmap(blob->at, (size_t)blob->n);
    else
        hone__free(blob->at);
    hone__free(blob);
}

void hone__blob_done(const hone__blob *blob, int64_t begin, int64_t end)
{
    const int64_t page = (int64_t)sysconf(_SC_PAGESIZE);
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (blob->mapped && begin < end)
        madvise(blob->at + begin, (size_t)(end - begin), MADV_DONTNEED);
}

const uint8_t *hone__blob_at(const hone__blob *blob)
{
    return blob->at;
}

uint8_t *hone__blob_fill(hone__blob *blob)
{
    HONE_ASSERT(!blob->mapped);
    return blob->at;
}

int64_t hone__blob_size(const hone__blob *blob)
{
    return blob->n;
}
