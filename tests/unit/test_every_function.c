/* test_every_function.c: every public function that takes a tensor refuses what is none, by a
 * sentence that names function and sentinel. Ops are test_catalog_call.c's, the others come from a
 * list here, which the last test compares with the headers. */
#include "support.h"

#include <hone/hone.h>

#include <dirent.h>
#include <string.h>

SUITE(every_function);

static const char *name_of(const hone_tensor *sentinel)
{
    return sentinel == HONE_NONE ? "HONE_NONE" : "HONE_END_TENSOR";
}

static void refused(const char *function, const hone_tensor *sentinel, bool failed)
{
    cr_assert(failed, "%s took %s", function, name_of(sentinel));
    cr_assert(hone_error_code() == HONE_E_NULL, "%s(%s): %s", function, name_of(sentinel),
              hone_status_name(hone_error_code()));
    cr_assert(strstr(hone_error_message(), name_of(sentinel)), "%s(%s): %s", function,
              name_of(sentinel), hone_error_message());
    hone_error_clear();
}

/* ---- the others */

static hone_tensor *sentinel; /* what callbacks give */

static hone_tensor *give_sentinel(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)in, (void)n_in;
    return sentinel;
}

static hone_tensor *save_sentinel(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone_save_for_backward(ctx, 1, &sentinel) == HONE_OK ? hone_clone(in[0]) : NULL;
}

static hone_tensor *copy(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)n_in;
    return hone_clone(in[0]);
}

static void sentinel_gradient(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    (void)ctx, (void)grad;
    grad_in[0] = sentinel;
}

static hone_tensor *grad_hook(hone_tensor *grad, void *user)
{
    (void)grad, (void)user;
    return NULL;
}

static hone_status after(hone_tensor *leaf, void *user)
{
    (void)leaf, (void)user;
    return HONE_OK;
}

static hone_tensor *checkable(hone_tensor *const *in, int n_in, void *user)
{
    (void)in, (void)n_in, (void)user;
    return sentinel;
}

static hone_tensor *module_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)in, (void)n_in;
    return sentinel;
}

static hone_status sample(const hone_dataset *set, int64_t i, hone_tensor **x, hone_tensor **y)
{
    (void)set, (void)i;
    *x = *y = sentinel;
    return HONE_OK;
}

static int64_t one_sample(const hone_dataset *set)
{
    (void)set;
    return 1;
}

static bool loader_refuses(void)
{
    static const hone_dataset_class type = { "none", one_sample, sample, NULL };
    hone_batch batch;
    hone_loader *loader = hone_loader_new(&(hone_dataset){ .type = &type }, NULL);
    const bool refuses = !hone_loader_next(loader, &batch);
    hone_loader_free(loader);
    return refuses;
}

static bool module_refuses(void)
{
    static const hone_module_class type = { .name = "none",
                                            .size = sizeof(hone_module),
                                            .forward = module_forward };
    hone_module *module = hone_module_new(&type);
    const bool refuses = !hone_forward(module, hone_ones(HONE_F32, 1));
    hone_module_free(module);
    return refuses;
}

static hone_tensor *hook(hone_module *self, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user)
{
    (void)self, (void)in, (void)n_in, (void)out, (void)user;
    return sentinel;
}

static bool hook_refuses(void)
{
    hone_module *module = hone_nn_relu();
    const bool refuses = hone_module_forward_hook(module, hook, NULL) == HONE_OK &&
                         !hone_forward(module, hone_ones(HONE_F32, 1));
    hone_module_free(module);
    return refuses;
}

/* As x, or as one of the states. */
static bool lstm_refuses(bool state)
{
    hone_module *cell = hone_nn_layer("LSTMCell", "1, 1");
    hone_tensor *x = hone_ones(HONE_F32, 1, 1);
    const bool refuses =
        !hone_nn_lstm_step(cell, state ? x : sentinel, x, state ? sentinel : x).h_next;
    hone_module_free(cell);
    return refuses;
}

static bool sequence_refuses(const char *layer, bool state)
{
    hone_module *rnn = hone_nn_layer(layer, "1, 1");
    hone_tensor *x = hone_ones(HONE_F32, 1, 1, 1), *none = HONE_NONE;
    hone_tensor *in = state ? x : sentinel, *h0 = state ? sentinel : none;
    const bool refuses = strcmp(layer, "LSTM") == 0 ? !hone_nn_lstm_states(rnn, in, h0, h0).output
                                                    : !hone_nn_rnn_states(rnn, in, h0).output;
    hone_module_free(rnn);
    return refuses;
}

