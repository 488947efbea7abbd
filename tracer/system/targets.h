/* Running processes as the command line names them: by id, or by name. */
#ifndef CTRACE_SYSTEM_TARGETS_H
#define CTRACE_SYSTEM_TARGETS_H

#include <glib.h>
#include <sys/types.h>

/* The words of "12,nginx 34" are added to `words` (owned char *), each once. FALSE and an error if
 * one is neither an id nor a name. */
gboolean ct_targets_add(GPtrArray *words, const char *text, GError **error);

/* Whether it is nothing but ids: "12", or "12 34" as pidof(1) prints them. */
gboolean ct_targets_are_ids(const char *text);

/* The id that such a word is. 0: it is a name. */
pid_t ct_target_pid(const char *word);

#endif
