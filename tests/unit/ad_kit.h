/* SPDX-License-Identifier: MIT */
/* Children that stand in for winbind and LDAP: what they do, the question says.
 *
 *   logon of user   "ada" right, "wrong", "nodc", "crash", "hang", "garbage", "sleepy" (50 ms)
 *   find            "ada" and "sip:ada@x" found, "crash", "crash-once", "hang", "fail", "locked",
 *                   "shared", anything else nobody
 *
 * How often each question arrived, and what the next poll tells, stands in memory that all
 * processes share. */
#ifndef POSTERN_TEST_AD_KIT_H
#define POSTERN_TEST_AD_KIT_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ad/child.h"
#include "ad/keeper.h"
#include "ad/message.h"
#include "base/loop.h"

struct ad_kit_shared {
    _Atomic unsigned logons, finds, probes, polls, made;
    _Atomic pid_t keeper;
    _Atomic bool frozen; /* nothing is answered */
    _Atomic bool all_changed;
    _Atomic unsigned controller; /* its name is dc0, dc1 ... */
    char changed[16];            /* a name the next poll tells */
};

static struct ad_kit_shared *kit;
static struct conf *kit_conf;
static struct loop *kit_loop;
static struct loop_timer *kit_guard;
static unsigned kit_slot;

static void kit_logon(const struct ad_question *q, struct ad_answer *a, int fd)
{
    struct str user = q->logon.user;

    kit->logons++;
    if (str_eq(user, STR("crash")))
        abort();
    if (str_eq(user, STR("hang")))
        pause();
    if (str_eq(user, STR("garbage")))
        (void)!send(fd, "nonsense", 8, 0);
    if (str_eq(user, STR("sleepy")))
        usleep(50000);
    if (str_eq(user, STR("nodc"))) {
        a->proof.fault = FAULT_DIRECTORY_NO_DC;
        a->proof.ntstatus = 0xC000005E;
    } else if (str_eq(user, STR("wrong"))) {
        a->proof.fault = FAULT_USER_WRONG_PASSWORD;
        a->proof.ntstatus = 0xC000006A;
    } else {
        memset(a->proof.session_key, 0x5A, 16);
        snprintf(a->proof.account, sizeof(a->proof.account), "%.*s", STR_ARG(user));
    }
}

static void kit_find(const struct ad_question *q, struct ad_answer *a)
{
    struct str v = q->value;

    kit->finds++;
    if (str_eq(v, STR("crash")) || (str_eq(v, STR("crash-once")) && kit->finds == 1))
        abort();
    if (str_eq(v, STR("hang")))
        pause();
    if (str_eq(v, STR("fail")))
        a->fault = FAULT_DIRECTORY_LDAP;
    snprintf(a->server, sizeof(a->server), "dc%u", kit->controller);
    if (str_eq_nocase(v, STR("ada")) || str_eq(v, STR("sip:ada@x")) ||
        str_eq(v, STR("crash-once"))) {
        a->found = true;
        a->account = (struct ad_account){
            .user = { .name = "ada", .uri = "sip:ada@x", .upn = "ada@x", .flags = 1 },
            .sid = { 1, 5, 7 },
            .sid_len = 3
        };
    }
}

static void kit_changes(const struct ad_question *q, struct ad_answer *a)
{
    kit->polls++;
    a->usn = q->since + 1;
    a->all = kit->all_changed;
    snprintf(a->server, sizeof(a->server), "dc%u", kit->controller);
    if (kit->changed[0])
        a->changes[a->change_count++].name = str_from_c(kit->changed);
}

static void kit_answer(void *arg, const struct ad_question *q, struct ad_answer *a,
                       struct buf *text)
{
    (void)text;
    if (kit->frozen)
        pause();
    if (q->ask == AD_ASK_LOGON)
        kit_logon(q, a, *(int *)arg);
    if (q->ask == AD_ASK_FIND)
        kit_find(q, a);
    if (q->ask == AD_ASK_CHANGES)
        kit_changes(q, a);
    if (q->ask == AD_ASK_PROBE)
        kit->probes++;
    if (q->ask == AD_ASK_NAMES)
        a->names = (struct ad_names){ .nb_computer = "FE", .nb_domain = "EXAMPLE" };
}

static void kit_child(const struct conf *c, enum ad_child kind, unsigned slot, int fd)
{
    (void)c;
    (void)kind;
    kit_slot = slot;
    kit->made++;
    kit->keeper = getppid();
    signal(SIGABRT, SIG_DFL);
    ad_child_serve(fd, kit_answer, &fd);
}

static void kit_out_of_time(void *arg)
{
    (void)arg;
    fail_msg("the loop was not ended");
}

/* `settings` are lines of [directory]. */
static struct ad_keeper *kit_begin(const char *settings)
{
    struct buf why = { 0 }, text = { 0 };

    kit = mmap(NULL, sizeof(*kit), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(kit != MAP_FAILED);
    signal(SIGCHLD, SIG_IGN); /* the keeper is not waited for */
    buf_printf(&text,
               "[general]\nuser_authd =\n[directory]\nsource = ad\nnetbios_domain = EXAMPLE\n"
               "ad_domain = ad.example.test\nad_keytab = /none\n%s",
               settings);
    kit_conf = conf_parse(buf_str(&text), "test.conf", &why);
    if (!kit_conf)
        fail_msg("%.*s", STR_ARG(buf_str(&why)));
    struct ad_keeper *keeper = ad_keeper_start_with(kit_conf, kit_child, &why);
    assert_non_null(keeper);
    kit_loop = loop_new();
    kit_guard = loop_timer_new(kit_loop, kit_out_of_time, NULL);
    loop_timer_set(kit_guard, 60000, 0);
    buf_fini(&why);
    buf_fini(&text);
    return keeper;
}

static void kit_end(void)
{
    loop_timer_free(kit_guard);
    loop_free(kit_loop);
    conf_free(kit_conf);
    munmap(kit, sizeof(*kit));
}

/* Turns of the loop until `done`, which somebody else makes true. */
struct kit_waiting {
    bool (*done)(void);
};

static void kit_look(void *arg)
{
    struct kit_waiting *w = arg;

    if (w->done())
        loop_stop(kit_loop);
}

static void kit_until(bool (*done)(void))
{
    struct kit_waiting w = { done };

    if (done())
        return;
    struct loop_timer *t = loop_timer_new(kit_loop, kit_look, &w);
    loop_timer_set(t, 2, 2);
    loop_run(kit_loop);
    loop_timer_free(t);
}

#endif
