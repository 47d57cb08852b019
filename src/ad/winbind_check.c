/* SPDX-License-Identifier: MIT */
#include "ad/winbind_check.h"

#include <stdbool.h>
#include <stdint.h>

#include <wbclient.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ad/status.h"
#include "base/clock.h"
#include "base/secret.h"
#include "users/name.h"

enum { RESPONSE_LEN = 64 }; /* long enough to be an NTLMv2 response */

static void detail(struct ad_winbind_state *s, const char *what, wbcErr code, uint32_t status)
{
    snprintf(s->detail, sizeof(s->detail), "%s: %s, NTSTATUS 0x%08x", what, wbcErrorString(code),
             status);
}

static bool ask_names(struct wbcContext *ctx, struct ad_winbind_state *s)
{
    struct wbcInterfaceDetails *d = NULL;
    wbcErr code = wbcCtxPing(ctx);

    if (WBC_ERROR_IS_OK(code))
        code = wbcCtxInterfaceDetails(ctx, &d);
    s->answers = WBC_ERROR_IS_OK(code) && d;
    if (!s->answers) {
        detail(s, "ping", code, 0);
        return false;
    }
    user_field_set(s->names.nb_computer, sizeof(s->names.nb_computer), str_from_c(d->netbios_name));
    user_field_set(s->names.nb_domain, sizeof(s->names.nb_domain), str_from_c(d->netbios_domain));
    user_field_set(s->names.dns_domain, sizeof(s->names.dns_domain), str_from_c(d->dns_domain));
    wbcFreeMemory(d);
    return true;
}

/* A name that nobody has: no account is locked by it. */
static void ask_logon(struct wbcContext *ctx, const char *domain, struct ad_winbind_state *s)
{
    uint8_t response[RESPONSE_LEN] = { 0 };
    char name[32];
    struct wbcAuthUserParams p = { .account_name = name,
                                   .domain_name = domain,
                                   .workstation_name = "",
                                   .level = WBC_AUTH_USER_LEVEL_RESPONSE };
    struct wbcAuthUserInfo *info = NULL;
    struct wbcAuthErrorInfo *error = NULL;

    snprintf(name, sizeof(name), "nobody-%08x", (unsigned)random_u32());
    random_bytes(response, 16);
    p.password.response.nt_length = sizeof(response);
    p.password.response.nt_data = response;
    wbcErr code = wbcCtxAuthenticateUserEx(ctx, &p, &info, &error);
    uint32_t status = error ? error->nt_status : 0;
    detail(s, "a sign-in of nobody", code, status);
    s->privileged = error != NULL;
    s->fault = error ? ad_status_fault(
                           status, (struct ad_status_of){ .ntlmv2 = true, .authoritative = true })
                     : FAULT_DIRECTORY_WINBIND;
    if (s->fault == FAULT_USER_UNKNOWN || s->fault == FAULT_USER_WRONG_PASSWORD)
        s->fault = FAULT_NONE;
    s->dc_answers = s->fault == FAULT_NONE || (error && !fault_is_of_directory(s->fault));
    wbcFreeMemory(info);
    wbcFreeMemory(error);
}

/* Each step is told when it is over, so that the last one told is known when the next hangs. */
static void tell(int fd, const struct ad_winbind_state *s)
{
    if (write(fd, s, sizeof(*s)) != (ssize_t)sizeof(*s))
        _exit(1);
}

NORETURN static void run_child(const char *domain, int fd)
{
    struct ad_winbind_state s = { .fault = FAULT_DIRECTORY_WINBIND };
    struct wbcContext *ctx = wbcCtxCreate();

    if (!ctx)
        _exit(1);
    if (ask_names(ctx, &s)) {
        s.fault = FAULT_DIRECTORY_SLOW; /* unless the next step says otherwise */
        tell(fd, &s);
        ask_logon(ctx, domain, &s);
    }
    tell(fd, &s);
    _exit(0);
}

/* One state; false at the end, or when `until_ms` has come. */
static bool read_state(int fd, uint64_t until_ms, struct ad_winbind_state *out)
{
    struct ad_winbind_state s;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    uint64_t now = clock_mono_ms();

    if (now >= until_ms || poll(&p, 1, (int)(until_ms - now)) != 1 ||
        read(fd, &s, sizeof(s)) != (ssize_t)sizeof(s))
        return false;
    *out = s;
    return true;
}

void ad_winbind_check(const char *domain, uint32_t limit_ms, struct ad_winbind_state *out)
{
    uint64_t until = clock_mono_ms() + limit_ms;
    int fd[2];

    *out = (struct ad_winbind_state){ .fault = FAULT_DIRECTORY_WINBIND };
    snprintf(out->detail, sizeof(out->detail), "it did not answer in time");
    if (pipe(fd) != 0)
        abort();
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        close(fd[0]);
        run_child(domain, fd[1]);
    }
    close(fd[1]);
    while (read_state(fd[0], until, out)) {
    }
    close(fd[0]);
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}
