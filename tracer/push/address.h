/* Where profiles can be sent to, as it is typed: "pyroscope:http://host:4040". */
#ifndef CTRACE_PUSH_ADDRESS_H
#define CTRACE_PUSH_ADDRESS_H

#include "push/profile.h"

/* How they are told there. */
enum ct_push_protocol_kind { CT_PUSH_PYROSCOPE, CT_PUSH_PARCA, CT_PUSH_OTLP };

/* The caller unrefs the address. NULL: an error. */
GUri *ct_push_address_parse(const char *text, enum ct_push_protocol_kind *kind, GError **error);

/* What there is, each a word, and after a tab what it means; free with g_strfreev(). */
char **ct_push_address_rows(void);

#endif
