/* workspace.c: the memory in which threads decode and change pictures. It belongs to a set, not to a
 * thread, so it is freed with the set; no lock guards it, so no fork can find one held. */
#include "data/transform.h"

#include "runtime/memory.h"

hone__workspace *hone__workspace_take(hone__workspaces *all)
{
    for (int i = 0; i < HONE__WORKSPACES; i++)
        if (!atomic_flag_test_and_set_explicit(&all->taken[i], memory_order_acquire))
            return &all->at[i];
    return NULL;
}

void hone__workspace_give(hone__workspaces *all, hone__workspace *w)
{
    atomic_flag_clear_explicit(&all->taken[w - all->at], memory_order_release);
}

void hone__workspace_free(hone__workspace *w)
{
    hone__image_free(&w->image);
    hone__image_free(&w->spare);
    hone__resizer_free(&w->resizer);
    hone__free(w->bytes.data);
    hone__free(w->partner);
    hone__free(w->sample);
    *w = (hone__workspace){ 0 };
}

void hone__workspaces_free(hone__workspaces *all)
{
    for (int i = 0; i < HONE__WORKSPACES; i++)
        hone__workspace_free(&all->at[i]);
}
