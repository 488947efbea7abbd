/* A function's name, short enough to be read in a line. */
#ifndef CTRACE_SHORT_NAME_H
#define CTRACE_SHORT_NAME_H

#include <glib.h>

/* Names of templates can be pages long; longer than this one is shortened. */
enum { CT_SHORT_NAME_CHARACTERS = 100 };

/*
 * "std::map<...>::find(...)": of a name that is too long, first what is between angle brackets is
 * left out, then between parentheses, then the middle. Free with g_free().
 */
char *ct_short_name(const char *name);

#endif
