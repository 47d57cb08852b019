/* SPDX-License-Identifier: MIT */
/* What is traced: the switches, read by every caller with one load. */
#include "diag/trace.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "diag/trace_internal.h"

enum { FLAG_SHIFT = 8, SECRETS_LIFE_MS = 60 * 60 * 1000 };

/* Level in the low octet, flags above it; 0: off. */
static _Atomic uint32_t switches[TRACE_COMPONENT_COUNT];
static _Atomic uint64_t secrets_until_ms; /* 0: never shown */
static _Atomic uint64_t dropped;
static _Atomic uint32_t sequence;
static bool running;
static trace_redact_ntlm redact;

bool trace_on(enum trace_component c, enum trace_flag flag, enum trace_level level)
{
    uint32_t s = atomic_load_explicit(&switches[c], memory_order_relaxed);
    return (uint32_t)level <= (s & 0xff) && (s >> FLAG_SHIFT & (uint32_t)flag) != 0;
}

void trace_set(enum trace_component c, enum trace_level level, unsigned flags)
{
    if (running)
        atomic_store_explicit(&switches[c], (uint32_t)level | flags << FLAG_SHIFT,
                              memory_order_relaxed);
}

void trace_get(enum trace_component c, enum trace_level *level, unsigned *flags)
{
    uint32_t s = atomic_load_explicit(&switches[c], memory_order_relaxed);
    *level = (enum trace_level)(s & 0xff);
    *flags = s >> FLAG_SHIFT;
}

static void note(const char *text)
{
    trace_diag(TRACE_SIPSTACK, &(struct trace_diag){ .level = TL_WARN, .text = text });
}

void trace_set_secrets(bool on)
{
    uint64_t until = on ? clock_mono_ms() + SECRETS_LIFE_MS : 0;
    uint64_t before = atomic_exchange(&secrets_until_ms, until);

    if (on)
        note("Secrets and message bodies are shown in this trace for one hour from now");
    else if (before != 0)
        note("Secrets and message bodies are no longer shown in this trace");
}

bool trace_secrets_on_at(uint64_t now_ms)
{
    uint64_t until = atomic_load_explicit(&secrets_until_ms, memory_order_relaxed);

    if (until == 0)
        return false;
    if (now_ms < until)
        return true;
    if (atomic_compare_exchange_strong(&secrets_until_ms, &until, 0))
        note("The hour is over: secrets and message bodies are no longer shown in this trace");
    return false;
}

bool trace_secrets_on(void)
{
    return atomic_load_explicit(&secrets_until_ms, memory_order_relaxed) != 0 &&
           trace_secrets_on_at(clock_mono_ms());
}

trace_redact_ntlm trace_redact_callback(void)
{
    return redact;
}

uint32_t trace_next_seq(void)
{
    return atomic_fetch_add_explicit(&sequence, 1, memory_order_relaxed);
}

void trace_count_dropped(uint64_t n)
{
    atomic_fetch_add_explicit(&dropped, n, memory_order_relaxed);
}

uint64_t trace_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

bool trace_start(const struct trace_settings *s)
{
    assert(!running);
    if (!s->path)
        return true;
    if (!trace_write_open(s->path, s->max_size, s->keep))
        return false;
    redact = s->redact;
    running = true;
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++)
        trace_set((enum trace_component)i, s->level[i], s->flags[i]);
    if (s->secrets)
        trace_set_secrets(true);
    return true;
}

void trace_stop(void)
{
    if (!running)
        return;
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++)
        trace_set((enum trace_component)i, TL_OFF, 0);
    trace_write_close();
    atomic_store(&secrets_until_ms, 0);
    running = false;
}

void trace_flush(void)
{
    if (running)
        trace_write_flush();
}
