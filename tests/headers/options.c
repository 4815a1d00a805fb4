/* options.c: calls everything that takes an option struct; built against today's header, an older
 * and a newer one (older.sh) and run with today's library, with the same results. Each struct ends
 * at a page that can't be read. */
#include <hone/hone.h>

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A struct's size never changes, and no padding follows its last option. */
#define SIZE_IS(type, bytes)                                                                       \
    _Static_assert(sizeof(type) == (bytes), #type);                                                \
    _Static_assert(offsetof(type, hone_reserve) + sizeof(((type *)0)->hone_reserve) == (bytes),    \
                   #type)
SIZE_IS(hone_sgd_options, 96);
SIZE_IS(hone_adam_options, 96);
SIZE_IS(hone_nadam_options, 96);
SIZE_IS(hone_radam_options, 96);
SIZE_IS(hone_adamax_options, 96);
SIZE_IS(hone_rmsprop_options, 96);
SIZE_IS(hone_adagrad_options, 96);
SIZE_IS(hone_adadelta_options, 96);
SIZE_IS(hone_lion_options, 96);
SIZE_IS(hone_muon_options, 128);
SIZE_IS(hone_clip_grad_norm_options, 64);
SIZE_IS(hone_average_options, 64);
SIZE_IS(hone_checkpoint_options, 64);
SIZE_IS(hone_checkpoint_load_options, 32);
SIZE_IS(hone_events_options, 64);
SIZE_IS(hone_profile_options, 112);
SIZE_IS(hone_init_kaiming_options, 64);
SIZE_IS(hone_lr_step_options, 64);
SIZE_IS(hone_lr_exponential_options, 64);
SIZE_IS(hone_lr_constant_options, 64);
SIZE_IS(hone_lr_linear_options, 64);
SIZE_IS(hone_lr_polynomial_options, 64);
SIZE_IS(hone_lr_cosine_options, 64);
SIZE_IS(hone_lr_cosine_restarts_options, 64);
SIZE_IS(hone_lr_one_cycle_options, 96);
SIZE_IS(hone_lr_plateau_options, 96);
SIZE_IS(hone_backward_options, 64);
SIZE_IS(hone_autograd_options, 64);
SIZE_IS(hone_gradcheck_options, 64);
SIZE_IS(hone_state_options, 64);
SIZE_IS(hone_nn_linear_options, 64);
SIZE_IS(hone_nn_layer_norm_options, 64);
SIZE_IS(hone_nn_conv2d_options, 160);
SIZE_IS(hone_nn_batch_norm_options, 64);
SIZE_IS(hone_nn_triplet_options, 64);
SIZE_IS(hone_loader_options, 64);
SIZE_IS(hone_source_options, 64);
SIZE_IS(hone_csv_options, 32);
SIZE_IS(hone_tokenizer_options, 32);
SIZE_IS(hone_split_options, 32);
SIZE_IS(hone_picture_options, 32);
SIZE_IS(hone_transform_options, 32);
SIZE_IS(hone_dist_options, 64);
SIZE_IS(hone_safetensors_options, 32);
SIZE_IS(hone_file_options, 64);
SIZE_IS(hone_file_save_options, 64);
SIZE_IS(hone_zero_grad_options, 32);
SIZE_IS(hone_conv2d_options, 96);
SIZE_IS(hone_max_pool2d_options, 96);
SIZE_IS(hone_batch_norm_options, 64);
SIZE_IS(hone_avg_pool2d_options, 96);
SIZE_IS(hone_max_pool1d_options, 64);
SIZE_IS(hone_avg_pool1d_options, 64);
SIZE_IS(hone_conv1d_options, 64);
SIZE_IS(hone_conv_transpose1d_options, 64);
SIZE_IS(hone_conv_transpose2d_options, 128);
SIZE_IS(hone_conv3d_options, 128);
SIZE_IS(hone_conv_transpose3d_options, 128);
SIZE_IS(hone_max_pool3d_options, 128);
SIZE_IS(hone_avg_pool3d_options, 128);
SIZE_IS(hone_max_unpool1d_options, 64);
SIZE_IS(hone_max_unpool2d_options, 96);
SIZE_IS(hone_max_unpool3d_options, 128);
SIZE_IS(hone_unfold_options, 96);
SIZE_IS(hone_interpolate_options, 96);
SIZE_IS(hone_rnn_options, 64);

static void check(bool good, const char *what, int line)
{
    if (good)
        return;
    fprintf(stderr, "options.c:%d: %s: %s\n", line, what, hone_error_message());
    exit(1);
}
#define CHECK(cond) check(cond, #cond, __LINE__)

/* A copy that ends where memory ends. */
static void *at_the_end(const void *options, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && mprotect(at + page, page, PROT_NONE) == 0);
    return memcpy(at + page - bytes, options, bytes);
}
#define GIVE(type, ...) ((type *)at_the_end(&(type){ __VA_ARGS__ }, sizeof(type)))

/* The program of tomorrow sets an option that this library doesn't know: refused. */
#ifdef NEWER
#define REFUSED(call, type, ...)                                                                   \
    do {                                                                                           \
        type *options = GIVE(type, __VA_ARGS__);                                                   \
        options->newer = 1;                                                                        \
        (void)(call);                                                                              \
        CHECK(hone_error_code() == HONE_E_VALUE);                                                  \
        CHECK(strstr(hone_error_message(), "doesn't know") != NULL);                               \
        hone_error_clear();                                                                        \
    } while (0)
#else
#define REFUSED(call, type, ...) (void)0
#endif

static hone_tensor *cube(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in, (void)user;
    return hone_mul(hone_square(in[0]), in[0]);
}

static void gradients(void)
{
    hone_tensor *x = hone_requires_grad_(hone_full(HONE_F64, 2.0, 3), true);
    hone_tensor *ones = hone_ones(HONE_F64, 3);
    CHECK(hone_backward_with(hone_square(x), GIVE(hone_backward_options, .gradient = ones)) ==
          HONE_OK);
    CHECK(hone_item(hone_sum(hone_grad(x))) == 12);
    const hone_tensor_list y = hone_list(hone_square(x)), in = hone_list(x);
    hone_tensor_list g = hone_autograd_grad(
        y, in, GIVE(hone_autograd_options, .grad_outputs = hone_list(ones), .retain_graph = true));
    CHECK(g.n == 1 && hone_item(hone_sum(g.at[0])) == 12);
    CHECK(hone_gradcheck("cube", cube, NULL, in, GIVE(hone_gradcheck_options, .eps = 1e-6)) ==
          HONE_OK);
    CHECK(hone_gradgradcheck("cube", cube, NULL, in, GIVE(hone_gradcheck_options, .eps = 1e-6)) ==
          HONE_OK);
    REFUSED(hone_backward_with(hone_sum(x), options), hone_backward_options, .gradient = NULL);
    REFUSED(hone_autograd_grad(y, in, options), hone_autograd_options, .retain_graph = true);
    REFUSED(hone_gradcheck("cube", cube, NULL, in, options), hone_gradcheck_options, .eps = 1e-6);
    REFUSED(hone_gradgradcheck("cube", cube, NULL, in, options), hone_gradcheck_options,
            .eps = 1e-6);
}

static void modules(void)
{
    const char *path = "options.safetensors";
    hone_module *linear = hone_nn_linear_with(4, 3, GIVE(hone_nn_linear_options, .init_factor = 1));
    hone_module *norm =
        hone_nn_layer_norm_with(HONE_DIM_ARGS(3), GIVE(hone_nn_layer_norm_options, .eps = 1e-3));
    hone_module *conv = hone_nn_conv2d_with(
        2, 4, 3, 3, GIVE(hone_nn_conv2d_options, .conv.groups = 2, .no_bias = true));
    hone_module *batch = hone_nn_batch_norm2d(4, GIVE(hone_nn_batch_norm_options, .eps = 1e-3));
    CHECK(hone_parameters(conv).n == 1 && hone_named_state(batch).n == 5);
    CHECK(hone_forward(batch, hone_forward(conv, hone_ones(HONE_F32, 1, 2, 3, 3))) == NULL);
    hone_error_clear(); /* one value a channel */
    CHECK(hone_forward(batch, hone_forward(conv, hone_ones(HONE_F32, 2, 2, 3, 3))) != NULL);
    hone_module_free(conv);
    hone_module_free(batch);
    REFUSED(hone_nn_conv2d_with(2, 4, 3, 3, options), hone_nn_conv2d_options, .no_bias = true);
    REFUSED(hone_nn_batch_norm2d(4, options), hone_nn_batch_norm_options, .eps = 1e-3);
    hone_module *triplet =
        hone_nn_triplet_margin_with_distance(GIVE(hone_nn_triplet_options, .margin = 2));
    hone_tensor *point = hone_ones(HONE_F64, 1, 2);
    CHECK(hone_item(hone_forward(triplet, point, point, point)) == 2);
    hone_module_free(triplet);
    REFUSED(hone_nn_triplet_margin_with_distance(options), hone_nn_triplet_options, .margin = 2);
    const hone_tensor_list p = hone_parameters(linear);
    CHECK(p.n == 2 && hone_dtype_of(p.at[0]) == HONE_F32 && hone_parameters(norm).n == 2);
    CHECK(hone_dtype_of(hone_parameters(norm).at[0]) == HONE_F32);
    hone_state_options *layout = GIVE(hone_state_options, .layout = HONE_LAYOUT_OUT_IN);
    CHECK(hone_save_state_with(linear, path, layout) == HONE_OK);
    CHECK(hone_load_state_with(linear, path, layout) == HONE_OK);
    REFUSED(hone_save_state_with(linear, path, options), hone_state_options, .layout = 0);
    REFUSED(hone_load_state_with(linear, path, options), hone_state_options, .layout = 0);
    hone_safetensors_options *half = GIVE(hone_safetensors_options, .half_to_f32 = true);
    CHECK(hone_safetensors_load_with(path, NULL, half).n == 2);
    hone_safetensors *file = hone_safetensors_open(path);
    CHECK(hone_safetensors_read_with(file, "bias", half) != NULL);
    REFUSED(hone_safetensors_load_with(path, NULL, options), hone_safetensors_options,
            .half_to_f32 = true);
    REFUSED(hone_safetensors_read_with(file, "bias", options), hone_safetensors_options,
            .half_to_f32 = true);
    hone_file_options *convert = GIVE(hone_file_options, .convert = true);
    CHECK(hone_file_load_with(path, NULL, convert).n == 2);
    CHECK(hone_file_read_with(file, "bias", convert) != NULL);
    REFUSED(hone_file_load_with(path, NULL, options), hone_file_options, .convert = true);
    REFUSED(hone_file_open_with(path, options), hone_file_options, .convert = true);
    REFUSED(hone_file_read_with(file, "bias", options), hone_file_options, .convert = true);
    hone_safetensors_close(file);
    const hone_named_list named = hone_named_state(linear);
    hone_file_save_options *save = GIVE(hone_file_save_options, .floats = "F16");
    CHECK(hone_file_save_with(path, named, save) == HONE_OK);
    REFUSED(hone_file_save_with(path, named, options), hone_file_save_options, .floats = "F16");
    hone_zero_grad_options *zero = GIVE(hone_zero_grad_options, .set_to_none = true);
    CHECK(hone_module_zero_grad_with(linear, zero) == HONE_OK);
    REFUSED(hone_module_zero_grad_with(linear, options), hone_zero_grad_options,
            .set_to_none = true);
    REFUSED(hone_nn_linear_with(4, 3, options), hone_nn_linear_options, .init_factor = 1);
    REFUSED(hone_nn_layer_norm_with(HONE_DIM_ARGS(3), options), hone_nn_layer_norm_options,
            .eps = 1);

    /* two steps of plain momentum: g = 1, then 1 + 0.9 */
    hone_tensor *weight = hone_requires_grad_(hone_zeros(HONE_F32, 1), true);
    hone_optim *sgd =
        hone_sgd_list(hone_list(weight), GIVE(hone_sgd_options, .lr = 0.5, .momentum = 0.9));
    for (int step = 0; step < 2; step++) {
        hone_optim_zero_grad(sgd);
        hone_backward(hone_sum(weight));
        CHECK(hone_optim_step(sgd) == HONE_OK);
    }
    CHECK(fabs(hone_item(weight) + 0.5 * (1 + 1.9)) < 1e-6);
    CHECK(hone_optim_zero_grad_with(sgd, zero) == HONE_OK);
    REFUSED(hone_optim_zero_grad_with(sgd, options), hone_zero_grad_options, .set_to_none = true);
    REFUSED(hone_sgd(linear, options), hone_sgd_options, .lr = 1);
    /* a step of each */
#define STEP(name, ...)                                                                            \
    do {                                                                                           \
        hone_optim *o = hone_##name##_list(hone_list(weight), __VA_ARGS__);                        \
        CHECK(hone_optim_step(o) == HONE_OK);                                                      \
        hone_optim_free(o);                                                                        \
    } while (0)
    STEP(adam, GIVE(hone_adam_options, .lr = 0.5, .beta1 = 0.8));
    STEP(adamw, GIVE(hone_adam_options, .lr = 0.5, .weight_decay = HONE_ZERO));
    STEP(nadam, GIVE(hone_nadam_options, .lr = 0.5, .momentum_decay = 0.1));
    STEP(radam, GIVE(hone_radam_options, .lr = 0.5));
    STEP(adamax, GIVE(hone_adamax_options, .lr = 0.5));
    STEP(rmsprop, GIVE(hone_rmsprop_options, .lr = 0.5, .momentum = 0.5));
    STEP(adagrad, GIVE(hone_adagrad_options, .lr = 0.5));
    STEP(adadelta, GIVE(hone_adadelta_options, .rho = 0.5));
    STEP(lion, GIVE(hone_lion_options, .lr = 0.5));
    CHECK(hone_clip_grad_norm_(hone_list(weight), 1,
                               GIVE(hone_clip_grad_norm_options, .norm_type = 1), NULL) == HONE_OK);
    REFUSED(hone_clip_grad_norm_(hone_list(weight), 1, options, NULL), hone_clip_grad_norm_options,
            .norm_type = 1);
    hone_optim *o = hone_sgd_list(hone_list(weight), NULL);
#define SCHEDULE(name, ...)                                                                        \
    do {                                                                                           \
        hone_schedule_free(hone_lr_##name(o, GIVE(hone_lr_##name##_options, __VA_ARGS__)));        \
        CHECK(hone_error_code() == HONE_OK);                                                       \
        REFUSED(hone_lr_##name(o, options), hone_lr_##name##_options, __VA_ARGS__);                \
    } while (0)
    SCHEDULE(step, .step_size = 3);
    SCHEDULE(exponential, .gamma = 0.5);
    SCHEDULE(constant, .factor = 0.5);
    SCHEDULE(linear, .start_factor = 0.5);
    SCHEDULE(polynomial, .total_iters = 3);
    SCHEDULE(cosine, .t_max = 3);
    SCHEDULE(cosine_restarts, .t_0 = 3);
    SCHEDULE(one_cycle, .max_lr = 1, .total_steps = 9);
    SCHEDULE(plateau, .factor = 0.5);
    hone_optim_free(o);
    hone_tensor *drawn = hone_zeros(HONE_F32, 4, 4);
    CHECK(hone_init_kaiming_uniform_(drawn, GIVE(hone_init_kaiming_options, .a = 1), NULL));
    CHECK(hone_init_kaiming_normal_(drawn, GIVE(hone_init_kaiming_options, .a = 1), NULL));
    REFUSED(hone_init_kaiming_uniform_(drawn, options, NULL), hone_init_kaiming_options, .a = 1);
    REFUSED(hone_init_kaiming_normal_(drawn, options, NULL), hone_init_kaiming_options, .a = 1);
    hone_average_free(hone_average_new(linear, GIVE(hone_average_options, .decay = 0.5)));
    REFUSED(hone_average_new(linear, options), hone_average_options, .decay = 0.5);
    hone_checkpoint *run =
        hone_checkpoint_new("/dev/full", GIVE(hone_checkpoint_options, .foreground = true));
    CHECK(hone_checkpoint_module(run, "model", linear) == HONE_OK);
    CHECK(hone_checkpoint_save(run) == HONE_E_IO); /* at once */
    hone_error_clear();
    REFUSED(hone_checkpoint_new("x", options), hone_checkpoint_options, .keep = 2);
    REFUSED(hone_checkpoint_load(run, "x", options), hone_checkpoint_load_options, .anyway = true);
    hone_checkpoint_free(run);
    CHECK(!hone_events_new("/dev/null", GIVE(hone_events_options, .from_step = 3)));
    hone_error_clear(); /* no directory, or no protobuf-c */
    CHECK(hone_profile_begin(GIVE(hone_profile_options, .events = "none")) == HONE_OK);
    CHECK(hone_profile_end() == HONE_OK);
    REFUSED(hone_profile_begin(options), hone_profile_options, .warmup = 1);
    hone_tensor *matrix = hone_requires_grad_(hone_ones(HONE_F32, 2, 2), true);
    hone_optim_free(hone_muon_list(hone_list(matrix), GIVE(hone_muon_options, .ns_steps = 2)));
    CHECK(hone_error_code() == HONE_OK);
    REFUSED(hone_adam(linear, options), hone_adam_options, .lr = 1);
    REFUSED(hone_adamw(linear, options), hone_adam_options, .lr = 1);
    REFUSED(hone_nadam(linear, options), hone_nadam_options, .lr = 1);
    REFUSED(hone_radam(linear, options), hone_radam_options, .lr = 1);
    REFUSED(hone_adamax(linear, options), hone_adamax_options, .lr = 1);
    REFUSED(hone_rmsprop(linear, options), hone_rmsprop_options, .lr = 1);
    REFUSED(hone_adagrad(linear, options), hone_adagrad_options, .lr = 1);
    REFUSED(hone_adadelta(linear, options), hone_adadelta_options, .lr = 1);
    REFUSED(hone_lion(linear, options), hone_lion_options, .lr = 1);
    REFUSED(hone_muon(linear, options), hone_muon_options, .lr = 1);
    hone_optim_free(sgd);
    hone_module_free(linear);
    hone_module_free(norm);
}

static void convolutions(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 2, 4, 4), *w = hone_ones(HONE_F32, 2, 1, 3, 3);
    hone_tensor *y = hone_conv2d(x, w, HONE_NONE, GIVE(hone_conv2d_options, .groups = 2));
    CHECK(y && hone_item(hone_max(y)) == 9 && hone_numel(y) == 8);
    REFUSED(hone_conv2d(x, w, HONE_NONE, options), hone_conv2d_options, .groups = 2);
    REFUSED(hone_conv2d_backward_input(y, w, 4, 4, options), hone_conv2d_options, .groups = 2);
    REFUSED(hone_conv2d_backward_weight(y, x, 3, 3, options), hone_conv2d_options, .groups = 2);
}

static void rows_and_transposed(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 2, 4), *w = hone_ones(HONE_F32, 2, 1, 3);
    hone_tensor *y = hone_conv1d(x, w, HONE_NONE, GIVE(hone_conv1d_options, .groups = 2));
    CHECK(y && hone_item(hone_max(y)) == 3 && hone_numel(y) == 4);
    REFUSED(hone_conv1d(x, w, HONE_NONE, options), hone_conv1d_options, .groups = 2);
    y = hone_conv_transpose1d(x, w, HONE_NONE, GIVE(hone_conv_transpose1d_options, .groups = 2));
    CHECK(y && hone_numel(y) == 12);
    REFUSED(hone_conv_transpose1d(x, w, HONE_NONE, options), hone_conv_transpose1d_options,
            .groups = 2);
    x = hone_unsqueeze(x, 2);
    w = hone_unsqueeze(w, 2);
    y = hone_conv_transpose2d(x, w, HONE_NONE, GIVE(hone_conv_transpose2d_options, .groups = 2));
    CHECK(y && hone_numel(y) == 12);
    REFUSED(hone_conv_transpose2d(x, w, HONE_NONE, options), hone_conv_transpose2d_options,
            .groups = 2);
}

static void volumes(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 2, 2, 4, 4), *w = hone_ones(HONE_F32, 2, 1, 2, 3, 3);
    hone_tensor *y = hone_conv3d(x, w, HONE_NONE, GIVE(hone_conv3d_options, .groups = 2));
    CHECK(y && hone_item(hone_max(y)) == 18 && hone_numel(y) == 8);
    REFUSED(hone_conv3d(x, w, HONE_NONE, options), hone_conv3d_options, .groups = 2);
    REFUSED(hone_conv3d_backward_input(y, w, 2, 4, 4, options), hone_conv3d_options, .groups = 2);
    REFUSED(hone_conv3d_backward_weight(y, x, 2, 3, 3, options), hone_conv3d_options, .groups = 2);
    y = hone_conv_transpose3d(x, w, HONE_NONE, GIVE(hone_conv_transpose3d_options, .groups = 2));
    CHECK(y && hone_numel(y) == 216);
    REFUSED(hone_conv_transpose3d(x, w, HONE_NONE, options), hone_conv_transpose3d_options,
            .groups = 2);
    y = hone_max_pool3d(x, GIVE(hone_max_pool3d_options, .kernel_size = { 2, 2, 2 }));
    CHECK(y && hone_numel(y) == 8);
    REFUSED(hone_max_pool3d(x, options), hone_max_pool3d_options, .kernel_size = { 2, 2, 2 });
    y = hone_avg_pool3d(x, GIVE(hone_avg_pool3d_options, .kernel_size = { 2, 2, 2 }));
    CHECK(y && hone_item(hone_max(y)) == 1 && hone_numel(y) == 8);
    REFUSED(hone_avg_pool3d(x, options), hone_avg_pool3d_options, .kernel_size = { 2, 2, 2 });
    REFUSED(hone_avg_pool3d_backward(y, 2, 4, 4, options), hone_avg_pool3d_options,
            .kernel_size = { 2, 2, 2 });
    x = hone_ones(HONE_F32, 1, 1, 1, 1, 1);
    hone_tensor *at = hone_zeros(HONE_I64, 1, 1, 1, 1, 1);
    y = hone_max_unpool3d(x, at, GIVE(hone_max_unpool3d_options, .kernel_size = { 2, 2, 2 }));
    CHECK(y && hone_numel(y) == 8);
    REFUSED(hone_max_unpool3d(x, at, options), hone_max_unpool3d_options,
            .kernel_size = { 2, 2, 2 });
    x = hone_squeeze(x, 0);
    at = hone_squeeze(at, 0);
    y = hone_max_unpool2d(x, at, GIVE(hone_max_unpool2d_options, .kernel_size = { 2, 2 }));
    CHECK(y && hone_numel(y) == 4);
    REFUSED(hone_max_unpool2d(x, at, options), hone_max_unpool2d_options, .kernel_size = { 2, 2 });
    x = hone_squeeze(x, 0);
    at = hone_squeeze(at, 0);
    y = hone_max_unpool1d(x, at, GIVE(hone_max_unpool1d_options, .kernel_size = 2));
    CHECK(y && hone_numel(y) == 2);
    REFUSED(hone_max_unpool1d(x, at, options), hone_max_unpool1d_options, .kernel_size = 2);
}

