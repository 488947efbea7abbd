/* Names as a message lists them. */
#ifndef CTRACE_TEXT_NAMES_H
#define CTRACE_TEXT_NAMES_H

/* "text, json and csv", with `last_separator` before the last one. `names` end with NULL; what a
 * name means may follow after a tab, and is not told. The caller frees it with g_free(). */
char *ct_names_list(char *const *names, const char *last_separator);

#endif
