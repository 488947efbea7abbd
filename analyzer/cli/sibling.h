/* Other programs of ctrace, which stand beside this one. */
#ifndef CTRACE_CLI_SIBLING_H
#define CTRACE_CLI_SIBLING_H

#include <glib.h>

/* The path of ctrace-COMMAND; NULL: it is not installed. Free with g_free(). */
char *ct_sibling_find(const char *command);

#endif