static void columns(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 4, 4);
    hone_tensor *y = hone_unfold(x, GIVE(hone_unfold_options, .kernel_size = { 2, 3 }));
    CHECK(y && hone_numel(y) == 12 * 6);
    CHECK(hone_item(hone_max(
              hone_fold(y, 4, 4, GIVE(hone_unfold_options, .kernel_size = { 2, 3 })))) == 4);
    REFUSED(hone_unfold(x, options), hone_unfold_options, .kernel_size = { 2, 3 });
    REFUSED(hone_fold(y, 4, 4, options), hone_unfold_options, .kernel_size = { 2, 3 });
    y = hone_unsqueeze(x, 0);
    CHECK(hone_numel(hone_interpolate(y, GIVE(hone_interpolate_options, .size = { 3 }))) == 18);
    REFUSED(hone_interpolate(y, options), hone_interpolate_options, .size = { 3 });
}

static void batch_norms(void)
{
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 4, 1), 4, 1);
    hone_tensor *mean = hone_zeros(HONE_F32, 1), *var = hone_ones(HONE_F32, 1);
    const hone_batch_norm_options *o =
        GIVE(hone_batch_norm_options, .training = true, .momentum = 1);
    CHECK(hone_batch_norm(x, mean, var, HONE_NONE, HONE_NONE, o) && hone_item(mean) == 1.5);
    REFUSED(hone_batch_norm(x, mean, var, HONE_NONE, HONE_NONE, options), hone_batch_norm_options,
            .training = true);
    CHECK(hone_item(mean) == 1.5);
}

