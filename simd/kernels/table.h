/* table.h: the members of a hone__isa that all.h fills. (fragment: inside an ISA's initialiser) */

#define REALS(f)                                                                                   \
    {                                                                                              \
        [HONE__F32] = f32_k_##f, [HONE__F64] = f64_k_##f                                           \
    }
#define INTEGERS(f)                                                                                \
    [HONE__I64] = int_i64_k_##f, [HONE__I32] = int_i32_k_##f, [HONE__U8] = int_u8_k_##f
#define NUMBERS(f)                                                                                 \
    {                                                                                              \
        [HONE__F32] = f32_k_##f, [HONE__F64] = f64_k_##f, INTEGERS(f)                              \
    }
#define ALL(f)                                                                                     \
    {                                                                                              \
        [HONE__F32] = f32_k_##f, [HONE__F64] = f64_k_##f, INTEGERS(f), [HONE__BOOL] = int_u8_k_##f \
    }
#define WITH_BOOL(f, b)                                                                            \
    {                                                                                              \
        [HONE__F32] = f32_k_##f, [HONE__F64] = f64_k_##f, INTEGERS(f), [HONE__BOOL] = int_u8_k_##b \
    }
#define BY_SIZE(f)                                                                                 \
    {                                                                                              \
        [HONE__F32] = size4_k_##f, [HONE__F64] = size8_k_##f, [HONE__I64] = size8_k_##f,           \
        [HONE__I32] = size4_k_##f, [HONE__U8] = size1_k_##f, [HONE__BOOL] = size1_k_##f            \
    }
#define REALS_PAST(f)                                                                              \
    {                                                                                              \
        [HONE__F32] = f32_past_##f, [HONE__F64] = f64_past_##f                                     \
    }
#define BY_SIZE_PAST(f)                                                                            \
    {                                                                                              \
        [HONE__F32] = size4_past_##f, [HONE__F64] = size8_past_##f, [HONE__I64] = size8_past_##f,  \
        [HONE__I32] = size4_past_##f, [HONE__U8] = size1_past_##f, [HONE__BOOL] = size1_past_##f   \
    }
#define CASTS(from)                                                                                \
    {                                                                                              \
        [HONE__F32] = cast_##from##_k_f32, [HONE__F64] = cast_##from##_k_f64,                      \
        [HONE__I64] = cast_##from##_k_i64, [HONE__I32] = cast_##from##_k_i32,                      \
        [HONE__U8] = cast_##from##_k_u8, [HONE__BOOL] = cast_##from##_k_bool                       \
    }

/* clang-format off */
.name = HONE__ISA_NAME,
.vector_bytes = HONE__VECTOR_BYTES,

.unary[HONE__K_NEG] = NUMBERS(neg),
.unary[HONE__K_ABS] = NUMBERS(abs),
.unary[HONE__K_SQUARE] = NUMBERS(square),
.unary[HONE__K_RELU] = NUMBERS(relu),
.unary[HONE__K_SQRT] = REALS(sqrt),
.unary[HONE__K_RECIPROCAL] = REALS(reciprocal),
.unary[HONE__K_EXP] = REALS(exp),
.unary[HONE__K_LOG] = REALS(log),
.unary[HONE__K_SIGMOID] = REALS(sigmoid),
.unary[HONE__K_TANH] = REALS(tanh),
.unary[HONE__K_LOG1P] = REALS(log1p),
.unary[HONE__K_EXPM1] = REALS(expm1),
.unary[HONE__K_RSQRT] = REALS(rsqrt),
.unary[HONE__K_SIN] = REALS(sin),
.unary[HONE__K_COS] = REALS(cos),
.unary[HONE__K_TAN] = REALS(tan),
.unary[HONE__K_ERF] = REALS(erf),
.unary[HONE__K_GELU] = REALS(gelu),
.unary[HONE__K_GELU_TANH] = REALS(gelu_tanh),
.unary[HONE__K_SILU] = REALS(silu),
.unary[HONE__K_SOFTPLUS] = REALS(softplus),
.unary[HONE__K_POW_3] = NUMBERS(pow_3),
.unary[HONE__K_POW_4] = NUMBERS(pow_4),
.unary[HONE__K_POW_MINUS_2] = REALS(pow_minus_2),
.unary[HONE__K_POW_HALF] = REALS(pow_half),
.unary[HONE__K_POW_3_HALVES] = REALS(pow_3_halves),
.unary[HONE__K_POW_MINUS_HALF] = REALS(pow_minus_half),

