/* Which ISAs there are, by index and by name, and what is said about one that there isn't. */
#include "isa/isa.h"

#include <criterion/criterion.h>
#include <string.h>

Test(kernels_dispatch, scalar_comes_first_and_is_the_default)
{
    cr_assert_str_eq(hone__isa_available(0)->name, "scalar");
    cr_assert_eq(hone__k, hone__isa_available(0));
    int n = 0;
    while (hone__isa_available(n))
        n++;
    cr_assert_eq(hone__isa_best(), hone__isa_available(n - 1));
    cr_assert_null(hone__isa_available(n + 1));
    hone__isa_use(hone__isa_best());
    cr_assert_eq(hone__k, hone__isa_best());
}

Test(kernels_dispatch, by_name)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        cr_assert_eq(hone__isa_find(isa->name), isa);
    cr_assert_null(hone__isa_find("sse9"));
    cr_assert_null(hone__isa_find(""));
#if defined(__x86_64__)
    cr_assert_null(hone__isa_find("neon"));
#else
    cr_assert_null(hone__isa_find("avx2"));
#endif
}

Test(kernels_dispatch, the_refusal_names_what_there_is)
{
    char text[200];
    hone__isa_explain("sse9", text, sizeof text);
    cr_assert(strstr(text, "HONE_ISA=sse9 is unknown") && strstr(text, "scalar"), "%s", text);
    cr_assert(strstr(text, hone__isa_best()->name), "%s", text);
#if defined(__x86_64__)
    hone__isa_explain("neon", text, sizeof text);
#else
    hone__isa_explain("avx2", text, sizeof text);
#endif
    cr_assert(strstr(text, "is not available"), "%s", text);
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    hone__isa_explain(long_name, text, sizeof text);
    cr_assert(strstr(text, "unknown") && strlen(text) < sizeof text);
}
