/*
 * The tokens and types of TSDL, CTF 1.8's language of metadata, as far as LTTng and babeltrace2
 * write them for ctrace. A type becomes a text in which aliases are resolved and nothing is said in
 * two ways, so that layouts are compared as texts:
 *
 *     u8 i64          an integer of so many bits; a byte boundary precedes it but for 5 and 27 bits
 *     c64             one that is the clock's value
 *     string
 *     u16{a=0...9,b=10}   an enumeration of names without quotes; others are their integers
 *     struct{u8 _a;u64 _b[_a];}
 *     variant<id>{...}
 */
#ifndef CTRACE_SOURCE_TSDL_TYPES_H
#define CTRACE_SOURCE_TSDL_TYPES_H

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
    GHashTable *aliases; /* owned; char * -> char *, of both kinds */
    GHashTable *structs;
};

/* Stands at the first token then. */
void ct_tsdl_parser_init(struct ct_tsdl_parser *parser, const char *text);
void ct_tsdl_parser_clear(struct ct_tsdl_parser *parser);

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

/* `typealias TYPE := NAME`, of which the first word was read; and `struct NAME { ... }`. */
void ct_tsdl_take_alias(struct ct_tsdl_parser *parser);
void ct_tsdl_take_struct(struct ct_tsdl_parser *parser);

/* The fields of `struct NAME` or `struct { ... }`. Caller frees; NULL and a failure if it is not
 * understood. */
char *ct_tsdl_take_scope(struct ct_tsdl_parser *parser);

#endif
