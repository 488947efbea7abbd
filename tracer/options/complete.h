/*
 * What a shell offers for the word that is being typed. Each program answers for itself, out of its
 * own tables of options: its first argument is then "--complete", and what follows is the command
 * line without the program's name, up to the word in question, which may be empty.
 *
 * The first line of an answer says what it is:
 *
 *     words            the lines that follow: each a word, and after a tab what it means
 *     files BEGIN      names of files, after BEGIN, which is a part of the word, or empty
 *     folders BEGIN    names of folders, likewise
 *     command N        another program's line, which begins with word N after the command, from 0
 */
#ifndef CTRACE_OPTIONS_COMPLETE_H
#define CTRACE_OPTIONS_COMPLETE_H

#include <glib.h>

#define CT_COMPLETE_OPTION "--complete"

/* What there is for a word that help calls by a name, such as FORMAT. A table of them ends with
 * {0}. */
struct ct_option_values {
    const char *name;
    char **(*list)(void); /* each a word, and what it means after a tab; free with g_strfreev() */
};

/* Is this a question of a shell's? */
gboolean ct_complete_is_asked(char *const *arguments);

/* The answer, for words[0] of `words` being the program's name. `entries` are the context's that
 * have letters, or all; `values` may be NULL. Free with g_free(). */
char *ct_complete(GOptionContext *context, const GOptionEntry *entries,
                  const struct ct_option_values *values, char *const *words);

#endif
