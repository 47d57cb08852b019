/* SPDX-License-Identifier: MIT */
/* Pidgin's engine with its SIPE plugin and no window: signs one user in, stays a while, leaves,
 * and prints what happens as JSON lines.  A real client of the family, for the tests.
 * Exit code: 0 signed on and off again, 1 refused, 2 wrong usage, 3 nothing happened in time. */
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <purple.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "purple_loop.h"

#define UI_ID "postern-sipe-client"

enum { SIGNED_ON_AND_OFF = 0, REFUSED = 1, USAGE = 2, NOTHING = 3 };

static gchar *option_uri, *option_login, *option_server, *option_ca, *option_dir;
static gchar *option_transport, *option_plugins, *option_scheme;
static gboolean option_accept_any, option_debug, option_list, option_sso;
static gint option_stay = 1, option_timeout = 20;

static const GOptionEntry entries[] = {
    { "uri", 0, 0, G_OPTION_ARG_STRING, &option_uri, "SIP address, with or without sip:", "URI" },
    { "login", 0, 0, G_OPTION_ARG_STRING, &option_login, "Windows account", "DOMAIN\\USER" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &option_server, "where to go", "HOST:PORT" },
    { "transport", 0, 0, G_OPTION_ARG_STRING, &option_transport, "tls (default) or tcp", "NAME" },
    { "scheme", 0, 0, G_OPTION_ARG_STRING, &option_scheme, "ntlm (default) or krb5", "NAME" },
    { "sso", 0, 0, G_OPTION_ARG_NONE, &option_sso, "by the ticket of kinit, no password", NULL },
    { "stay", 0, 0, G_OPTION_ARG_INT, &option_stay, "stay signed on so long", "SECONDS" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &option_timeout, "give up signing on", "SECONDS" },
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &option_ca, "trust this CA", "FILE" },
    { "accept-any", 0, 0, G_OPTION_ARG_NONE, &option_accept_any, "accept any certificate", NULL },
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &option_dir, "settings (default: a new one)", "DIR" },
    { "plugins", 0, 0, G_OPTION_ARG_FILENAME, &option_plugins, "where libsipe.so is", "DIR" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &option_list, "print the contacts at the end", NULL },
    { "debug", 0, 0, G_OPTION_ARG_NONE, &option_debug, "libpurple's messages on stderr", NULL },
    { 0 },
};

static GMainLoop *main_loop;
static PurpleAccount *account;
static gint64 started_us;
static gboolean was_on;
static int exit_code = NOTHING;

/* --- events --- */

static void print_string(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)(text ? text : ""); *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

/* Pairs of name and value follow, ended by NULL. */
static void event(const char *name, ...)
{
    va_list args;

    printf("{\"event\":\"%s\",\"ms\":%ld", name,
           (long)((g_get_monotonic_time() - started_us) / 1000));
    va_start(args, name);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
        printf(",\"%s\":", key);
        print_string(va_arg(args, const char *));
    }
    va_end(args);
    printf("}\n");
    fflush(stdout);
}

static const char *error_name(PurpleConnectionError error)
{
    static const char *const names[] = {
        [PURPLE_CONNECTION_ERROR_NETWORK_ERROR] = "network-error",
        [PURPLE_CONNECTION_ERROR_INVALID_USERNAME] = "invalid-username",
        [PURPLE_CONNECTION_ERROR_AUTHENTICATION_FAILED] = "authentication-failed",
        [PURPLE_CONNECTION_ERROR_AUTHENTICATION_IMPOSSIBLE] = "authentication-impossible",
        [PURPLE_CONNECTION_ERROR_NO_SSL_SUPPORT] = "no-ssl-support",
        [PURPLE_CONNECTION_ERROR_ENCRYPTION_ERROR] = "encryption-error",
        [PURPLE_CONNECTION_ERROR_NAME_IN_USE] = "name-in-use",
        [PURPLE_CONNECTION_ERROR_INVALID_SETTINGS] = "invalid-settings",
    };
    return error < G_N_ELEMENTS(names) && names[error] ? names[error] : "certificate-or-other";
}

/* Leaving the loop a moment later lets the last requests out of the socket. */
static gboolean finish(gpointer data)
{
    (void)data;
    g_main_loop_quit(main_loop);
    return G_SOURCE_REMOVE;
}

