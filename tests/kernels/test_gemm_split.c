/* How a product is cut for many threads, on machines that hwloc makes up: every core has work,
 * about the same, and a NUMA node a part of its own. And what bits do then. */
#include "core/core.h"
#include "gemm/gemm.h"
#include "gemm/plan.h"
#include "gemm/split.h"
#include "isa/isa.h"
#include "runtime/topology.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64 };

static void start(const char *machine, const char *threads)
{
    setenv("HWLOC_SYNTHETIC", machine, 1);
    setenv("HONE_FORCE_THREADS", threads, 1);
    cr_assert(hone__ready());
}

static const char two_nodes[] = "NUMANode:2 L3:4(size=33554432) L2:8(size=1048576) "
                                "L1d:1(size=32768) Core:1 PU:1";

/* The plan of a product on as many threads as there are. */
static hone__gemm_plan plan_of(int64_t m, int64_t n, int64_t k, int64_t batch)
{
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, m, n, k);
    if (batch > 1) {
        x.n_batch_dims = 1;
        x.batch[0] = batch;
        x.a_batch[0] = m * k;
        x.b_batch[0] = k * n;
        x.c_batch[0] = m * n;
    }
    hone__gemm_plan plan;
    hone__gemm_plan_make(&plan, &x, NULL);
    hone__gemm_plan_threads(&plan, plan.order == HONE__GEMM_SPLIT ? plan.pieces : plan.batch);
    return plan;
}

static double area(hone__gemm_area a)
{
    return (double)(a.m1 - a.m0) * (double)(a.n1 - a.n0);
}

/* Every element of C is in one region, and the busiest thread has at most `most` times what each of
 * all cores would have of an even split (tiles may leave a few cores without a region). */
static void check_balance(int64_t m, int64_t n, int64_t k, int64_t batch, double most)
{
    const hone__gemm_plan plan = plan_of(m, n, k, batch);
    const int64_t products = plan.order == HONE__GEMM_SPLIT ? plan.pieces : plan.batch;
    const int64_t regions = plan.split_m * plan.split_n;
    double all = 0, busiest = 0;
    for (int thread = 0; thread < plan.threads; thread++) {
        const int64_t end = hone__gemm_cut(products * regions, 1, plan.threads, thread + 1);
        double own = 0;
        for (int64_t i = hone__gemm_cut(products * regions, 1, plan.threads, thread); i < end; i++)
            own += area(hone__gemm_area_of(&plan, i % regions));
        cr_expect(own > 0, "%d x %d x %d: thread %d has nothing to do", (int)m, (int)n, (int)k,
                  thread);
        busiest = own > busiest ? own : busiest;
        all += own;
    }
    cr_expect_eq(all, (double)plan.x.m * (double)plan.x.n * (double)products);
    cr_expect(
        busiest * MOST_THREADS <= most * all,
        "%d x %d x %d: the busiest of %d threads has %.2f times the share of a core (%d x %d)",
        (int)m, (int)n, (int)k, plan.threads, busiest * MOST_THREADS / all, (int)plan.split_m,
        (int)plan.split_n);
    for (int64_t i = 0; i < regions; i++) {
        const hone__gemm_area a = hone__gemm_area_of(&plan, i);
        cr_expect(area(a) > 0 && a.m1 - a.m0 <= plan.region_m && a.n1 - a.n0 <= plan.region_n);
        for (int64_t j = 0; j < i; j++) {
            const hone__gemm_area b = hone__gemm_area_of(&plan, j);
            cr_expect(a.m1 <= b.m0 || b.m1 <= a.m0 || a.n1 <= b.n0 || b.n1 <= a.n0, "overlap");
        }
    }
}

Test(gemm_split, every_core_has_its_share)
{
    start(two_nodes, "64");
    check_balance(1024, 1024, 1024, 1, 1.001);
    check_balance(2048, 2048, 2048, 1, 1.001);
    check_balance(512, 3072, 768, 1, 1.001);
    check_balance(4096, 512, 512, 1, 1.001);
    check_balance(64, 8192, 1024, 1, 1.001);  /* columns alone */
    check_balance(16384, 64, 1024, 1, 1.001); /* rows alone */
    check_balance(1000, 1000, 1000, 1, 1.06);
    check_balance(1500, 700, 900, 1, 1.10);
    check_balance(256, 4096, 784, 1, 1.001);
    check_balance(128, 128, 64, 64, 1.001); /* matrices */
    check_balance(128, 64, 128, 96, 1.001); /* matrices and rows */
    check_balance(512, 512, 512, 3, 1.10);
    check_balance(16, 64, 200000, 1, 1.05); /* pieces of k */
}

