/*
 * The command line of every program. GLib reads a letter's value from the next argument only; here
 * it may be joined to the letter, as people are used to: -n3, -n=3. Who mistypes an option is told
 * which one is meant.
 */
#ifndef CTRACE_OPTIONS_PARSE_H
#define CTRACE_OPTIONS_PARSE_H

#include "options/complete.h"

/*
 * As g_option_context_parse_strv(). `entries` are those of the context's options that have letters
 * and, where the context is strictly POSIX, all of them: what follows the first argument that is
 * neither an option nor its value is left as it is.
 */
gboolean ct_options_parse(GOptionContext *context, const GOptionEntry *entries, char ***arguments,
                          GError **error);

/* The same, of a program whose help has names for values of its own: a shell is told what they may
 * be. */
gboolean ct_options_parse_values(GOptionContext *context, const GOptionEntry *entries,
                                 const struct ct_option_values *values, char ***arguments,
                                 GError **error);

/*
 * The arguments with the value of `option`, one of `entries`, in one word: of "-p 12 34" it is
 * "12,34". A word belongs to it if `is_value` says so. Takes the arguments; free with g_strfreev().
 */
char **ct_options_join(const GOptionEntry *entries, const GOptionEntry *option, char **arguments,
                       gboolean (*is_value)(const char *word));

#endif
