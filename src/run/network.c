/* network.c: the module that a description makes. */
#include "run/program.h"

#include "nn/layer.h"
#include "runtime/memory.h"

#include <string.h>

struct hone__user {
    hone_module *module;
    struct hone__user *next;
};

static hone_tensor *network_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const hone__network *n = (const hone__network *)self;
    const bool without = n->last_optional && n_in == n->n_in - 1;
    if (!without && !hone__takes_inputs(self, n_in, n->n_in))
        return NULL;
    return hone__program_run(&n->programs[self->training][!without], n->where, in, n_in);
}

static void network_destroy(hone_module *self)
{
    hone__network *n = (hone__network *)self;
    for (struct hone__user *user = n->users; user; user = user->next)
        hone_module_free(user->module);
    hone__arena_free(&n->arena);
}

static void drop(const hone__member *member)
{
    if (member->kind == HONE_FIELD_CHILD)
        hone_module_free(member->value);
    else
        hone_release(member->value);
}

static bool fill(hone__network *n, const hone__member *members, int n_members)
{
    n->slots = (void **)((char *)n + n->type.size) - n_members;
    for (int i = 0; i < n_members; i++) {
        const char *name = hone__arena_text(&n->arena, members[i].name, strlen(members[i].name));
        if (!name)
            return false;
        n->fields[i] = (hone_field){ .kind = members[i].kind,
                                     .name = name,
                                     .offset = (size_t)((char *)&n->slots[i] - (char *)n) };
    }
    for (int i = 0; i < n_members; i++)
        n->slots[i] = members[i].value;
    n->n_fields = n_members;
    return true;
}

hone__network *hone__network_new(const char *name, const char *where, const hone__member *members,
                                 int n_members)
{
    const hone_module_class first = {
        .name = name,
        .size = sizeof(hone__network) + (size_t)(n_members + 1) * sizeof(hone_field) +
                (size_t)n_members * sizeof(void *),
        .destroy = network_destroy,
    };
    hone__network *n = hone_module_new(&first);
    if (n) {
        n->type = first; /* from the module's own memory: the class lives as long as it does */
        n->base.type = &n->type;
        n->type.name = hone__arena_text(&n->arena, name, strlen(name));
        n->where = hone__arena_text(&n->arena, where, strlen(where));
        n->fields[n_members] = (hone_field)HONE_FIELDS_END;
        if (n->type.name && n->where && fill(n, members, n_members)) {
            n->type.fields = n->fields;
            return n;
        }
        hone_module_free(&n->base); /* no field is known to it yet */
    }
    for (int i = 0; i < n_members; i++)
        drop(&members[i]);
    return NULL;
}

void **hone__network_slot(hone__network *n, const char *name)
{
    for (int i = 0; i < n->n_fields; i++)
        if (strcmp(n->fields[i].name, name) == 0)
            return &n->slots[i];
    return NULL;
}

bool hone__network_uses(hone__network *n, hone_module *module)
{
    struct hone__user *user = hone__arena_take(&n->arena, sizeof *user);
    if (!user)
        return false;
    *user = (struct hone__user){ hone_module_retain(module), n->users };
    n->users = user;
    return true;
}

void hone__network_ready(hone__network *n, int n_in)
{
    n->n_in = n_in;
    n->type.forward = network_forward;
}
