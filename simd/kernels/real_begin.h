/* real_begin.h: names for bodies that are written once for f32 and f64. Define HONE__REAL_IS_F64 as
 * 0 or 1 before. (fragment, included twice; real_end.h takes the names back)
 *
 *   REAL  float or double        VREAL  LANES of them        R(add)  f32_add or f64_add
 *   BITS  an unsigned integer of that size
 */
#if HONE__REAL_IS_F64
#define R(name)    f64_##name
#define MASK(name) mf64_##name
#define REAL       double
#define BITS       uint64_t
#define VREAL      vf64
#define VMASK      mf64
#define LANES      F64_LANES
#else
#define R(name)    f32_##name
#define MASK(name) mf32_##name
#define REAL       float
#define BITS       uint32_t
#define VREAL      vf32
#define VMASK      mf32
#define LANES      F32_LANES
#endif
#define LEAST_NORMAL (HONE__REAL_IS_F64 ? (REAL)DBL_MIN : (REAL)FLT_MIN)
#define REAL_DTYPE   (HONE__REAL_IS_F64 ? HONE__F64 : HONE__F32)

/* What kernels.h promises about the order of sums (see reduce.h). */
#define VIRTUAL_LANES ((int)(256 / sizeof(REAL)))
#define N_ACC         (VIRTUAL_LANES / LANES)
#define BLOCK         ((int64_t)(16384 / sizeof(REAL)))
