/* SPDX-License-Identifier: MIT */
#include "trace_case.h"

#include <time.h>

#include "base/encode.h"
#include "diag/trace_internal.h"

/* --- layout --- */

/* Replaces digits by 0. */
static void pattern_of(const char *text, char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = is_digit(text[i]) ? '0' : text[i];
}

static void the_header_line_has_the_layout_of_ocs_2007_r2(void **state)
{
    (void)state;
    char ids[64], want[64];
    unsigned pid, tid, month, day, year, hour, minute, second, milli, seq, cpu;
    char rest[160];

    start();
    trace_security(TRACE_SIPSTACK, &(struct trace_security){ .fault = FAULT_POLICY_128BIT });
    char *text = stop();
    assert_int_equal(
        sscanf(text, "TL_ERROR(TF_SECURITY) [%u]%X.%X::%2u/%2u/%4u-%2u:%2u:%2u.%3u.%8x %159[^\n]",
               &cpu, &pid, &tid, &month, &day, &year, &hour, &minute, &second, &milli, &seq, rest),
        12);
    assert_int_equal(cpu, 8);
    assert_int_equal(pid, getpid());
    assert_int_equal(tid, gettid());
    assert_string_equal(
        rest, "(SIPStack,SIPAdminLog::WriteSecurityEvent:SIPAdminLog.cpp(413))$$begin_record");
    snprintf(want, sizeof(want), "[8]%04X.%04X::", pid, tid);
    assert_non_null(strstr(text, want));
    snprintf(want, sizeof(want), ".%08x (", seq);
    assert_non_null(strstr(text, want));
    pattern_of(strstr(text, "::"), ids, 26);
    assert_memory_equal(ids, "::00/00/0000-00:00:00.000.", 26);
    free(text);
}

static void the_time_is_utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC-5:30", 1);
    tzset();
    start();
    time_t before = time(NULL);
    trace_text(TRACE_SIPSTACK, TL_INFO, "main", "hello");
    time_t after = time(NULL);
    char *text = stop();
    unsetenv("TZ");
    tzset();
    bool found = false;
    for (time_t t = before; t <= after; t++) {
        char want[40];
        struct tm tm;
        strftime(want, sizeof(want), "::%m/%d/%Y-%H:%M:%S.", gmtime_r(&t, &tm));
        found = found || strstr(text, want);
    }
    assert_true(found);
    free(text);
}

/* The record of the story, with the token of the published trace as far as it is printable. */
static void the_security_record_of_the_story_has_every_field_in_order(void **state)
{
    (void)state;
    uint8_t token[120] = "NTLMSSP\0\3";
    token[16] = 'x';
    token[32] = 'H';
    token[40] = 'R';
    token[48] = 'b';
    memcpy(token + 60, "U\x82\0B\5\1(\n", 8); /* 0x42008255, 5.1.2600 */
    memcpy(token + 72, "d\0o\0m\0", 6);

    start();
    trace_set_secrets(true);
    trace_security(TRACE_SIPSTACK,
                   &(struct trace_security){ .fault = FAULT_POLICY_128BIT,
                                             .start_line = STR("REGISTER sip:example.com SIP/2.0"),
                                             .call_id = STR("c8f814156fe8424b91f58a7593130b7a"),
                                             .cseq = STR("3 REGISTER"),
                                             .peer = STR("192.0.2.1:51824"),
                                             .gssapi_token = str_of(token, 78),
                                             .unmet = 0x20000000,
                                             .minimum = 0x20000000,
                                             .flags = 0x42008255,
                                             .user = STR("EXAMPLE\\barks"),
                                             .policy = STR("windows-2008r2"),
                                             .detail = STR("as the library said") });
    char *text = stop();
    char *record = strstr(text, "LogType: security");
    assert_non_null(record);
    assert_string_equal(
        record,
        "LogType: security\n"
        "Text: Failed to validate user credentials\n"
        "Result-Code: 0x80090302\n"
        "SIP-Start-Line: REGISTER sip:example.com SIP/2.0\n"
        "SIP-Call-ID: c8f814156fe8424b91f58a7593130b7a\n"
        "SIP-CSeq: 3 REGISTER\n"
        "Peer: 192.0.2.1:51824\n"
        "Data: gssapi-data=\"NTLMSSP.........x...............H.......R.......b...........U..B"
        "..(.....d.o.m.\"\n"
        "Postern: fault=policy-128bit; unmet=0x20000000(128-bit); minimum=0x20000000; "
        "negotiated=0x42008255; user=\"EXAMPLE\\barks\"; policy=\"windows-2008r2\"; "
        "detail=\"as the library said\"; said=\"the server's minimum session security asks for "
        "128-bit encryption (0x20000000); "
        "the client did not negotiate it\"\n"
        "$$end_record\n\n");
    free(text);
}

