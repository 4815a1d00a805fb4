/* checkpoint_parts.c: what a run is made of, and how each part's state is got and put back. */
#include "run/checkpoint.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <string.h>

/* ---- module */

/* Each parameter and buffer once, also if it has several names. */
static hone_named_list module_state(const hone__run_part *p)
{
    const hone_named_list params = hone_named_parameters(p->of);
    const hone_named_list buffers =
        params.at ? hone_named_buffers(p->of) : (hone_named_list){ NULL, 0 };
    hone_named_list all = { NULL, params.n + buffers.n };
    if (buffers.at)
        all.at = hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *all.at)));
    if (!all.at)
        return (hone_named_list){ NULL, 0 };
    memcpy(all.at, params.at, (size_t)params.n * sizeof *all.at);
    memcpy(all.at + params.n, buffers.at, (size_t)buffers.n * sizeof *all.at);
    return all;
}

/* What is in the file and not in the module. */
static bool nothing_is_left(const hone__run_part *p, hone_named_list wanted, hone_named_list state)
{
    hone__map known;
    if (!hone__map_begin(&known, wanted.n, true))
        return false;
    for (int i = 0; i < wanted.n; i++)
        hone__map_add(&known, wanted.at[i].name, i);
    int i = 0;
    while (i < state.n && hone__map_find(&known, state.at[i].name) >= 0)
        i++;
    hone__map_end(&known);
    if (i < state.n)
        hone_error_set(HONE_E_STATE, "\"%s.%s\" is in the file, but not in the run", p->name,
                       state.at[i].name);
    return i == state.n;
}

static hone_status module_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    const hone_named_list wanted = module_state(p);
    hone__map map;
    (void)anyway;
    if (!wanted.at || !hone__map_begin(&map, state.n, true))
        return hone__error_last();
    for (int i = 0; i < state.n; i++)
        hone__map_add(&map, state.at[i].name, i);
    bool ok = true;
    for (int i = 0; ok && i < wanted.n; i++) {
        hone_tensor *from = hone__run_find(p, state, &map, wanted.at[i]);
        ok = from && hone_copy_(wanted.at[i].tensor, from);
    }
    hone__map_end(&map);
    return ok && nothing_is_left(p, wanted, state) ? HONE_OK : hone__error_last();
}

static const hone__run_part_class module_class = { module_state, module_load };

/* ---- what lists its state itself */

static hone_named_list optim_state(const hone__run_part *p)
{
    return hone_optim_state(p->of);
}
static hone_status optim_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    (void)anyway;
    return hone_optim_load_state(p->of, state);
}
static const hone__run_part_class optim_class = { optim_state, optim_load };

static hone_named_list schedule_state(const hone__run_part *p)
{
    return hone_schedule_state(p->of);
}
static hone_status schedule_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    (void)anyway;
    return hone_schedule_load_state(p->of, state);
}
static const hone__run_part_class schedule_class = { schedule_state, schedule_load };

static hone_named_list average_state(const hone__run_part *p)
{
    return hone_average_state(p->of);
}
static hone_status average_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    (void)anyway;
    return hone_average_load_state(p->of, state);
}
static const hone__run_part_class average_class = { average_state, average_load };

/* ---- a tensor under the part's name alone */

static hone_named_list none(void)
{
    return (hone_named_list){ hone__own_block(hone__malloc(sizeof(hone_named))), 0 };
}

static hone_named_list one(hone_tensor *t)
{
    hone_named_list list = t ? none() : (hone_named_list){ NULL, 0 };
    if (list.at)
        list.at[list.n++] = (hone_named){ "", t };
    return list;
}

/* n numbers of the file; false: they aren't there, or others are. */
static bool read_numbers(const hone__run_part *p, hone_named_list state, hone_dtype dtype,
                         void *data, int64_t n)
{
    hone_tensor *wanted = hone_from_data(dtype, data, n);
    hone_tensor *from = wanted ? hone__run_find(p, state, NULL, (hone_named){ "", wanted }) : NULL;
    return from && hone_copy_out(from, data, (size_t)n * hone_dtype_size(dtype)) == HONE_OK;
}

static hone_named_list numbers_state(const hone__run_part *p)
{
    return one(hone_from_data(p->dtype, p->of, p->n));
}
static hone_status numbers_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    (void)anyway;
    return read_numbers(p, state, p->dtype, p->of, p->n) ? HONE_OK : hone__error_last();
}
static const hone__run_part_class numbers_class = { numbers_state, numbers_load };

static hone_named_list tensor_state(const hone__run_part *p)
{
    hone_tensor **slot = p->of;
    if (!*slot)
        return none();
    return one(hone__needs_tensor("checkpoint_save", *slot) ? hone__own(hone_retain(*slot)) : NULL);
}
static hone_status tensor_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    hone_tensor **slot = p->of;
    if (state.n > 1)
        return hone_error_set(HONE_E_STATE, "\"%s.%s\" is in the file, but not in the run", p->name,
                              state.at[1].name);
    if (state.n == 1)
        return hone_assign(slot, state.at[0].tensor);
    if (!anyway) {
        hone_release(*slot);
        *slot = NULL;
    }
    return HONE_OK;
}
static const hone__run_part_class tensor_class = { tensor_state, tensor_load };

