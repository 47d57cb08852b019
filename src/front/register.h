/* SPDX-License-Identifier: MIT */
/* REGISTER after its credentials were accepted ([MS-SIPREGE] 3.3.5). */
#ifndef POSTERN_FRONT_REGISTER_H
#define POSTERN_FRONT_REGISTER_H

#include "front/mail.h"
#include "front/worker.h"

void register_request(struct turn *t);
/* At the owner of the user, for another worker's connection. */
void register_at_owner(struct worker *w, struct mail_register *m);
/* Back at the connection's worker: answer. */
void register_done(struct worker *w, struct mail_register *m);

/* The connection is gone: its endpoints' owners are told. */
void register_connection_gone(struct worker *w, struct client_conn *cc);
void register_gone(struct worker *w, struct mail_gone *m);

/* Throwing out. */
void register_remove(struct worker *w, struct mail_remove *m);
void register_out(struct worker *w, struct mail_out *m);
/* Fresh flags of a user came from the directory. */
void register_flags(struct worker *w, struct str user_key, const struct proto_flags *f);

#endif
