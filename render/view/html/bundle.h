/* The page as one document that loads nothing, neither from files beside it nor from elsewhere. */
#ifndef CTRACE_HTML_BUNDLE_H
#define CTRACE_HTML_BUNDLE_H

#include <glib.h>

/* What is put in between is part of its body. */
struct ct_html_document {
    char *begin; /* owned */
    char *end;   /* owned */
};

/* FALSE: an error, and there is nothing to be cleared. */
gboolean ct_html_bundle(struct ct_html_document *document, GError **error);
void ct_html_document_clear(struct ct_html_document *document);

#endif
