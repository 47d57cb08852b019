/* SPDX-License-Identifier: MIT */
#include "cmd/password.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/utf16.h"
#include "cmd/cmd.h"
#include "ntlm/crypt.h"

struct secret_line {
    char text[1024];
    size_t len;
};

/* Without the end of line; false when there is none or it is too long. */
static bool read_line(struct secret_line *line, FILE *from)
{
    setvbuf(from, NULL, _IONBF, 0); /* no copy left in a buffer */
    if (!fgets(line->text, sizeof(line->text), from))
        return false;
    line->len = strcspn(line->text, "\r\n");
    bool whole = line->text[line->len] != '\0' || feof(from);
    return whole && line->len > 0;
}

/* Signals are off as well, so that nobody is left with a terminal that shows nothing; Ctrl-C
 * arrives as a character and gives up. */
static bool ask_hidden(const char *prompt, struct secret_line *line)
{
    struct termios before, hidden;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool good = read_line(line, stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return good && !memchr(line->text, '\x03', line->len);
}

bool password_hash(struct str password, uint8_t out[16])
{
    struct buf wide = { 0 };

    buf_reserve(&wide, password.len * 2 + 4); /* so that it never moves and leaves a copy behind */
    bool good = password.len > 0 && utf16_from_utf8(password, &wide);
    if (good)
        ntlm_ntowfv1(buf_str(&wide), out);
    if (wide.ptr)
        secret_wipe(wide.ptr, wide.len);
    buf_fini(&wide);
    return good;
}

static int typed_password(struct secret_line *line)
{
    struct secret_line again;

    if (!isatty(STDIN_FILENO))
        return cmd_fail(CMD_USAGE,
                        "there is no terminal to type a password on: use --password-stdin");
    bool good = ask_hidden("New password: ", line) && ask_hidden("Once more: ", &again);
    bool same = good && line->len == again.len && memcmp(line->text, again.text, line->len) == 0;
    secret_wipe(&again, sizeof(again));
    if (!good)
        return cmd_fail(CMD_USAGE, "no password was given: nothing was changed");
    return same ? CMD_DONE : cmd_fail(CMD_USAGE, "the two are not the same: nothing was changed");
}

int password_new(bool from_stdin, uint8_t hash[16])
{
    struct secret_line line = { .len = 0 };
    int code = CMD_DONE;

    if (!from_stdin)
        code = typed_password(&line);
    else if (!read_line(&line, stdin))
        code = cmd_fail(CMD_USAGE, "stdin has no password: give one line of at most 1000 octets");
    if (code == CMD_DONE && !password_hash(str_of(line.text, line.len), hash))
        code = cmd_fail(CMD_USAGE, "the password is not UTF-8: nothing was changed");
    secret_wipe(&line, sizeof(line));
    return code;
}
