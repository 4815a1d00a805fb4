/* tally.c: see tally.h. */
#include "profile/tally.h"

#include "profile/counters.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

hone__tallied hone__tally;
static hone__tallied *const g = &hone__tally;

enum { ROW_MAP = 4 * HONE__ROWS, MOST_EVENTS = 1 << 20 };
static int32_t *row_map; /* row + 1, by hash */

/* ---- samples */

void hone__samples_add(hone__samples *s, double value)
{
    if (s->stride == 0)
        s->stride = 1;
    if (s->until-- > 0)
        return;
    if (s->n == HONE__SAMPLES) { /* every second goes, and comes from now on */
        for (int i = 0; i < HONE__SAMPLES / 2; i++)
            s->at[i] = s->at[2 * i];
        s->n = HONE__SAMPLES / 2;
        s->stride *= 2;
    }
    s->at[s->n++] = value;
    s->until = s->stride - 1;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void hone__samples_quarters(const hone__samples *s, double q[5])
{
    double sorted[HONE__SAMPLES];
    for (int i = 0; i < 5; i++)
        q[i] = 0;
    if (s->n == 0)
        return;
    memcpy(sorted, s->at, (size_t)s->n * sizeof *sorted);
    qsort(sorted, (size_t)s->n, sizeof *sorted, ascending);
    for (int i = 0; i < 5; i++) {
        const double at = (s->n - 1) * i / 4.0;
        const int low = (int)at, high = low + (low + 1 < s->n);
        q[i] = sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }
}

/* ---- rows */

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static int shape_words(const hone__op_record *o)
{
    return (int)((o->head.bytes - sizeof *o) / sizeof(int64_t));
}

static void shapes_text(const hone__op_record *o, char *text, size_t size)
{
    const int64_t *at = o->shapes;
    size_t used = (size_t)hone__format(text, size, "%s", hone_dtype_name((hone_dtype)o->dtype));
    for (int i = 0; i < o->n_shapes && used < size; i++) {
        const int ndim = (int)*at++;
        used += (size_t)hone__format(text + used, size - used, "%s%s", i ? " x " : " ",
                                     hone__shape_text(ndim, at).s);
        at += ndim;
    }
}

static const char *name_of(const hone__op_record *o)
{
    char text[96];
    if (o->head.kind == HONE__RECORD_OP)
        return hone__interned(o->name);
    hone__format(text, sizeof text, "%s backward", o->name);
    return hone__interned(text);
}

static uint32_t module_of(const hone__op_record *o)
{
    if (o->head.phase == HONE_PROFILE_UPDATE && o->module == 0)
        return hone__module_of_storage(o->subject);
    return o->module;
}

/* The last row stands for all that have no room. */
static hone__row *row_of(const hone__op_record *o)
{
    const uint32_t module = module_of(o);
    uint64_t h = mix((uintptr_t)o->name, (uint64_t)module << 16 | o->head.phase << 8 |
                                             (uint64_t)o->head.kind << 4 | o->dtype);
    for (int i = 0, n = shape_words(o); i < n; i++)
        h = mix(h, (uint64_t)o->shapes[i]);
    size_t i = h % ROW_MAP;
    for (; row_map[i]; i = (i + 1) % ROW_MAP)
        if (g->rows[row_map[i] - 1].hash == h)
            return &g->rows[row_map[i] - 1];
    if (g->n_rows == HONE__ROWS) {
        g->rows[HONE__ROWS - 1].op = "(others)";
        return &g->rows[HONE__ROWS - 1];
    }
    hone__row *row = &g->rows[g->n_rows++];
    *row = (hone__row){ .op = name_of(o), .module = module, .hash = h };
    row->phase = o->head.phase;
    row->dtype = o->dtype;
    row->is_node = o->head.kind == HONE__RECORD_NODE;
    shapes_text(o, row->shapes, sizeof row->shapes);
    row_map[i] = g->n_rows;
    return row;
}

static void add_to_row(hone__row *row, const hone__op_record *o)
{
    row->calls++;
    row->own += (double)o->own;
    row->step += (double)o->own;
    row->madds += o->madds;
    row->bytes += o->bytes;
    row->written += o->bytes * o->written_share;
    row->region += (double)o->regions.ticks;
    row->work += (double)o->regions.work;
    row->wait += (double)o->regions.wait;
    row->team = o->regions.team > row->team ? o->regions.team : row->team;
    for (int i = 0; i < g->n_counters; i++)
        row->counts[i] += (double)o->counts[i];
    if (o->remote >= 0) {
        row->looked++;
        row->remote += o->remote;
    }
    g->madds += o->madds;
    g->bytes += o->bytes;
}

/* ---- events */

static hone__event *new_event(void)
{
    hone__events *e = &g->events;
    if (e->n == e->room) {
        const int64_t room = e->room ? 2 * e->room : 4096;
        hone__event *more = room > MOST_EVENTS
                                ? NULL
                                : hone__book_realloc(e->at, (size_t)e->room * sizeof *more,
                                                     (size_t)room * sizeof *more);
        if (!more) {
            hone_error_clear();
            e->dropped++;
            return NULL;
        }
        e->at = more;
        e->room = room;
    }
    return &e->at[e->n++];
}

static void add_event(hone__event event)
{
    hone__event *e = g->wants_events ? new_event() : NULL;
    if (e)
        *e = event;
}

static void event_of_op(hone__recorder *of, const hone__op_record *o, const hone__row *row)
{
    const bool is_op = o->head.kind == HONE__RECORD_OP;
    for (int64_t i = of->unnamed; i < g->events.n; i++) {
        hone__event *e = &g->events.at[i];
        if (e->name || e->begin < o->begin)
            continue;
        e->name = row->op;
        e->module = row->module;
        e->row = (int32_t)(row - g->rows);
    }
    if (is_op)
        of->unnamed = g->events.n;
    add_event((hone__event){ .begin = o->begin,
                             .end = o->end,
                             .name = row->op,
                             .module = row->module,
                             .tid = of->tid,
                             .row = (int32_t)(row - g->rows),
                             .seq = o->seq,
                             .kind = is_op ? HONE__EVENT_OP : HONE__EVENT_NODE,
                             .phase = o->head.phase,
                             .depth = o->head.depth });
}

static void events_of_region(const hone__recorder *of, const hone__region_record *o)
{
    for (int64_t i = 0; i < o->n; i++) {
        const hone__region_part *p = &o->part[i];
        if (p->end <= p->begin)
            continue;
        hone__event e = { .begin = p->begin,
                          .end = p->end,
                          .tid = i == 0 ? of->tid : p->tid,
                          .row = -1,
                          .kind = HONE__EVENT_WORK,
                          .phase = o->head.phase,
                          .depth = (uint16_t)(i == 0 ? o->head.depth : 0) };
        add_event(e);
        e.begin = p->end;
        e.end = o->end;
        e.kind = HONE__EVENT_WAIT;
        add_event(e);
    }
}

/* ---- cores */

/* Read once a CPU: there are many regions, and it takes a file for each CPU. */
static bool is_little(int cpu, bool *known)
{
    enum { CPUS = 1024, BIG = 1, LITTLE, NONE };
    static uint8_t kind[CPUS];
    if (cpu < 0 || cpu >= CPUS)
        return *known = false;
    if (kind[cpu] == 0) {
        const bool little = hone__is_little("", cpu, known);
        kind[cpu] = !*known ? NONE : little ? LITTLE : BIG;
    }
    *known = kind[cpu] != NONE;
    return kind[cpu] == LITTLE;
}

static void count_cores(const hone__region_record *o)
{
    for (int64_t i = 0; i < o->n; i++) {
        bool known;
        const bool little = is_little(o->part[i].cpu, &known);
        const double ticks = (double)(o->part[i].end - o->part[i].begin);
        if (!known)
            return;
        g->little += little ? ticks : 0;
        g->big += little ? 0 : ticks;
    }
}

/* ---- memory */

static void new_peak(void)
{
    g->peak = g->in_use;
    for (unsigned i = 0; i < hone__sites(); i++)
        g->sites[i].since_peak = 0;
}

static void add_point(int64_t at)
{
    if (g->n_points < HONE__MEMORY_POINTS)
        g->points[g->n_points++] = (hone__memory_point){ at, g->in_use };
}

static void take_memory(const hone__memory_record *m)
{
    hone__site_memory *site = &g->sites[m->site];
    const int64_t change = m->head.kind == HONE__RECORD_ALLOC ? m->bytes : -m->bytes;
    g->in_use += change;
    site->now += change;
    site->since_peak += change;
    if (hone__tally_measures() && g->in_use > g->peak)
        new_peak();
    add_point(m->at);
}

/* ---- nodes */

/* The pages of one that several ops use, or that is made again where one was, are looked at again. */
static void take_pages(const hone__pages_record *p)
{
    int i = 0;
    while (i < g->n_placed && g->placed[i].storage != p->storage)
        i++;
    if (i == HONE__PLACED)
        return;
    g->n_placed += i == g->n_placed;
    const hone__memory_site *site = p->site ? hone__memory_site_at(p->site) : NULL;
    const uint32_t owner = site ? site->module : hone__module_of_storage(p->storage);
    hone__placed *to = &g->placed[i];
    *to = (hone__placed){
        p->storage, site ? site->op : NULL, owner ? owner : p->module, p->bytes, { 0 }
    };
    memcpy(to->pages, p->pages, sizeof to->pages);
}

/* ---- taking records */

bool hone__tally_measures(void)
{
    return g->all_steps >= g->warmup;
}

static void take_span(const hone__recorder *of, const hone__span_record *s)
{
    const char *name = s->kind == HONE__SPAN_MODULE     ? hone__module_path(s->module)
                       : s->kind == HONE__SPAN_BACKWARD ? "backward"
                                                        : hone__interned(s->name);
    add_event((hone__event){ .begin = s->begin,
                             .end = s->end,
                             .name = name,
                             .module = s->module,
                             .tid = of->tid,
                             .row = -1,
                             .kind = HONE__EVENT_SPAN,
                             .phase = s->head.phase,
                             .depth = s->head.depth });
    if (s->kind == HONE__SPAN_MODULE)
        return;
    int i = 0;
    while (i < g->n_spans && g->spans[i].name != name)
        i++;
    if (i == HONE__SPAN_ROWS)
        return;
    g->n_spans += i == g->n_spans;
    g->spans[i].name = name;
    g->spans[i].calls++;
    g->spans[i].total += (double)(s->end - s->begin);
}

static double step_own; /* ticks of the ops of the step that is being read */

static void take(hone__recorder *of, const hone__record *record)
{
    const bool measures = hone__tally_measures();
    if (record->kind == HONE__RECORD_ALLOC || record->kind == HONE__RECORD_FREE) {
        take_memory((const hone__memory_record *)(const void *)record);
    } else if (!measures) {
        return;
    } else if (record->kind == HONE__RECORD_PAGES) {
        take_pages((const hone__pages_record *)(const void *)record);
    } else if (record->kind == HONE__RECORD_REGION) {
        const hone__region_record *o = (const hone__region_record *)(const void *)record;
        count_cores(o);
        events_of_region(of, o);
    } else if (record->kind == HONE__RECORD_SPAN) {
        take_span(of, (const hone__span_record *)(const void *)record);
    } else {
        const hone__op_record *o = (const hone__op_record *)(const void *)record;
        hone__row *row = row_of(o);
        add_to_row(row, o);
        step_own += (double)o->own;
        event_of_op(of, o, row);
    }
}

void hone__tally_drain(void)
{
    hone__rings_drain(take);
}

/* ---- steps */

static void end_rows(void)
{
    for (int i = 0; i < g->n_rows; i++) {
        hone__samples_add(&g->rows[i].steps, g->rows[i].step);
        g->rows[i].step = 0;
    }
}

static void end_sites(void)
{
    for (unsigned i = 1; i < hone__sites(); i++) {
        hone__site_memory *s = &g->sites[i];
        const int64_t alive = atomic_load(&hone__memory_site_at(i)->alive_bytes);
        if (g->steps == 1)
            s->first = s->last = alive;
        s->grew += alive > s->last;
        s->last = alive;
    }
}

typedef struct {
    int64_t all, light, dropped;
} record_counts;

static int64_t since(_Atomic uint64_t *now, uint64_t *before)
{
    const uint64_t n = atomic_load_explicit(now, memory_order_relaxed), more = n - *before;
    *before = n;
    return (int64_t)more;
}

/* Of all threads, since the last call. */
static record_counts count_records(void)
{
    record_counts n = { 0, 0, 0 };
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next) {
        n.all += since(&r->records, &r->records_before);
        n.light += since(&r->light, &r->light_before);
        n.dropped += since(&r->dropped, &r->dropped_before);
        r->unnamed = 0;
    }
    return n;
}

