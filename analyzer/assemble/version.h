/* Which formats of recordings can be read. */
#ifndef CTRACE_ASSEMBLE_VERSION_H
#define CTRACE_ASSEMBLE_VERSION_H

#include <glib.h>
#include <stdint.h>

gboolean ct_is_known_version(uint32_t version);

/* FALSE and an error that says what to do, if a recording of that format cannot be read. */
gboolean ct_check_version(uint32_t version, GError **error);

#endif
