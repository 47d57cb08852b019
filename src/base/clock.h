/* SPDX-License-Identifier: MIT */
/* Time.  Parsers and policy never call these: time comes to them as an argument. */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_mono_ms(void);  /* since boot; for deadlines */
uint64_t clock_wall_us(void);  /* since 1970, UTC */
uint64_t clock_filetime(void); /* 100 ns since 1601, as NTLM counts */
/* 100 ns since 1601 from seconds since 1970. */
uint64_t filetime_from_unix(int64_t seconds);

#endif
