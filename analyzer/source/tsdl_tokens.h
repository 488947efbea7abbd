/*
 * The tokens of TSDL, CTF 1.8's language of metadata, as far as LTTng and babeltrace2 write them
 * for ctrace, and what is known where one of them is read.
 */
#ifndef CTRACE_SOURCE_TSDL_TOKENS_H
#define CTRACE_SOURCE_TSDL_TOKENS_H

#include <glib.h>

enum ct_tsdl_token {
    CT_TSDL_END,
    CT_TSDL_WORD,   /* a name, maybe with dots, or a number */
    CT_TSDL_STRING, /* without its quotes */
    CT_TSDL_MARK,   /* one or three characters */
};

struct ct_tsdl_parser {
    const char *at; /* borrowed; terminated */
    enum ct_tsdl_token token;
    const char *text; /* the token's; borrowed */
    gsize size;
    gboolean has_failed; /* something is not as it is known; stays so */
    char *clock;         /* owned; the one that integers are mapped to, or NULL */
    GHashTable *aliases; /* owned; char * -> char *: types, of both kinds, by their names */
    GHashTable *structs;
};

/* Stands at the first token then. */
void ct_tsdl_parser_init(struct ct_tsdl_parser *parser, const char *text);
void ct_tsdl_parser_clear(struct ct_tsdl_parser *parser);

/* Something is not as it is known: stands at the end then. */
void ct_tsdl_fail(struct ct_tsdl_parser *parser);

void ct_tsdl_next(struct ct_tsdl_parser *parser);
gboolean ct_tsdl_is(const struct ct_tsdl_parser *parser, const char *text);
/* TRUE if it was there, and was gone past. */
gboolean ct_tsdl_skip(struct ct_tsdl_parser *parser, const char *text);
/* The same, and a failure if it is not there. */
gboolean ct_tsdl_expect(struct ct_tsdl_parser *parser, const char *text);
/* Goes past a token of the kind. Caller frees; NULL and a failure if there is none. */
char *ct_tsdl_take(struct ct_tsdl_parser *parser, enum ct_tsdl_token token);
/* Goes past a number. */
guint64 ct_tsdl_take_number(struct ct_tsdl_parser *parser);

#endif