static hone_named_list generator_state(const hone__run_part *p)
{
    hone_generator_state state = { 0 };
    return one(hone_generator_get(p->of, &state) == HONE_OK ? hone_from_data(HONE_I64, &state, 3)
                                                            : NULL);
}
static hone_status generator_load(const hone__run_part *p, hone_named_list from, bool anyway)
{
    hone_generator_state state = { 0 };
    (void)anyway;
    return read_numbers(p, from, HONE_I64, &state, 3) ? hone_generator_set(p->of, &state)
                                                      : hone__error_last();
}
static const hone__run_part_class generator_class = { generator_state, generator_load };

/* Epoch, batch, and how many batches an epoch has. */
static hone_named_list loader_state(const hone__run_part *p)
{
    int64_t at[3] = { 0, 0, hone_loader_batches(p->of) };
    const bool ok = at[2] >= 0 && hone_loader_position(p->of, &at[0], &at[1]) == HONE_OK;
    return one(ok ? hone_from_data(HONE_I64, at, 3) : NULL);
}
static hone_status loader_load(const hone__run_part *p, hone_named_list state, bool anyway)
{
    int64_t at[3] = { 0 };
    const int64_t batches = hone_loader_batches(p->of);
    if (batches < 0 || !read_numbers(p, state, HONE_I64, at, 3))
        return hone__error_last();
    if (at[2] < 1 || at[1] < 0 || at[1] > at[2])
        return hone_error_set(HONE_E_FORMAT, "\"%s\": batch %lld of an epoch of %lld", p->name,
                              (long long)at[1], (long long)at[2]);
    if (at[2] != batches && !anyway)
        return hone_error_set(HONE_E_STATE,
                              "\"%s\": an epoch of %lld batches, but the run's has %lld", p->name,
                              (long long)at[2], (long long)batches);
    const int64_t there = (int64_t)((__int128)at[1] * batches / at[2]); /* of equal ones at[1] */
    return hone_loader_set_position(p->of, at[0], there);
}
static const hone__run_part_class loader_class = { loader_state, loader_load };

/* ---- adding them */

static const char where[] = "checkpoint";

static bool name_fits(const hone_checkpoint *c, const char *name)
{
    const char *wrong = NULL;
    if (!name[0] || strcmp(name, HONE__RUN_SUMS) == 0)
        wrong = "can't be a part's name";
    for (int i = 0; i < c->n_parts && !wrong; i++)
        if (strcmp(c->parts[i].name, name) == 0)
            wrong = "is a part already";
    if (wrong)
        hone_error_set(HONE_E_VALUE, "%s: \"%.100s\" %s", where, name, wrong);
    return !wrong;
}

static hone_status add(hone_checkpoint *c, const char *name, const char *what, hone__run_part part)
{
    if (!c || !name || !part.of)
        return hone__error_missing(where, !c ? "a checkpoint" : !name ? "a name" : what);
    if (!name_fits(c, name))
        return HONE_E_VALUE;
    if (!hone__grow(&c->parts, &c->parts_room, c->n_parts + 1, sizeof *c->parts))
        return HONE_E_NOMEM;
    const size_t bytes = strlen(name) + 1;
    if (!(part.name = hone__malloc(bytes)))
        return HONE_E_NOMEM;
    memcpy(part.name, name, bytes);
    c->parts[c->n_parts++] = part;
    return HONE_OK;
}

hone_status hone_checkpoint_module(hone_checkpoint *c, const char *name, hone_module *module)
{
    return add(c, name, "a module", (hone__run_part){ &module_class, .of = module });
}

hone_status hone_checkpoint_optim(hone_checkpoint *c, const char *name, hone_optim *optim)
{
    return add(c, name, "an optimizer", (hone__run_part){ &optim_class, .of = optim });
}

hone_status hone_checkpoint_schedule(hone_checkpoint *c, const char *name, hone_schedule *schedule)
{
    return add(c, name, "a schedule", (hone__run_part){ &schedule_class, .of = schedule });
}

hone_status hone_checkpoint_average(hone_checkpoint *c, const char *name, hone_average *average)
{
    return add(c, name, "an average", (hone__run_part){ &average_class, .of = average });
}

hone_status hone_checkpoint_generator(hone_checkpoint *c, const char *name,
                                      hone_generator *generator)
{
    return add(c, name, "a generator", (hone__run_part){ &generator_class, .of = generator });
}

hone_status hone_checkpoint_loader(hone_checkpoint *c, const char *name, hone_loader *loader)
{
    return add(c, name, "a loader", (hone__run_part){ &loader_class, .of = loader });
}

hone_status hone_checkpoint_numbers(hone_checkpoint *c, const char *name, hone_dtype dtype,
                                    void *data, int64_t n)
{
    if (c && name && data && (n < 0 || hone_dtype_size(dtype) == 0))
        return hone_error_set(HONE_E_VALUE, "%s: \"%.100s\": %lld numbers of %s", where, name,
                              (long long)n, hone_dtype_name(dtype));
    return add(c, name, "memory",
               (hone__run_part){ &numbers_class, .of = data, .dtype = dtype, .n = n });
}

hone_status hone_checkpoint_tensor(hone_checkpoint *c, const char *name, hone_tensor **slot)
{
    return add(c, name, "a tensor's place", (hone__run_part){ &tensor_class, .of = slot });
}
