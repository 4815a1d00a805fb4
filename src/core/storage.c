/* storage.c: memory that views share, counted by reference. */
#include "core/storage.h"
#include "runtime/memory.h"

hone__storage *hone__storage_new(size_t bytes)
{
    hone__storage *storage = hone__obj_alloc(HONE__OBJ_STORAGE, sizeof *storage);
    if (!storage)
        return NULL;
    if (bytes > 0) {
        storage->data = hone__pool_alloc(bytes);
        if (!storage->data) {
            hone__obj_free(HONE__OBJ_STORAGE, storage);
            return NULL;
        }
    }
    storage->bytes = bytes;
    atomic_init(&storage->refs, 1);
    return storage;
}

static void keep(void *user, void *data)
{
    (void)user, (void)data;
}

hone__storage *hone__storage_wrap(void *data, size_t bytes, void (*release)(void *, void *),
                                  void *user)
{
    if (!release)
        release = keep;
    hone__storage *storage = hone__obj_alloc(HONE__OBJ_STORAGE, sizeof *storage);
    if (!storage) {
        release(user, data);
        return NULL;
    }
    storage->data = data;
    storage->bytes = bytes;
    storage->release = release;
    storage->user = user;
    atomic_init(&storage->refs, 1);
    return storage;
}

hone__storage *hone__storage_retain(hone__storage *storage)
{
    atomic_fetch_add_explicit(&storage->refs, 1, memory_order_relaxed);
    return storage;
}

void hone__storage_release(hone__storage *storage)
{
    if (!hone__refs_drop(&storage->refs))
        return;
    if (storage->release)
        storage->release(storage->user, storage->data);
    else if (storage->data)
        hone__pool_free(storage->data, storage->bytes);
    hone__obj_free(HONE__OBJ_STORAGE, storage);
}
