/* SPDX-License-Identifier: MIT */
#include "purple_loop.h"

#include <glib-unix.h>
#include <glib.h>

/* One watched descriptor; libpurple knows only that it can be read or written. */
struct watch {
    PurpleInputFunction ready;
    gpointer data;
};

static gboolean descriptor_is_ready(gint fd, GIOCondition condition, gpointer data)
{
    struct watch *w = data;
    int what = 0;

    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        what |= PURPLE_INPUT_READ;
    if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR))
        what |= PURPLE_INPUT_WRITE;
    w->ready(w->data, fd, (PurpleInputCondition)what);
    return G_SOURCE_CONTINUE;
}

static guint input_add(int fd, PurpleInputCondition condition, PurpleInputFunction ready,
                       gpointer data)
{
    struct watch *w = g_new(struct watch, 1);
    int what = G_IO_HUP | G_IO_ERR;

    if (condition & PURPLE_INPUT_READ)
        what |= G_IO_IN;
    if (condition & PURPLE_INPUT_WRITE)
        what |= G_IO_OUT;
    *w = (struct watch){ .ready = ready, .data = data };
    return g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, (GIOCondition)what, descriptor_is_ready, w,
                              g_free);
}

PurpleEventLoopUiOps *purple_loop_ops(void)
{
    static PurpleEventLoopUiOps ops = {
        .timeout_add = g_timeout_add,
        .timeout_remove = g_source_remove,
        .input_add = input_add,
        .input_remove = g_source_remove,
        .timeout_add_seconds = g_timeout_add_seconds,
    };
    return &ops;
}