static void pools(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 2, 5, 4);
    hone_tensor *y = hone_max_pool2d(x, GIVE(hone_max_pool2d_options, .kernel_size = { 2, 2 }));
    CHECK(y && hone_numel(y) == 8);
    REFUSED(hone_max_pool2d(x, options), hone_max_pool2d_options, .kernel_size = { 2, 2 });
    REFUSED(hone_max_pool2d_with_indices(x, options), hone_max_pool2d_options,
            .kernel_size = { 2, 2 });
}

static void means(void)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 2, 5, 4);
    hone_tensor *y = hone_avg_pool2d(x, GIVE(hone_avg_pool2d_options, .kernel_size = { 2, 2 }));
    CHECK(y && hone_numel(y) == 8);
    REFUSED(hone_avg_pool2d(x, options), hone_avg_pool2d_options, .kernel_size = { 2, 2 });
    REFUSED(hone_avg_pool2d_backward(y, 5, 4, options), hone_avg_pool2d_options,
            .kernel_size = { 2, 2 });
    x = hone_ones(HONE_F32, 2, 5);
    y = hone_avg_pool1d(x, GIVE(hone_avg_pool1d_options, .kernel_size = 2));
    CHECK(y && hone_numel(y) == 4);
    REFUSED(hone_avg_pool1d(x, options), hone_avg_pool1d_options, .kernel_size = 2);
    y = hone_max_pool1d(x, GIVE(hone_max_pool1d_options, .kernel_size = 2));
    CHECK(y && hone_numel(y) == 4);
    REFUSED(hone_max_pool1d(x, options), hone_max_pool1d_options, .kernel_size = 2);
}