static void keep_events(int64_t begin, int64_t end)
{
    const hone__events spare = g->last;
    hone__memory_point *const points = g->last_points;
    g->last = g->events;
    g->last.begin = begin;
    g->last.end = end;
    g->last_points = g->points;
    g->n_last_points = g->n_points;
    g->points = points;
    g->events = spare;
}

void hone__tally_step(int64_t begin, int64_t end, int64_t excluded)
{
    hone__tally_drain();
    const record_counts records = count_records();
    if (hone__tally_measures()) {
        const double overhead = (double)(records.all - records.light) * g->record_costs.op +
                                (double)records.light * g->record_costs.light;
        const double wall = (double)(end - begin - excluded) - overhead;
        g->steps++;
        g->wall += wall > 0 ? wall : 0;
        g->own += step_own;
        g->overhead += overhead;
        g->records += records.all;
        g->dropped += records.dropped;
        hone__samples_add(&g->step_walls, wall);
        end_rows();
        end_sites();
        keep_events(begin, end);
    }
    step_own = 0;
    g->events.n = g->events.dropped = 0;
    g->n_points = 0;
    g->all_steps++;
}

/* ---- begin and end */

static void *book(size_t bytes)
{
    return hone__book_realloc(NULL, 0, bytes);
}

enum { SITE_BYTES = (1 << 13) * sizeof(hone__site_memory) };

