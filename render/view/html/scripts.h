/* The modules of the page as one script: a page in a file cannot load others. */
#ifndef CTRACE_HTML_SCRIPTS_H
#define CTRACE_HTML_SCRIPTS_H

#include <glib.h>

/* A file of the page. NULL: there is none of that name, with an error. The caller owns it. */
char *ct_html_page_file(const char *name, GError **error);

/* That module, after all that it needs: each is a function that returns what it exports. Modules
 * must not need each other in a circle. NULL: an error. The caller owns it. */
char *ct_html_scripts(const char *name, GError **error);

#endif
