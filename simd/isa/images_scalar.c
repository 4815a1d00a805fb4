/* images_scalar.c: see images.h; compiled as scalar.c. */
#include "isa/images.h"

#include "vec/vec_scalar.h"
#include "kernels/images.h"

const hone__image_kernels hone__images_scalar = {
#include "kernels/images_table.h"
};