static void ignore(hone__recorder *of, const hone__record *record)
{
    (void)of, (void)record;
}

bool hone__tally_begin(int64_t warmup, bool wants_events)
{
    hone_memory memory;
    hone__tally_free();
    *g = (hone__tallied){ .warmup = warmup, .wants_events = wants_events, .joules = NAN };
    step_own = 0;
    g->rows = book(HONE__ROWS * sizeof *g->rows);
    g->sites = book(SITE_BYTES);
    g->points = book(HONE__MEMORY_POINTS * sizeof *g->points);
    g->last_points = book(HONE__MEMORY_POINTS * sizeof *g->points);
    g->placed = book(HONE__PLACED * sizeof *g->placed);
    row_map = book(ROW_MAP * sizeof *row_map);
    if (!g->rows || !g->sites || !g->placed || !g->points || !g->last_points || !row_map) {
        hone__tally_free();
        return false;
    }
    memset(row_map, 0, ROW_MAP * sizeof *row_map);
    memset(g->sites, 0, SITE_BYTES);
    for (unsigned i = 1; i < hone__sites(); i++)
        g->sites[i].now = atomic_load(&hone__memory_site_at(i)->alive_bytes);
    hone_memory_stats(&memory);
    g->in_use = g->peak_at_begin = memory.in_use_bytes;
    g->pool_peak = memory.peak_bytes;
    hone__rings_drain(ignore); /* what came after the last step of the profile before */
    count_records();
    return true;
}

static void give_back(void *p, size_t bytes)
{
    if (p)
        hone__book_realloc(p, bytes, 0);
}

void hone__tally_end(void)
{
    hone_memory memory;
    hone_memory_stats(&memory);
    g->pool_peak = memory.peak_bytes > g->pool_peak ? memory.peak_bytes : 0;
    give_back(row_map, ROW_MAP * sizeof *row_map);
    row_map = NULL;
    give_back(g->events.at, (size_t)g->events.room * sizeof *g->events.at);
    g->events = (hone__events){ .at = NULL };
}

void hone__tally_free(void)
{
    hone__tally_end();
    give_back(g->last.at, (size_t)g->last.room * sizeof *g->last.at);
    give_back(g->rows, HONE__ROWS * sizeof *g->rows);
    give_back(g->sites, SITE_BYTES);
    give_back(g->placed, HONE__PLACED * sizeof *g->placed);
    give_back(g->points, HONE__MEMORY_POINTS * sizeof *g->points);
    give_back(g->last_points, HONE__MEMORY_POINTS * sizeof *g->points);
    *g = (hone__tallied){ .warmup = 0 };
}
