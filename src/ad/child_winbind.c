/* SPDX-License-Identifier: MIT */
#include <stdbool.h> /* wbclient.h needs it and does not include it */
#include <stdint.h>

#include <wbclient.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ad/child.h"
#include "ad/message.h"
#include "ad/status.h"
#include "base/secret.h"
#include "conf/sandbox.h"
#include "users/name.h"

enum { EXIT_SANDBOX = 4 };

struct winbind {
    const struct conf *conf;
    struct wbcContext *ctx;
    char nb_domain[17]; /* as winbindd says, once asked */
};

static void detail(struct ad_answer *a, const char *what, wbcErr code, uint32_t status)
{
    snprintf(a->detail, sizeof(a->detail), "%s: %s, NTSTATUS 0x%08x", what, wbcErrorString(code),
             status);
}

static bool is_ours(const struct winbind *w, struct str domain)
{
    return domain.len == 0 || str_eq_nocase(domain, str_from_c(w->conf->netbios_domain)) ||
           str_eq_nocase(domain, str_from_c(w->nb_domain)) ||
           str_eq_nocase(domain, str_from_c(w->conf->ad.domain));
}

/* The octets of a SID ([MS-DTYP] 2.4.2.2) from the library's struct. */
static void set_sid(const struct wbcDomainSid *from, struct ad_proof *out)
{
    uint8_t *p = out->sid;

    if (from->num_auths > WBC_MAXSUBAUTHS)
        return;
    *p++ = from->sid_rev_num;
    *p++ = from->num_auths;
    memcpy(p, from->id_auth, 6);
    p += 6;
    for (unsigned i = 0; i < from->num_auths; i++) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            *p++ = (uint8_t)(from->sub_auths[i] >> shift);
    }
    out->sid_len = (uint8_t)(p - out->sid);
}

static void take_info(const struct wbcAuthUserInfo *info, struct ad_proof *out)
{
    memcpy(out->session_key, info->user_session_key, sizeof(out->session_key));
    user_field_set(out->account, sizeof(out->account), str_from_c(info->account_name));
    user_field_set(out->domain, sizeof(out->domain), str_from_c(info->domain_name));
    if (info->num_sids > 0)
        set_sid(&info->sids[0].sid, out);
}

/* Without an answer of the domain controller the library gives no status. */
static enum fault fault_of(wbcErr code, const struct wbcAuthErrorInfo *error,
                           const struct winbind *w, const struct ad_logon *l)
{
    if (error)
        return ad_status_fault(error->nt_status,
                               (struct ad_status_of){ .ntlmv2 = l->ntlmv2,
                                                      .foreign_domain = !is_ours(w, l->domain),
                                                      .authoritative = error->authoritative });
    return code == WBC_ERR_WINBIND_NOT_AVAILABLE ? FAULT_DIRECTORY_WINBIND : FAULT_DIRECTORY_FAILED;
}

/* The strings go on as the client sent them.  The accounts of computers may not sign in: no
 * ALLOW_WORKSTATION_TRUST_ACCOUNT.  ALLOW_MSVCHAPV2 would go round the controller's own policy. */
static void logon(struct winbind *w, const struct ad_logon *l, struct ad_answer *a)
{
    char *user = str_own(l->user), *domain = str_own(l->domain),
         *workstation = str_own(l->workstation);
    struct wbcAuthUserParams p = { .account_name = user,
                                   .domain_name = domain,
                                   .workstation_name = workstation,
                                   .level = WBC_AUTH_USER_LEVEL_RESPONSE };
    struct wbcAuthUserInfo *info = NULL;
    struct wbcAuthErrorInfo *error = NULL;

    memcpy(p.password.response.challenge, l->challenge, sizeof(l->challenge));
    p.password.response.nt_length = (uint32_t)l->nt_response.len;
    p.password.response.nt_data = (uint8_t *)l->nt_response.ptr;
    wbcErr code = wbcCtxAuthenticateUserEx(w->ctx, &p, &info, &error);
    a->proof.ntstatus = error ? error->nt_status : 0;
    if (WBC_ERROR_IS_OK(code) && info) {
        take_info(info, &a->proof);
        secret_wipe(info->user_session_key, sizeof(info->user_session_key));
    } else {
        a->proof.fault = fault_of(code, error, w, l);
        if (a->proof.fault == FAULT_NONE) /* an error without a status is no success */
            a->proof.fault = FAULT_DIRECTORY_FAILED;
        detail(a, "logon", code, a->proof.ntstatus);
    }
    wbcFreeMemory(info);
    wbcFreeMemory(error);
    free(user);
    free(domain);
    free(workstation);
}

static void names(struct winbind *w, struct ad_answer *a)
{
    struct wbcInterfaceDetails *d = NULL;
    struct ad_names *n = &a->names;
    wbcErr code = wbcCtxInterfaceDetails(w->ctx, &d);

    if (!WBC_ERROR_IS_OK(code) || !d) {
        a->fault = FAULT_DIRECTORY_WINBIND;
        detail(a, "names", code, 0);
        return;
    }
    user_field_set(n->nb_computer, sizeof(n->nb_computer), str_from_c(d->netbios_name));
    user_field_set(n->nb_domain, sizeof(n->nb_domain), str_from_c(d->netbios_domain));
    user_field_set(n->dns_domain, sizeof(n->dns_domain), str_from_c(d->dns_domain));
    memcpy(w->nb_domain, n->nb_domain, sizeof(w->nb_domain));
    wbcFreeMemory(d);
}

static void probe(struct winbind *w, struct ad_answer *a)
{
    struct wbcAuthErrorInfo *error = NULL;
    wbcErr code = wbcCtxPingDc(w->ctx, NULL, &error);

    if (!WBC_ERROR_IS_OK(code)) {
        a->fault =
            code == WBC_ERR_WINBIND_NOT_AVAILABLE ? FAULT_DIRECTORY_WINBIND : FAULT_DIRECTORY_NO_DC;
        detail(a, "probe", code, error ? error->nt_status : 0);
    }
    wbcFreeMemory(error);
}

static void answer(void *arg, const struct ad_question *q, struct ad_answer *a, struct buf *text)
{
    struct winbind *w = arg;

    (void)text;
    if (q->ask == AD_ASK_LOGON)
        logon(w, &q->logon, a);
    else if (q->ask == AD_ASK_NAMES)
        names(w, a);
    else if (q->ask == AD_ASK_PROBE)
        probe(w, a);
    else
        a->fault = FAULT_DIRECTORY_FAILED;
}

void ad_child_winbind(const struct conf *c, int fd)
{
    /* the pipes of winbindd are sockets: no file is opened */
    struct sandbox_rules rules = { .unix_sockets = true, .files = true, .libraries = true };
    struct winbind w = { .conf = c, .ctx = wbcCtxCreate() };
    struct buf why = { 0 };

    if (!w.ctx)
        abort();
    wbcSetClientProcessName("postern");
    if (!sandbox_enter(&rules, &why)) {
        fprintf(stderr, "postern: the winbind child: %.*s\n", STR_ARG(buf_str(&why)));
        _exit(EXIT_SANDBOX);
    }
    ad_child_serve(fd, answer, &w);
}
