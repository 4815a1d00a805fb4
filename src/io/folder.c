/* folder.c: which file of a folder has the weights. */
#include "core/core.h"
#include "io/shards.h"
#include "runtime/memory.h"

#include <string.h>
#include <unistd.h>

char *hone__path_in(const char *folder, const char *name)
{
    const size_t n = strlen(folder);
    char *path = hone__own_block(hone__malloc(n + strlen(name) + 2));
    if (path) {
        memcpy(path, folder, n);
        strcpy(path + n, n && folder[n - 1] == '/' ? "" : "/");
        strcat(path, name);
    }
    return path;
}

const char *hone__folder_weights(const char *where, const char *folder)
{
    static const char *const names[] = { "model.safetensors", "model.safetensors.index.json",
                                         "pytorch_model.bin" };
    const char *found[3] = { NULL };
    for (int i = 0; i < 3; i++) {
        const char *path = hone__path_in(folder, names[i]);
        if (!path)
            return NULL;
        found[i] = access(path, F_OK) == 0 ? path : NULL;
    }
    if (found[0] && found[1]) {
        hone_error_set(HONE_E_FORMAT,
                       "%s: %s has both %s and %s: one of them is old, and nobody can tell which",
                       where, folder, names[0], names[1]);
        return NULL;
    }
    for (int i = 0; i < 3; i++)
        if (found[i])
            return found[i];
    hone_error_set(HONE_E_IO, "%s: can't open %s: Is a directory, without %s, %s or %s", where,
                   folder, names[0], names[1], names[2]);
    return NULL;
}
