/* table.h: the members of a hone__isa that all.h and kernels.def fill. (fragment: inside an ISA's
 * initialiser) */

/* the entry of a dtype, by its kind */
#define FLOAT_ENTRY_FLOAT(NAME, name, f) [HONE__##NAME] = name##_k_##f,
#define FLOAT_ENTRY_INTEGER(NAME, name, f)
#define FLOAT_ENTRY_BOOL(NAME, name, f)
#define INTEGER_ENTRY_FLOAT(NAME, name, f)
#define INTEGER_ENTRY_INTEGER(NAME, name, f) [HONE__##NAME] = int_##name##_k_##f,
#define INTEGER_ENTRY_BOOL(NAME, name, f)
#define PAST_ENTRY_FLOAT(NAME, name, f) [HONE__##NAME] = name##_past_##f,
#define PAST_ENTRY_INTEGER(NAME, name, f)
#define PAST_ENTRY_BOOL(NAME, name, f)

/* what EACH_DTYPE calls */
#define FLOAT_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, f)              \
    FLOAT_ENTRY_##kind(NAME, name, f)
#define INTEGER_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, f)            \
    INTEGER_ENTRY_##kind(NAME, name, f)
#define PAST_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, f)               \
    PAST_ENTRY_##kind(NAME, name, f)