static void a_wrong_password_has_its_own_result_code(void **state)
{
    (void)state;
    start();
    trace_security(TRACE_SIPSTACK, &(struct trace_security){ .fault = FAULT_USER_WRONG_PASSWORD });
    char *text = stop();
    assert_non_null(strstr(text, "\nResult-Code: 0x8009030C\n"));
    assert_non_null(strstr(text, "\nPostern: fault=user-wrong-password; said="));
    free(text);
}

static void what_audit_mode_lets_in_is_a_warning(void **state)
{
    (void)state;
    start();
    trace_security(TRACE_SIPSTACK,
                   &(struct trace_security){ .fault = FAULT_POLICY_128BIT, .audited = true });
    char *text = stop();
    assert_memory_equal(text, "TL_WARN(TF_SECURITY) ", 21);
    assert_non_null(strstr(text, "; mode=audit; "));
    free(text);
}

static void the_protocol_record_has_every_field_in_order(void **state)
{
    (void)state;
    start();
    protocol(STR("SIP/2.0 401 Unauthorized\r\n"
                 "From: <sip:a@example.com>;tag=ef63196ac5;epid=66ae95f7d4\r\n"
                 "cOnTeNt-lEnGtH :  0\r\n"
                 "\r\n"));
    char *text = stop();
    assert_memory_equal(text, "TL_INFO(TF_PROTOCOL) [8]", 24);
    char *record = strstr(text, " (SIPStack,");
    assert_non_null(record);
    assert_memory_equal(record,
                        " (SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(122))"
                        "$$begin_record\nInstance-Id: ",
                        93);
    assert_string_equal(record + 93 + 8,
                        "\nDirection: outgoing;source=\"local\"\n"
                        "Peer: 127.0.0.1:50123\n"
                        "Message-Type: response\n"
                        "Start-Line: SIP/2.0 401 Unauthorized\n"
                        "From: <sip:a@example.com>;tag=ef63196ac5;epid=66ae95f7d4\n"
                        "cOnTeNt-lEnGtH :  0\n"
                        "Message-Body: -\n"
                        "$$end_record\n\n");
    free(text);
}

static void instance_ids_differ(void **state)
{
    (void)state;
    start();
    protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    char *text = stop();
    char *first = strstr(text, "Instance-Id: ");
    char *second = strstr(first + 1, "Instance-Id: ");
    assert_memory_not_equal(first, second, 13 + 8);
    free(text);
}

static void an_incoming_request_is_told_as_such(void **state)
{
    (void)state;
    start();
    trace_protocol(TRACE_SIPSTACK, false, STR_NONE, STR("internal edge"), STR("[::1]:5061"),
                   STR("OPTIONS sip:example.com SIP/2.0\r\nVia: a\r\n ;b\r\n\r\n"));
    char *text = stop();
    assert_non_null(strstr(text, "\nDirection: incoming;destination=\"internal edge\"\n"
                                 "Peer: [::1]:5061\nMessage-Type: request\n"
                                 "Start-Line: OPTIONS sip:example.com SIP/2.0\n"
                                 "Via: a\n ;b\nMessage-Body: -\n"));
    free(text);
}

