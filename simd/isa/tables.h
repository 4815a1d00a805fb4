/* tables.h: the tables that may be linked in; dispatch.c and the ISAs' own files include it. */
#ifndef HONE_ISA_TABLES_H
#define HONE_ISA_TABLES_H

#include "isa/isa.h"

extern const hone__isa hone__isa_scalar;
#if defined(__x86_64__)
extern const hone__isa hone__isa_avx2;
extern const hone__isa hone__isa_avx512;
#elif defined(__aarch64__)
extern const hone__isa hone__isa_neon;
#endif

#endif
