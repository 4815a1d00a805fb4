#include "support.h"

#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

SUITE(module);

/* ---- a class with every kind of field */

typedef struct {
    hone_module base;
    hone_tensor *weight, *missing, *mean;
    hone_module *first;
    hone_tensor **scales;
    int n_scales;
    hone_module **layers;
    int n_layers;
} every;

static int destroyed;

static void every_destroy(hone_module *self)
{
    (void)self;
    destroyed++;
}

static hone_tensor *every_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    hone_tensor *sum = ((every *)self)->weight;
    for (int i = 0; i < n_in; i++)
        sum = hone_add(sum, in[i]);
    return sum;
}

static int every_print(const hone_module *self, char *text, size_t size)
{
    return snprintf(text, size, "n_scales=%d", ((const every *)self)->n_scales);
}

static const hone_field every_fields[] = {
    HONE_WEIGHT(every, weight),
    HONE_PARAM(every, missing),
    HONE_BUFFER(every, mean),
    HONE_CHILD(every, first),
    HONE_PARAMS(every, scales, n_scales),
    HONE_CHILDREN(every, layers, n_layers),
    HONE_FIELDS_END,
};
static const hone_module_class every_class = {
    .name = "Every",
    .size = sizeof(every),
    .fields = every_fields,
    .forward = every_forward,
    .print = every_print,
    .destroy = every_destroy,
};

static every *every_new(void)
{
    every *e = hone_module_new(&every_class);
    cr_assert(e, "%s", hone_error_message());
    e->weight = hone_parameter(hone_ones(HONE_F32, 2, 3));
    e->mean = hone_retain(hone_zeros(HONE_F32, 3));
    e->first = hone_nn_linear(3, 4);
    e->n_scales = 2;
    e->scales = hone_module_array(2);
    e->scales[0] = hone_parameter(hone_ones(HONE_F64, 5));
    e->scales[1] = hone_parameter(hone_ones(HONE_F64, 6));
    e->n_layers = 3;
    e->layers = hone_module_array(3);
    e->layers[0] = hone_nn_sequential(hone_nn_linear(4, 2), hone_nn_relu());
    e->layers[2] = hone_nn_relu(); /* 1 stays empty */
    return e;
}

static void check_names(hone_named_list list, const char *wanted)
{
    char got[400] = "";
    cr_assert(list.at, "%s", hone_error_message());
    for (int i = 0; i < list.n; i++) {
        strcat(got, list.at[i].name);
        strcat(got, " ");
        cr_assert(list.at[i].tensor);
    }
    cr_assert_str_eq(got, wanted);
}

static void check_modules(hone_module_list list, const char *wanted)
{
    char got[400] = "";
    cr_assert(list.at, "%s", hone_error_message());
    for (int i = 0; i < list.n; i++) {
        strcat(got, list.at[i].name);
        strcat(got, ":");
        strcat(got, list.at[i].module->type->name);
        strcat(got, " ");
    }
    cr_assert_str_eq(got, wanted);
}

/* ---- lists */

Test(module, a_list_is_searched_by_name)
{
    hone_module *m = hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_relu());
    const hone_named_list list = hone_named_parameters(m);
    cr_assert(hone_named_find(list, "0.bias") == list.at[1].tensor);
    CHECK_FAILS(hone_named_find(list, "0.bia"), HONE_E_INDEX,
                "named_find: none of 2 tensors is named \"0.bia\"");
    CHECK_FAILS(hone_named_find(list, NULL), HONE_E_NULL, "named_find");
    CHECK_FAILS(hone_named_find((hone_named_list){ NULL, 0 }, "x"), HONE_E_NULL, "named_find");
    hone_module_free(m);
}

Test(module, names_follow_the_tables)
{
    every *e = every_new();
    check_names(hone_named_parameters(&e->base),
                "weight first.weight first.bias scales.0 scales.1 layers.0.0.weight "
                "layers.0.0.bias ");
    check_names(hone_named_state(&e->base),
                "weight mean first.weight first.bias scales.0 scales.1 layers.0.0.weight "
                "layers.0.0.bias ");
    const hone_tensor_list list = hone_parameters(&e->base);
    cr_assert(list.n == 7 && list.at[0] == e->weight && list.at[3] == e->scales[0]);
    cr_assert(hone_parameter_count(&e->base) == 6 + 12 + 4 + 5 + 6 + 8 + 2);
    check_modules(hone_children(&e->base), "first:Linear layers.0:Sequential layers.2:ReLU ");
    check_modules(hone_modules(&e->base),
                  ":Every first:Linear layers.0:Sequential layers.0.0:Linear layers.0.1:ReLU "
                  "layers.2:ReLU ");
    hone_module_free(&e->base);
    cr_assert(destroyed == 1);
}

