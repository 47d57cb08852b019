/* SPDX-License-Identifier: MIT */
/* The client's half of Kerberos by MIT's own library, for tests in Python: one context per run.
 * Reads commands from the standard input, one a line, octets in hex, and answers each with a line:
 *   init sip/FQDN [mutual|replay|sequence]...   token HEX
 *   answer HEX        what came back of a mutual handshake: ok
 *   mic HEX           mic HEX (GSS_GetMIC)
 *   verify TEXT MIC   ok, or bad MAJOR
 * or "error MAJOR MINOR what the library says".  The ticket comes from KRB5CCNAME.
 * --clock SECONDS: as if the clock were so much ahead; the library finds our time functions first.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead;

/* --- a clock that is wrong --- */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += ahead;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    now->tv_sec = t.tv_sec;
    now->tv_usec = t.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* --- octets --- */

static gss_buffer_desc from_hex(const char *hex)
{
    size_t len = hex ? strlen(hex) / 2 : 0;
    unsigned char *octets = calloc(1, len + 1);
    unsigned value;

    for (size_t i = 0; octets && i < len && sscanf(hex + 2 * i, "%2x", &value) == 1; i++)
        octets[i] = (unsigned char)value;
    return (gss_buffer_desc){ octets ? len : 0, octets };
}

static void say_octets(const char *what, const gss_buffer_desc *b)
{
    printf("%s ", what);
    for (size_t i = 0; i < b->length; i++)
        printf("%02x", ((const unsigned char *)b->value)[i]);
    putchar('\n');
}

static void say_error(OM_uint32 major, OM_uint32 minor)
{
    OM_uint32 m, more = 0;
    gss_buffer_desc text;

    gss_display_status(&m, minor, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &text);
    printf("error 0x%x 0x%x %.*s\n", major, minor, (int)text.length, (const char *)text.value);
    gss_release_buffer(&m, &text);
}

/* --- commands --- */

struct initiator {
    gss_ctx_id_t context;
    gss_name_t target;
    OM_uint32 flags;
};

static void step(struct initiator *i, gss_buffer_desc in)
{
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor, m;
    OM_uint32 major = gss_init_sec_context(
        &minor, GSS_C_NO_CREDENTIAL, &i->context, i->target, (gss_OID)gss_mech_krb5, i->flags, 0,
        GSS_C_NO_CHANNEL_BINDINGS, in.length ? &in : GSS_C_NO_BUFFER, NULL, &out, NULL, NULL);
    if (GSS_ERROR(major))
        say_error(major, minor);
    else if (out.length)
        say_octets("token", &out);
    else
        puts("ok");
    gss_release_buffer(&m, &out);
}

static void init(struct initiator *i, char **words)
{
    const char *target = strtok_r(NULL, " ", words);
    gss_buffer_desc name = { target ? strlen(target) : 0, (void *)(uintptr_t)target };
    OM_uint32 minor, major;

    i->flags = GSS_C_INTEG_FLAG;
    for (const char *flag; (flag = strtok_r(NULL, " ", words)) != NULL;) {
        i->flags |= strcmp(flag, "mutual") == 0     ? GSS_C_MUTUAL_FLAG
                    : strcmp(flag, "replay") == 0   ? GSS_C_REPLAY_FLAG
                    : strcmp(flag, "sequence") == 0 ? GSS_C_SEQUENCE_FLAG
                                                    : 0U;
    }
    major = gss_import_name(&minor, &name, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &i->target);
    if (GSS_ERROR(major))
        say_error(major, minor);
    else
        step(i, (gss_buffer_desc)GSS_C_EMPTY_BUFFER);
}

static void mic(struct initiator *i, gss_buffer_desc text)
{
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor, m;
    OM_uint32 major = gss_get_mic(&minor, i->context, GSS_C_QOP_DEFAULT, &text, &out);

    if (GSS_ERROR(major))
        say_error(major, minor);
    else
        say_octets("mic", &out);
    gss_release_buffer(&m, &out);
}

static void verify(struct initiator *i, gss_buffer_desc text, gss_buffer_desc signature)
{
    OM_uint32 minor;
    OM_uint32 major = gss_verify_mic(&minor, i->context, &text, &signature, NULL);

    if (GSS_ERROR(major))
        printf("bad 0x%x\n", major);
    else
        puts("ok");
    free(signature.value);
}

static void obey(struct initiator *i, char *line)
{
    char *words, *command = strtok_r(line, " \n", &words);

    if (command && strcmp(command, "init") == 0) {
        words[strcspn(words, "\n")] = '\0';
        init(i, &words);
        return;
    }
    gss_buffer_desc first = from_hex(command ? strtok_r(NULL, " \n", &words) : NULL);
    if (command && strcmp(command, "answer") == 0)
        step(i, first);
    else if (command && strcmp(command, "mic") == 0)
        mic(i, first);
    else if (command && strcmp(command, "verify") == 0)
        verify(i, first, from_hex(strtok_r(NULL, " \n", &words)));
    else
        puts("error 0x0 0x0 no such command");
    free(first.value);
}

int main(int argc, char **argv)
{
    struct initiator i = { GSS_C_NO_CONTEXT, GSS_C_NO_NAME, 0 };
    char *line = NULL;
    size_t size = 0;
    OM_uint32 minor;

    if (argc == 3 && strcmp(argv[1], "--clock") == 0)
        ahead = strtol(argv[2], NULL, 10);
    while (getline(&line, &size, stdin) > 0) {
        obey(&i, line);
        fflush(stdout);
    }
    gss_delete_sec_context(&minor, &i.context, GSS_C_NO_BUFFER);
    gss_release_name(&minor, &i.target);
    free(line);
    return 0;
}
