/* bf16_table.c: see bf16_table.h. */
#include "loops/bf16_table.h"

#include "core/half.h"
#include "loops/rows.h"

#include <stdatomic.h>

enum {
    VALUES = 1 << 16,
    STRETCH = 512, /* elements in f32 at a time, on the stack */
};

#define NS_LOOK_UP 0.25
#define NS_SLOPE   0.45

typedef enum { MISSING, IN_WORK, READY } state;

/* Their memory is the system's until they are filled. */
static const int functions[] = { HONE__K_SIGMOID, HONE__K_TANH, HONE__K_GELU, HONE__K_GELU_TANH,
                                 HONE__K_SILU };
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };
static uint16_t results[N_FUNCTIONS][VALUES];
static atomic_int results_state[N_FUNCTIONS];

static const int derivatives[] = { HONE__K_GELU_BACKWARD, HONE__K_GELU_TANH_BACKWARD,
                                   HONE__K_SILU_BACKWARD };
enum { N_DERIVATIVES = sizeof derivatives / sizeof *derivatives };
static float slopes[N_DERIVATIVES][VALUES];
static atomic_int slopes_state[N_DERIVATIVES];

static int place_of(int k, const int *list, int n)
{
    int i = 0;
    while (i < n && list[i] != k)
        i++;
    return i;
}

static void all_values(float *x, int64_t first)
{
    for (int64_t i = 0; i < STRETCH; i++)
        x[i] = hone__f32_of_bits(hone__bf16_bits((uint16_t)(first + i)));
}

static void fill_results(int which)
{
    float x[STRETCH];
    for (int64_t first = 0; first < VALUES; first += STRETCH) {
        all_values(x, first);
        hone__k->unary[functions[which]][HONE__F32](STRETCH, x, 1, x, 1);
        hone__k->cast[HONE__F32][HONE__BF16](STRETCH, results[which] + first, 1, x, 1);
    }
}

static void fill_slopes(int which)
{
    float x[STRETCH];
    const float one = 1;
    for (int64_t first = 0; first < VALUES; first += STRETCH) {
        all_values(x, first);
        hone__k->binary[derivatives[which]][HONE__F32](STRETCH, slopes[which] + first, 1, &one, 0,
                                                       x, 1);
    }
}

/* True if the table is there; else it is filled if so many elements are worth it, by one thread: others
 * do without meanwhile. */
static bool is_ready(atomic_int *it, int64_t numel, void (*fill)(int), int which)
{
    int is = atomic_load_explicit(it, memory_order_acquire);
    if (is == MISSING && numel >= VALUES && atomic_compare_exchange_strong(it, &is, IN_WORK)) {
        fill(which);
        atomic_store_explicit(it, READY, memory_order_release);
        return true;
    }
    return is == READY;
}

static void look_up(const void *args, int64_t n, char *const *at, const int64_t *stride)
{
    const uint16_t *const table = args, *x = (const uint16_t *)at[1];
    uint16_t *y = (uint16_t *)at[0];
    const int64_t sy = stride[0], sx = stride[1];
    if (sy == 1 && sx == 1)
        for (; n >= 4; n -= 4, x += 4, y += 4) {
            y[0] = table[x[0]];
            y[1] = table[x[1]];
            y[2] = table[x[2]];
            y[3] = table[x[3]];
        }
    for (int64_t i = 0; i < n; i++)
        y[i * sy] = table[x[i * sx]];
}

static void times_slope(const void *args, int64_t n, char *const *at, const int64_t *stride)
{
    const float *const table = args;
    const uint16_t *dy = (const uint16_t *)at[1], *x = (const uint16_t *)at[2];
    uint16_t *y = (uint16_t *)at[0];
    float slope[STRETCH], grad[STRETCH];
    for (int64_t done = 0; done < n; done += STRETCH) {
        const int64_t m = hone__min(STRETCH, n - done);
        hone__k->cast[HONE__BF16][HONE__F32](m, grad, 1, dy + done * stride[1], stride[1]);
        for (int64_t i = 0; i < m; i++)
            slope[i] = table[x[(done + i) * stride[2]]];
        hone__k->binary[HONE__K_MUL][HONE__F32](m, grad, 1, grad, 1, slope, 1);
        hone__k->cast[HONE__F32][HONE__BF16](m, y + done * stride[0], stride[0], grad, 1);
    }
}

void hone__bf16_table_unary(int k, int64_t numel, hone__elementwise_kernel *kernel)
{
    const int which = place_of(k, functions, N_FUNCTIONS);
    if (which < N_FUNCTIONS && is_ready(&results_state[which], numel, fill_results, which))
        *kernel = (hone__elementwise_kernel){ .arity = HONE__FORMULA,
                                              .fn.update = { look_up, results[which] },
                                              .reads = { HONE_BF16 },
                                              .ns = NS_LOOK_UP,
                                              .inputs = 1 };
}

void hone__bf16_table_slope(int k, int64_t numel, hone__elementwise_kernel *kernel)
{
    const int which = place_of(k, derivatives, N_DERIVATIVES);
    if (which < N_DERIVATIVES && is_ready(&slopes_state[which], numel, fill_slopes, which))
        *kernel = (hone__elementwise_kernel){ .arity = HONE__FORMULA,
                                              .fn.update = { times_slope, slopes[which] },
                                              .reads = { HONE_BF16, HONE_BF16 },
                                              .ns = NS_SLOPE,
                                              .inputs = 2 };
}