Test(module, a_module_without_fields_lists_nothing)
{
    hone_module *relu = hone_nn_relu();
    const hone_tensor_list list = hone_parameters(relu);
    cr_assert(list.at && list.n == 0 && hone_parameter_count(relu) == 0);
    check_names(hone_named_state(relu), "");
    check_modules(hone_modules(relu), ":ReLU ");
    hone_module_free(relu);
}

Test(module, lists_outlive_the_module)
{
    every *e = every_new();
    const hone_named_list names = hone_named_parameters(&e->base);
    hone_module_free(&e->base);
    cr_assert(hone_numel(names.at[0].tensor) == 6);
    cr_assert_str_eq(names.at[6].name, "layers.0.0.bias");
}

/* A module that is put in two places without a second owner would be freed twice. */
Test(module, two_places_need_two_owners)
{
    hone_module *one = hone_nn_linear(2, 2);
    CHECK_FAILS(hone_nn_sequential(one, hone_nn_relu(), one), HONE_E_STATE,
                "Sequential: module 0 (Linear) is in 2 places but has 1 owner: hone_module_retain");
    one = hone_nn_linear(2, 2);
    CHECK_FAILS(hone_nn_module_list(hone_nn_relu(), one, one), HONE_E_STATE,
                "ModuleList: module 1 (Linear) is in 2 places");
    /* the second place is in another container, or deeper */
    one = hone_nn_linear(2, 2);
    hone_module *first = hone_nn_sequential(one);
    CHECK_FAILS(hone_nn_sequential(hone_nn_relu(), one), HONE_E_STATE,
                "module 1 (Linear) is in 2 places but has 1 owner");
    cr_assert(one->owners == 1 && one->places == 1);
    hone_module *second = hone_nn_sequential(hone_module_retain(one), first);
    cr_assert(second, "%s", hone_error_message());
    hone_module_free(second);
    /* the caller's own owner is no place, and is left alone by what fails */
    one = hone_module_retain(hone_module_retain(hone_nn_linear(2, 2)));
    CHECK_FAILS(hone_nn_sequential(one, one, NULL), HONE_E_NULL, "Sequential");
    cr_assert(one->owners == 1 && one->places == 0);
    hone_module *again = hone_nn_sequential(hone_module_retain(one));
    hone_module_free(again);
    cr_assert(one->owners == 1 && one->places == 0);
    hone_module_free(one);
}

Test(module, what_is_shared_is_listed_once_but_saved_under_each_name)
{
    hone_module *one = hone_nn_linear(3, 3);
    hone_module *both = hone_nn_sequential(one, hone_nn_relu(), hone_module_retain(one));
    check_names(hone_named_parameters(both), "0.weight 0.bias ");
    check_names(hone_named_state(both), "0.weight 0.bias 2.weight 2.bias ");
    cr_assert(hone_parameters(both).n == 2 && hone_parameter_count(both) == 12);
    hone_module_free(both);
}

/* ---- parameters */

Test(module, a_parameter_is_a_contiguous_leaf)
{
    hone_tensor *x = T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    hone_tensor *p = hone_parameter(x);
    cr_assert(p == x && hone_requires_grad(p) && hone_is_leaf(p));
    hone_tensor *computed = hone_parameter(hone_mul_scalar(p, 2));
    cr_assert(hone_is_leaf(computed) && hone_requires_grad(computed));
    hone_tensor *turned = hone_parameter(test_transposed(T(HONE_F32, (2, 2), 1, 2, 3, 4), 0, 1));
    cr_assert(hone_is_contiguous(turned));
    hone_release(p);
    hone_release(computed);
    hone_release(turned);
    CHECK_FAILS(hone_parameter(T(HONE_I64, (1), 1)), HONE_E_DTYPE, "parameter: i64 [1]");
    CHECK_FAILS(hone_parameter(NULL), HONE_E_NULL, "parameter");
    CHECK_FAILS(hone_parameter(hone_matmul(x, x)), HONE_E_SHAPE, "matmul");
}

