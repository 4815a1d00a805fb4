/* Generators (random.h): threads that draw at the same time get the same numbers in every run. */
#include "files.h"
#include "support.h"

#include <hone/hone.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(generator);

enum { PART = 50, ROUNDS = 6, THREADS = 3 };

/* What one round of one thread draws, by everything that draws. */
typedef struct {
    double at[6][PART];
} drawn;

static void keep(hone_tensor *t, double to[PART])
{
    HONE_NO_GRAD();
    hone_tensor *x = hone_flatten(hone_to(t, HONE_F64), 0);
    cr_assert(hone_copy_out(x, to, PART * sizeof *to) == HONE_OK, "%s", hone_error_message());
}

static void draw(drawn *d)
{
    HONE_SCOPE();
    hone_module *layer = hone_nn_linear(5, 10);
    cr_assert(layer, "%s", hone_error_message());
    keep(hone_rand(HONE_F64, PART), d->at[0]);
    keep(hone_randn(HONE_F32, 5, 10), d->at[1]);
    keep(hone_randint(HONE_I64, 0, 1000, PART), d->at[2]);
    keep(hone_randperm(PART), d->at[3]);
    keep(hone_parameters(layer).at[0], d->at[4]);
    uint64_t seed, stream;
    CHECK_OK(hone_next_stream(&seed, &stream));
    for (int i = 0; i < PART; i++)
        d->at[5][i] = (double)(stream % 1000003);
    hone_module_free(layer);
}

/* ---- threads that take turns in an order that is given */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    const char *order; /* "112": thread 1 has two rounds, then 2 one, ... */
    int next;
    drawn got[THREADS][ROUNDS];
} turns;

typedef struct {
    turns *turns;
    int number; /* of the generator; 0: the main thread, which has the default one */
} player;

static void *play(void *user)
{
    const player *p = user;
    if (p->number > 0) {
        hone_generator *g = hone_generator_new(7, p->number);
        CHECK_OK(hone_generator_use(g));
        hone_generator_free(g);
    }
    for (int round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&p->turns->lock);
        while (p->turns->order[p->turns->next] != '0' + p->number)
            pthread_cond_wait(&p->turns->moved, &p->turns->lock);
        draw(&p->turns->got[p->number][round]);
        p->turns->next++;
        pthread_cond_broadcast(&p->turns->moved);
        pthread_mutex_unlock(&p->turns->lock);
    }
    return NULL;
}

static turns *run_in_order(const char *order)
{
    turns *t = calloc(1, sizeof *t);
    cr_assert(t && strlen(order) == ROUNDS * THREADS);
    *t = (turns){ .order = order };
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
    pthread_t thread[THREADS];
    player players[THREADS];
    hone_seed(7);
    for (int i = 0; i < THREADS; i++)
        players[i] = (player){ t, i };
    for (int i = 1; i < THREADS; i++)
        cr_assert(pthread_create(&thread[i], NULL, play, &players[i]) == 0);
    play(&players[0]);
    for (int i = 1; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return t;
}

Test(generator, threads_get_the_same_numbers_in_any_order)
{
    static const char *const orders[] = { "000000111111222222", "222222111111000000",
                                          "012012012012012012", "110220021102201012" };
    turns *first = run_in_order(orders[0]);
    for (int i = 1; i < 4; i++) {
        turns *other = run_in_order(orders[i]);
        cr_expect(memcmp(first->got, other->got, sizeof first->got) == 0, "order %s", orders[i]);
        free(other);
    }
    for (int kind = 0; kind < 6; kind++)
        for (int a = 0; a < THREADS * ROUNDS; a++)
            for (int b = 0; b < a; b++)
                cr_expect(memcmp(first->got[a / ROUNDS][a % ROUNDS].at[kind],
                                 first->got[b / ROUNDS][b % ROUNDS].at[kind],
                                 sizeof(double[PART])) != 0,
                          "kind %d: draws %d and %d are equal", kind, a, b);
    free(first);
}

static void *free_play(void *user)
{
    const player *p = user;
    hone_generator *g = hone_generator_new(7, p->number);
    CHECK_OK(hone_generator_use(g));
    hone_generator_free(g);
    for (int round = 0; round < ROUNDS; round++)
        draw(&p->turns->got[p->number][round]);
    return NULL;
}

Test(generator, threads_that_run_at_once_get_the_same_numbers_in_every_run)
{
    turns *wanted = run_in_order("012012012012012012");
    for (int run = 0; run < 20; run++) {
        turns *t = calloc(1, sizeof *t);
        pthread_t one, two;
        player first = { t, 1 }, second = { t, 2 };
        pthread_create(&one, NULL, free_play, &first);
        pthread_create(&two, NULL, free_play, &second);
        pthread_join(one, NULL);
        pthread_join(two, NULL);
        cr_assert(memcmp(wanted->got[1], t->got[1], sizeof t->got[1]) == 0 &&
                  memcmp(wanted->got[2], t->got[2], sizeof t->got[2]) == 0);
        free(t);
    }
    free(wanted);
}

/* ---- whose generator it is */

static void on_another_thread(void *(*run)(void *), void *user)
{
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, run, user) == 0);
    pthread_join(thread, NULL);
}

