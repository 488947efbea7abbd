/* What --push and the options that go with it say. */
#ifndef CTRACE_SERVE_PUSHING_OPTIONS_H
#define CTRACE_SERVE_PUSHING_OPTIONS_H

#include "serve/served.h"

/* As they were typed; each is owned, or NULL. */
struct ct_pushing_given {
    char **targets; /* "parca:http://host:7070" */
    char *name;
    char **labels; /* "env=prod" */
};

enum { CT_PUSHING_ENTRIES = 3 };

/* The options themselves: so many. */
void ct_pushing_given_list(struct ct_pushing_given *given, GOptionEntry *entries);

/* `is_collecting`: there is something to be sent. FALSE: an error. */
gboolean ct_pushing_given_check(const struct ct_pushing_given *given, gboolean is_collecting,
                                GError **error);

/* Whose profiles they are: as was typed, or what is served, by its name. The caller frees it. NULL:
 * there is none for all of them. */
char *ct_pushing_given_name(const struct ct_pushing_given *given, const struct ct_served *served,
                            const char *const *program);

/* The same options, for another command line. */
void ct_pushing_given_add_words(const struct ct_pushing_given *given, GStrvBuilder *words);

void ct_pushing_given_clear(struct ct_pushing_given *given);

#endif