static bool onnx_refuses(void)
{
    hone_module *module = hone_nn_relu();
    const bool refused = hone_onnx_save(module, sentinel, "nowhere/f") == HONE_E_NULL;
    hone_module_free(module);
    return refused;
}

static bool checkpoint_refuses(void)
{
    hone_tensor *slot = sentinel;
    hone_checkpoint *run = hone_checkpoint_new("nowhere/f", NULL);
    hone_checkpoint_tensor(run, "t", &slot);
    const bool refuses = hone_checkpoint_save(run) == HONE_E_NULL;
    hone_checkpoint_free(run);
    return refuses;
}

static bool backward_refuses(void)
{
    static const hone_function fn = { "copy", copy, sentinel_gradient, NULL, NULL };
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32), true);
    return hone_backward(hone_apply(&fn, x)) != HONE_OK;
}

static hone_tensor *first(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in, (void)user;
    return hone_sum(in[0]);
}

static const hone_function gives = { "gives", give_sentinel, NULL, NULL, NULL };
static const hone_function saves = { "saves", save_sentinel, NULL, NULL, NULL };

typedef enum { ALWAYS, BUT_NONE } allowed; /* BUT_NONE: an optional tensor */

/* X(function, when it refuses s, whether s was refused); r is real, g is an f64 leaf */
#define OTHERS(X)                                                                                  \
    X(hone_list_n, BUT_NONE, !hone_list_n(&s, 1).at)                                               \
    X(hone_nn_parameter_list_n, ALWAYS, !hone_nn_parameter_list_n(&s, 1))                          \
    X(hone_nn_parameter_dict_n, ALWAYS, !hone_nn_parameter_dict_n(&(hone_named){ "s", s }, 1))     \
    X(hone_list_named_n, ALWAYS, !hone_list_named_n(&(hone_named){ "s", s }, 1).at)                \
    X(hone_scope_return, BUT_NONE, !hone_scope_return(s))                                          \
    X(hone_retain, BUT_NONE, !hone_retain(s))                                                      \
    X(hone_release, BUT_NONE, (hone_release(s), true))                                             \
    X(hone_assign, BUT_NONE, hone_assign(&slot, s) == HONE_E_NULL && !slot)                        \
    X(hone_dtype_of, ALWAYS, hone_dtype_of(s) == HONE_F32)                                         \
    X(hone_dim, ALWAYS, hone_dim(s) == -1)                                                         \
    X(hone_size, ALWAYS, hone_size(s, 0) == -1)                                                    \
    X(hone_stride, ALWAYS, hone_stride(s, 0) == -1)                                                \
    X(hone_shape, ALWAYS, !hone_shape(s))                                                          \
    X(hone_numel, ALWAYS, hone_numel(s) == -1)                                                     \
    X(hone_is_contiguous, ALWAYS, !hone_is_contiguous(s))                                          \
    X(hone_data, ALWAYS, !hone_data(s))                                                            \
    X(hone_item, ALWAYS, hone_item(s) != 0)                                                        \
    X(hone_item_i64, ALWAYS, hone_item_i64(s) == 0)                                                \
    X(hone_at_v, ALWAYS, hone_at(s, 0) != 0)                                                       \
    X(hone_copy_out, ALWAYS, hone_copy_out(s, NULL, 0) == HONE_E_NULL)                             \
    X(hone_copy_in, ALWAYS, hone_copy_in(s, NULL, 0) == HONE_E_NULL)                               \
    X(hone_equal, ALWAYS, !hone_equal(s, r))                                                       \
    X(hone_equal, ALWAYS, !hone_equal(r, s))                                                       \
    X(hone_allclose, ALWAYS, !hone_allclose(s, r, 0, 0))                                           \
    X(hone_allclose, ALWAYS, !hone_allclose(r, s, 0, 0))                                           \
    X(hone_print, ALWAYS, hone_print(s) == HONE_E_NULL)                                            \
    X(hone_fprint, ALWAYS, hone_fprint(stderr, s) == HONE_E_NULL)                                  \
    X(hone_sprint, ALWAYS, hone_sprint(NULL, 0, s) == -1)                                          \
    X(hone_empty_like, ALWAYS, !hone_empty_like(s))                                                \
    X(hone_zeros_like, ALWAYS, !hone_zeros_like(s))                                                \
    X(hone_ones_like, ALWAYS, !hone_ones_like(s))                                                  \
    X(hone_full_like, ALWAYS, !hone_full_like(s, 1))                                               \
    X(hone_rand_like, ALWAYS, !hone_rand_like(s))                                                  \
    X(hone_randn_like, ALWAYS, !hone_randn_like(s))                                                \
    X(hone_zero_, ALWAYS, !hone_zero_(s))                                                          \
    X(hone_flatten, ALWAYS, !hone_flatten(s, 0))                                                   \
    X(hone_tensor_split, ALWAYS, !hone_tensor_split(s, 1, 0).at)                                   \
    X(hone_broadcast_tensors, ALWAYS, !hone_broadcast_tensors(list).at)                            \
    X(hone_meshgrid, ALWAYS, !hone_meshgrid(list, false).at)                                       \
    X(hone_cartesian_prod, ALWAYS, !hone_cartesian_prod(list))                                     \
    X(hone_bernoulli, ALWAYS, !hone_bernoulli(s))                                                  \
    X(hone_normal, ALWAYS, !hone_normal(s, r))                                                     \
    X(hone_normal, ALWAYS, !hone_normal(r, s))                                                     \
    X(hone_exponential_like, ALWAYS, !hone_exponential_like(s, 1))                                 \
    X(hone_multinomial, ALWAYS, !hone_multinomial(s, 1, true))                                     \
    X(hone_recompute, BUT_NONE, !hone_recompute(first, NULL, list))                                \
    X(hone_vjp, ALWAYS, !hone_vjp(first, NULL, list, HONE_NONE, NULL).at)                          \
    X(hone_vjp, BUT_NONE, !hone_vjp(first, NULL, hone_list(r), s, NULL).at)                        \
    X(hone_jvp, ALWAYS, !hone_jvp(first, NULL, list, hone_list(r), NULL))                          \
    X(hone_jvp, ALWAYS, !hone_jvp(first, NULL, hone_list(r), list, NULL))                          \
    X(hone_jacobian, ALWAYS, !hone_jacobian(first, NULL, list).at)                                 \
    X(hone_hessian, ALWAYS, !hone_hessian(first, NULL, list).at)                                   \
    X(hone_sample_gradients, ALWAYS, !hone_sample_gradients(first, NULL, list, hone_list(g)).at)   \
    X(hone_sample_gradients, ALWAYS, !hone_sample_gradients(first, NULL, hone_list(r), list).at)   \
    X(hone_split_with_sizes_v, ALWAYS,                                                             \
      !hone_split_with_sizes_v(s, (const int64_t[]){ 1, HONE_END_DIM }, 0).at)                     \
    X(hone_split, ALWAYS, !hone_split(s, 1, 0).at)                                                 \
    X(hone_chunk, ALWAYS, !hone_chunk(s, 1, 0).at)                                                 \
    X(hone_unbind, ALWAYS, !hone_unbind(s, 0).at)                                                  \
    X(hone_requires_grad_, ALWAYS, !hone_requires_grad_(s, true))                                  \
    X(hone_requires_grad, BUT_NONE, !hone_requires_grad(s))                                        \
    X(hone_is_leaf, ALWAYS, !hone_is_leaf(s))                                                      \
    X(hone_grad, ALWAYS, !hone_grad(s))                                                            \
    X(hone_set_grad, ALWAYS, hone_set_grad(s, r) == HONE_E_NULL)                                   \
    X(hone_set_grad, BUT_NONE, hone_set_grad(r, s) == HONE_E_NULL)                                 \
    X(hone_accumulate_targets, ALWAYS, hone_accumulate_targets(s) == HONE_E_NULL)                  \
    X(hone_detach, ALWAYS, !hone_detach(s))                                                        \
    X(hone_register_hook, ALWAYS, !hone_register_hook(s, grad_hook, NULL))                         \
    X(hone_register_post_accumulate_grad_hook, ALWAYS,                                             \
      !hone_register_post_accumulate_grad_hook(s, after, NULL))                                    \
    X(hone_remove_hook, ALWAYS, hone_remove_hook(s, 1) == HONE_E_NULL)                             \
    X(hone_retain_grad, ALWAYS, hone_retain_grad(s) == HONE_E_NULL)                                \
    X(hone_retains_grad, ALWAYS, !hone_retains_grad(s))                                            \
    X(hone_backward, ALWAYS, hone_backward(s) == HONE_E_NULL)                                      \
    X(hone_backward, BUT_NONE, backward_refuses())                                                 \
    X(hone_backward_with, ALWAYS, hone_backward_with(s, NULL) == HONE_E_NULL)                      \
    X(hone_backward_with, ALWAYS,                                                                  \
      hone_backward_with(g, &(hone_backward_options){ .gradient = s }) == HONE_E_NULL)             \
    X(hone_autograd_grad, ALWAYS, !hone_autograd_grad(list, hone_list(g), NULL).at)                \
    X(hone_autograd_grad, ALWAYS, !hone_autograd_grad(hone_list(g), list, NULL).at)                \
    X(hone_autograd_grad, BUT_NONE,                                                                \
      !hone_autograd_grad(hone_list(g), hone_list(g),                                              \
                          &(hone_autograd_options){ .grad_outputs = list })                        \
           .at)                                                                                    \
    X(hone_apply_v, ALWAYS, !hone_apply(&gives, r))                                                \
    X(hone_apply_list_v, ALWAYS, !hone_apply_list(&gives, r).at)                                   \
    X(hone_save_for_backward, BUT_NONE, !hone_apply(&saves, r))                                    \
    X(hone_gradcheck, ALWAYS, hone_gradcheck("f", checkable, NULL, list, NULL) == HONE_E_NULL)     \
    X(hone_gradcheck, ALWAYS,                                                                      \
      hone_gradcheck("f", checkable, NULL, hone_list(g), NULL) == HONE_E_NULL)                     \
    X(hone_gradgradcheck, ALWAYS,                                                                  \
      hone_gradgradcheck("f", checkable, NULL, list, NULL) == HONE_E_NULL)                         \
    X(hone_gradcheck_function_v, ALWAYS, hone_gradcheck_function(&gives, g) == HONE_E_NULL)        \
    X(hone_gradgradcheck_function_v, ALWAYS,                                                       \
      hone_gradgradcheck_function(&gives, g) == HONE_E_NULL)                                       \
    X(hone_dataset_from, ALWAYS, hone_dataset_from(s, r, &set) == HONE_E_NULL)                     \
    X(hone_dataset_from, BUT_NONE, hone_dataset_from(r, s, &set) == HONE_E_NULL)                   \
    X(hone_dataset_tensors, ALWAYS, hone_dataset_tensors(list, 0, &set) == HONE_E_NULL)            \
    X(hone_dataset_windows, ALWAYS, hone_dataset_windows(s, 1, &set) == HONE_E_NULL)               \
    X(hone_decoder_step, ALWAYS, !hone_decoder_step(decoder, s))                                   \
    X(hone_loader_new, ALWAYS, !hone_loader_new(&(hone_dataset){ .x = s, .y = r }, NULL))          \
    X(hone_loader_next, ALWAYS, loader_refuses())                                                  \
    X(hone_picture_resize, ALWAYS, !hone_picture_resize(s, 2, 2, HONE_BILINEAR))                   \
    X(hone_dataset_size, ALWAYS, hone_dataset_size(&(hone_dataset){ .x = s, .y = r }) == -1)       \
    X(hone_parameter, ALWAYS, !hone_parameter(s))                                                  \
    X(hone_forward_v, ALWAYS, module_refuses())                                                    \
    X(hone_module_forward_hook, ALWAYS, hook_refuses())                                            \
    X(hone_nn_lstm_step, ALWAYS, lstm_refuses(false))                                              \
    X(hone_nn_lstm_step, BUT_NONE, lstm_refuses(true))                                             \
    X(hone_nn_rnn_states, ALWAYS, sequence_refuses("RNN", false))                                  \
    X(hone_nn_rnn_states, BUT_NONE, sequence_refuses("GRU", true))                                 \
    X(hone_nn_lstm_states, ALWAYS, sequence_refuses("LSTM", false))                                \
    X(hone_nn_lstm_states, BUT_NONE, sequence_refuses("LSTM", true))                               \
    X(hone_sgd_list, ALWAYS, !hone_sgd_list(list, NULL))                                           \
    X(hone_adam_list, ALWAYS, !hone_adam_list(list, NULL))                                         \
    X(hone_adamw_list, ALWAYS, !hone_adamw_list(list, NULL))                                       \
    X(hone_nadam_list, ALWAYS, !hone_nadam_list(list, NULL))                                       \
    X(hone_radam_list, ALWAYS, !hone_radam_list(list, NULL))                                       \
    X(hone_adamax_list, ALWAYS, !hone_adamax_list(list, NULL))                                     \
    X(hone_rmsprop_list, ALWAYS, !hone_rmsprop_list(list, NULL))                                   \
    X(hone_adagrad_list, ALWAYS, !hone_adagrad_list(list, NULL))                                   \
    X(hone_adadelta_list, ALWAYS, !hone_adadelta_list(list, NULL))                                 \
    X(hone_lion_list, ALWAYS, !hone_lion_list(list, NULL))                                         \
    X(hone_muon_list, ALWAYS, !hone_muon_list(list, NULL))                                         \
    X(hone_clip_grad_norm_, ALWAYS, hone_clip_grad_norm_(list, 1, NULL, NULL) == HONE_E_NULL)      \
    X(hone_clip_grad_value_, ALWAYS, hone_clip_grad_value_(list, 1) == HONE_E_NULL)                \
    X(hone_average_load_state, ALWAYS,                                                             \
      hone_average_load_state(average, (hone_named_list){ &(hone_named){ "weight", s }, 1 }) ==    \
          HONE_E_NULL)                                                                             \
    X(hone_checkpoint_tensor, ALWAYS, checkpoint_refuses())                                        \
    X(hone_init_uniform_, ALWAYS, !hone_init_uniform_(s, 0, 1, NULL))                              \
    X(hone_init_normal_, ALWAYS, !hone_init_normal_(s, 0, 1, NULL))                                \
    X(hone_init_trunc_normal_, ALWAYS, !hone_init_trunc_normal_(s, 0, 1, -2, 2, NULL))             \
    X(hone_init_constant_, ALWAYS, !hone_init_constant_(s, 1))                                     \
    X(hone_init_zeros_, ALWAYS, !hone_init_zeros_(s))                                              \
    X(hone_init_ones_, ALWAYS, !hone_init_ones_(s))                                                \
    X(hone_init_eye_, ALWAYS, !hone_init_eye_(s))                                                  \
    X(hone_init_dirac_, ALWAYS, !hone_init_dirac_(s, 1))                                           \
    X(hone_init_xavier_uniform_, ALWAYS, !hone_init_xavier_uniform_(s, 1, NULL))                   \
    X(hone_init_xavier_normal_, ALWAYS, !hone_init_xavier_normal_(s, 1, NULL))                     \
    X(hone_init_kaiming_uniform_, ALWAYS, !hone_init_kaiming_uniform_(s, NULL, NULL))              \
    X(hone_init_kaiming_normal_, ALWAYS, !hone_init_kaiming_normal_(s, NULL, NULL))                \
    X(hone_init_orthogonal_, ALWAYS, !hone_init_orthogonal_(s, 1, NULL))                           \
    X(hone_init_sparse_, ALWAYS, !hone_init_sparse_(s, 0.5, 0, NULL))                              \
    X(hone_schedule_load_state, ALWAYS,                                                            \
      hone_schedule_load_state(                                                                    \
          schedule, (hone_named_list){ &(hone_named){ "last_epoch", s }, 1 }) == HONE_E_NULL)      \
    X(hone_optim_by_name, ALWAYS, !hone_optim_by_name("sgd", list, NULL))                          \
    X(hone_optim_add_group, ALWAYS, hone_optim_add_group(optim, list, NULL) == -1)                 \
    X(hone_optim_load_state, ALWAYS,                                                               \
      hone_optim_load_state(optim, (hone_named_list){ &(hone_named){ "state.0.step", s }, 1 }) ==  \
          HONE_E_NULL)                                                                             \
    X(hone_named_find, ALWAYS,                                                                     \
      !hone_named_find((hone_named_list){ &(hone_named){ "s", s }, 1 }, "s"))                      \
    X(hone_call, ALWAYS, !hone_call("neg", list, NULL).at)                                         \
    X(hone_call_out, ALWAYS, hone_call_out("neg", list, NULL, hone_list(r)) == HONE_E_NULL)        \
    X(hone_call_out, ALWAYS, hone_call_out("neg", hone_list(r), NULL, list) == HONE_E_NULL)        \
    X(hone_dist_all_reduce, ALWAYS, hone_dist_all_reduce(s) == HONE_E_NULL)                        \
    X(hone_dist_broadcast, ALWAYS, hone_dist_broadcast(s, 0) == HONE_E_NULL)                       \
    X(hone_dist_gather, ALWAYS, !hone_dist_gather(s))                                              \
    X(hone_safetensors_save, ALWAYS,                                                               \
      hone_safetensors_save("nowhere/f", (hone_named_list){ &(hone_named){ "s", s }, 1 }, NULL) == \
          HONE_E_NULL)                                                                             \
    X(hone_onnx_save, ALWAYS, onnx_refuses())                                                      \
    X(hone_file_save, ALWAYS,                                                                      \
      hone_file_save("nowhere/f.npz", (hone_named_list){ &(hone_named){ "s", s }, 1 }) ==          \
          HONE_E_NULL)                                                                             \
    X(hone_file_save_with, ALWAYS,                                                                 \
      hone_file_save_with("nowhere/f.npy", (hone_named_list){ &(hone_named){ "s", s }, 1 },        \
                          NULL) == HONE_E_NULL)                                                    \
    X(hone_npy_save, ALWAYS, hone_npy_save("nowhere/f", s) == HONE_E_NULL)

