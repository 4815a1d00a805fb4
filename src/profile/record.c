/* record.c: see record.h: ops, nodes and the memory of their results. */
#include "profile/ring.h"

#include "op/observe.h"
#include "profile/call_cost.h"
#include "profile/counters.h"
#include "profile/numa.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <string.h>

enum { MOST_SHAPES = 4 };

atomic_bool hone__record_looks;

/* ---- sites, by a cache of the thread's own */

static unsigned site_of(hone__recorder *r, const char *op)
{
    const size_t i = (((uintptr_t)op >> 2) + 31 * r->module) % HONE__CACHE;
    if (r->sites[i].key != op || r->sites[i].module != r->module) {
        r->sites[i].value = hone__site_id(op, r->module);
        r->sites[i].key = op;
        r->sites[i].module = r->module;
    }
    return r->sites[i].value;
}

/* ---- which module a node came from: of the latest nodes */

enum { NODES = 1 << 15 };
static struct {
    _Atomic uint64_t seq;
    _Atomic uint32_t module;
} node_modules[NODES];

static void note_node(uint64_t seq, uint32_t module)
{
    atomic_store_explicit(&node_modules[seq % NODES].module, module, memory_order_relaxed);
    atomic_store_explicit(&node_modules[seq % NODES].seq, seq, memory_order_relaxed);
}

static uint32_t module_of_node(uint64_t seq)
{
    if (atomic_load_explicit(&node_modules[seq % NODES].seq, memory_order_relaxed) != seq)
        return 0;
    return atomic_load_explicit(&node_modules[seq % NODES].module, memory_order_relaxed);
}

/* ---- memory */

static void write_memory(hone__recorder *r, hone__record_kind kind, unsigned site, int64_t bytes)
{
    hone__memory_record *m = hone__ring_room(r, sizeof *m, kind);
    if (!m)
        return;
    m->at = r->last;
    m->bytes = bytes;
    m->site = site;
    m->unused = 0;
    hone__ring_written(r, sizeof *m);
}

static void mark_storage(hone__recorder *r, hone__storage *storage, const char *op,
                         hone_tensor *const *in, int n_in)
{
    if (storage->site != 0 || storage->bytes == 0 || storage->release)
        return;
    for (int i = 0; i < n_in; i++)
        if (hone__is_real(in[i]) && in[i]->storage == storage)
            return;
    const unsigned id = site_of(r, op);
    hone__memory_site *site = hone__memory_site_at(id);
    storage->site = (uint16_t)id;
    storage->plain = false;
    atomic_fetch_add_explicit(&site->alive_bytes, (int64_t)storage->bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&site->alive, 1, memory_order_relaxed);
    write_memory(r, HONE__RECORD_ALLOC, id, (int64_t)storage->bytes);
}

/* Results, and what the call has saved for its gradient. */
static void mark_results(hone__recorder *r, const char *op, hone_tensor *const *in, int n_in,
                         hone_tensor *const *out, int n_out)
{
    for (int o = 0; o < n_out; o++)
        if (hone__is_real(out[o]))
            mark_storage(r, out[o]->storage, op, in, n_in);
    const hone_context *node = n_out > 0 && hone__is_real(out[0]) ? out[0]->node : NULL;
    for (int i = 0; node && i < node->n_saved; i++)
        if (hone__is_real(node->saved[i].tensor))
            mark_storage(r, node->saved[i].tensor->storage, op, in, n_in);
}

static void storage_gone(unsigned site_id, size_t bytes)
{
    hone__memory_site *site = hone__memory_site_at(site_id);
    atomic_fetch_sub_explicit(&site->alive_bytes, (int64_t)bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&site->alive, 1, memory_order_relaxed);
    hone__recorder *r = hone__recorder_or_null(); /* a thread that only frees needs none */
    if (hone__profiled() && r)
        write_memory(r, HONE__RECORD_FREE, site_id, (int64_t)bytes);
}

/* ---- ops and nodes */

typedef struct {
    hone__inner outer;
    int64_t begin, end;
    uint64_t counts[HONE__EVENTS];
    int n_counts; /* as many as are open where it begins */
    uint32_t module;
    uint64_t node;
} frame;

static _Atomic int64_t record_ticks; /* of one: what an op pays for those in it */

static inline void frame_begin(hone__recorder *r, frame *f)
{
    f->outer = r->inner;
    f->module = r->module;
    f->node = r->node;
    r->inner = (hone__inner){ 0 };
    r->depth++;
    f->n_counts = hone__counters();
    if (f->n_counts)
        hone__counters_read(f->counts, f->n_counts);
    f->begin = hone__ticks();
}

