/* record.c: see record.h: the rings, and what is written into them. */
#include "profile/record.h"

#include "op/node.h"
#include "op/observe.h"
#include "profile/counters.h"
#include "profile/numa.h"
#include "runtime/lock.h"
#include "runtime/memory.h"
#include "runtime/thread_end.h"

#include <hone/ops.h>

#include <string.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RING_BYTES = 1 << 20,
    RING_MOST = 1 << 26,
    MOST_SHAPES = 4,
    SHAPE_WORDS = 1 + HONE_MAX_DIMS
};

_Atomic(hone__recorder *) hone__recorders;
static _Thread_local hone__recorder *self_or_null;
void (*hone__ring_half_full)(void);
atomic_bool hone__record_looks;

/* ---- a thread's recorder */

static void let_go(void)
{
    hone__counters_thread_ends();
    if (self_or_null)
        atomic_store(&self_or_null->idle, true);
    self_or_null = NULL;
}

bool hone__record_at_thread_end(void)
{
    return hone__at_thread_end(HONE__END_PROFILE, let_go);
}

static bool make_ring(hone__ring *ring, size_t size)
{
    char *base = hone__book_try(size);
    if (!base)
        return false;
    ring->base = base;
    ring->size = size;
    return true;
}

static hone__recorder *take_idle(void)
{
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next) {
        bool idle = true;
        if (atomic_compare_exchange_strong(&r->idle, &idle, false))
            return r;
    }
    return NULL;
}

static hone__recorder *make_recorder(void)
{
    hone__recorder *r = hone__book_try(sizeof *r);
    if (!r || !make_ring(&r->ring, RING_BYTES))
        return NULL;
    r->next = atomic_load(&hone__recorders);
    while (!atomic_compare_exchange_weak(&hone__recorders, &r->next, r))
        ;
    return r;
}

static __attribute__((noinline)) hone__recorder *attach(void)
{
    static _Thread_local bool refused;
    if (refused || !hone__record_at_thread_end())
        return NULL;
    hone__recorder *r = take_idle();
    if (!r && !(r = make_recorder())) {
        refused = true;
        return NULL;
    }
    r->tid = (int)syscall(SYS_gettid);
    r->module = 0;
    r->phase = 0;
    r->depth = 0;
    r->node = 0;
    r->root = NULL;
    r->inner = (hone__inner){ 0 };
    return self_or_null = r;
}

static inline hone__recorder *self(void)
{
    hone__recorder *r = self_or_null;
    return __builtin_expect(r != NULL, 1) ? r : attach();
}

/* ---- the ring */

/* Room for a record; NULL: it is dropped, and counted. */
static void *room_for(hone__recorder *r, size_t bytes, hone__record_kind kind)
{
    hone__ring *ring = &r->ring;
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    const size_t used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t at = head & (ring->size - 1), to_end = ring->size - at;
    const size_t skipped = bytes > to_end ? to_end : 0;
    r->records++;
    if (ring->size - used < bytes + skipped) {
        r->dropped++;
        return NULL;
    }
    hone__record *record = (hone__record *)(void *)(ring->base + at);
    if (skipped) {
        *record = (hone__record){ (uint32_t)skipped, HONE__RECORD_SKIP, 0, 0 };
        atomic_store_explicit(&ring->head, head + skipped, memory_order_release);
        record = (hone__record *)(void *)ring->base;
    }
    *record = (hone__record){ (uint32_t)bytes, (uint8_t)kind, r->phase, (uint16_t)r->depth };
    return record;
}

static void written(hone__recorder *r, size_t bytes)
{
    const size_t head = atomic_load_explicit(&r->ring.head, memory_order_relaxed);
    atomic_store_explicit(&r->ring.head, head + bytes, memory_order_release);
}

/* Between ops: nobody is in the middle of anything. */
static void relieve(hone__recorder *r)
{
    const size_t used = atomic_load_explicit(&r->ring.head, memory_order_relaxed) -
                        atomic_load_explicit(&r->ring.tail, memory_order_relaxed);
    if (__builtin_expect(r->depth > 0 || used < r->ring.size / 2, 1))
        return;
    const int64_t begin = hone__ticks();
    hone__ring_half_full();
    r->excluded += hone__ticks() - begin;
}

void hone__rings_drain(void (*take)(hone__recorder *of, const hone__record *record))
{
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next) {
        hone__ring *ring = &r->ring;
        size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        const size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
        while (tail != head) {
            const hone__record *record =
                (const hone__record *)(void *)(ring->base + (tail & (ring->size - 1)));
            if (record->kind != HONE__RECORD_SKIP)
                take(r, record);
            tail += record->bytes;
            atomic_store_explicit(&ring->tail, tail, memory_order_release);
        }
    }
}