static gboolean leave(gpointer data)
{
    (void)data;
    event("leaving", NULL);
    purple_account_set_enabled(account, UI_ID, FALSE);
    return G_SOURCE_REMOVE;
}

static gboolean too_late(gpointer data)
{
    (void)data;
    if (!was_on) {
        event("timeout", NULL);
        purple_account_set_enabled(account, UI_ID, FALSE);
        g_idle_add(finish, NULL);
    }
    return G_SOURCE_REMOVE;
}

static gboolean told_to_stop(gpointer data)
{
    leave(data);
    g_timeout_add(500, finish, NULL);
    return G_SOURCE_REMOVE;
}

static void on_signed_on(PurpleConnection *connection, gpointer data)
{
    (void)data;
    was_on = TRUE;
    event("signed-on", "user", purple_connection_get_display_name(connection), NULL);
    if (option_stay > 0)
        g_timeout_add_seconds((guint)option_stay, leave, NULL);
    else
        g_idle_add(leave, NULL);
}

static void print_contacts(void)
{
    GSList *buddies = purple_find_buddies(account, NULL);
    for (GSList *b = buddies; b; b = b->next) {
        PurplePresence *presence = purple_buddy_get_presence(b->data);
        PurpleStatus *status = purple_presence_get_active_status(presence);
        PurpleGroup *group = purple_buddy_get_group(b->data);
        event("contact", "name", purple_buddy_get_name(b->data), "group",
              group ? purple_group_get_name(group) : "", "status",
              status ? purple_status_get_id(status) : "", NULL);
    }
    g_slist_free(buddies);
}

static void on_signing_off(PurpleConnection *connection, gpointer data)
{
    (void)connection;
    (void)data;
    if (option_list)
        print_contacts();
}

static void on_signed_off(PurpleConnection *connection, gpointer data)
{
    (void)connection;
    (void)data;
    if (exit_code == NOTHING && was_on)
        exit_code = SIGNED_ON_AND_OFF;
    event("signed-off", NULL);
    g_timeout_add(200, finish, NULL);
}

static void on_error(PurpleConnection *connection, PurpleConnectionError error, const char *text,
                     gpointer data)
{
    (void)connection;
    (void)data;
    exit_code = REFUSED;
    event("error", "reason", error_name(error), "text", text, NULL);
    g_timeout_add(200, finish, NULL);
}

static void on_status(PurpleBuddy *buddy, PurpleStatus *before, PurpleStatus *now, gpointer data)
{
    (void)before;
    (void)data;
    event("presence", "name", purple_buddy_get_name(buddy), "status", purple_status_get_id(now),
          NULL);
}

/* --- libpurple --- */

/* The only question asked of this program is whether to take a certificate: the first action is
 * yes, the second no. */
static void *answer_question(const char *title, const char *primary, const char *secondary,
                             int default_action, PurpleAccount *for_account, const char *who,
                             PurpleConversation *conversation, void *user_data, size_t count,
                             va_list actions)
{
    size_t wanted = option_accept_any ? 0 : 1;

    (void)title;
    (void)default_action;
    (void)for_account;
    (void)who;
    (void)conversation;
    event(option_accept_any ? "accepted" : "rejected", "question", primary ? primary : "", "detail",
          secondary ? secondary : "", NULL);
    for (size_t i = 0; i < count; i++) {
        va_arg(actions, char *);
        PurpleRequestActionCb chosen = va_arg(actions, PurpleRequestActionCb);
        if (i == wanted && chosen)
            chosen(user_data, (int)i);
    }
    return NULL;
}

static PurpleRequestUiOps request_ops = { .request_action = answer_question };
static PurpleCoreUiOps core_ops;

/* libpurple trusts the *.pem files of a folder: make one of the CA's only. */
static void trust(const char *dir)
{
    gchar *folder = g_build_filename(dir, "ca", NULL), *to = NULL, *text = NULL;
    gsize len;

    g_mkdir_with_parents(folder, 0700);
    to = g_build_filename(folder, "ca.pem", NULL);
    if (!option_ca || (g_file_get_contents(option_ca, &text, &len, NULL) &&
                       g_file_set_contents(to, text, (gssize)len, NULL)))
        purple_certificate_add_ca_search_path(folder);
    else
        fprintf(stderr, "sipe_client: %s: cannot be read\n", option_ca);
    g_free(text);
    g_free(to);
    g_free(folder);
}

