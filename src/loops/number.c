/* number.c: numbers beside tensors: which dtype they bring about, and as elements. */
#include "core/access.h"
#include "loops/elementwise.h"

#include <math.h>

void hone__number(hone_dtype dtype, double number, void *element)
{
    if (hone_dtype_is_float(dtype)) {
        hone__k->cast[HONE__F64][dtype](1, element, 1, &number, 1);
    } else if (dtype == HONE_BOOL) {
        *(uint8_t *)element = number != 0;
    } else {
        int64_t whole;
        hone__k->cast[HONE__F64][HONE__I64](1, &whole, 1, &number, 1);
        hone__k->cast[HONE__I64][dtype](1, element, 1, &whole, 1);
    }
}

double hone__rounded_number(hone_dtype dtype, double number)
{
    uint64_t element;
    hone__number(dtype, number, &element);
    return hone__element(dtype, &element);
}

int hone__number_side(hone_dtype dtype, double number)
{
    if (hone__category(dtype) != HONE__KIND_INTEGER)
        return 0;
    /* a power of two or 0, and behind the largest one a power of two: doubles hold both */
    const double least = (double)hone__dtypes[dtype].least,
                 above = (double)hone__dtypes[dtype].most + 1;
    return trunc(number) < least ? -1 : !(number < above);
}

bool hone__number_fits(const char *op, hone_dtype dtype, double number)
{
    if ((unsigned)dtype >= HONE_DTYPES) /* refused by who makes the tensor */
        return true;
    if (hone__number_side(dtype, number) == 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %g doesn't fit into %s", op, number, hone_dtype_name(dtype));
    return false;
}

hone_dtype hone__number_dtype(hone_dtype dtype, double number)
{
    if (hone_dtype_is_float(dtype))
        return dtype;
    if (!(number >= -0x1p63 && number < 0x1p63) || number != floor(number))
        return HONE_F32;
    return dtype == HONE_BOOL ? HONE_I64 : dtype;
}
