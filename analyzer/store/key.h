/* What a store was made of: tells whether it still is what the recording says. */
#ifndef CTRACE_STORE_KEY_H
#define CTRACE_STORE_KEY_H

#include "store/format.h"

#include <glib.h>

/* Of the files below `directory`: names, sizes, places and times, not what is in them; and of the
 * program that reads them. FALSE: there are too many, or they cannot be listed. */
gboolean ct_store_key(const char *directory, uint8_t key[CT_STORE_KEY_SIZE]);

#endif
