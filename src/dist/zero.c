/* zero.c: a step of which each rank does its share (ZeRO stage 1). Parameters are shared out as whole
 * tensors, so that any optimizer will do, whatever it makes of a matrix. */
#include "dist/gather.h"
#include "optim/optim.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/dist.h>

/* Each to the rank that has least so far. */
static int *find_owners(const hone_optim *optim)
{
    const int size = hone__world_size();
    int *owner = hone__own_block(hone__calloc(hone__bytes(optim->n, sizeof *owner)));
    int64_t *load = hone__own_block(hone__calloc(hone__bytes(size, sizeof *load)));
    for (int i = 0; owner && load && i < optim->n; i++) {
        for (int r = 1; r < size; r++)
            owner[i] = load[r] < load[owner[i]] ? r : owner[i];
        load[owner[i]] += optim->params[i].param->numel;
    }
    return load ? owner : NULL;
}

/* The step, without the gradients of others' parameters for a while. */
static bool step_own(hone_optim *optim, const int *owner, hone_tensor_list held)
{
    const int rank = hone__world_rank();
    bool ok = true;
    for (int i = 0; ok && i < optim->n; i++)
        if (owner[i] != rank && (held.at[i] = hone_grad(optim->params[i].param)))
            ok = hone_set_grad(optim->params[i].param, HONE_NONE) == HONE_OK;
    ok = ok && hone_error_code() == HONE_OK && hone_optim_step(optim) == HONE_OK;
    for (int i = 0; i < optim->n; i++)
        if (held.at[i])
            ok = hone_set_grad(optim->params[i].param, held.at[i]) == HONE_OK && ok;
    return ok;
}

static bool send_own(const hone_optim *optim, const int *owner)
{
    hone__gathering **under_way =
        hone__own_block(hone__calloc(hone__bytes(optim->n, sizeof *under_way)));
    bool ok = under_way;
    for (int i = 0; ok && i < optim->n; i++) {
        hone_tensor *p = optim->params[i].param;
        hone__bump(p);
        under_way[i] =
            hone__gather_from(owner[i], hone__data(p), p->numel * (int64_t)hone__size_of(p->dtype));
    }
    for (int i = 0; under_way && i < optim->n; i++)
        ok = hone__gather_end(under_way[i]) && ok;
    return ok;
}

hone_status hone_dist_optim_step(hone_optim *optim)
{
    if (!optim || hone__world_size() == 1)
        return hone_optim_step(optim);
    if (optim->in_backward)
        return hone_error_set(HONE_E_STATE,
                              "dist_optim_step: %s steps within the backward "
                              "(hone_optim_in_backward), before ranks have added up "
                              "their gradients",
                              optim->type->is.name);
    HONE_SCOPE();
    const int *owner = find_owners(optim);
    hone_tensor_list held = hone__list_new(optim->n);
    for (int i = 0; held.at && i < optim->n; i++)
        held.at[i] = NULL;
    const bool ok = owner && held.at && step_own(optim, owner, held) && send_own(optim, owner);
    return ok ? HONE_OK : hone__error_last();
}