/* The smallest area that holds the regions of the threads of one node. */
static hone__gemm_area node_area(const hone__gemm_plan *plan, int node, double *inside)
{
    hone__gemm_area all = { plan->x.m, 0, plan->x.n, 0 };
    *inside = 0;
    for (int thread = 0; thread < plan->threads; thread++) {
        const int64_t regions = plan->split_m * plan->split_n;
        const int64_t end = hone__gemm_cut(regions, 1, plan->threads, thread + 1);
        if (hone__topology_core_node(thread) != node)
            continue;
        for (int64_t i = hone__gemm_cut(regions, 1, plan->threads, thread); i < end; i++) {
            const hone__gemm_area a = hone__gemm_area_of(plan, i);
            all.m0 = a.m0 < all.m0 ? a.m0 : all.m0;
            all.m1 = a.m1 > all.m1 ? a.m1 : all.m1;
            all.n0 = a.n0 < all.n0 ? a.n0 : all.n0;
            all.n1 = a.n1 > all.n1 ? a.n1 : all.n1;
            *inside += area(a);
        }
    }
    return all;
}

/* Each node computes one rectangle, half of C: half of the larger operand is all it reads of it. */
static void check_nodes(int64_t m, int64_t n, int64_t k)
{
    const hone__gemm_plan plan = plan_of(m, n, k, 1);
    for (int node = 0; node < 2; node++) {
        double inside;
        const hone__gemm_area all = node_area(&plan, node, &inside);
        cr_expect_eq(area(all), inside, "node %d of %d x %d: not a rectangle", node, (int)m,
                     (int)n);
        cr_expect(inside >= 0.45 * (double)m * (double)n && inside <= 0.55 * (double)m * (double)n);
        if (n > m)
            cr_expect(all.m0 == 0 && all.m1 == m, "node %d of %d x %d", node, (int)m, (int)n);
        if (m > n)
            cr_expect(all.n0 == 0 && all.n1 == n, "node %d of %d x %d", node, (int)m, (int)n);
    }
}

Test(gemm_split, a_node_has_its_own_part)
{
    start(two_nodes, "64");
    cr_assert_eq(hone__topology_core_node(31), 0);
    cr_assert_eq(hone__topology_core_node(32), 1);
    cr_assert_eq(hone__topology_core_node(63), 1);
    check_nodes(1024, 1024, 1024);
    check_nodes(512, 3072, 768);
    check_nodes(3072, 512, 768);
    check_nodes(1000, 900, 800); /* by tiles alone 58 threads were better */
    check_nodes(900, 1000, 800);
    check_nodes(3000, 3000, 100);
    check_nodes(256, 4096, 784);
}

/* A weight that is trained stays where it is: forward by bands of k, its gradient by rows, which
 * are the same. One that is only read, or is too large for the caches, is no reason for that; nor
 * is any where a tile takes longer than the lines that would move. */
static void check_trained(const hone__isa *isa)
{
    const bool slow = isa->gemm.of[HONE__GEMM_F32].vl == 1;
    static const struct {
        int64_t k, n;
        bool trained, relays;
    } weights[] = { { 784, 100, true, true },
                    { 784, 100, false, false },
                    { 784, 2000, true, false },
                    { 6, 100, true, false } };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, 100, weights[i].n, weights[i].k);
        x.b_trained = weights[i].trained;
        hone__gemm_plan plan;
        hone__gemm_plan_make(&plan, &x, NULL);
        hone__gemm_plan_threads(&plan, plan.batch);
        cr_expect_eq(plan.relay, weights[i].relays && !slow, "%s: weight %zu", isa->name, i);
        cr_expect_eq(plan.threads, 2);
    }
    const hone__gemm_plan gradient = plan_of(784, 100, 100, 1);
    cr_expect(slow || (gradient.split_m == 2 && gradient.split_n == 1), "%s", isa->name);
    cr_expect(slow || hone__gemm_area_of(&gradient, 1).m0 == hone__gemm_cut(784, 1, 2, 1), "%s",
              isa->name);
}

