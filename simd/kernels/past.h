/* past.h: stores that leave the caches alone, for what is larger than they are. A line that is
 * written whole need not be read first, and what the caches hold stays. (fragment of an ISA's file)
 *
 * Such stores are weakly ordered: who made them ends them with k_past_end before others may look. */

#ifdef __AVX2__
#define STORE_PAST(y, row) _mm256_stream_si256((__m256i *)(void *)(y), (__m256i)(row))
#define CAN_GO_PAST        true

enum { PAST_AHEAD = 2048 }; /* bytes asked for ahead of what is read */

/* Whole lines past the caches, what is before and behind them as ever. */
static void k_write_past(int64_t bytes, void *yv, const void *xv)
{
    char *y = yv;
    const char *x = xv;
    const int64_t head = (int64_t)(-(uintptr_t)y % 64);
    int64_t i = head < bytes ? head : bytes;
    memcpy(y, x, (size_t)i);
    for (; i + 64 <= bytes; i += 64) {
        __builtin_prefetch(x + i + PAST_AHEAD);
        const __m256i low = _mm256_loadu_si256((const void *)(x + i));
        const __m256i high = _mm256_loadu_si256((const void *)(x + i + 32));
        STORE_PAST(y + i, low);
        STORE_PAST(y + i + 32, high);
    }
    memcpy(y + i, x + i, (size_t)(bytes - i));
}

static void k_past_end(void)
{
    store_past_end();
}
#else
#define STORE_PAST(y, row) (*(__typeof__(row) *)(y) = (row))
#define CAN_GO_PAST        false
#define k_write_past       NULL
#define k_past_end         NULL
#endif