static void a_connection_record_has_its_fields_in_order(void **state)
{
    (void)state;
    start();
    trace_connection(TRACE_SIPSTACK, &(struct trace_connection){ .level = TL_WARN,
                                                                 .fault = FAULT_TLS_VERSION,
                                                                 .text = "TLS negotiation failed",
                                                                 .local_ip = STR("192.0.2.1:5061"),
                                                                 .peer_ip = STR("192.0.2.2:49152"),
                                                                 .connection_id = 0x1f00,
                                                                 .transport = "TLS" });
    char *text = stop();
    assert_memory_equal(text, "TL_WARN(TF_CONNECTION) [8]", 26);
    assert_non_null(strstr(text, "$$begin_record\nLogType: connection\nSeverity: warning\n"
                                 "Text: TLS negotiation failed\n"
                                 "Local-IP: 192.0.2.1:5061\nPeer-IP: 192.0.2.2:49152\n"
                                 "Connection-ID: 0x1F00\nTransport: TLS\n"
                                 "Result-Code: 0x80090326 SEC_E_ILLEGAL_MESSAGE\n"
                                 "Postern: fault=tls-version; said="));
    free(text);
}

static void a_diagnostic_record_has_its_fields_in_order(void **state)
{
    (void)state;
    start();
    trace_diag(TRACE_SIPSTACK, &(struct trace_diag){ .level = TL_ERROR,
                                                     .fault = FAULT_SIP_VIA,
                                                     .text = "bad",
                                                     .start_line = STR("A B SIP/2.0"),
                                                     .call_id = STR("c"),
                                                     .cseq = STR("1 A"),
                                                     .peer = STR("p"),
                                                     .data = STR("k=\"v\"") });
    char *text = stop();
    assert_memory_equal(text, "TL_ERROR(TF_DIAG) ", 18);
    assert_non_null(strstr(text, "WriteDiagnosticEvent:SIPAdminLog.cpp(833))$$begin_record\n"
                                 "LogType: diagnostic\nSeverity: error\nText: bad\n"
                                 "SIP-Start-Line: A B SIP/2.0\nSIP-Call-ID: c\nSIP-CSeq: 1 A\n"
                                 "Peer: p\nData: k=\"v\"\nPostern: fault=sip-via; said="));
    free(text);
}

static void free_text_is_one_line(void **state)
{
    (void)state;
    start();
    trace_text(TRACE_AUTHD, TL_VERBOSE, "authd_answer", "%s in %d ms", "done\nTL_INFO(TF_DIAG)", 3);
    char *text = stop();
    assert_memory_equal(text, "TL_VERBOSE(TF_COMPONENT) ", 25);
    assert_non_null(strstr(text, " (Authd,authd_answer:Postern.cpp(1))"
                                 "done\\x0A\\x54L_INFO(TF_DIAG) in 3 ms\n"));
    assert_int_equal(count(text, "\n"), 1);
    free(text);
}

/* --- switches --- */

static void without_a_path_tracing_stays_off(void **state)
{
    (void)state;
    struct trace_settings s = { .level = { TL_INFO }, .flags = { 0x1f } };

    assert_true(trace_start(&s));
    assert_false(trace_on(TRACE_SIPSTACK, TF_SECURITY, TL_ERROR));
    trace_set(TRACE_SIPSTACK, TL_NOISE, 0x1f);
    assert_false(trace_on(TRACE_SIPSTACK, TF_SECURITY, TL_ERROR));
    protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    trace_flush();
    trace_stop();
}

static void level_and_flags_are_switched_per_component(void **state)
{
    (void)state;
    enum trace_level level;
    unsigned flags;

    start();
    trace_set(TRACE_SIPSTACK, TL_WARN, TF_SECURITY | TF_DIAG);
    trace_get(TRACE_SIPSTACK, &level, &flags);
    assert_int_equal(level, TL_WARN);
    assert_int_equal(flags, TF_SECURITY | TF_DIAG);
    assert_true(trace_on(TRACE_SIPSTACK, TF_SECURITY, TL_ERROR));
    assert_true(trace_on(TRACE_SIPSTACK, TF_DIAG, TL_WARN));
    assert_false(trace_on(TRACE_SIPSTACK, TF_DIAG, TL_INFO));
    assert_false(trace_on(TRACE_SIPSTACK, TF_PROTOCOL, TL_ERROR));
    assert_true(trace_on(TRACE_AUTHD, TF_PROTOCOL, TL_VERBOSE));
    protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    char *text = stop();
    assert_string_equal(text, "");
    free(text);
}