.binary[HONE__K_ADD] = WITH_BOOL(add, max),
.binary[HONE__K_SUB] = NUMBERS(sub),
.binary[HONE__K_MUL] = WITH_BOOL(mul, min),
.binary[HONE__K_DIV] = NUMBERS(div),
.binary[HONE__K_MAXIMUM] = WITH_BOOL(max, max),
.binary[HONE__K_MINIMUM] = WITH_BOOL(min, min),
.binary[HONE__K_POW] = NUMBERS(pow),
.binary[HONE__K_RELU_BACKWARD] = REALS(relu_backward),
.binary[HONE__K_SIGMOID_BACKWARD] = REALS(sigmoid_backward),
.binary[HONE__K_TANH_BACKWARD] = REALS(tanh_backward),
.binary[HONE__K_GELU_BACKWARD] = REALS(gelu_backward),
.binary[HONE__K_GELU_TANH_BACKWARD] = REALS(gelu_tanh_backward),
.binary[HONE__K_SILU_BACKWARD] = REALS(silu_backward),
.binary[HONE__K_SOFTPLUS_BACKWARD] = REALS(softplus_backward),

.compare[HONE__K_EQ] = ALL(eq),
.compare[HONE__K_NE] = ALL(ne),
.compare[HONE__K_LT] = ALL(lt),
.compare[HONE__K_LE] = ALL(le),
.compare[HONE__K_GT] = ALL(gt),
.compare[HONE__K_GE] = ALL(ge),

.where = BY_SIZE(where),
.copy = BY_SIZE(copy),
.fill = BY_SIZE(fill),
#if CAN_GO_PAST
.unary_past[HONE__K_NEG] = REALS_PAST(neg),
.unary_past[HONE__K_ABS] = REALS_PAST(abs),
.unary_past[HONE__K_SQUARE] = REALS_PAST(square),
.unary_past[HONE__K_RELU] = REALS_PAST(relu),
.unary_past[HONE__K_SQRT] = REALS_PAST(sqrt),
.unary_past[HONE__K_RSQRT] = REALS_PAST(rsqrt),
.unary_past[HONE__K_RECIPROCAL] = REALS_PAST(reciprocal),
.unary_past[HONE__K_EXP] = REALS_PAST(exp),
.unary_past[HONE__K_POW_3] = REALS_PAST(pow_3),
.unary_past[HONE__K_POW_4] = REALS_PAST(pow_4),
.unary_past[HONE__K_POW_MINUS_2] = REALS_PAST(pow_minus_2),
.unary_past[HONE__K_POW_HALF] = REALS_PAST(pow_half),
.unary_past[HONE__K_POW_3_HALVES] = REALS_PAST(pow_3_halves),
.unary_past[HONE__K_POW_MINUS_HALF] = REALS_PAST(pow_minus_half),
.binary_past[HONE__K_ADD] = REALS_PAST(add),
.binary_past[HONE__K_SUB] = REALS_PAST(sub),
.binary_past[HONE__K_MUL] = REALS_PAST(mul),
.binary_past[HONE__K_DIV] = REALS_PAST(div),
.binary_past[HONE__K_MAXIMUM] = REALS_PAST(max),
.binary_past[HONE__K_MINIMUM] = REALS_PAST(min),
.binary_past[HONE__K_RELU_BACKWARD] = REALS_PAST(relu_backward),
.binary_past[HONE__K_SIGMOID_BACKWARD] = REALS_PAST(sigmoid_backward),
.binary_past[HONE__K_TANH_BACKWARD] = REALS_PAST(tanh_backward),
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