Test(module, zero_grad_zeroes_a_gradient_that_is_held)
{
    hone_module *l = hone_nn_linear(2, 2);
    CHECK_OK(hone_backward(hone_sum(hone_forward(l, T(HONE_F32, (1, 2), 1, 2)))));
    const hone_tensor_list p = hone_parameters(l);
    hone_tensor *grad = hone_grad(p.at[0]);
    CHECK_VALUES(grad, HONE_F32, (2, 2), 1, 1, 2, 2);
    CHECK_OK(hone_module_zero_grad(l));
    cr_assert(hone_grad(p.at[0]) == grad);
    CHECK_VALUES(grad, HONE_F32, (2, 2), 0, 0, 0, 0);
    hone_module_free(l);
}

/* ---- modes, visits */

static hone_status note(hone_module *module, void *user)
{
    strcat(user, module->type->name);
    strcat(user, module->training ? "+ " : "- ");
    return HONE_OK;
}

static hone_status refuse(hone_module *module, void *user)
{
    ++*(int *)user;
    return hone_error_set(HONE_E_VALUE, "%s refuses", module->type->name);
}

Test(module, modes_and_visits_reach_every_module)
{
    every *e = every_new();
    char text[200] = "";
    hone_module_train(&e->base, false);
    e->first->training = true;
    CHECK_OK(hone_module_apply(&e->base, note, text));
    cr_assert_str_eq(text, "Linear+ Linear- ReLU- Sequential- ReLU- Every- ");
    int visits = 0;
    CHECK_FAILS(hone_module_apply(&e->base, refuse, &visits), HONE_E_VALUE, "Linear refuses");
    cr_assert(visits == 1);
    hone_module_free(&e->base);
}

/* ---- forward */

Test(module, forward_takes_any_number_of_inputs)
{
    every *e = every_new();
    hone_tensor *x = T(HONE_F32, (3), 1, 2, 3);
    CHECK_VALUES(hone_forward(&e->base, x), HONE_F32, (2, 3), 2, 3, 4, 2, 3, 4);
    CHECK_VALUES(hone_forward(&e->base, x, x, x), HONE_F32, (2, 3), 4, 7, 10, 4, 7, 10);
    hone_module_free(&e->base);
}

static int64_t live_tensors(void)
{
    hone_memory stats;
    hone_memory_stats(&stats);
    return stats.tensors;
}

static hone_tensor *wasteful_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)n_in;
    return hone_exp(hone_exp(hone_exp(in[0])));
}

static const hone_module_class wasteful = { .name = "Wasteful",
                                            .size = sizeof(hone_module),
                                            .forward = wasteful_forward };

Test(module, what_a_forward_makes_dies_with_it)
{
    hone_module *m = hone_module_new(&wasteful);
    hone_tensor *x = T(HONE_F32, (2), 1, 2);
    const int64_t before = live_tensors();
    cr_assert(hone_forward(m, x));
    cr_assert(live_tensors() == before + 1);
    hone_module *all = hone_nn_sequential(m, hone_nn_relu(), hone_nn_relu());
    cr_assert(hone_forward(all, x));
    cr_assert(live_tensors() == before + 2);
    hone_module_free(all);
}

static hone_tensor *silent_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)in, (void)n_in;
    return NULL;
}

static const hone_module_class silent = { .name = "Silent",
                                          .size = sizeof(hone_module),
                                          .forward = silent_forward };

Test(module, forward_says_what_is_wrong)
{
    hone_module *m = hone_module_new(&silent), *list = hone_nn_module_list(hone_nn_relu());
    hone_tensor *x = T(HONE_F32, (2), 1, 2);
    CHECK_FAILS(hone_forward(m, x), HONE_E_NULL, "Silent: its forward returned NULL");
    CHECK_FAILS(hone_forward(NULL, x), HONE_E_NULL, "forward");
    CHECK_FAILS(hone_forward(m, NULL), HONE_E_NULL, "Silent");
    CHECK_FAILS(hone_forward_v(m, NULL), HONE_E_NULL, "Silent");
    CHECK_FAILS(hone_forward(m, hone_matmul(x, T(HONE_F32, (3), 1, 2, 3))), HONE_E_SHAPE, "matmul");
    CHECK_FAILS(hone_forward(list, x), HONE_E_STATE, "ModuleList has no forward");
    hone_module_free(m);
    hone_module_free(list);
}