Test(every_function, others_refuse_the_sentinels)
{
    hone_tensor *const sentinels[] = { HONE_NONE, HONE_END_TENSOR };
    hone_tensor *r = hone_ones(HONE_F32, 1), *slot = NULL;
    hone_tensor *g = hone_requires_grad_(hone_ones(HONE_F64), true);
    hone_dataset set;
    hone_optim *optim = hone_sgd_list(hone_list(g), NULL);
    hone_schedule *schedule = hone_lr_constant(optim, NULL);
    hone_module *norm =
        hone_nn_layer_norm_with(HONE_DIM_ARGS(1), &(hone_nn_layer_norm_options){ .no_bias = true });
    hone_average *average = hone_average_new(norm, NULL);
    hone_decoder *decoder = hone_decoder_new(norm);
    for (int i = 0; i < 2; i++) {
        hone_tensor *s = sentinel = sentinels[i];
        const hone_tensor_list list = { (hone_tensor *[]){ s }, 1 };
#define OTHER(function, when, failed)                                                              \
    if (when == ALWAYS || s != HONE_NONE)                                                          \
        refused(#function, s, failed);
        OTHERS(OTHER)
    }
    hone_schedule_free(schedule);
    hone_average_free(average);
    hone_decoder_free(decoder);
    hone_module_free(norm);
    hone_optim_free(optim);
}

/* ---- is that all? */

static const char *const known[] = {
#define KNOWN(function, when, failed) #function,
    OTHERS(KNOWN)
#undef KNOWN
#define HONE_OP(name)                                                                              \
    "hone_" #name, "hone_" #name "_", "hone_" #name "_v", "hone_" #name "__v",                     \
        "hone_" #name "_with_indices",
#include "ops/ops.def"
#undef HONE_OP
    /* the end mark ends their list, HONE_NONE is allowed in it: others test its elements */
    "hone_list_v",
    "hone_list_named_v",
    "hone_nn_parameter_list_v",
    "hone_nn_parameter_dict_v",
    "hone_index_backward_v",
};

static bool is_known(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == length && !strncmp(known[i], name, length))
            return true;
    return false;
}

