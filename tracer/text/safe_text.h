/*
 * Names come from programs, files, hosts and recordings that nobody trusts. Whatever writes them
 * for people or other programs makes them harmless here, for its kind of output; what is kept is as
 * it came.
 *
 * Any bytes will do: what is not valid UTF-8 becomes U+FFFD. Every string returned is valid UTF-8,
 * and allocated: free with g_free().
 */
#ifndef CTRACE_SAFE_TEXT_H
#define CTRACE_SAFE_TEXT_H

#include <glib.h>

/*
 * One line for a terminal, a picture or a profile. A line break, with the white space after it,
 * becomes a space, as any other white space does. Every other control character, what is not seen
 * or changes the direction of writing, and what is no character becomes '?'.
 */
char *ct_safe_line(const char *text);
/* TRUE if that would leave it as it is. */
gboolean ct_is_safe_line(const char *text);
/* The same, line by line: of what we say ourselves, names in which are safe already. */
char *ct_safe_lines(const char *text);

/* A cell of RFC 4180, with quotes where it needs them. One that a spreadsheet would take for a
 * formula begins with an apostrophe. */
char *ct_safe_csv(const char *text);

/* A JSON document whose strings have no character any more that a terminal or an editor would obey,
 * or not show: they are escaped, and mean the same. */
char *ct_safe_json(const char *json);

/* Safe lines as text of an XML document. */
char *ct_safe_xml(const char *text);

#endif
