/*
 * The types of TSDL, as far as LTTng and babeltrace2 write them for ctrace. A type becomes a text
 * in which aliases are resolved and nothing is said in two ways, so that layouts are compared as
 * texts:
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

#include "source/tsdl_tokens.h"

/* `typealias TYPE := NAME`, of which the first word was read; and `struct NAME { ... }`. */
void ct_tsdl_take_alias(struct ct_tsdl_parser *parser);
void ct_tsdl_take_struct(struct ct_tsdl_parser *parser);

/* The fields of `struct NAME` or `struct { ... }`. Caller frees; NULL and a failure if it is not
 * understood. */
char *ct_tsdl_take_scope(struct ct_tsdl_parser *parser);

#endif
