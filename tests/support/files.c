#include "files.h"
#include "support.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char dir[64];

void test_files_begin(void)
{
    test_begin();
    /* In memory where that is possible: hundreds of fsyncs take their time on a disk. */
    strcpy(dir,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/hone-test-XXXXXX" : "/tmp/hone-test-XXXXXX");
    cr_assert(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

void test_files_end(void)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    test_end();
}

const char *test_path(const char *name)
{
    static char paths[8][PATH_MAX];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return path;
}

static const char *make_path(const char *name)
{
    const char *path = test_path(name);
    for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    return path;
}

const char *test_write(const char *name, const void *data, size_t bytes)
{
    const char *path = make_path(name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0);
    return path;
}

const char *test_write_gz(const char *name, const void *data, size_t bytes)
{
    const char *path = make_path(name);
    gzFile file = gzopen(path, "wb");
    cr_assert(file && gzwrite(file, data, (unsigned)bytes) == (int)bytes && gzclose(file) == Z_OK);
    return path;
}

char *test_read(const char *path, size_t *bytes)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    cr_assert(fstat(fileno(file), &st) == 0);
    *bytes = (size_t)st.st_size;
    char *data = malloc(*bytes + 1);
    cr_assert(data && fread(data, 1, *bytes, file) == *bytes && fclose(file) == 0);
    data[*bytes] = 0;
    return data;
}

int test_dir_count(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    cr_assert(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}