static void *draw_without(void *user)
{
    (void)user;
    CHECK_FAILS(hone_rand(HONE_F32, 3), HONE_E_STATE, "rand: the default generator is another");
    CHECK_FAILS(hone_randn(HONE_F32, 3), HONE_E_STATE, "hone_generator_use");
    CHECK_FAILS(hone_randint(HONE_I64, 0, 9, 3), HONE_E_STATE, "randint: the default generator");
    CHECK_FAILS(hone_randperm(3), HONE_E_STATE, "randperm: the default generator");
    CHECK_FAILS(hone_nn_linear(3, 4), HONE_E_STATE, "hone_generator_new");
    CHECK_FAILS(hone_next_stream(NULL, NULL), HONE_E_STATE, "next_stream");
    CHECK_FAILS(hone_generator_current(), HONE_E_STATE, "generator_current");
    CHECK_FAILS(hone_generator_use(hone_generator_default()), HONE_E_STATE, "generator_use");
    hone_dataset set; /* these have seeds of their own */
    CHECK_OK(hone_digits(HONE_TRAIN, 3, 0, &set));
    hone_dataset_free(&set);
    return NULL;
}

Test(generator, a_second_thread_needs_one)
{
    hone_seed(3);
    on_another_thread(draw_without, NULL);
    hone_tensor *first = hone_rand(HONE_F32, 5);
    hone_seed(3);
    cr_assert(hone_equal(hone_rand(HONE_F32, 5), first), "it took none of the numbers");
    cr_assert(hone_generator_current() == hone_generator_default());
}

static void *seed_here(void *user)
{
    hone_seed(4);
    keep(hone_rand(HONE_F64, PART), user);
    return NULL;
}

Test(generator, the_default_one_is_the_thread_s_that_seeded_it_last)
{
    double here[PART], there[PART];
    seed_here(here);
    on_another_thread(seed_here, there);
    cr_assert(memcmp(here, there, sizeof here) == 0);
    CHECK_FAILS(hone_rand(HONE_F32, 3), HONE_E_STATE, "default generator");
    hone_seed(4);
    keep(hone_rand(HONE_F64, PART), there);
    cr_assert(memcmp(here, there, sizeof here) == 0);
}

static void *use_of_another(void *user)
{
    const hone_generator_state state = { 1, 5, 0 };
    CHECK_FAILS(hone_generator_use(user), HONE_E_STATE, "another thread uses generator 5 of seed");
    CHECK_FAILS(hone_generator_set(user, &state), HONE_E_STATE, "another thread uses generator 5");
    CHECK_FAILS(hone_nn_linear_with(2, 3, (&(hone_nn_linear_options){ .generator = user })),
                HONE_E_STATE, "randn: another thread uses generator 5");
    return NULL;
}

static void *use_free_one(void *user)
{
    CHECK_OK(hone_generator_use(user));
    cr_assert(hone_rand(HONE_F32, 3) && hone_generator_current() == user);
    return NULL; /* the thread's end gives it back */
}

Test(generator, is_used_by_one_thread_at_a_time)
{
    hone_generator *g = hone_generator_new(1, 5);
    hone_generator_state state;
    CHECK_OK(hone_generator_use(g));
    CHECK_OK(hone_generator_use(g));
    cr_assert(hone_rand(HONE_F32, 3) && hone_generator_current() == g);
    on_another_thread(use_of_another, g);
    CHECK_OK(hone_generator_use(hone_generator_default()));
    on_another_thread(use_free_one, g);
    on_another_thread(use_free_one, g);
    CHECK_OK(hone_generator_get(g, &state));
    cr_assert(state.seed == 1 && state.number == 5 && state.draws == 3);
    hone_generator_free(g);
}

Test(generator, may_be_freed_while_it_is_used)
{
    hone_generator *g = hone_generator_new(1, 5);
    CHECK_OK(hone_generator_use(g));
    hone_generator_free(g);
    cr_assert(hone_rand(HONE_F32, 3) && hone_generator_current() == g);
    CHECK_OK(hone_generator_use(hone_generator_default()));
    hone_generator_free(hone_generator_default()); /* ignored */
    hone_generator_free(NULL);
    cr_assert(hone_rand(HONE_F32, 3) != NULL);
}

/* ---- in options, and the state */