static void names_are_found_in_either_spelling(void **state)
{
    (void)state;
    enum trace_component c;
    enum trace_level level;
    unsigned flags;

    assert_true(trace_component_from_name(STR("sipstack"), &c));
    assert_int_equal(c, TRACE_SIPSTACK);
    assert_string_equal(trace_component_name(TRACE_USERSERVICES), "UserServices");
    assert_false(trace_component_from_name(STR("S4"), &c));
    assert_true(trace_level_from_name(STR("TL_WARN"), &level));
    assert_int_equal(level, TL_WARN);
    assert_true(trace_level_from_name(str_from_c(trace_level_name(TL_NOISE)), &level));
    assert_int_equal(level, TL_NOISE);
    assert_false(trace_level_from_name(STR("loud"), &level));
    assert_true(trace_flags_from_name(STR("TF_PROTOCOL"), &flags));
    assert_int_equal(flags, TF_PROTOCOL);
    assert_true(trace_flags_from_name(STR("all"), &flags));
    assert_int_equal(flags, 0x1f);
    assert_false(trace_flags_from_name(STR("network"), &flags));
}

/* --- secrets --- */

static void a_body_is_replaced_by_its_length(void **state)
{
    (void)state;
    start();
    protocol(STR("MESSAGE sip:a SIP/2.0\r\nContent-Length: 6\r\n\r\nsecret"));
    protocol(STR("MESSAGE sip:a SIP/2.0\nContent-Length: 6\n\nsecret"));
    char *text = stop();
    assert_int_equal(count(text, "Message-Body: (6 octets not shown)\n$$end_record\n"), 2);
    assert_null(strstr(text, "secret"));
    free(text);
}

static void tokens_of_protocol_records_are_overwritten_in_place(void **state)
{
    (void)state;
    uint8_t token[64] = "NTLMSSP\0\3";
    struct buf message = { 0 };
    memset(token + 12, 0x55, 20);
    memset(token + 32, 0xee, 32);
    buf_add_c(&message, "REGISTER sip:a SIP/2.0\r\nProxy-Authorization: NTLM qop=\"auth\", "
                        "gssapi-data=\"");
    base64_encode(str_of(token, 64), &message);
    buf_add_c(&message, "\", version=4\r\n\r\n");

    start();
    protocol(buf_str(&message));
    char *text = stop();
    redact_half(token, 64);
    struct buf want = { 0 };
    buf_add_c(&want, "\nProxy-Authorization: NTLM qop=\"auth\", gssapi-data=\"");
    base64_encode(str_of(token, 64), &want);
    buf_add_c(&want, "\", version=4\n");
    buf_add_char(&want, '\0');
    assert_non_null(strstr(text, want.ptr));
    buf_fini(&want);
    buf_fini(&message);
    free(text);
}

static void the_token_of_a_security_record_is_overwritten_before_the_dump(void **state)
{
    (void)state;
    uint8_t token[40] = "NTLMSSP\0\3";
    memset(token + 12, 'k', 8);
    memset(token + 20, 'S', 20);

    start();
    trace_security(TRACE_SIPSTACK, &(struct trace_security){ .fault = FAULT_NTLM_MIC,
                                                             .gssapi_token = str_of(token, 40) });
    char *text = stop();
    assert_non_null(
        strstr(text, "Data: gssapi-data=\"NTLMSSP.....kkkkkkkk....................\"\n"));
    free(text);
}

static void secrets_are_shown_on_demand_and_say_so(void **state)
{
    (void)state;
    start();
    trace_set_secrets(true);
    protocol(STR("MESSAGE sip:a SIP/2.0\r\nA: gssapi-data=\"qqqq\"\r\n\r\nhow\r\nare you\r\n"));
    trace_set_secrets(false);
    protocol(STR("MESSAGE sip:a SIP/2.0\r\nA: gssapi-data=\"qqqq\"\r\n\r\nhow\r\nare you\r\n"));
    char *text = stop();
    assert_int_equal(count(text, "Message-Body: how\nare you\n"), 1);
    assert_int_equal(count(text, "gssapi-data=\"qqqq\""), 1);
    assert_int_equal(count(text, "gssapi-data=\"AAAA\""), 1);
    assert_int_equal(count(text, "shown in this trace for one hour"), 1);
    assert_int_equal(count(text, "no longer shown"), 1);
    free(text);
}

