/* images_avx512.c: see images.h; compiled as avx512.c. */
#include "isa/images.h"

#include "vec/vec_avx512.h"
#include "kernels/images.h"

const hone__image_kernels hone__images_avx512 = {
#include "kernels/images_table.h"
};
