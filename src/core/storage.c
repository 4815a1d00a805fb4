/* storage.c: memory that views share, counted by reference. */
#include "core/storage.h"
#include "runtime/memory.h"
#include "runtime/watch.h"

#include <string.h>

/* Small data lies right behind its storage, in one block: one allocation less. Not where something
 * watches blocks, which should see reads before the data. */
#define HEADER 64
_Static_assert(sizeof(hone__storage) <= HEADER, "the data keeps its alignment");
enum { MOST_JOINED = 2048 };

static hone__storage *joined_new(size_t bytes)
{
    hone__storage *storage = hone__obj_take_with(HONE__OBJ_STORAGE, HEADER + bytes);
    if (!storage)
        return NULL;
    memset(storage, 0, sizeof *storage);
    storage->data = (char *)storage + HEADER;
    storage->joined = storage->plain = true;
    return storage;
}

static hone__storage *separate_new(size_t bytes)
{
    hone__storage *storage = hone__obj_alloc(HONE__OBJ_STORAGE, sizeof *storage);
    if (!storage || bytes == 0)
        return storage;
    storage->data = hone__pool_alloc(bytes);
    if (storage->data)
        return storage;
    hone__obj_free(HONE__OBJ_STORAGE, storage);
    return NULL;
}

hone__storage *hone__storage_new(size_t bytes)
{
    const bool joined = bytes > 0 && bytes <= MOST_JOINED && hone__has_pools();
    hone__storage *storage = joined ? joined_new(bytes) : separate_new(bytes);
    if (!storage)
        return NULL;
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

static void joined_free(hone__storage *storage)
{
    hone__obj_free_with(HONE__OBJ_STORAGE, storage, HEADER + storage->bytes);
}

static __attribute__((noinline)) void free_other(hone__storage *storage)
{
    if (storage->site != 0)
        hone__watch.storage_gone(storage->site, storage->bytes);
    if (storage->again)
        hone__storage_forgets(storage);
    if (storage->joined) {
        joined_free(storage);
        return;
    }
    if (storage->release)
        storage->release(storage->user, storage->data);
    else if (storage->data)
        hone__pool_free(storage->data, storage->bytes);
    hone__obj_free(HONE__OBJ_STORAGE, storage);
}

void hone__storage_release(hone__storage *storage)
{
    if (!hone__refs_drop(&storage->refs))
        return;
    if (__builtin_expect(storage->plain, 1))
        joined_free(storage);
    else
        free_other(storage);
}
