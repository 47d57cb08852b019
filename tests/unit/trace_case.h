/* SPDX-License-Identifier: MIT */
/* What the tests of the trace share: a folder of their own, a trace in it, its text. */
#ifndef POSTERN_TESTS_TRACE_CASE_H
#define POSTERN_TESTS_TRACE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "diag/trace.h"

static char folder[] = "/tmp/postern-trace-XXXXXX";
static char path[64];

static UNUSED int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/trace.log", folder);
    return 0;
}

static UNUSED void empty_folder(void)
{
    char name[80];

    unlink(path);
    for (unsigned n = 1; n <= 4; n++) {
        snprintf(name, sizeof(name), "%s.%u", path, n);
        unlink(name);
    }
}

static UNUSED int remove_folder(void **state)
{
    (void)state;
    empty_folder();
    return rmdir(folder);
}

/* Overwrites the second half, so that tests see what was handed over. */
static UNUSED void redact_half(uint8_t *msg, size_t len)
{
    memset(msg + len / 2, 0, len - len / 2);
}

static UNUSED void start(void)
{
    struct trace_settings s = {
        .path = path, .max_size = 1 << 20, .keep = 3, .redact = redact_half
    };
    for (unsigned i = 0; i < TRACE_COMPONENT_COUNT; i++) {
        s.level[i] = TL_VERBOSE;
        s.flags[i] = 0x1f;
    }
    assert_true(trace_start(&s));
    trace_thread(8);
}

static UNUSED char *contents(const char *name)
{
    struct buf b = { 0 };
    FILE *f = fopen(name, "r");
    int c;

    assert_non_null(f);
    while ((c = getc(f)) != EOF)
        buf_add_char(&b, (char)c);
    fclose(f);
    buf_add_char(&b, '\0');
    return b.ptr;
}

/* Stops, and hands out what was written; the next test begins with an empty folder. */
static UNUSED char *stop(void)
{
    trace_stop();
    char *text = contents(path);
    empty_folder();
    return text;
}

static UNUSED void protocol(struct str message)
{
    trace_protocol(TRACE_SIPSTACK, true, STR("local"), STR_NONE, STR("127.0.0.1:50123"), message);
}

static UNUSED unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

/* Lines that a reader would take for the beginning of a record. */
static UNUSED unsigned header_lines(const char *text)
{
    return (strncmp(text, "TL_", 3) == 0) + count(text, "\nTL_");
}

#endif
