/* SPDX-License-Identifier: MIT */
/* How every record begins and ends. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "diag/trace_record.h"

enum { END_ROOM = 128 }; /* for what closes a record that was cut */

static void two_digits(char *at, unsigned n)
{
    at[0] = (char)('0' + n / 10 % 10);
    at[1] = (char)('0' + n % 10);
}

/* "MM/DD/YYYY-HH:MM:SS" in UTC, without the C library, whose calls may open /etc/localtime: the
 * sandbox forbids that.  Days to civil date by eras of 400 years that begin in March. */
static void stamp_print(uint64_t second, char *out)
{
    uint64_t days = second / 86400 + 719468;
    unsigned left = (unsigned)(second % 86400);
    unsigned day_of_era = (unsigned)(days % 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0: March */
    unsigned year = year_of_era + (unsigned)(days / 146097) * 400 + (month >= 10);

    memcpy(out, "00/00/0000-00:00:00", 19);
    two_digits(out, month < 10 ? month + 3 : month - 9);
    two_digits(out + 3, day_of_year - (153 * month + 2) / 5 + 1);
    two_digits(out + 6, year / 100);
    two_digits(out + 8, year % 100);
    two_digits(out + 11, left / 3600);
    two_digits(out + 14, left / 60 % 60);
    two_digits(out + 17, left % 60);
}

static void add_time(struct trace_out *o, struct trace_thread *t)
{
    struct timespec now;
    char milli[4] = ".000";

    clock_gettime(CLOCK_REALTIME, &now);
    if ((uint64_t)now.tv_sec != t->second) {
        t->second = (uint64_t)now.tv_sec;
        stamp_print(t->second, t->stamp);
    }
    unsigned ms = (unsigned)(now.tv_nsec / 1000000);
    milli[1] = (char)('0' + ms / 100);
    two_digits(milli + 2, ms % 100);
    trace_out_add(o, str_of(t->stamp, sizeof(t->stamp)));
    trace_out_add(o, str_of(milli, sizeof(milli)));
}

static const char *const level_marks[] = {
    [TL_OFF] = "TL_NOISE",   [TL_FATAL] = "TL_FATAL", [TL_ERROR] = "TL_ERROR",
    [TL_WARN] = "TL_WARN",   [TL_INFO] = "TL_INFO",   [TL_VERBOSE] = "TL_VERBOSE",
    [TL_NOISE] = "TL_NOISE",
};

static struct str flag_mark(enum trace_flag flag)
{
    switch (flag) {
    case TF_PROTOCOL:
        return STR("(TF_PROTOCOL) [");
    case TF_CONNECTION:
        return STR("(TF_CONNECTION) [");
    case TF_SECURITY:
        return STR("(TF_SECURITY) [");
    case TF_DIAG:
        return STR("(TF_DIAG) [");
    case TF_COMPONENT:
        break;
    }
    return STR("(TF_COMPONENT) [");
}

static uint32_t own_pid(void)
{
    static _Atomic uint32_t pid;
    uint32_t known = atomic_load_explicit(&pid, memory_order_relaxed);

    if (known == 0) {
        known = (uint32_t)getpid();
        atomic_store_explicit(&pid, known, memory_order_relaxed);
    }
    return known;
}

/* TL_ERROR(TF_SECURITY) [8]0D04.12B4::09/28/2010-22:33:22.019.0006247e (SIPStack, */
void trace_record_prefix(struct trace_record *r, struct str component, enum trace_flag flag,
                         enum trace_level level)
{
    struct trace_out *o = &r->out;

    r->seq = trace_next_seq();
    trace_out_add(o, str_from_c(level_marks[level]));
    trace_out_add(o, flag_mark(flag));
    trace_out_decimal(o, r->thread->cpu);
    trace_out_add(o, STR("]"));
    trace_out_hex(o, own_pid(), 4, true);
    trace_out_add(o, STR("."));
    trace_out_hex(o, r->thread->tid, 4, true);
    trace_out_add(o, STR("::"));
    add_time(o, r->thread);
    trace_out_add(o, STR("."));
    trace_out_hex(o, r->seq, 8, false);
    trace_out_add(o, STR(" ("));
    trace_out_add(o, component);
    trace_out_add(o, STR(","));
}

bool trace_record_begin(struct trace_record *r, enum trace_component c, enum trace_flag flag,
                        enum trace_level level, struct str origin)
{
    r->thread = trace_thread_self();
    if (!r->thread) {
        trace_count_dropped(1);
        return false;
    }
    r->out = (struct trace_out){ .ptr = r->thread->record, .cap = TRACE_RECORD_MAX - END_ROOM };
    trace_record_prefix(r, str_from_c(trace_component_name(c)), flag, level);
    trace_out_add(&r->out, origin);
    trace_out_add(&r->out, STR(")$$begin_record\n"));
    return true;
}

void trace_record_close(struct trace_out *o)
{
    o->cap += END_ROOM;
    if (o->cut)
        trace_out_add(o, STR("\n(the rest of the record is left out)\n"));
    trace_out_add(o, STR("$$end_record\n\n"));
}

void trace_record_end(struct trace_record *r)
{
    trace_record_close(&r->out);
    trace_write_push(r->thread, r->seq, str_of(r->out.ptr, r->out.len));
}

void trace_record_field(struct trace_out *o, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    trace_out_add(o, name);
    trace_out_text(o, value);
    trace_out_add(o, STR("\n"));
}
