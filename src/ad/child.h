/* SPDX-License-Identifier: MIT */
/* The processes that ask Active Directory: a question, a library call that blocks, an answer. */
#ifndef POSTERN_AD_CHILD_H
#define POSTERN_AD_CHILD_H

#include "base/compiler.h"
#include "conf/conf.h"

/* Both lock themselves in, answer what comes over `fd` (SEQPACKET), and end with the other side. */
NORETURN void ad_child_winbind(const struct conf *c, int fd);
NORETURN void ad_child_ldap(const struct conf *c, int fd);

struct ad_question;
struct ad_answer;
struct buf;

/* Reads questions, lets `answer` answer, sends; until the other side ends.  `a` is all zero but for
 * `ask`; `text` is room for slices of the answer. */
NORETURN void ad_child_serve(int fd,
                             void (*answer)(void *arg, const struct ad_question *q,
                                            struct ad_answer *a, struct buf *text),
                             void *arg);

#endif
