/* Asks the kernel (move_pages) where the pages of tensors lie, under each placement, and trains a
 * step under each: the same bits. Meant for a machine with two nodes, see numa.sh; on one node all
 * pages lie there.
 *   numa [NODES]: fails if the machine has another number of nodes. */
#include <hone/hone.h>

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, MOST_NODES = 64 };

static int failures;

static void check(bool good, const char *what, const char *detail)
{
    if (!good) {
        printf("FAIL %s: %s\n", what, detail);
        failures++;
    }
}

/* Node of each page, -1 if it can't be told. */
static int *nodes_of(const char *p, size_t n_pages)
{
    void **pages = malloc(n_pages * sizeof *pages);
    int *nodes = malloc(n_pages * sizeof *nodes);
    if (!pages || !nodes)
        exit(1);
    for (size_t i = 0; i < n_pages; i++) {
        pages[i] = (void *)(uintptr_t)(p + i * PAGE);
        nodes[i] = -1;
    }
    if (syscall(SYS_move_pages, 0, n_pages, pages, NULL, nodes, 0) != 0)
        perror("move_pages");
    free(pages);
    return nodes;
}

static int node_wanted(hone_placement placement, int node, size_t page, size_t n_pages, int nodes)
{
    if (placement == HONE_PLACE_NODE)
        return node;
    return (int)(page * (size_t)nodes / n_pages); /* nodes with as many cores each */
}

/* Twice: the second tensor gets the first one's block. */
static void check_pages(const char *name, hone_placement placement, int node, int nodes)
{
    for (int round = 0; round < 2; round++) {
        HONE_SCOPE();
        const size_t n_pages = (size_t)(8 << 20) / PAGE;
        char text[120];
        if (hone_set_placement(placement, node) != HONE_OK)
            check(false, name, hone_error_message());
        hone_tensor *t = hone_full(HONE_F32, 1.5, (int64_t)n_pages, PAGE / 4);
        const char *p = hone_data(t);
        check(p && (uintptr_t)p % PAGE == 0, name, "the data begin on a page");
        int *found = nodes_of(p, n_pages);
        size_t wrong = 0, count[MOST_NODES] = { 0 };
        for (size_t i = 0; i < n_pages; i++) {
            if (found[i] >= 0 && found[i] < MOST_NODES)
                count[found[i]]++;
            wrong += found[i] != node_wanted(placement, node, i, n_pages, nodes);
        }
        printf("%-12s %4zu pages at node 0, %4zu at node 1\n", name, count[0], count[1]);
        snprintf(text, sizeof text, "%zu of %zu pages elsewhere", wrong, n_pages);
        if (placement == HONE_PLACE_NODE || placement == HONE_PLACE_PARTITION)
            check(wrong == 0, name, text);
        for (int i = 0; placement == HONE_PLACE_INTERLEAVE && i < nodes; i++)
            check(count[i] == n_pages / (size_t)nodes, name, "not as many pages at each node");
        free(found);
    }
}

/* Of less than a huge page, which several share. */
static void check_middle(int node)
{
    enum { N = 12, ELEMENTS = 75000 };
    HONE_SCOPE();
    size_t wrong = 0;
    check(hone_set_placement(HONE_PLACE_NODE, node) == HONE_OK, "middle", hone_error_message());
    for (int i = 0; i < N; i++) {
        hone_tensor *t = hone_full(HONE_F32, 1.5, ELEMENTS);
        const uintptr_t begin = (uintptr_t)hone_data(t) / PAGE;
        const uintptr_t end = ((uintptr_t)hone_data(t) + 4 * ELEMENTS - 1) / PAGE + 1;
        int *found = nodes_of((const char *)(begin * PAGE), end - begin);
        for (size_t page = 0; page < end - begin; page++)
            wrong += found[page] != node;
        free(found);
    }
    printf("middle       %zu pages elsewhere than at node %d\n", wrong, node);
    check(wrong == 0, "middle", "pages elsewhere");
}

