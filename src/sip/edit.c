/* SPDX-License-Identifier: MIT */
#include "sip/edit.h"

#include "sip/chars.h"

/* At offset `at` of the message, `cut` octets go and `text` comes.  The list is sorted by place;
 * of two edits that cut the same octets the outer one wins. */
struct sip_edit {
    struct sip_edit *next;
    size_t at, cut;
    bool is_value; /* replaces a value: a second one takes its place */
    bool is_line;  /* gets its CR LF */
    struct str text;
};

void sip_edits_init(struct sip_edits *e, const struct sip_msg *msg, struct arena *arena)
{
    *e = (struct sip_edits){ .arena = arena, .msg = msg };
}

/* A copy that stays one line whatever the text came from. */
static bool keep(struct sip_edits *e, struct str text, struct str *out)
{
    char *copy = NULL;

    if (text.len > 0) {
        copy = arena_alloc(e->arena, text.len);
        if (!copy)
            return false;
        memcpy(copy, text.ptr, text.len);
        sip_make_line(copy, text.len);
    }
    *out = str_of(copy ? copy : "", text.len);
    return true;
}

static struct sip_edit *edit_new(struct sip_edits *e, size_t at, size_t cut, struct str text)
{
    struct sip_edit *edit = arena_calloc(e->arena, 1, sizeof(*edit));

    if (!edit || !keep(e, text, &edit->text)) {
        e->failed = true;
        return NULL;
    }
    edit->at = at;
    edit->cut = cut;
    return edit;
}

/* Behind the others of the same place. */
static void insert(struct sip_edits *e, struct sip_edit *edit)
{
    struct sip_edit **link = &e->head;

    while (*link && (*link)->at <= edit->at)
        link = &(*link)->next;
    edit->next = *link;
    *link = edit;
}

static size_t offset(const struct sip_edits *e, const char *place)
{
    return (size_t)(place - e->msg->raw.ptr);
}

void sip_edit_remove(struct sip_edits *e, const struct sip_header *h)
{
    struct sip_edit *edit = edit_new(e, offset(e, h->line.ptr), h->line.len, STR_NONE);

    if (edit)
        insert(e, edit);
}

static void replace(struct sip_edits *e, struct str old, struct str text)
{
    struct sip_edit *edit = e->head;
    size_t at = offset(e, old.ptr);

    while (edit && !(edit->is_value && edit->at == at))
        edit = edit->next;
    if (edit) {
        e->failed |= !keep(e, text, &edit->text);
        return;
    }
    edit = edit_new(e, at, old.len, text);
    if (edit) {
        edit->is_value = true;
        insert(e, edit);
    }
}

void sip_edit_value(struct sip_edits *e, const struct sip_header *h, struct str value)
{
    replace(e, h->value, value);
}

void sip_edit_uri(struct sip_edits *e, struct str uri)
{
    replace(e, e->msg->uri, uri);
}

void sip_edit_append(struct sip_edits *e, const struct sip_header *h, struct str text)
{
    struct sip_edit *edit = edit_new(e, offset(e, h->value.ptr + h->value.len), 0, text);

    if (edit)
        insert(e, edit);
}

void sip_edit_add_first(struct sip_edits *e, struct str line)
{
    size_t at = offset(e, e->msg->start_line.ptr) + e->msg->start_line.len + 2;
    struct sip_edit *edit = edit_new(e, at, 0, line);
    struct sip_edit **link = &e->head;

    if (!edit)
        return;
    edit->is_line = true;
    while (*link && (*link)->at < at)
        link = &(*link)->next;
    edit->next = *link;
    *link = edit;
}

void sip_edit_add_last(struct sip_edits *e, struct str line)
{
    struct sip_edit *edit = edit_new(e, e->msg->head.len - 2, 0, line);

    if (edit) {
        edit->is_line = true;
        insert(e, edit);
    }
}

bool sip_edits_apply(const struct sip_edits *e, struct buf *out)
{
    struct str raw = e->msg->raw;
    size_t pos = 0;

    if (e->failed || e->arena->exhausted)
        return false;
    for (const struct sip_edit *edit = e->head; edit; edit = edit->next) {
        /* inside a line that is already gone */
        if (edit->at < pos)
            continue;
        buf_add(out, str_of(raw.ptr + pos, edit->at - pos));
        buf_add(out, edit->text);
        if (edit->is_line)
            buf_add(out, STR("\r\n"));
        pos = edit->at + edit->cut;
    }
    buf_add(out, str_skip(raw, pos));
    return true;
}