.reduce_rows[HONE__K_SUM] = ALL(sum_rows),
.reduce_blocks[HONE__K_SUM] = ALL(sum_blocks),
.reduce_pieces[HONE__K_SUM] = REALS(sum_pieces),
.reduce_combine[HONE__K_SUM] = ALL(sum_combine),
.reduce_cols[HONE__K_SUM] = ALL(sum_cols),
.reduce_cols_blocks[HONE__K_SUM] = ALL(sum_cols_blocks),
.reduce_cols_combine[HONE__K_SUM] = ALL(sum_cols_combine),
.reduce_rows[HONE__K_SUM_SQUARES] = REALS(sum_squares_rows),
.reduce_blocks[HONE__K_SUM_SQUARES] = REALS(sum_squares_blocks),
.reduce_pieces[HONE__K_SUM_SQUARES] = REALS(sum_squares_pieces),
.reduce_combine[HONE__K_SUM_SQUARES] = REALS(sum_squares_combine),
.reduce_cols[HONE__K_SUM_SQUARES] = REALS(sum_squares_cols),
.reduce_cols_blocks[HONE__K_SUM_SQUARES] = REALS(sum_squares_cols_blocks),
.reduce_cols_combine[HONE__K_SUM_SQUARES] = REALS(sum_squares_cols_combine),
.reduce_rows[HONE__K_M2] = REALS(m2_rows),
.reduce_blocks[HONE__K_M2] = REALS(m2_blocks),
.reduce_combine[HONE__K_M2] = REALS(m2_combine),
.reduce_cols[HONE__K_M2] = REALS(m2_cols),
.reduce_cols_blocks[HONE__K_M2] = REALS(m2_cols_blocks),
.reduce_cols_combine[HONE__K_M2] = REALS(m2_cols_combine),
.reduce_rows[HONE__K_MAX] = ALL(max_rows),
.reduce_blocks[HONE__K_MAX] = ALL(max_blocks),
.reduce_pieces[HONE__K_MAX] = REALS(max_pieces),
.reduce_combine[HONE__K_MAX] = ALL(max_combine),
.reduce_cols[HONE__K_MAX] = ALL(max_cols),
.reduce_cols_blocks[HONE__K_MAX] = ALL(max_cols_blocks),
.reduce_cols_combine[HONE__K_MAX] = ALL(max_cols_combine),
.reduce_rows[HONE__K_MIN] = ALL(min_rows),
.reduce_blocks[HONE__K_MIN] = ALL(min_blocks),
.reduce_pieces[HONE__K_MIN] = REALS(min_pieces),
.reduce_combine[HONE__K_MIN] = ALL(min_combine),
.reduce_cols[HONE__K_MIN] = ALL(min_cols),
.reduce_cols_blocks[HONE__K_MIN] = ALL(min_cols_blocks),
.reduce_cols_combine[HONE__K_MIN] = ALL(min_cols_combine),
.reduce_rows[HONE__K_ARGMAX] = ALL(argmax_rows),
.reduce_blocks[HONE__K_ARGMAX] = ALL(argmax_blocks),
.reduce_combine[HONE__K_ARGMAX] = ALL(argmax_combine),
.reduce_cols[HONE__K_ARGMAX] = ALL(argmax_cols),
.reduce_rows[HONE__K_ARGMIN] = ALL(argmin_rows),
.reduce_blocks[HONE__K_ARGMIN] = ALL(argmin_blocks),
.reduce_combine[HONE__K_ARGMIN] = ALL(argmin_combine),
.reduce_cols[HONE__K_ARGMIN] = ALL(argmin_cols),

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
.cross_entropy = REALS(cross_entropy),
.cross_entropy_backward = REALS(cross_entropy_backward),
.sgd = REALS(sgd),

.random_u32 = k_random_u32,
.uniform = { [HONE__F32] = k_uniform_f32, [HONE__F64] = k_uniform_f64 },
.normal = { [HONE__F32] = k_normal_f32, [HONE__F64] = k_normal_f64 },
    /* clang-format on */
