/* spans.c: modules, the backward, updates, users' scopes; parallel regions, part by part. */
#include "profile/ring.h"

#include "profile/counters.h"
#include "runtime/memory.h"

#include <hone/error.h>

#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- modules, by a cache of the thread's own */

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

/* ---- spans */

static void span_begin(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    hone__recorder *r = hone__recorder_self();
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
    hone__span_record *s =
        hone__profiled() ? hone__ring_room(r, sizeof *s, HONE__RECORD_SPAN) : NULL;
    if (!s)
        return;
    s->begin = begin;
    s->end = r->last = hone__ticks();
    s->module = r->module;
    s->kind = kind;
    s->name = name;
    hone__ring_written(r, sizeof *s);
}

bool hone__span_enter(int64_t *begin)
{
    hone__recorder *r = hone__recorder_self();
    if (!r)
        return false;
    r->depth++;
    *begin = r->last = hone__ticks();
    return true;
}

void hone__span_leave(int64_t begin, const char *name)
{
    hone__recorder *r = hone__recorder_self();
    if (!r)
        return;
    r->depth--;
    write_span(r, begin, HONE__SPAN_USER, name);
    hone__ring_relieve(r);
}

static void span_end(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    hone__recorder *r = hone__recorder_self();
    if (!r)
        return;
    r->depth--;
    write_span(r, mark->begin, kind, kind == HONE__SPAN_UPDATE ? what : NULL);
    r->module = mark->outer_module;
    r->phase = mark->outer_phase;
    if (mark->outermost)
        r->root = NULL;
    hone__ring_relieve(r);
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
    hone__recorder *r = hone__recorder_self();
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
    part->n_counts = hone__counters();
    if (part->n_counts)
        hone__counters_read(part->counts, part->n_counts);
    part->begin = hone__ticks();
}

static void part_end(hone__region_part *part)
{
    part->end = hone__ticks();
    if (!part->n_counts)
        return;
    uint64_t now[HONE__EVENTS];
    hone__counters_read(now, part->n_counts);
    for (int i = 0; i < part->n_counts; i++)
        part->counts[i] = now[i] > part->counts[i] ? now[i] - part->counts[i] : 0;
}

static void region_end(hone__region_watch *region)
{
    hone__recorder *r = hone__recorder_or_null();
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
        for (int c = 0; i > 0 && c < p->n_counts; c++)
            r->inner.worker_counts[c] += p->counts[c];
    }
    const size_t bytes = sizeof(hone__region_record) + (size_t)region->n * sizeof *region->part;
    hone__region_record *o = hone__ring_room(r, bytes, HONE__RECORD_REGION);
    if (!o)
        return;
    o->begin = region->begin;
    o->end = region->end;
    o->n = region->n;
    memcpy(o->part, region->part, (size_t)region->n * sizeof *region->part);
    hone__ring_written(r, bytes);
}

void hone__watch_spans(void)
{
    hone__watch.span_begin = span_begin;
    hone__watch.span_end = span_end;
    hone__watch.region_begin = region_begin;
    hone__watch.part_begin = part_begin;
    hone__watch.part_end = part_end;
    hone__watch.region_end = region_end;
}
