/* SPDX-License-Identifier: MIT */
/* The configuration: one INI file, a schema table that gives each key its type, default, range
 * and help, and an immutable snapshot made from it. */
#ifndef POSTERN_CONF_CONF_H
#define POSTERN_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "diag/trace.h"
#include "ntlm/policy.h"

enum { CONF_NEXT_HOPS_MAX = 16 };

/* [edge] */
struct conf_edge {
    char **listen; /* empty: no Edge here */
    unsigned listen_count;
    char *public_name; /* the fqdn when not given */
    char *cert_file, *key_file;
    char *rsa_cert_file, *rsa_key_file;
    struct ntlm_network *legacy_networks;
    unsigned legacy_network_count;
    bool remote_access, hide_names;
    char **next_hops; /* in order of preference */
    unsigned next_hop_count;
    char **front_servers;
    unsigned front_server_count;
    char *link_cert_file, *link_key_file, *link_ca_file;
    unsigned links; /* per worker and Front End */
    uint32_t keep_alive;
    char *foreign_target;
    uint32_t failure_clock_ms;
    struct ntlm_network *trusted_networks;
    unsigned trusted_network_count;
};

/* [budget] */
struct conf_budget {
    unsigned account_failures, device_failures, reserve, ceiling; /* 0: off, where 0 is allowed */
    uint32_t window_s, device_life_s;
    bool inside;
    unsigned source_failures, network_failures;
    uint32_t source_window_s;
};

/* [directory] ad_... and what follows it there */
struct conf_ad {
    char *domain;
    char **servers; /* ldap:// and ldaps:// in order of preference; none: found by DNS */
    unsigned server_count;
    char *bind; /* gssapi, simple */
    char *user, *password_file, *keytab, *ca_file, *base;
    uint32_t timeout_ms; /* one question to a domain controller */
    unsigned children;   /* winbind calls at a time */
    unsigned cache;      /* entries */
    uint32_t cache_s, negative_s, poll_s;
    char *address_attribute;
    char *enabled_attribute, *remote_attribute, *federation_attribute; /* "": see the help */
    char *enabled_group, *remote_group;                                /* DNs, or "" */
};

/* [kerberos] */
struct conf_kerberos {
    char *keytab; /* "": no Kerberos */
    char *realm, *service;
};

struct conf {
    char *file; /* where it was read from; "(defaults)" */

    /* [general] */
    char *domain;   /* SIP domain: example.com */
    char **domains; /* all SIP domains served, the first is `domain` */
    unsigned domain_count;
    char *fqdn;       /* this server's name: fe01.example.com */
    char *realm;      /* SIP Communications Service */
    char *state;      /* directory for state: /var/lib/postern */
    char *run;        /* directory for sockets: /run/postern */
    unsigned workers; /* 0: one per core */
    /* accounts to drop to when started as root; "": stay */
    char *user_front, *user_authd, *user_edge;
    char *admin_group; /* may use ctl, policy set and user beside root; default postern-admin */

    /* [front] */
    char **tls_listen;
    unsigned tls_listen_count;
    char **tcp_listen;
    unsigned tcp_listen_count;
    char *cert_file, *key_file;         /* ECDSA P-256 */
    char *rsa_cert_file, *rsa_key_file; /* for old clients, may be empty */
    struct ntlm_network *legacy_networks;
    unsigned legacy_network_count;
    uint32_t register_expires;   /* 7200 */
    uint32_t keep_alive;         /* 300 */
    unsigned endpoints_per_user; /* 8 */
    uint32_t sa_life;            /* 28800 s */
    uint32_t recheck;            /* 30 s */
    char *server_header;         /* RTC/3.5 */
    char **edge_listen;          /* doors for Edges: mutual TLS */
    unsigned edge_listen_count;
    char **edge_servers; /* names of the Edges that may use them */
    unsigned edge_server_count;
    char *edge_ca_file;

    struct conf_edge edge;
    struct conf_budget budget;
    struct conf_ad ad;
    struct conf_kerberos kerberos;

    /* [directory] */
    char *source;               /* sqlite, ad */
    char *netbios_domain;       /* EXAMPLE */
    char *database;             /* state/users.db */
    char *key_path;             /* state/users.key: key of the stored hashes */
    unsigned lockout_threshold; /* 0: off */
    unsigned lockout_window_s, lockout_duration_s;

    /* [policy], [policy "NAME"] */
    struct ntlm_policy_set *policy;
    struct conf_policy_source *policy_source; /* the sections as written, for the override */

    /* [trace] */
    struct trace_settings trace; /* strings owned here */
    char *trace_path;

    /* [limits] */
    uint32_t message_max, headers_max, idle_s, handshake_s, connections_max, send_max;
    uint32_t half_open_max;                           /* unfinished sign-ins in the process */
    uint32_t half_open_s;                             /* life of one: 60 */
    uint32_t authd_timeout_ms;                        /* 8000 */
    uint32_t authd_queue;                             /* open questions per worker */
    uint32_t message_memory;                          /* arena budget of one message */
    uint32_t network_connections, network_handshakes; /* of the Edge, per network; 0: no limit */
    uint32_t link_queue;                              /* open requests on one link to a Front End */
};

/* Which roles the file names: those with a door. */
static inline bool conf_has_front(const struct conf *c)
{
    return c->tls_listen_count + c->tcp_listen_count + c->edge_listen_count > 0;
}

static inline bool conf_has_edge(const struct conf *c)
{
    return c->edge.listen_count > 0;
}

/* Where the Edge writes edge.log: beside the front's trace, or, when both run as accounts of their
 * own, in edge/ there, so that each can rotate its files.  "" when there is no trace. */
void conf_edge_trace_dir(const struct conf *c, char *out, size_t size);

/* All defaults, as if an empty file had been read, except what has none (then empty). */
struct conf *conf_new(void);
void conf_free(struct conf *c);
/* Reads and checks; NULL with one line per problem in `why`: "FILE:LINE: [section] key: what is
 * wrong: what would be right".  State overrides of `postern policy set` are not applied here. */
struct conf *conf_load(const char *path, struct buf *why);
/* The same from text, `name` stands in the messages (tests, fuzzing, demo). */
struct conf *conf_parse(struct str text, const char *name, struct buf *why);
/* Every key with type, default, range and help: for --explain-config and the man page. */
void conf_explain(struct buf *out, bool man);

/* The policy as set at run time: <state>/policy.conf, [policy] section only.  Missing file: the
 * configured policy stays.  False with a reason when the file is unusable. */
bool conf_policy_override_load(struct conf *c, struct buf *why);
/* The same in two steps, for a process that cannot open the file: its text (empty when there is no
 * file), and the text over a configuration. */
bool conf_policy_override_read(const struct conf *c, struct buf *text, struct buf *why);
bool conf_policy_override_parse(struct conf *c, struct str text, const char *name, struct buf *why);
/* Applies "PRESET" or "key=value" words to a copy of `from`; NULL with a reason. */
struct ntlm_policy_set *conf_policy_apply(const struct ntlm_policy_set *from,
                                          const char *const *words, unsigned count,
                                          struct buf *why);
/* Writes <state>/policy.conf atomically. */
bool conf_policy_override_save(const struct conf *c, const struct ntlm_policy_set *set,
                               struct buf *why);

#endif