static inline void frame_stop(hone__recorder *r, frame *f)
{
    r->last = f->end = hone__ticks();
    r->depth--;
    if (!f->n_counts)
        return;
    uint64_t now[HONE__EVENTS];
    hone__counters_read(now, f->n_counts);
    for (int i = 0; i < f->n_counts; i++)
        f->counts[i] = now[i] > f->counts[i] ? now[i] - f->counts[i] : 0;
}

/* What the frame is to the one around it. */
static inline void frame_end(hone__recorder *r, const frame *f, double madds, double bytes)
{
    r->inner = f->outer;
    r->inner.ticks += f->end - f->begin + atomic_load_explicit(&record_ticks, memory_order_relaxed);
    r->inner.madds += madds;
    r->inner.bytes += bytes;
    for (int i = 0; i < f->n_counts; i++)
        r->inner.counts[i] += f->counts[i];
    r->module = f->module;
    r->node = f->node;
}

/* Fills what ops and nodes have alike. */
static hone__op_record *begin_record(hone__recorder *r, const frame *f, hone__record_kind kind,
                                     size_t shape_words, double madds, double bytes)
{
    const size_t size = sizeof(hone__op_record) + shape_words * sizeof(int64_t);
    hone__op_record *o = hone__ring_room(r, size, kind);
    if (!o)
        return NULL;
    const int64_t own = f->end - f->begin - r->inner.ticks;
    o->begin = f->begin;
    o->end = f->end;
    o->own = own > 0 ? own : 0;
    o->seq = 0;
    o->in_node = f->node;
    o->subject = NULL;
    o->module = r->module;
    o->n_shapes = o->dtype = o->in_place = o->unused = 0;
    o->remote = -1;
    o->written_share = 0;
    o->madds = madds > r->inner.madds ? madds - r->inner.madds : 0;
    o->bytes = bytes > r->inner.bytes ? bytes - r->inner.bytes : 0;
    o->regions = r->inner.regions;
    for (int i = 0; i < f->n_counts; i++)
        o->counts[i] = r->inner.worker_counts[i] +
                       (f->counts[i] > r->inner.counts[i] ? f->counts[i] - r->inner.counts[i] : 0);
    for (int i = f->n_counts; i < HONE__EVENTS; i++)
        o->counts[i] = 0;
    return o;
}

static int64_t *put_shape(int64_t *to, int ndim, const int64_t *shape)
{
    *to++ = ndim;
    memcpy(to, shape, sizeof *shape * (size_t)ndim);
    return to + ndim;
}

/* ---- pages: in the one step that looks for them */

static void write_pages(void *recorder, const hone_tensor *t, const uint16_t *pages)
{
    hone__recorder *r = recorder;
    hone__pages_record *p = hone__ring_room(r, sizeof *p, HONE__RECORD_PAGES);
    if (!p)
        return;
    p->storage = t->storage;
    p->bytes = (int64_t)t->storage->bytes;
    p->site = t->storage->site;
    p->module = r->module;
    memcpy(p->pages, pages, sizeof p->pages);
    hone__ring_written(r, sizeof *p);
}

static float look_for_pages(hone__recorder *r, hone_tensor *const *in, int n_in,
                            hone_tensor *const *out, int n_out)
{
    if (!atomic_load_explicit(&hone__record_looks, memory_order_relaxed))
        return -1;
    return hone__remote_share(in, n_in, out, n_out, r->inner.regions.n > 0 ? &r->region : NULL,
                              write_pages, r);
}

static void record_op(hone__recorder *r, const frame *f, const hone__op *op, const char *name,
                      hone_tensor *const *in, int n_in, hone__target target,
                      hone_tensor *const *out, int n_out, const hone__cost *cost, float remote)
{
    size_t words = 0;
    int n = 0;
    for (int i = 0; i < n_in && n < MOST_SHAPES - 1; i++)
        if (hone__is_real(in[i])) {
            words += 1 + (size_t)in[i]->ndim;
            n++;
        }
    const bool shows_out = n_out > 0 && hone__is_real(out[0]) && n == 0;
    words += shows_out ? 1 + (size_t)out[0]->ndim : 0;
    const double bytes = cost->read + cost->written;
    hone__op_record *o = begin_record(r, f, HONE__RECORD_OP, words, cost->madds, bytes);
    if (!o)
        return;
    o->op = op;
    o->name = name;
    o->in_place = target == HONE__INTO_FIRST;
    o->written_share = bytes > 0 ? (float)(cost->written / bytes) : 0;
    if (n_out > 0 && hone__is_real(out[0])) {
        const hone_context *node = out[0]->node;
        o->dtype = out[0]->dtype;
        if (node && node->op == op) {
            o->seq = node->seq;
            note_node(node->seq, r->module);
        }
    }
    int64_t *to = o->shapes;
    for (int i = 0; i < n_in && o->n_shapes < n; i++)
        if (hone__is_real(in[i])) {
            if (o->n_shapes == 0) {
                o->subject = in[i]->storage;
                o->dtype = in[i]->dtype;
            }
            to = put_shape(to, in[i]->ndim, in[i]->shape);
            o->n_shapes++;
        }
    if (shows_out) {
        put_shape(to, out[0]->ndim, out[0]->shape);
        o->n_shapes++;
    }
    o->remote = remote;
    hone__ring_written(r, o->head.bytes);
}

