/* Asking a recording on behalf of a program's main, in a worker's child, and for a scope of it. */
#ifndef CTRACE_CLI_RECORDING_H
#define CTRACE_CLI_RECORDING_H

#include "cli/scope.h"
#include "model/sink.h"
#include "model/timeline.h"
#include "store/store.h"

#define CT_DEFAULT_DIRECTORY "ctrace.data"

/*
 * Fills the model, and hands on what lies in the scope. The trace itself is read the first time
 * only; later, and also by other programs, what was found then is asked. `scope` NULL: everything.
 * `sink` may be NULL, as may `activity`, which the model keeps.
 */
gboolean ct_recording_read(const char *directory, struct ct_activity *activity,
                           struct ct_model *model, const struct ct_store_scope *scope,
                           const struct ct_sink *sink, GError **error);

/* FALSE with an error. The store is there during the call only. */
typedef gboolean ct_recording_question(void *user, struct ct_store *store, GError **error);

/* Fills the model, and asks; the result is the answer's. */
gboolean ct_recording_ask(const char *directory, struct ct_activity *activity,
                          struct ct_model *model, ct_recording_question *question, void *user,
                          GError **error);

/* The whole recording. */
struct ct_window ct_recording_extent(const struct ct_model *model);

/* What --from and --to ask for; at least one of them is given. Where a recording begins and ends is
 * known once it was read. */
gboolean ct_recording_find_window(const char *directory, struct ct_activity *activity,
                                  const struct ct_scope *scope, struct ct_window *window,
                                  GError **error);

#endif