static double train(void)
{
    HONE_SCOPE();
    hone_seed(5);
    hone_module *model =
        hone_nn_sequential(hone_nn_linear(784, 128), hone_nn_relu(), hone_nn_linear(128, 10));
    hone_optim *optim = hone_sgd(model, &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9 });
    hone_tensor *x = hone_randn(HONE_F32, 64, 784);
    hone_tensor *y = hone_to(hone_mul_scalar(hone_rand(HONE_F32, 64), 9.99), HONE_I64);
    double last = 0;
    for (int i = 0; i < 3; i++) {
        HONE_SCOPE();
        hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
        hone_optim_zero_grad(optim);
        hone_backward(loss);
        hone_optim_step(optim);
        last = hone_item(loss);
    }
    hone_optim_free(optim);
    hone_module_free(model);
    return last;
}

/* A tensor at `node`, worked on by one thread at node 0: does a profile say that it is remote? */
static void check_profile(int node)
{
    HONE_SCOPE();
    hone_profile_summary s;
    double remote = -1;
    cpu_set_t all, first;
    sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof first, &first);
    hone_set_threads(1);
    check(hone_set_placement(HONE_PLACE_NODE, node) == HONE_OK, "profile", hone_error_message());
    hone_tensor *x = hone_full(HONE_F32, 1.5, 1 << 20);
    const hone_profile_options o = { .events = "none", .no_roofs = true };
    check(hone_profile_begin(&o) == HONE_OK, "profile", hone_error_message());
    for (int i = 0; i < 4; i++) {
        HONE_SCOPE();
        hone_neg(x);
        hone_profile_step();
    }
    check(hone_profile_end() == HONE_OK && hone_profile_get(&s) == HONE_OK, "profile",
          hone_error_message());
    for (int i = 0; i < s.n_rows; i++)
        if (strcmp(s.rows[i].op, "neg") == 0)
            remote = s.rows[i].remote_share;
    printf("profile      pages at node %d: %.2f remote\n", node, remote);
    check(node == 0 ? remote >= 0 && remote < 0.1 : remote > 0.9, "profile",
          "another share is remote");
    char *text = NULL, placed[40];
    size_t n_text;
    FILE *to = open_memstream(&text, &n_text);
    hone_profile_print(to);
    fclose(to);
    snprintf(placed, sizeof placed, "4.0 MiB  node %d 100 %%", node);
    check(strstr(text, placed) != NULL, "profile", text);
    if (node == 1)
        puts(text);
    free(text);
    hone_set_placement(HONE_PLACE_LOCAL, 0);
    sched_setaffinity(0, sizeof all, &all);
}

static const struct {
    const char *name;
    hone_placement placement;
    int node;
} cases[] = { { "local", HONE_PLACE_LOCAL, 0 },
              { "node 0", HONE_PLACE_NODE, 0 },
              { "node 1", HONE_PLACE_NODE, 1 },
              { "partition", HONE_PLACE_PARTITION, 0 },
              { "interleave", HONE_PLACE_INTERLEAVE, 0 } };

int main(int argc, char **argv)
{
    hone_machine machine;
    if (hone_machine_get(&machine) != HONE_OK) {
        puts(hone_error_message());
        return 1;
    }
    printf("%d nodes, %d threads (%s)\n", machine.numa_nodes, machine.threads,
           machine.threads_reason);
    if (argc > 1)
        check(machine.numa_nodes == atoi(argv[1]), "nodes", "another number");
    const double loss = train();
    check(loss > 0, "training", hone_error_message());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].placement == HONE_PLACE_NODE && cases[i].node >= machine.numa_nodes)
            continue;
        check_pages(cases[i].name, cases[i].placement, cases[i].node, machine.numa_nodes);
        check(train() == loss, cases[i].name, "another loss");
    }
    for (int node = 0; node < machine.numa_nodes && node < 2; node++)
        check_middle(node);
    for (int node = 0; machine.numa_nodes > 1 && node < 2; node++)
        check_profile(node);
    puts(failures ? "failed" : "ok");
    return failures != 0;
}