static gboolean engine_start(const char *dir)
{
    purple_util_set_user_dir(dir);
    purple_debug_set_enabled(option_debug);
    purple_core_set_ui_ops(&core_ops);
    purple_eventloop_set_ui_ops(purple_loop_ops());
    purple_request_set_ui_ops(&request_ops);
    purple_plugins_add_search_path(option_plugins ? option_plugins : "/usr/lib/purple-2");
    trust(dir);
    if (!purple_core_init(UI_ID))
        return FALSE;
    purple_set_blist(purple_blist_new());
    purple_prefs_load();
    return purple_find_prpl("prpl-sipe") != NULL;
}

static void signals_connect(void)
{
    static int handle;
    void *connections = purple_connections_get_handle();

    purple_signal_connect(connections, "signed-on", &handle, PURPLE_CALLBACK(on_signed_on), NULL);
    purple_signal_connect(connections, "signing-off", &handle, PURPLE_CALLBACK(on_signing_off),
                          NULL);
    purple_signal_connect(connections, "signed-off", &handle, PURPLE_CALLBACK(on_signed_off), NULL);
    purple_signal_connect(connections, "connection-error", &handle, PURPLE_CALLBACK(on_error),
                          NULL);
    purple_signal_connect(purple_blist_get_handle(), "buddy-status-changed", &handle,
                          PURPLE_CALLBACK(on_status), NULL);
}

static void account_start(const char *password)
{
    const char *uri = g_str_has_prefix(option_uri, "sip:") ? option_uri + 4 : option_uri;
    gchar *name = option_login ? g_strdup_printf("%s,%s", uri, option_login) : g_strdup(uri);

    account = purple_account_new(name, "prpl-sipe");
    purple_account_set_password(account, password);
    if (option_server)
        purple_account_set_string(account, "server", option_server);
    purple_account_set_string(account, "transport", option_transport ? option_transport : "tls");
    purple_account_set_string(account, "authentication", option_scheme ? option_scheme : "ntlm");
    purple_account_set_bool(account, "sso", option_sso);
    purple_accounts_add(account);
    purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));
    purple_account_set_enabled(account, UI_ID, TRUE);
    g_free(name);
}

/* --- the program --- */

/* From SIPE_PASSWORD or the first line of the standard input: never on the command line. */
static gchar *password_get(void)
{
    char line[256];

    if (option_sso)
        return g_strdup("");
    if (g_getenv("SIPE_PASSWORD"))
        return g_strdup(g_getenv("SIPE_PASSWORD"));
    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return g_strdup(line);
}

static void remove_tree(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const gchar *name; dir && (name = g_dir_read_name(dir)) != NULL;) {
        gchar *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
        g_free(inside);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

static gboolean options_read(int *argc, char ***argv)
{
    GError *error = NULL;
    GOptionContext *context = g_option_context_new("- sign in with SIPE, without a window");

    g_option_context_add_main_entries(context, entries, NULL);
    gboolean good = g_option_context_parse(context, argc, argv, &error) && option_uri;
    if (!good)
        fprintf(stderr, "sipe_client: %s\n", error ? error->message : "--uri is needed");
    g_clear_error(&error);
    g_option_context_free(context);
    return good;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    if (!options_read(&argc, &argv))
        return USAGE;
    gchar *password = password_get();
    if (!password) {
        fprintf(stderr, "sipe_client: no password: SIPE_PASSWORD or the standard input\n");
        return USAGE;
    }
    gchar *dir = option_dir ? g_strdup(option_dir) : g_dir_make_tmp("postern-sipe-XXXXXX", NULL);
    signal(SIGPIPE, SIG_IGN);
    main_loop = g_main_loop_new(NULL, FALSE);
    if (dir && engine_start(dir)) {
        g_unix_signal_add(SIGTERM, told_to_stop, NULL);
        g_unix_signal_add(SIGINT, told_to_stop, NULL);
        started_us = g_get_monotonic_time();
        signals_connect();
        account_start(password);
        g_timeout_add_seconds((guint)option_timeout, too_late, NULL);
        g_main_loop_run(main_loop);
    } else {
        fprintf(stderr, "sipe_client: no SIPE plugin: install pidgin-sipe\n");
        exit_code = USAGE;
    }
    if (dir && !option_dir)
        remove_tree(dir);
    g_free(password);
    g_free(dir);
    return exit_code;
}