static int watch_op(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                    hone__target target, hone_tensor **out, hone__run_call run)
{
    hone__recorder *r = hone__recorder_self();
    if (!r)
        return run(op, in, n_in, options, target, out);
    const char *name = hone__name_of_call(op, options);
    frame f;
    hone__cost cost = { .madds = 0 };
    frame_begin(r, &f);
    const int n = run(op, in, n_in, options, target, out);
    frame_stop(r, &f);
    if (n >= 0) {
        mark_results(r, name, in, n_in, out, n);
        hone__cost_of_call(op, in, n_in, options, out, n, target, &cost);
        const float remote = look_for_pages(r, in, n_in, out, n);
        record_op(r, &f, op, name, in, n_in, target, out, n, &cost, remote);
    }
    frame_end(r, &f, cost.madds, cost.read + cost.written);
    hone__ring_relieve(r);
    return n;
}

static bool watch_node(void *walk, hone_context *node, hone__run_node run)
{
    hone__recorder *r = hone__recorder_self();
    if (!r)
        return run(walk, node);
    frame f;
    hone__cost cost;
    hone__cost_of_node(node, &cost);
    const uint64_t seq = node->seq;
    const char *name = hone__call_name(node);
    const hone__op *op = node->op;
    const hone__shape shape = node->outputs[0].shape;
    const hone_dtype dtype = node->outputs[0].dtype;
    frame_begin(r, &f);
    r->module = module_of_node(seq);
    r->node = seq;
    const bool ok = run(walk, node);
    frame_stop(r, &f);
    const double bytes = cost.read + cost.written;
    hone__op_record *o =
        begin_record(r, &f, HONE__RECORD_NODE, 1 + (size_t)shape.ndim, cost.madds, bytes);
    if (o) {
        o->op = op;
        o->name = name;
        o->seq = seq;
        o->dtype = (uint8_t)dtype;
        o->n_shapes = 1;
        o->written_share = bytes > 0 ? (float)(cost.written / bytes) : 0;
        put_shape(o->shapes, shape.ndim, shape.shape);
        hone__ring_written(r, o->head.bytes);
    }
    frame_end(r, &f, cost.madds, bytes);
    return ok;
}

/* ---- ready */

/* Once: a thread of the profile before may still be in the middle of an op. */
static void set_hooks(void)
{
    if (hone__observed.op)
        return;
    hone__observed = (hone__observer){ watch_op, watch_node };
    hone__watch.storage_gone = storage_gone;
    hone__watch.module_gone = hone__module_forget;
    hone__watch_spans();
}

bool hone__record_ready(void)
{
    set_hooks();
    hone__ticks_begin();
    if (hone__recorder_self())
        return true;
    hone__out_of_memory(sizeof(hone__recorder));
    return false;
}

static int nothing(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                   hone__target target, hone_tensor **out)
{
    (void)op, (void)in, (void)n_in, (void)options, (void)target, (void)out;
    return 0;
}

hone__record_costs hone__record_cost(void)
{
    enum { ROUNDS = 2000 };
    static const hone__op op = { .name = "nothing" };
    hone__recorder *r = hone__recorder_self();
    HONE_SCOPE();
    hone_tensor *x = hone_empty(HONE_F32, 2, 3), *in[] = { x, x }, *out[1] = { NULL };
    if (!r || !x)
        return (hone__record_costs){ 0, 0 };
    r->depth++; /* nobody is relieved */
    const size_t head = atomic_load(&r->ring.head);
    const uint64_t records = atomic_load(&r->records), light = atomic_load(&r->light);
    const int64_t begin = hone__ticks();
    for (int i = 0; i < ROUNDS; i++) {
        watch_op(&op, in, 2, NULL, HONE__INTO_FRESH, out, nothing);
        atomic_store_explicit(&r->ring.head, head, memory_order_relaxed);
    }
    const int64_t middle = hone__ticks();
    for (int i = 0; i < ROUNDS; i++) {
        write_memory(r, HONE__RECORD_ALLOC, 0, 0);
        atomic_store_explicit(&r->ring.head, head, memory_order_relaxed);
    }
    const int64_t end = hone__ticks();
    atomic_store(&record_ticks, (middle - begin) / ROUNDS);
    atomic_store(&r->records, records);
    atomic_store(&r->light, light);
    r->depth--;
    r->inner = (hone__inner){ 0 };
    return (hone__record_costs){ (double)(middle - begin) / ROUNDS,
                                 (double)(end - middle) / ROUNDS };
}
