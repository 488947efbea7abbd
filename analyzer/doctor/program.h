/* A program that is to be recorded: what keeps ctrace's library out of it, and how much of its code
 * can be named and unwound. */
#ifndef CTRACE_DOCTOR_PROGRAM_H
#define CTRACE_DOCTOR_PROGRAM_H

#include <glib.h>

/* The file that is run for a word of a command line; NULL: there is none. Free with g_free(). */
char *ct_doctor_find_program(const char *word);

/* What keeps ctrace's library out of it, an obstacle of the schema's, as who records it sees that:
 * before privilege is given up. */
int ct_doctor_find_obstacle(const char *path);
/* `is_root`: then the kernel tells of it all the same. */
void ct_doctor_add_loading(GPtrArray *advices, const char *subject, int obstacle, gboolean is_root);

/* What its file has: symbols, debug information, unwind tables. Of a script, what runs it. */
void ct_doctor_add_code(GPtrArray *advices, const char *subject, const char *path);

#endif