/* The thread's own ring alone: another one may be writing to its. */
void hone__rings_grow(void)
{
    hone__recorder *r = self_or_null;
    if (!r || r->dropped == 0 || r->ring.size >= RING_MOST || r->depth > 0)
        return;
    hone__ring *ring = &r->ring;
    char *old = ring->base;
    const size_t old_size = ring->size;
    if (atomic_load(&ring->head) != atomic_load(&ring->tail) || !make_ring(ring, 4 * old_size))
        return;
    atomic_store(&ring->head, 0);
    atomic_store(&ring->tail, 0);
    hone__book_realloc(old, old_size, 0);
}

/* ---- modules and sites, by caches of the thread's own */

static uint32_t module_of(hone__recorder *r, const void *module)
{
    const uint32_t generation =
        atomic_load_explicit(&hone__module_generation, memory_order_relaxed);
    const size_t i = ((uintptr_t)module >> 4) % HONE__CACHE;
    if (r->modules[i].key != module || r->modules[i].generation != generation) {
        r->modules[i].value = hone__module_id(module, r->root);
        r->modules[i].key = module;
        r->modules[i].generation =
            atomic_load_explicit(&hone__module_generation, memory_order_relaxed);
    }
    return r->modules[i].value;
}

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
    hone__memory_record *m = room_for(r, sizeof *m, kind);
    if (!m)
        return;
    m->at = r->last;
    m->bytes = bytes;
    m->site = site;
    m->unused = 0;
    written(r, sizeof *m);
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
    hone__recorder *r = self_or_null; /* a thread that only frees needs none */
    if (hone__profiled() && r)
        write_memory(r, HONE__RECORD_FREE, site_id, (int64_t)bytes);
}

/* ---- ops and nodes */

typedef struct {
    hone__inner outer;
    int64_t begin, end;
    uint64_t counts[HONE__EVENTS];
    uint32_t module;
    uint64_t node;
} frame;

static double record_ticks; /* of one: what an op pays for those in it */

static inline void frame_begin(hone__recorder *r, frame *f)
{
    f->outer = r->inner;
    f->module = r->module;
    f->node = r->node;
    r->inner = (hone__inner){ 0 };
    r->depth++;
    if (hone__n_counters)
        hone__counters_read(f->counts);
    f->begin = hone__ticks();
}

static inline void frame_stop(hone__recorder *r, frame *f)
{
    r->last = f->end = hone__ticks();
    r->depth--;
    if (!hone__n_counters)
        return;
    uint64_t now[HONE__EVENTS];
    hone__counters_read(now);
    for (int i = 0; i < hone__n_counters; i++)
        f->counts[i] = now[i] - f->counts[i];
}

/* What the frame is to the one around it. */
static inline void frame_end(hone__recorder *r, const frame *f, double madds, double bytes)
{
    r->inner = f->outer;
    r->inner.ticks += f->end - f->begin + (int64_t)record_ticks;
    r->inner.madds += madds;
    r->inner.bytes += bytes;
    for (int i = 0; i < hone__n_counters; i++)
        r->inner.counts[i] += f->counts[i];
    r->module = f->module;
    r->node = f->node;
}

/* Fills what ops and nodes have alike. */
static hone__op_record *begin_record(hone__recorder *r, const frame *f, hone__record_kind kind,
                                     size_t shape_words, double madds, double bytes)
{
    const size_t size = sizeof(hone__op_record) + shape_words * sizeof(int64_t);
    hone__op_record *o = room_for(r, size, kind);
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
    for (int i = 0; i < hone__n_counters; i++)
        o->counts[i] = r->inner.worker_counts[i] +
                       (f->counts[i] > r->inner.counts[i] ? f->counts[i] - r->inner.counts[i] : 0);
    return o;
}

static int64_t *put_shape(int64_t *to, int ndim, const int64_t *shape)
{
    *to++ = ndim;
    memcpy(to, shape, sizeof *shape * (size_t)ndim);
    return to + ndim;
}

static double bytes_of(const hone_tensor *t)
{
    const int64_t bytes = t->numel * (int64_t)hone__size_of(t->dtype);
    return (double)(bytes < (int64_t)t->storage->bytes ? bytes : (int64_t)t->storage->bytes);
}

static hone__shape shape_of(const hone_tensor *t)
{
    hone__shape s = { .ndim = t->ndim };
    memcpy(s.shape, t->shape, sizeof *t->shape * t->ndim);
    return s;
}

static void default_bytes(hone_tensor *const *in, int n_in, hone_tensor *const *out, int n_out,
                          hone__target target, hone__cost *cost)
{
    if (target != HONE__INTO_FIRST && n_in > 0 && hone__is_real(in[0]) && n_out > 0 &&
        hone__is_real(out[0]) && out[0]->storage == in[0]->storage)
        return; /* a view */
    for (int i = 0; i < n_in; i++) {
        bool again = !hone__is_real(in[i]);
        for (int j = 0; j < i && !again && i < HONE__COST_INPUTS; j++)
            again = in[j] == in[i];
        cost->read += again ? 0 : bytes_of(in[i]);
    }
    for (int o = 0; o < n_out; o++)
        cost->written += hone__is_real(out[o]) ? bytes_of(out[o]) : 0;
}

