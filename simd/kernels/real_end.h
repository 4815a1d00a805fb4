/* real_end.h: the end of what real_begin.h began. (fragment) */
#undef R
#undef MASK
#undef REAL
#undef BITS
#undef VREAL
#undef VMASK
#undef LANES
#undef LEAST_NORMAL
#undef REAL_DTYPE
#undef VIRTUAL_LANES
#undef N_ACC
#undef BLOCK
#undef HONE__REAL_IS_F64
