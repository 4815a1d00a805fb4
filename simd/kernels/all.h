/* all.h: every kernel body, instantiated on the vocabulary that was included before. (fragment of
 * an ISA's file) */
#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/past.h"
#include "kernels/math_f32.h"
#include "kernels/math_f64.h"
#include "kernels/pow.h"
#include "kernels/trig.h"
#include "kernels/activations.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#include "kernels/map.h"
#include "kernels/slopes.h"
#include "kernels/elementary.h"
#include "kernels/elementwise.h"
#include "kernels/formulas.h"
#include "kernels/reduce.h"
#include "kernels/reduce_cols.h"
#include "kernels/products.h"
#include "kernels/moments.h"
#include "kernels/arg.h"
#include "kernels/rows.h"
#include "kernels/norm.h"
#include "kernels/batch_norm.h"
#include "kernels/softmax_cols.h"
#include "kernels/optim.h"
#include "kernels/recurrent.h"
#include "kernels/attention.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#include "kernels/map.h"
#include "kernels/slopes.h"
#include "kernels/elementary.h"
#include "kernels/elementwise.h"
#include "kernels/formulas.h"
#include "kernels/reduce.h"
#include "kernels/reduce_cols.h"
#include "kernels/products.h"
#include "kernels/moments.h"
#include "kernels/arg.h"
#include "kernels/rows.h"
#include "kernels/norm.h"
#include "kernels/batch_norm.h"
#include "kernels/softmax_cols.h"
#include "kernels/optim.h"
#include "kernels/recurrent.h"
#include "kernels/attention.h"
#include "kernels/real_end.h"

#include "kernels/random.h"

/* comparisons (bool is u8) and integers */
#define T       float
#define P(name) f32_##name
#include "kernels/plain.h"
#undef T
#undef P

#define T       double
#define P(name) f64_##name
#include "kernels/plain.h"
#undef T
#undef P

#define T       int64_t
#define P(name) int_i64_##name
#define T_MIN   INT64_MIN
#define T_WIDE  uint64_t
#include "kernels/plain.h"
#include "kernels/integers.h"
#include "kernels/integer_reduce.h"
#undef T
#undef P
#undef T_MIN
#undef T_WIDE

#define T       int32_t
#define P(name) int_i32_##name
#define T_MIN   INT32_MIN
#define T_WIDE  uint32_t
#include "kernels/plain.h"
#include "kernels/integers.h"
#include "kernels/integer_reduce.h"
#undef T
#undef P
#undef T_MIN
#undef T_WIDE

#define T       uint8_t
#define P(name) int_u8_##name
#define T_MIN   0
#define T_WIDE  uint32_t
#include "kernels/plain.h"
#include "kernels/integers.h"
#include "kernels/integer_reduce.h"
#undef T
#undef P
#undef T_MIN
#undef T_WIDE

/* moves, by element size */
#include "kernels/transpose.h"
#include "kernels/across.h"
#include "kernels/fours.h"
#define T       uint8_t
#define P(name) size1_##name
#define SQUARE  16
#include "kernels/moves.h"
#undef T
#undef P
#undef SQUARE

#define T       uint16_t
#define P(name) size2_##name
#define SQUARE  8
#include "kernels/moves.h"
#undef T
#undef P
#undef SQUARE

#define T       uint32_t
#define P(name) size4_##name
#define SQUARE  4
#include "kernels/moves.h"
#undef T
#undef P
#undef SQUARE

#define T       uint64_t
#define P(name) size8_##name
#define SQUARE  2
#include "kernels/moves.h"
#undef T
#undef P
#undef SQUARE

/* conversions */
#define FROM         float
#define FROM_IS_REAL 1
#define C(name)      cast_f32_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C

#define FROM         double
#define FROM_IS_REAL 1
#define C(name)      cast_f64_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C

#define FROM         int64_t
#define FROM_IS_REAL 0
#define C(name)      cast_i64_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C

#define FROM         int32_t
#define FROM_IS_REAL 0
#define C(name)      cast_i32_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C

#define FROM         uint8_t
#define FROM_IS_REAL 0
#define C(name)      cast_u8_##name
#include "kernels/cast.h"
#undef FROM
#undef FROM_IS_REAL
#undef C

#include "kernels/half_cast.h"