static void tables(void)
{
    hone_table table;
    FILE *file = fopen("t.csv", "w");
    CHECK(file && fputs("1;2\n3\n", file) >= 0 && fclose(file) == 0);
    CHECK(hone_csv_read("t.csv", GIVE(hone_csv_options, .no_header = true, .skip_damaged = true),
                        &table) == HONE_OK);
    CHECK(table.n_rows == 1 && table.n_columns == 2);
    hone_table_free(&table);
    REFUSED(hone_csv_read("t.csv", options, &table), hone_csv_options, .no_header = true);
    remove("t.csv");
    file = fopen("t.list", "w");
    CHECK(file && fputs("a\nb\n", file) >= 0 && fclose(file) == 0);
    hone_tokenizer *t = hone_tokenizer_open("t.list");
    CHECK(hone_numel(hone_tokenizer_encode(t, "abb", 3,
                                           GIVE(hone_tokenizer_options, .special = true))) == 3);
    REFUSED(hone_tokenizer_encode(t, "abb", 3, options), hone_tokenizer_options, .special = true);
    hone_tokenizer_free(t);
    remove("t.list");
}

static void loaders(void)
{
    hone_dataset set;
    CHECK(hone_digits(HONE_TRAIN, 10, 0, &set) == HONE_OK);
    hone_loader *loader =
        hone_loader_new(&set, GIVE(hone_loader_options, .batch_size = 4, .shuffle = true));
    CHECK(hone_loader_batches(loader) == 3); /* the last one, of two, too */
    REFUSED(hone_loader_new(&set, options), hone_loader_options, .batch_size = 4);
    hone_loader_free(loader);
    hone_dataset half[2], changed;
    const double part[] = { 0.5, 0.5 };
    CHECK(hone_dataset_split(&set, part, 2, GIVE(hone_split_options, .stratify = true), half) ==
          HONE_OK);
    CHECK(hone_dataset_size(&half[1]) == 5);
    hone_dataset_free(&half[0]);
    hone_dataset_free(&half[1]);
    REFUSED(hone_dataset_split(&set, part, 2, options, half), hone_split_options, .seed = 1);
    CHECK(hone_dataset_transformed(&set, "flip", GIVE(hone_transform_options, .n_classes = 10),
                                   &changed) == HONE_OK);
    hone_dataset_free(&changed);
    REFUSED(hone_dataset_transformed(&set, "flip", options, &changed), hone_transform_options,
            .n_classes = 10);
    REFUSED(hone_picture_read("none.png", options), hone_picture_options, .grey = true);
    hone_dataset_free(&set);
    hone_source source;
    CHECK(hone_source_open("digits", GIVE(hone_source_options, .limit = 10), &source) == HONE_OK);
    CHECK(hone_dataset_size(&source.train) == 10);
    hone_source_free(&source);
    tables();
    REFUSED(hone_source_open("digits", options, &source), hone_source_options, .limit = 10);
}

int main(void)
{
    HONE_SCOPE();
    gradients();
    modules();
    convolutions();
    rows_and_transposed();
    volumes();
    columns();
    pools();
    means();
    batch_norms();
    loaders();
    check(hone_error_code() == HONE_OK, "an error is pending", __LINE__);
    return 0;
}