Test(generator, is_taken_from_the_options)
{
    hone_seed(0);
    hone_generator *g = hone_generator_new(9, 1);
    hone_module *by_option = hone_nn_linear_with(3, 4, &(hone_nn_linear_options){ .generator = g });
    hone_tensor *of_default = hone_rand(HONE_F32, 3);
    hone_seed(0);
    cr_assert(hone_equal(hone_rand(HONE_F32, 3), of_default), "the default one was left alone");
    CHECK_OK(hone_generator_set(g, &(hone_generator_state){ 9, 1, 0 }));
    CHECK_OK(hone_generator_use(g));
    hone_module *by_use = hone_nn_linear(3, 4);
    CHECK_OK(hone_generator_use(hone_generator_default()));
    cr_assert(hone_equal(hone_parameters(by_option).at[0], hone_parameters(by_use).at[0]));
    hone_module_free(by_option);
    hone_module_free(by_use);
    hone_generator_free(g);
}

/* A run that is ended and goes on from a file draws what it would have drawn. */
static void check_going_on(hone_generator *g, hone_generator *again)
{
    HONE_SCOPE();
    hone_generator_state state, read;
    CHECK_OK(hone_generator_use(g));
    cr_assert(hone_randn(HONE_F32, 3) && hone_rand(HONE_F64, 4));
    CHECK_OK(hone_generator_get(g, &state));
    hone_named saved = { "generator", hone_from_data(HONE_I64, &state, 3) };
    CHECK_OK(hone_safetensors_save(test_path("state"), (hone_named_list){ &saved, 1 }, NULL));
    hone_tensor *wanted = hone_randn(HONE_F32, 30);

    const hone_named_list file = hone_safetensors_load(test_path("state"), NULL);
    cr_assert(file.n == 1, "%s", hone_error_message());
    CHECK_OK(hone_copy_out(file.at[0].tensor, &read, sizeof read));
    CHECK_OK(hone_generator_set(again, &read));
    CHECK_OK(hone_generator_use(again));
    cr_assert(hone_equal(hone_randn(HONE_F32, 30), wanted));
}

Test(generator, a_state_is_saved_and_set)
{
    hone_generator *g = hone_generator_new(UINT64_MAX - 5, HONE_GENERATORS - 1);
    hone_generator *again = hone_generator_new(0, 1);
    check_going_on(g, again);
    hone_seed(UINT64_MAX);
    check_going_on(hone_generator_default(), hone_generator_default());
    hone_generator_free(g);
    hone_generator_free(again);
}

Test(generator, ends_after_its_last_stream)
{
    hone_generator *g = hone_generator_new(1, 2);
    uint64_t seed, stream;
    CHECK_OK(hone_generator_set(g, &(hone_generator_state){ 1, 2, (UINT64_C(1) << 36) - 1 }));
    CHECK_OK(hone_generator_use(g));
    CHECK_OK(hone_next_stream(&seed, &stream));
    cr_assert(seed == 1 && stream == (UINT64_C(3) << 36) - 1);
    CHECK_FAILS(hone_rand(HONE_F32, 3), HONE_E_STATE, "rand: the generator's 2^36 streams");
    hone_generator_free(g);
    CHECK_OK(hone_generator_use(hone_generator_default()));
}

Test(generator, calls_that_make_no_sense)
{
    hone_generator *g = hone_generator_new(1, 2);
    hone_generator_state state = { 0 };
    CHECK_FAILS(hone_generator_new(1, 0), HONE_E_VALUE, "generator_new: number 0");
    CHECK_FAILS(hone_generator_new(1, HONE_GENERATORS), HONE_E_VALUE, "1048576 (1 to 1048575");
    CHECK_FAILS(hone_generator_new(1, -1), HONE_E_VALUE, "number -1");
    CHECK_FAILS(hone_generator_use(NULL), HONE_E_NULL, "generator_use");
    CHECK_FAILS(hone_generator_get(NULL, &state), HONE_E_NULL, "a generator");
    CHECK_FAILS(hone_generator_get(g, NULL), HONE_E_NULL, "a state");
    CHECK_FAILS(hone_generator_set(NULL, &state), HONE_E_NULL, "a generator");
    CHECK_FAILS(hone_generator_set(g, NULL), HONE_E_NULL, "a state");
    CHECK_FAILS(hone_generator_set(g, &state), HONE_E_VALUE, "number 0 and 0 draws");
    state = (hone_generator_state){ 0, 3, (UINT64_C(1) << 36) + 1 };
    CHECK_FAILS(hone_generator_set(g, &state), HONE_E_VALUE, "68719476737 draws are no state");
    state = (hone_generator_state){ 0, HONE_GENERATORS, 0 };
    CHECK_FAILS(hone_generator_set(g, &state), HONE_E_VALUE, "number 1048576");
    state = (hone_generator_state){ 0, 3, 0 };
    CHECK_FAILS(hone_generator_set(hone_generator_default(), &state), HONE_E_VALUE,
                "no state of the default generator");
    hone_generator_free(g);
}

static bool make(void)
{
    hone_generator *g = hone_generator_new(1, 2);
    hone_generator_free(g);
    return g != NULL;
}

Test(generator, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make);
}