#define SIZE_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, f)               \
    [HONE__##NAME] = size##bytes##_k_##f,
#define SIZE_PAST_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, f)          \
    [HONE__##NAME] = size##bytes##_past_##f,
#define CAST_ENTRY(NAME, name, type, bytes, kind, rank, least, most, file, torch, from)            \
    [HONE__##NAME] = cast_##from##_k_##name,

/* clang-format off */
#define REALS(f)        { HONE__EACH_DTYPE(FLOAT_ENTRY, f) }
#define F64(f)          { [HONE__F64] = f64_k_##f }
#define REALS_PAST(f)   { HONE__EACH_DTYPE(PAST_ENTRY, f) }
#define NUMBERS(f)      { NUMBER_ENTRIES(f) }
#define ALL(f)          { NUMBER_ENTRIES(f) [HONE__BOOL] = int_u8_k_##f }
#define OR(f)           { NUMBER_ENTRIES(f) [HONE__BOOL] = int_u8_k_maximum }
#define AND(f)          { NUMBER_ENTRIES(f) [HONE__BOOL] = int_u8_k_minimum }
#define BY_SIZE(f)      { HONE__EACH_STORED(SIZE_ENTRY, f) }
#define BY_SIZE_PAST(f) { HONE__EACH_STORED(SIZE_PAST_ENTRY, f) }
#define CASTS(from)     { HONE__EACH_STORED(CAST_ENTRY, from) }

#define NUMBER_ENTRIES(f) HONE__EACH_DTYPE(FLOAT_ENTRY, f) HONE__EACH_DTYPE(INTEGER_ENTRY, f)

.name = HONE__ISA_NAME,
.vector_bytes = HONE__VECTOR_BYTES,

#define UNARY_KERNEL(NAME, name, dtypes, ...)  .unary[HONE__K_##NAME] = dtypes(name),
#define BINARY_KERNEL(NAME, name, dtypes, ...) .binary[HONE__K_##NAME] = dtypes(name),
#define COMPARE_KERNEL(NAME, name, sign)       .compare[HONE__K_##NAME] = ALL(name),
#define FORMULA_KERNEL(NAME, name, dtypes, ...) .formula[HONE__K_FORMULA_##NAME] = dtypes(formula_##name),
#include "kernels/kernels.def"

.where = BY_SIZE(where),
.copy = BY_SIZE(copy),
.fill = BY_SIZE(fill),
#if CAN_GO_PAST
#define UNARY_PAST(NAME, name)  .unary_past[HONE__K_##NAME] = REALS_PAST(name),
#define BINARY_PAST(NAME, name) .binary_past[HONE__K_##NAME] = REALS_PAST(name),
#define UNARY_CACHED(NAME, name)
#define BINARY_CACHED(NAME, name)
#define UNARY_KERNEL(NAME, name, dtypes, cost, past, ...)  UNARY_##past(NAME, name)
#define BINARY_KERNEL(NAME, name, dtypes, cost, past, ...) BINARY_##past(NAME, name)
#include "kernels/kernels.def"
.where_past = BY_SIZE_PAST(where),
.copy_past = BY_SIZE_PAST(copy),
.fill_past = BY_SIZE_PAST(fill),
#endif
.transpose = BY_SIZE(transpose),
.transpose_past = BY_SIZE(transpose_past),
.write_past = k_write_past,
.past_end = k_past_end,
.add_scaled = REALS(add_scaled),

.cast[HONE__F32] = CASTS(f32),
.cast[HONE__F64] = CASTS(f64),
.cast[HONE__I64] = CASTS(i64),
.cast[HONE__I32] = CASTS(i32),
.cast[HONE__U8] = CASTS(u8),
.cast[HONE__BOOL] = CASTS(u8),
.cast[HONE__BF16] = CASTS(bf16),
.cast[HONE__F16] = CASTS(f16),

#define REDUCE_WHOLE(NAME, name, dtypes)                                                           \
    .reduce_rows[HONE__K_##NAME] = dtypes(name##_rows),                                            \
    .reduce_blocks[HONE__K_##NAME] = dtypes(name##_blocks),                                        \
    .reduce_combine[HONE__K_##NAME] = dtypes(name##_combine),                                      \
    .reduce_cols[HONE__K_##NAME] = dtypes(name##_cols),
#define REDUCE_BLOCKS(NAME, name, dtypes)                                                          \
    REDUCE_WHOLE(NAME, name, dtypes)                                                               \
    .reduce_cols_blocks[HONE__K_##NAME] = dtypes(name##_cols_blocks),                              \
    .reduce_cols_combine[HONE__K_##NAME] = dtypes(name##_cols_combine),
#define REDUCE_PIECES(NAME, name, dtypes)                                                          \
    REDUCE_BLOCKS(NAME, name, dtypes)                                                              \
    .reduce_pieces[HONE__K_##NAME] = REALS(name##_pieces),
#define REDUCE_KERNEL(NAME, name, dtypes, parts) REDUCE_##parts(NAME, name, dtypes)
#include "kernels/kernels.def"

.product_rows = REALS(product_rows),
.product_cols = REALS(product_cols),
.product_eights = k_product_eights,
.sum_across = k_sum_across,
.sum_fours = k_sum_fours,
.sum_fours_across = k_sum_fours_across,

.softmax = REALS(softmax),
.log_softmax = REALS(log_softmax),
.logsumexp = REALS(logsumexp),
.softmax_backward = REALS(softmax_backward),
.log_softmax_backward = REALS(log_softmax_backward),
.softmax_cols_begin = REALS(softmax_cols_begin),
.softmax_cols_combine = REALS(softmax_cols_combine),
.softmax_cols_end = REALS(softmax_cols_end),
.layer_norm = REALS(layer_norm),
.layer_norm_backward = REALS(layer_norm_backward),
.layer_norm_weight_backward = REALS(layer_norm_weight_backward),
.deviation = REALS(deviation),
.moments = REALS(moments),
.batch_norm = REALS(batch_norm),
.batch_norm_dx = REALS(batch_norm_dx),
.batch_norm_sums = REALS(batch_norm_sums),
.cross_entropy = REALS(cross_entropy),
.cross_entropy_backward = REALS(cross_entropy_backward),
.attend = REALS(attend),
.attend_end = REALS(attend_end),
.attend_dots = REALS(attend_dots),
.attend_back = REALS(attend_back),
.recurrent_step = REALS(recurrent_step),
.recurrent_back = REALS(recurrent_back),
#define STEP_KERNEL(NAME, name, ...) .step[HONE__K_##NAME] = REALS(name),
#include "kernels/kernels.def"

.random_u32 = k_random_u32,
.uniform = { [HONE__F32] = k_uniform_f32, [HONE__F64] = k_uniform_f64 },
.normal = { [HONE__F32] = k_normal_f32, [HONE__F64] = k_normal_f64 },
    /* clang-format on */