static void cost_of_call(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                         hone_tensor *const *out, int n_out, hone__target target, hone__cost *cost)
{
    *cost = (hone__cost){ .madds = 0 };
    default_bytes(in, n_in, out, n_out, target, cost);
    if (!op->cost || n_out < 1 || !hone__is_real(out[0]))
        return;
    hone__shape shapes[HONE__COST_INPUTS + 1];
    hone__cost_call call = { .op = op, .options = options, .n_in = n_in };
    for (int i = 0; i < n_in && i < HONE__COST_INPUTS; i++)
        if (hone__is_real(in[i])) {
            shapes[i] = shape_of(in[i]);
            call.in[i] = &shapes[i];
        }
    shapes[HONE__COST_INPUTS] = shape_of(out[0]);
    call.out = &shapes[HONE__COST_INPUTS];
    op->cost(&call, cost);
}

static void record_op(hone__recorder *r, const frame *f, const hone__op *op, const char *name,
                      hone_tensor *const *in, int n_in, hone__target target,
                      hone_tensor *const *out, int n_out, const hone__cost *cost)
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
    if (atomic_load_explicit(&hone__record_looks, memory_order_relaxed))
        o->remote = hone__remote_share(in, n_in, out, n_out, &r->region, o->regions.n > 0);
    written(r, o->head.bytes);
}

static int watch_op(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                    hone__target target, hone_tensor **out, hone__run_call run)
{
    hone__recorder *r = self();
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
        cost_of_call(op, in, n_in, options, out, n, target, &cost);
        record_op(r, &f, op, name, in, n_in, target, out, n, &cost);
    }
    frame_end(r, &f, cost.madds, cost.read + cost.written);
    relieve(r);
    return n;
}

/* A node's gradients: by the rule's `back` of the inputs that want one; as bytes the gradient that
 * came, the inputs, and the gradients that go. */
static void cost_of_node(const hone_context *node, hone__cost *cost)
{
    hone__cost_call call = { .op = node->op, .options = node->options, .n_in = node->n_in };
    const double size = (double)hone__size_of((uint8_t)node->outputs[0].dtype);
    *cost = (hone__cost){ .madds = 0 };
    call.out = &node->outputs[0].shape;
    for (int i = 0; i < node->n_in && i < HONE__COST_INPUTS; i++)
        call.in[i] = &node->edges[i].shape;
    if (node->op->cost)
        node->op->cost(&call, cost);
    cost->madds = cost->read = cost->written = 0;
    if (node->op->view)
        return;
    cost->read = size * hone__cost_numel(call.out);
    for (int i = 0; i < node->n_in && i < HONE__COST_INPUTS; i++) {
        const hone__edge *e = &node->edges[i];
        if (!e->needs)
            continue;
        cost->madds += cost->back[i];
        cost->written += size * hone__cost_numel(&e->shape);
    }
}

static bool watch_node(void *walk, hone_context *node, hone__run_node run)
{
    hone__recorder *r = self();
    if (!r)
        return run(walk, node);
    frame f;
    hone__cost cost;
    cost_of_node(node, &cost);
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
        written(r, o->head.bytes);
    }
    frame_end(r, &f, cost.madds, bytes);
    return ok;
}

/* ---- spans */

static void span_begin(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    hone__recorder *r = self();
    mark->on = r != NULL;
    if (!r)
        return;
    mark->outer_module = r->module;
    mark->outer_phase = r->phase;
    mark->outermost = false;
    if (kind == HONE__SPAN_MODULE) {
        mark->outermost = !r->root;
        r->root = r->root ? r->root : what;
        r->module = module_of(r, what);
    } else if (kind == HONE__SPAN_BACKWARD) {
        r->phase = 1;
    } else if (kind == HONE__SPAN_UPDATE) {
        r->phase = 2;
        r->module = 0;
    }
    r->depth++;
    mark->begin = r->last = hone__ticks();
}

static void write_span(hone__recorder *r, int64_t begin, hone__span_kind kind, const char *name)
{
    hone__span_record *s = hone__profiled() ? room_for(r, sizeof *s, HONE__RECORD_SPAN) : NULL;
    if (!s)
        return;
    s->begin = begin;
    s->end = r->last = hone__ticks();
    s->module = r->module;
    s->kind = kind;
    s->name = name;
    written(r, sizeof *s);
}

bool hone__span_enter(int64_t *begin)
{
    hone__recorder *r = self();
    if (!r)
        return false;
    r->depth++;
    *begin = r->last = hone__ticks();
    return true;
}