Test(gemm_split, a_trained_weight_keeps_its_rows)
{
    start("NUMANode:1 L3:1(size=33554432) L2:2(size=1048576) L1d:1(size=32768) Core:1 PU:1", "2");
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        check_trained(hone__isa_available(i));
    }
}

/* On three nodes of two cores, six threads. */
Test(gemm_split, three_nodes)
{
    start("NUMANode:3 Core:2 PU:1", "6");
    const hone__gemm_plan plan = plan_of(600, 600, 600, 1);
    cr_assert_eq(plan.threads, 6);
    for (int node = 0; node < 3; node++) {
        double inside;
        const hone__gemm_area all = node_area(&plan, node, &inside);
        cr_expect_eq(area(all), inside);
        cr_expect(inside > 0.3 * 360000 && inside < 0.37 * 360000);
    }
}

/* Threads that don't share out evenly among the nodes still have something to do each. */
Test(gemm_split, uneven_nodes)
{
    start("NUMANode:2 Core:4 PU:1", "6");
    const hone__gemm_plan plan = plan_of(960, 960, 500, 1);
    cr_assert_eq(plan.threads, 6);
    for (int64_t i = 0; i < plan.split_m * plan.split_n; i++)
        cr_expect(area(hone__gemm_area_of(&plan, i)) > 0);
}

/* ---- bits ---- */

static float *filled(int64_t n, uint32_t seed)
{
    float *p = malloc((size_t)n * sizeof *p);
    cr_assert(p);
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = (float)(seed >> 8) / 16777216 - 0.5f;
    }
    return p;
}

/* FNV-1a over the results of products that are large enough to be cut, of all kinds. */
static uint64_t sum_of_products(void)
{
    static const struct {
        int64_t m, n, k;
        bool ta, tb, accumulate;
    } products[] = {
        { 300, 500, 200, false, false, false }, { 1030, 200, 64, true, false, true },
        { 64, 1024, 500, false, true, false },  { 500, 70, 1100, true, true, false },
        { 130, 1100, 800, false, false, true }, { 1, 5000, 400, false, false, false },
        { 7, 3000, 300, false, true, false },   { 20, 30, 20000, false, false, false },
    };
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        const int64_t m = products[i].m, n = products[i].n, k = products[i].k;
        hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, m, n, k);
        if (products[i].ta) {
            x.a_rs = 1;
            x.a_cs = m;
        }
        if (products[i].tb) {
            x.b_rs = 1;
            x.b_cs = k;
        }
        x.accumulate = products[i].accumulate;
        float *a = filled(m * k, 1), *b = filled(k * n, 2), *c = filled(m * n, 3);
        x.a = a;
        x.b = b;
        x.c = c;
        cr_assert_eq(hone__gemm(&x), 0);
        for (int64_t at = 0; at < m * n; at++) {
            uint32_t bits;
            memcpy(&bits, c + at, sizeof bits);
            sum = (sum ^ bits) * 1099511628211u;
        }
        free(a);
        free(b);
        free(c);
    }
    return sum;
}

/* The same on every machine. */
static const uint64_t expected_sum = 0x4a71bcb78af2eca1u;

static void check_bits(const char *machine, const char *threads)
{
    start(machine, threads);
    for (int i = 0; hone__isa_available(i); i++) {
        const hone__isa *isa = hone__isa_available(i);
        if (isa->gemm.of[HONE__GEMM_F32].vl == 1 && strcmp(threads, "1") != 0)
            continue; /* slow */
        hone__isa_use(isa);
        const uint64_t sum = sum_of_products();
        cr_expect_eq(sum, expected_sum, "%s on %s threads: %#llx", isa->name, threads,
                     (unsigned long long)sum);
    }
}

Test(gemm_split, bits_1)
{
    check_bits("Core:2 PU:1", "1");
}

Test(gemm_split, bits_2)
{
    check_bits("Core:2 PU:1", "2");
}

Test(gemm_split, bits_3)
{
    check_bits("Core:4 PU:1", "3");
}

Test(gemm_split, bits_4_on_two_nodes)
{
    check_bits("NUMANode:2 Core:2 PU:1", "4");
}

Test(gemm_split, bits_7)
{
    check_bits("Core:8 PU:1", "7");
}
