/* SPDX-License-Identifier: MIT */
/* A record being composed in the memory of its thread.  The layout is, field by field, that of OCS
 * 2007 R2, so that the tools made for its traces read ours; the function and file names in the
 * header lines are the original's for that reason. */
#ifndef POSTERN_DIAG_TRACE_RECORD_H
#define POSTERN_DIAG_TRACE_RECORD_H

#include "diag/trace_internal.h"

struct trace_record {
    struct trace_thread *thread;
    struct trace_out out;
    uint32_t seq;
};

/* TL_ERROR(TF_SECURITY) [8]0D04.12B4::09/28/2010-22:33:22.019.0006247e (SIPStack, */
void trace_record_prefix(struct trace_record *r, struct str component, enum trace_flag flag,
                         enum trace_level level);
/* The prefix, `origin`, and $$begin_record.  False when this thread cannot make records. */
bool trace_record_begin(struct trace_record *r, enum trace_component c, enum trace_flag flag,
                        enum trace_level level, struct str origin);
void trace_record_close(struct trace_out *o);  /* $$end_record */
void trace_record_end(struct trace_record *r); /* closes, and hands over to the writer */
/* `name` with its colon, then foreign text; an empty value makes no line. */
void trace_record_field(struct trace_out *o, struct str name, struct str value);

#endif
