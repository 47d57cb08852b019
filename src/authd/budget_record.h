/* SPDX-License-Identifier: MIT */
/* An account's budget as octets, for the file that keeps it over a restart.  Tokens are not in it:
 * their hashes are keyed anew at each start. */
#ifndef POSTERN_AUTHD_BUDGET_RECORD_H
#define POSTERN_AUTHD_BUDGET_RECORD_H

#include "authd/budget_table.h"
#include "base/buf.h"

struct budget_record_head {
    bool known;
    struct str label;              /* into the record */
    struct budget_network network; /* where a virtual entry came from */
};

void budget_record_write(const struct budget_account *a, struct buf *out);
bool budget_record_read_head(struct str in, struct budget_record_head *out);
/* Everything behind the head into a fresh account of `t`; false when it is damaged. */
bool budget_record_read(struct str in, struct budget_account *a, struct budget_table *t);

#endif
