/* dead.c KIND: a user's program that uses something after its end, for dead.sh. */
#include <hone/hone.h>
#include <stdio.h>
#include <string.h>

static hone_tensor *from_a_scope(float **data)
{
    HONE_SCOPE();
    hone_tensor *t = hone_add(hone_ones(HONE_F32, 2, 3), hone_ones(HONE_F32, 3));
    *data = hone_data(t);
    return t;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    float *data;
    HONE_SCOPE();
    hone_tensor *t = from_a_scope(&data);
    hone_tensor *other = hone_zeros(HONE_F32, 2, 3); /* in whose place the pools put it */
    if (!strcmp(kind, "tensor"))
        hone_mul(t, other);
    else if (!strcmp(kind, "data"))
        printf("%g\n", (double)data[1]);
    else if (!strcmp(kind, "past"))
        printf("%g\n", (double)((float *)hone_data(other))[6 + argc]);
    printf("%s\n", hone_error_message());
    return 0;
}