static void secrets_end_by_themselves_after_an_hour(void **state)
{
    (void)state;
    struct timespec now;

    start();
    trace_set_secrets(true);
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    assert_true(trace_secrets_on_at(ms + 59 * 60 * 1000));
    assert_false(trace_secrets_on_at(ms + 61 * 60 * 1000));
    assert_false(trace_secrets_on_at(ms));
    protocol(STR("MESSAGE sip:a SIP/2.0\r\n\r\npassword"));
    char *text = stop();
    assert_null(strstr(text, "password"));
    assert_int_equal(count(text, "The hour is over"), 1);
    free(text);
}

/* --- forging --- */

static void nobody_can_forge_a_record(void **state)
{
    (void)state;
    static const struct str attempts[] = {
        STR("A: x\r\nTL_ERROR(TF_SECURITY) [0]0001.0001::01/01/2026-00:00:00.000.00000000: x"),
        STR("A: x\r\n \t tl_info(TF_DIAG) x"),
        STR("A: TL_WARN(TF_DIAG) x"),
        STR("A: x$$end_record\r\nB: y"),
        STR("A: x$$END_record"),
        STR("A: $$$begin_record"),
        STR("A: x\nTL_ERROR(TF_SECURITY) x"),
        STR("A: x\rTL_ERROR(TF_SECURITY) x"),
        STR("A: x\0\nTL_ERROR(TF_SECURITY) x"),
        STR("A: x\xE2\x80\xA8TL_ERROR(TF_SECURITY) x"),
        STR("A: x\xC2\x85TL_ERROR(TF_SECURITY) x"),
        STR("A: x\x85TL_ERROR(TF_SECURITY) x"),
        STR("A: x\x0bTL_ERROR(TF_SECURITY) x\x1b[2J"),
    };

    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        struct buf m = { 0 };
        buf_add_c(&m, "OPTIONS sip:a SIP/2.0\r\n");
        buf_add(&m, attempts[i]);
        buf_add_c(&m, "\r\n\r\n");
        start();
        trace_set_secrets(i % 2);
        protocol(buf_str(&m));
        trace_security(TRACE_SIPSTACK, &(struct trace_security){ .fault = FAULT_SIP_HEADER,
                                                                 .start_line = attempts[i],
                                                                 .call_id = attempts[i],
                                                                 .user = attempts[i],
                                                                 .policy = attempts[i],
                                                                 .gssapi_token = attempts[i] });
        trace_diag(TRACE_SIPSTACK,
                   &(struct trace_diag){ .level = TL_WARN, .text = "x", .data = attempts[i] });
        char *text = stop();
        unsigned want = 3 + i % 2;
        assert_int_equal(header_lines(text), want);
        assert_int_equal(count(text, "$$begin_record"), want);
        assert_int_equal(count(text, "$$end_record"), want);
        assert_int_equal(count(text, "\n$$end_record\n\n"), want);
        for (const char *p = text; *p; p++)
            assert_true((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
        buf_fini(&m);
        free(text);
    }
}

static void body_lines_cannot_forge_a_record_either(void **state)
{
    (void)state;
    start();
    trace_set_secrets(true);
    protocol(STR("MESSAGE sip:a SIP/2.0\r\n\r\nx\n$$end_record\n\nTL_ERROR(TF_SECURITY) [0]\ry"));
    char *text = stop();
    assert_non_null(strstr(text, "x\n\\x24$end_record\n\n\\x54L_ERROR(TF_SECURITY) [0]\\x0Dy\n"));
    assert_int_equal(count(text, "$$end_record"), 2);
    free(text);
}

static void lone_line_ends_and_nul_are_escaped_and_letters_are_not(void **state)
{
    (void)state;
    start();
    protocol(
        STR("OPTIONS sip:a SIP/2.0\r\nA: b\rc\nd\0e\tf J\xC3\xBCrgen \xE2\x82\xAC \x7f\r\n\r\n"));
    char *text = stop();
    assert_non_null(strstr(text, "\nA: b\\x0Dc\\x0Ad\\x00e\tf J\xC3\xBCrgen \xE2\x82\xAC \\x7F\n"));
    free(text);
}

static void a_quote_does_not_end_a_quoted_value(void **state)
{
    (void)state;
    start();
    trace_security(TRACE_SIPSTACK, &(struct trace_security){
                                       .fault = FAULT_USER_UNKNOWN,
                                       .user = STR("A\\b\"; policy=\"none"),
                                       .gssapi_token = STR("abc\"def"),
                                   });
    char *text = stop();
    assert_non_null(strstr(text, "; user=\"A\\b\\x22; policy=\\x22none\"; said="));
    free(text);
}

static void a_huge_message_is_cut_and_the_record_still_ends(void **state)
{
    (void)state;
    struct buf m = { 0 };
    buf_add_c(&m, "OPTIONS sip:a SIP/2.0\r\nA: ");
    for (unsigned i = 0; i < 300000; i++)
        buf_add_char(&m, i % 3 ? '\x01' : 'x');
    buf_add_c(&m, "\r\n\r\n");
    start();
    protocol(buf_str(&m));
    protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    char *text = stop();
    assert_true(strlen(text) < 140 * 1024);
    assert_int_equal(header_lines(text), 2);
    assert_int_equal(count(text, "\n(the rest of the record is left out)\n$$end_record\n\n"), 1);
    buf_fini(&m);
    free(text);
}

static void random_messages_make_one_record_each(void **state)
{
    (void)state;
    static const char alphabet[] = "\r\n\r\n: $_TL(abg-=\"\\\0\x80\xc2\xe2;,";
    unsigned seed = 7;

    start();
    for (unsigned n = 0; n < 2000; n++) {
        char m[96];
        size_t len = n % sizeof(m);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            m[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        protocol(str_of(m, len));
        if (n % 100 == 0)
            trace_flush();
    }
    trace_stop();
    char *text = contents(path);
    assert_int_equal(count(text, "$$begin_record\n"), 2000 - trace_dropped());
    assert_int_equal(count(text, "\n$$end_record\n\n"), 2000 - trace_dropped());
    empty_folder();
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_line_has_the_layout_of_ocs_2007_r2),
        cmocka_unit_test(the_time_is_utc),
        cmocka_unit_test(the_security_record_of_the_story_has_every_field_in_order),
        cmocka_unit_test(a_wrong_password_has_its_own_result_code),
        cmocka_unit_test(what_audit_mode_lets_in_is_a_warning),
        cmocka_unit_test(the_protocol_record_has_every_field_in_order),
        cmocka_unit_test(instance_ids_differ),
        cmocka_unit_test(an_incoming_request_is_told_as_such),
        cmocka_unit_test(a_connection_record_has_its_fields_in_order),
        cmocka_unit_test(a_diagnostic_record_has_its_fields_in_order),
        cmocka_unit_test(free_text_is_one_line),
        cmocka_unit_test(without_a_path_tracing_stays_off),
        cmocka_unit_test(level_and_flags_are_switched_per_component),
        cmocka_unit_test(names_are_found_in_either_spelling),
        cmocka_unit_test(a_body_is_replaced_by_its_length),
        cmocka_unit_test(tokens_of_protocol_records_are_overwritten_in_place),
        cmocka_unit_test(the_token_of_a_security_record_is_overwritten_before_the_dump),
        cmocka_unit_test(secrets_are_shown_on_demand_and_say_so),
        cmocka_unit_test(secrets_end_by_themselves_after_an_hour),
        cmocka_unit_test(nobody_can_forge_a_record),
        cmocka_unit_test(body_lines_cannot_forge_a_record_either),
        cmocka_unit_test(lone_line_ends_and_nul_are_escaped_and_letters_are_not),
        cmocka_unit_test(a_quote_does_not_end_a_quoted_value),
        cmocka_unit_test(a_huge_message_is_cut_and_the_record_still_ends),
        cmocka_unit_test(random_messages_make_one_record_each),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