Test(module, null_is_an_error_everywhere)
{
    CHECK_FAILS(hone_parameters(NULL).at, HONE_E_NULL, "parameters");
    CHECK_FAILS(hone_named_parameters(NULL).at, HONE_E_NULL, "named_parameters");
    CHECK_FAILS(hone_children(NULL).at, HONE_E_NULL, "children");
    CHECK_FAILS(hone_module_zero_grad(NULL), HONE_E_NULL, "zero_grad");
    CHECK_FAILS(hone_print_module(NULL), HONE_E_NULL, "print_module");
    cr_assert(hone_parameter_count(NULL) == -1 && hone_sprint_module(NULL, 0, NULL) == -1);
    hone_module_train(NULL, true);
    CHECK_ERROR(HONE_E_NULL, "parameter_count");
    hone_module_free(NULL);
    CHECK_FAILS(hone_module_new(NULL), HONE_E_NULL, "module_new");
    CHECK_FAILS(hone_nn_sequential_v(NULL), HONE_E_NULL, "Sequential");
    CHECK_FAILS(hone_nn_module_list_n(NULL, 2), HONE_E_NULL, "ModuleList");
    CHECK_FAILS(hone_nn_layer_norm_v(NULL), HONE_E_NULL, "nn_layer_norm");
    const hone_module_class small = { .name = "Small", .size = 3 };
    CHECK_FAILS(hone_module_new(&small), HONE_E_VALUE, "Small has size 3");
    CHECK_FAILS(hone_module_array(-1), HONE_E_VALUE, "-1");
}

/* ---- printing */

static const char *const printed = "Every(\n"
                                   "  n_scales=2\n"
                                   "  (first): Linear(in_features=3, out_features=4, bias=True)\n"
                                   "  (layers.0): Sequential(\n"
                                   "    (0): Linear(in_features=4, out_features=2, bias=True)\n"
                                   "    (1): ReLU()\n"
                                   "  )\n"
                                   "  (layers.2): ReLU()\n"
                                   ")";

Test(module, prints_in_pytorchs_layout)
{
    every *e = every_new();
    char text[400], small[10];
    cr_assert(hone_sprint_module(text, sizeof text, &e->base) == (int64_t)strlen(printed));
    cr_assert_str_eq(text, printed);
    cr_assert(hone_sprint_module(small, sizeof small, &e->base) == (int64_t)strlen(printed));
    cr_assert_str_eq(small, "Every(\n  ");
    hone_module_free(&e->base);

    hone_module *l = hone_nn_linear_with(2, 1, &(hone_nn_linear_options){ .no_bias = true });
    char *out = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&out, &n);
    CHECK_OK(hone_fprint_module(stream, l));
    fclose(stream);
    cr_assert_str_eq(out, "Linear(in_features=2, out_features=1, bias=False)\n2 parameters\n");
    free(out);
    hone_module_free(l);
}

/* ---- nested deeper than a stack could follow */

static hone_status count_modules(hone_module *module, void *n)
{
    *(int *)n += !module->training;
    return HONE_OK;
}

#define NEED(cond)                                                                                 \
    if (!(cond))                                                                                   \
    return #cond