void hone__span_leave(int64_t begin, const char *name)
{
    hone__recorder *r = self();
    if (!r)
        return;
    r->depth--;
    write_span(r, begin, HONE__SPAN_USER, name);
    relieve(r);
}

static void span_end(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    hone__recorder *r = self();
    if (!r)
        return;
    r->depth--;
    write_span(r, mark->begin, kind, kind == HONE__SPAN_UPDATE ? what : NULL);
    r->module = mark->outer_module;
    r->phase = mark->outer_phase;
    if (mark->outermost)
        r->root = NULL;
    relieve(r);
}

/* ---- regions */

static bool room_for_parts(hone__recorder *r, int n)
{
    if (n <= r->room_parts)
        return true;
    hone__region_part *more = hone__book_realloc(
        r->region.part, (size_t)r->room_parts * sizeof *more, (size_t)n * sizeof *more);
    if (!more) {
        hone_error_clear();
        return false;
    }
    r->region.part = more;
    r->room_parts = n;
    return true;
}

static hone__region_watch *region_begin(int n_threads)
{
    hone__recorder *r = self();
    if (!r || !room_for_parts(r, n_threads))
        return NULL;
    r->region.n = n_threads;
    memset(r->region.part, 0, (size_t)n_threads * sizeof *r->region.part);
    r->region.begin = hone__ticks();
    return &r->region;
}

static void part_begin(hone__region_part *part)
{
    static _Thread_local int tid;
    if (!tid)
        tid = (int)syscall(SYS_gettid);
    part->tid = tid;
    part->cpu = sched_getcpu();
    if (hone__n_counters)
        hone__counters_read(part->counts);
    part->begin = hone__ticks();
}

static void part_end(hone__region_part *part)
{
    part->end = hone__ticks();
    if (!hone__n_counters)
        return;
    uint64_t now[HONE__EVENTS];
    hone__counters_read(now);
    for (int i = 0; i < hone__n_counters; i++)
        part->counts[i] = now[i] - part->counts[i];
}

static void region_end(hone__region_watch *region)
{
    hone__recorder *r = self_or_null;
    if (!r)
        return;
    region->end = r->last = hone__ticks();
    hone__region_sums *sums = &r->inner.regions;
    sums->n++;
    sums->team = region->n > sums->team ? region->n : sums->team;
    sums->ticks += region->end - region->begin;
    for (int i = 0; i < region->n; i++) {
        const hone__region_part *p = &region->part[i];
        const int64_t in_body = p->end > p->begin ? p->end - p->begin : 0;
        const int64_t work = in_body > p->wait ? in_body - p->wait : 0;
        sums->work += work;
        sums->wait += region->end - region->begin - work;
        for (int c = 0; i > 0 && c < hone__n_counters; c++)
            r->inner.worker_counts[c] += p->counts[c];
    }
    const size_t bytes = sizeof(hone__region_record) + (size_t)region->n * sizeof *region->part;
    hone__region_record *o = room_for(r, bytes, HONE__RECORD_REGION);
    if (!o)
        return;
    o->begin = region->begin;
    o->end = region->end;
    o->n = region->n;
    memcpy(o->part, region->part, (size_t)region->n * sizeof *region->part);
    written(r, bytes);
}

/* ---- ready */

bool hone__record_ready(void)
{
    hone__observed = (hone__observer){ watch_op, watch_node };
    hone__watch = (hone__watcher){ span_begin, span_end,   region_begin, part_begin,
                                   part_end,   region_end, storage_gone, hone__module_forget };
    hone__ticks_begin();
    if (self())
        return true;
    hone__out_of_memory(RING_BYTES);
    return false;
}

static int nothing(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
                   hone__target target, hone_tensor **out)
{
    (void)op, (void)in, (void)n_in, (void)options, (void)target, (void)out;
    return 0;
}

double hone__record_cost(void)
{
    enum { ROUNDS = 2000 };
    static const hone__op op = { .name = "nothing" };
    hone__recorder *r = self();
    HONE_SCOPE();
    hone_tensor *x = hone_empty(HONE_F32, 2, 3), *in[] = { x, x }, *out[1] = { NULL };
    if (!r || !x)
        return 0;
    r->depth++; /* nobody is relieved */
    const size_t head = atomic_load(&r->ring.head);
    const uint64_t records = r->records;
    const int64_t begin = hone__ticks();
    for (int i = 0; i < ROUNDS; i++) {
        watch_op(&op, in, 2, NULL, HONE__INTO_FRESH, out, nothing);
        atomic_store_explicit(&r->ring.head, head, memory_order_relaxed);
    }
    record_ticks = (double)(hone__ticks() - begin) / ROUNDS;
    r->records = records;
    r->depth--;
    r->inner = (hone__inner){ 0 };
    return record_ticks;
}
