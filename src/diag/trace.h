/* SPDX-License-Identifier: MIT */
/* Trace records in the form of an OCS 2007 R2 server's text log.  Making a record costs the
 * calling worker a formatted copy into a bounded queue; a thread of its own writes files.  When
 * the queue is full the record is dropped and counted, and the count is written later, so that
 * a full or slow disk never delays a sign-in. */
#ifndef POSTERN_DIAG_TRACE_H
#define POSTERN_DIAG_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"
#include "diag/fault.h"

enum trace_level { TL_OFF, TL_FATAL, TL_ERROR, TL_WARN, TL_INFO, TL_VERBOSE, TL_NOISE };

enum trace_flag { /* a bit each; the values of the original's management class */
                  TF_COMPONENT = 0x01,
                  TF_PROTOCOL = 0x02,
                  TF_CONNECTION = 0x04,
                  TF_SECURITY = 0x08,
                  TF_DIAG = 0x10,
};

/* What is switched per component at run time.  Add here, in trace.c's name table, nowhere else. */
enum trace_component { TRACE_SIPSTACK, TRACE_USERSERVICES, TRACE_AUTHD, TRACE_COMPONENT_COUNT };

struct trace_settings {
    const char *path;  /* file; rotated to path.1, path.2 ... */
    uint64_t max_size; /* bytes per file */
    unsigned keep;     /* rotated files kept */
    /* Overwrites the secrets inside one decoded gssapi-data token in place (ntlm_redact); stands
     * here as a pointer because diag does not know NTLM. */
    void (*redact)(uint8_t *token, size_t len);
    bool secrets; /* leave responses, keys and bodies in; ends by itself after an hour */
    enum trace_level level[TRACE_COMPONENT_COUNT];
    unsigned flags[TRACE_COMPONENT_COUNT];
};

/* Opens the file (0640) and its directory, in which it is rotated later.  The writer thread begins
 * with the first record, so that it lives in the sandbox entered in between.  NULL path: tracing
 * stays off, and every call below is cheap.  One per process.  False with errno set when the file
 * cannot be made. */
bool trace_start(const struct trace_settings *s);
void trace_stop(void); /* writes what is queued, joins the thread */
/* Called by each thread before its first record: the number shown in [n]. */
void trace_thread(unsigned cpu);
/* From any thread. */
void trace_set(enum trace_component c, enum trace_level level, unsigned flags);
void trace_get(enum trace_component c, enum trace_level *level, unsigned *flags);
void trace_set_secrets(bool on);
bool trace_component_from_name(struct str name, enum trace_component *out);
const char *trace_component_name(enum trace_component c);
bool trace_level_from_name(struct str name, enum trace_level *out); /* "warn", "TL_WARN" */
const char *trace_level_name(enum trace_level level);               /* "warn" */
/* One name, as bits: component, protocol, connection, security, diag, all, none. */
bool trace_flags_from_name(struct str name, unsigned *out);
uint64_t trace_dropped(void);
/* Waits until everything queued before the call is written, 5 s at most (tests, demo, ctl). */
void trace_flush(void);

/* One relaxed atomic load: ask before preparing arguments. */
bool trace_on(enum trace_component c, enum trace_flag flag, enum trace_level level);

/* A SIP message, as on the wire.  Secrets inside gssapi-data are overwritten and the body is
 * replaced by its length, unless secrets are on.  `source`/`destination` may be empty ("local",
 * "internal edge", "external edge"). */
void trace_protocol(enum trace_component c, bool outgoing, struct str source,
                    struct str destination, struct str peer, struct str message);

struct trace_security {
    enum fault fault;
    struct str text;       /* empty: "Failed to validate user credentials" */
    struct str start_line; /* may be empty */
    struct str call_id, cseq, peer;
    struct str gssapi_token; /* raw octets of the client's token, may be empty */
    uint32_t unmet;          /* policy bits the client lacked */
    uint32_t flags;          /* negotiated flags, 0 when unknown */
    uint32_t minimum;        /* the policy's minimum */
    struct str user;         /* DOMAIN\user as sent */
    struct str policy;       /* name of the preset or exception that decided */
    struct str detail;       /* numbers of this case, as a library or a domain controller said */
    bool audited;            /* let in by audit mode: level warning */
};
void trace_security(enum trace_component c, const struct trace_security *s);

struct trace_connection {
    enum trace_level level;
    enum fault fault; /* FAULT_NONE for plain events */
    const char *text;
    struct str local_ip, peer_ip; /* ip:port */
    uint32_t connection_id;
    const char *transport; /* "TLS", "TCP" */
    struct str data;       /* name="value"; ... may be empty */
};
void trace_connection(enum trace_component c, const struct trace_connection *s);

struct trace_diag {
    enum trace_level level;
    enum fault fault;
    const char *text;
    struct str start_line, call_id, cseq, peer, data;
};
void trace_diag(enum trace_component c, const struct trace_diag *s);

/* Free text of a component (TF_COMPONENT). */
void trace_text(enum trace_component c, enum trace_level level, const char *function,
                const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
