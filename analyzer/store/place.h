/*
 * Where stores are kept: in the recording, as its index; or, where that is somebody else's or
 * cannot be written, in the user's cache. And the symbols that were found, beside it. Files are
 * opened before whoever reads the recording is confined, without a name: what has one is whole.
 */
#ifndef CTRACE_STORE_PLACE_H
#define CTRACE_STORE_PLACE_H

#include "model/activity.h"

/* The recording and the cache. */
#define CT_STORE_PLACES 2

struct ct_store_place {
    int index_fd;  /* owned; a store to be read; -1: there is none */
    int new_fd;    /* owned; where a new one goes; -1: it cannot be kept. Not beside an index */
    int aside_fd;  /* owned; for what is not needed afterwards */
    int folder_fd; /* owned; where the new one will be; -1: nowhere */
    char *name;    /* owned; there */
};

/* `refused`: so many of the stores that there are were of no use. */
void ct_store_place_open(struct ct_store_place *place, const char *directory, unsigned refused);
void ct_store_place_close(struct ct_store_place *place);

/* The new one is whole: it gets its name. What cannot be kept is not. */
void ct_store_place_keep(const struct ct_store_place *place);

struct ct_symbols_place {
    int kept_fds[CT_SYMBOLS_PLACES]; /* owned; what there is; -1: nothing */
    int new_fd;                      /* owned; where what is to replace it goes; -1: it cannot */
    int folder_fd;                   /* owned; where that will be; -1: nowhere */
    char *name;                      /* owned; there */
    gboolean is_in_recording;        /* that is there */
};

void ct_symbols_place_open(struct ct_symbols_place *place, const char *directory);
void ct_symbols_place_close(struct ct_symbols_place *place);

/* As above. FALSE: it is not kept. */
gboolean ct_symbols_place_keep(const struct ct_symbols_place *place);

#endif