/* A declaration begins with HONE_API and ends with a semicolon; what stands between its parentheses
 * is what the function takes. */
static int check_header(const char *text)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, "HONE_API ")); at++) {
        const char *end = strchr(at, ';'), *open = memchr(at, '(', (size_t)(end - at));
        if (!open)
            continue;
        const char *name = open;
        while (name > at && (name[-1] == '_' || (name[-1] >= '0' && name[-1] <= 'z')))
            name--;
        char takes[600] = "";
        snprintf(takes, sizeof takes, "%.*s", (int)(end - open), open);
        if (!strstr(takes, "hone_tensor ") && !strstr(takes, "hone_tensor_list") &&
            !strstr(takes, "hone_named ") && !strstr(takes, "hone_named_list"))
            continue;
        cr_expect(is_known(name, (size_t)(open - name)), "no test gives the sentinels to %.*s",
                  (int)(open - name), name);
        found++;
    }
    return found;
}

Test(every_function, is_tested_here)
{
    static char text[1 << 20];
    int found = 0;
    DIR *dir = opendir(HONE_SOURCE_DIR "/include/hone");
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        snprintf(path, sizeof path, "%s/include/hone/%s", HONE_SOURCE_DIR, entry->d_name);
        FILE *file = strstr(entry->d_name, ".h") ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        found += check_header(text);
    }
    closedir(dir);
    cr_assert(found > 150, "%d functions found", found);
}