/* An assertion can't leave a thread of one's own: gives back what failed. */
static const char *use_deep_nest(void)
{
    enum { DEPTH = 200000 };
    HONE_SCOPE();
    hone_module *net = hone_nn_linear(4, 3), *layer = net;
    for (int i = 0; i < DEPTH && net; i++)
        net = hone_nn_sequential_n(&net, 1);
    hone_tensor *x = hone_randn(HONE_F32, 2, 4);
    hone_tensor *got = hone_forward(net, x), *wanted = hone_forward(layer, x);
    NEED(got && memcmp(hone_data(got), hone_data(wanted), 24) == 0);
    NEED(hone_backward(hone_sum(got)) == HONE_OK && hone_module_zero_grad(net) == HONE_OK);
    NEED(hone_parameter_count(net) == 15);
    const hone_named_list names = hone_named_parameters(net);
    NEED(names.n == 2 && strlen(names.at[0].name) == 2 * DEPTH + strlen("weight"));
    NEED(hone_named_state(net).n == 2 && hone_children(net).n == 1);
    char text[41];
    NEED(hone_sprint_module(text, sizeof text, net) > 4 * (int64_t)DEPTH * DEPTH / 2);
    NEED(strcmp(text, "Sequential(\n  (0): Sequential(\n    (0): ") == 0);
    hone_module_train(net, false);
    int n = 0;
    NEED(hone_module_apply(net, count_modules, &n) == HONE_OK && n == DEPTH + 1);
    hone_module_free(net);
    return NULL;
}

static void *in_thread(void *failed)
{
    *(const char **)failed = use_deep_nest();
    return NULL;
}

Test(module, nested_deeper_than_the_stack)
{
    pthread_t thread;
    pthread_attr_t small;
    const char *failed = "the thread";
    pthread_attr_init(&small);
    cr_assert(pthread_attr_setstacksize(&small, 512 << 10) == 0);
    cr_assert(pthread_create(&thread, &small, in_thread, &failed) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
    cr_assert(failed == NULL, "%s", failed);
}

static char order[16];

static void note_letter(hone_module *self)
{
    strncat(order, self->type->name, 1);
}

/* Parents before children, siblings in turn. */
Test(module, order_of_freeing)
{
    typedef struct {
        hone_module base;
        hone_module **items;
        int n;
    } node;
    static const hone_field fields[] = { HONE_ITEMS(node, items, n), HONE_FIELDS_END };
    const hone_module_class classes[] = {
        { .name = "a", .size = sizeof(node), .fields = fields, .destroy = note_letter },
        { .name = "b", .size = sizeof(node), .fields = fields, .destroy = note_letter },
        { .name = "c", .size = sizeof(node), .fields = fields, .destroy = note_letter },
        { .name = "d", .size = sizeof(node), .fields = fields, .destroy = note_letter },
    };
    node *at[4]; /* a holds b and d, b holds c twice */
    for (int i = 0; i < 4; i++)
        at[i] = hone_module_new(&classes[i]);
    at[0]->items = hone_module_array(at[0]->n = 2);
    at[0]->items[0] = &at[1]->base;
    at[0]->items[1] = &at[3]->base;
    at[1]->items = hone_module_array(at[1]->n = 2);
    at[1]->items[0] = &at[2]->base;
    at[1]->items[1] = hone_module_retain(&at[2]->base);
    hone_module_free(&at[0]->base);
    cr_assert_str_eq(order, "abcd");
}

/* ---- memory */

static bool build_and_run(void)
{
    HONE_SCOPE();
    hone_module *net =
        hone_nn_sequential(hone_nn_linear(4, 3), hone_nn_relu(), hone_nn_linear(3, 2),
                           hone_nn_module_list(hone_nn_relu(), hone_nn_tanh()));
    if (!net)
        return false;
    char *text = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&text, &n);
    const bool ok = hone_named_state(net).at && hone_parameters(net).at && hone_modules(net).at &&
                    hone_fprint_module(stream, net) == HONE_OK &&
                    hone_module_zero_grad(net) == HONE_OK;
    fclose(stream);
    free(text);
    hone_module_free(net);
    return ok;
}

Test(module, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(build_and_run);
}

Test(module, named_lists_by_hand)
{
    hone_tensor *w = hone_ones(HONE_F32, 2), *b = hone_zeros(HONE_I64);
    const hone_named_list list = hone_list_named({ "weight", w }, { "bias", b });
    cr_assert(list.n == 2 && list.at[0].tensor == w && list.at[1].tensor == b);
    cr_assert_str_eq(list.at[1].name, "bias");
    cr_assert(hone_list_named_n(NULL, 0).at);
    CHECK_FAILS(hone_list_named({ NULL, w }).at, HONE_E_NULL, "NULL was given where a name is");
    CHECK_FAILS(hone_list_named({ "w", NULL }, { "b", b }).at, HONE_E_NULL, "list_named");
    CHECK_FAILS(hone_list_named_v(NULL).at, HONE_E_NULL, "list_named");
}
