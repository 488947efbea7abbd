/*
 * Asks a reader (see wire.h), one question at a time, without waiting: whoever asks is called back.
 * A reader that dies is started again, and asked once more what it was asked. For one thread, which
 * has a main loop.
 */
#ifndef CTRACE_VIEW_ASKER_H
#define CTRACE_VIEW_ASKER_H

#include "view/wire.h"

#include <gio/gio.h>

struct ct_view_asker;
struct ct_view_ticket;

/* `status` is one of HTTP; `body` is borrowed. */
typedef void ct_view_done(void *user, guint status, enum ct_view_kind kind, GBytes *body);

/* `argv` is the reader's, and copied. Nothing is started yet. */
struct ct_view_asker *ct_view_asker_new(const char *const *argv);
/* The reader ends. Nobody is called back any more. */
void ct_view_asker_free(struct ct_view_asker *asker);

/* The ticket is there until the answer is, and then the asker's. */
struct ct_view_ticket *ct_view_asker_ask(struct ct_view_asker *asker, const char *question,
                                         ct_view_done *done, void *user);

/* Nobody wants that answer any more: it is not called back. A reader that goes on over it is ended.
 */
void ct_view_asker_cancel(struct ct_view_asker *asker, struct ct_view_ticket *ticket);

#endif
