/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <assert.h>

/* Seconds from 1601-01-01 to 1970-01-01. */
static const uint64_t EPOCH_GAP = 11644473600u;

static struct timespec now(clockid_t id)
{
    struct timespec ts;
    int failed = clock_gettime(id, &ts);

    assert(failed == 0);
    (void)failed;
    return ts;
}

uint64_t clock_mono_ms(void)
{
    struct timespec ts = now(CLOCK_MONOTONIC);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t clock_wall_us(void)
{
    struct timespec ts = now(CLOCK_REALTIME);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_filetime(void)
{
    return clock_wall_us() * 10 + EPOCH_GAP * 10000000;
}

uint64_t filetime_from_unix(int64_t seconds)
{
    return ((uint64_t)seconds + EPOCH_GAP) * 10000000;
}
