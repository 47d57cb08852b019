/* SPDX-License-Identifier: MIT */
#include "front/mail.h"

#include <stdlib.h>

#include "front/job.h"

void mail_discard(struct mail *m)
{
    switch ((enum mail_kind)m->kind) {
    case MAIL_POLICY:
        ntlm_policy_set_free(((struct mail_policy *)m)->set);
        break;
    case MAIL_LIST:
        buf_fini(&((struct mail_control *)m)->text);
        break;
    case MAIL_REGISTER:
    case MAIL_REGISTER_DONE:
        job_free(((struct mail_register *)m)->job);
        buf_fini(&((struct mail_register *)m)->contacts);
        break;
    case MAIL_OUT:
        registrar_out_fini(&((struct mail_out *)m)->out);
        break;
    case MAIL_STOP:
    case MAIL_GONE:
    case MAIL_REMOVE:
        break;
    }
    free(m);
}
