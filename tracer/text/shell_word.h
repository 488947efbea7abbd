/* Commands that are told, so that they can be pasted into a shell. */
#ifndef CTRACE_SHELL_WORD_H
#define CTRACE_SHELL_WORD_H

#include <glib.h>

/* As one word of a shell's command line, in quotes where it needs them. Free with g_free(). */
char *ct_shell_word(const char *text);

/* The same as the name of a file: one that begins with '-' is no option. */
char *ct_shell_path(const char *path);

#endif
