/* SPDX-License-Identifier: MIT */
/* What the files of the trace share. */
#ifndef POSTERN_DIAG_TRACE_INTERNAL_H
#define POSTERN_DIAG_TRACE_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag/trace.h"
#include "diag/trace_redact.h"
#include "diag/trace_ring.h"
#include "diag/trace_text.h"

enum {
    TRACE_THREADS_MAX = 64,
    TRACE_RECORD_MAX = 128 * 1024, /* larger records are cut */
    TRACE_HEAD_MAX = 64 * 1024,    /* of a SIP message's head */
};

/* One thread that makes records. */
struct trace_thread {
    struct trace_ring ring;
    bool taken; /* guarded by the lock in trace_thread.c */
    unsigned cpu;
    uint32_t tid;
    uint64_t second; /* the one `stamp` was printed for */
    char stamp[19];  /* "09/28/2010-22:33:22" */
    char *record;    /* TRACE_RECORD_MAX, where a record is composed */
    char *head;      /* TRACE_HEAD_MAX, where its secrets are overwritten */
};

/* trace_thread.c.  The calling thread's, made on first use; NULL when there are too many. */
struct trace_thread *trace_thread_self(void);
/* For the writer: all threads there ever were, NULL past the last. */
struct trace_thread *trace_thread_at(unsigned index);

/* trace.c */
bool trace_secrets_on(void);
bool trace_secrets_on_at(uint64_t now_ms);
trace_redact_ntlm trace_redact_callback(void);
uint32_t trace_next_seq(void);
void trace_count_dropped(uint64_t n);

/* trace_event.c.  A warning in the writer's own name; `o` must have room for its end. */
void trace_compose_note(struct trace_out *o, const char *text);

/* trace_write.c */
bool trace_write_open(const char *path, uint64_t max_size, unsigned keep);
void trace_write_close(void); /* writes what is queued first */
void trace_write_flush(void);
/* Hands a composed record over; drops and counts it when there is no room. */
void trace_write_push(struct trace_thread *t, uint32_t seq, struct str record);

#endif
