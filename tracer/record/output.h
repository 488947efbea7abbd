/* The directory of a recording: whose it is, what was there before, and room on its disk. */
#ifndef CTRACE_RECORD_OUTPUT_H
#define CTRACE_RECORD_OUTPUT_H

#include <glib.h>
#include <sys/types.h>

struct ct_output {
    char *path;        /* owned; absolute; what people, LTTng and other processes know it by */
    char *place;       /* owned; the same for us alone, also if somebody moves it meanwhile */
    char *previous;    /* owned; where the recording that was there is now, or NULL */
    char *older;       /* owned; where the one is that was at `previous` before, or NULL */
    gboolean is_ours;  /* the directory, to remove what is written to it */
    gboolean is_made;  /* by us: an empty directory that was there is made private, and used */
    mode_t given_mode; /* which that one had */
    int lock_fd;       /* on the directory: nobody else records there */
    int parent_fd;     /* on the folder that it is in */
    int older_fd;      /* on what is at `older`, or -1 */
};

/*
 * Makes and locks the directory `name`, which nobody else can enter, with disk space set aside for
 * the end of the recording. A recording that is there moves to NAME.old. NULL and an error, with
 * all as it was, if something else, or somebody else's, is there, if somebody records there, or if
 * nothing can be written.
 */
struct ct_output *ct_output_new(const char *name, GError **error);

/* Locks the directory of a recording that is to be finished. */
struct ct_output *ct_output_open(const char *name, GError **error);

/* The recording has begun: what was at NAME.old before is given up. */
void ct_output_commit(struct ct_output *output);

/* There is no recording: everything is as it was before. */
void ct_output_revert(struct ct_output *output);

void ct_output_free(struct ct_output *output);

/*
 * Where the directory is now that was made, or opened, as `path`: somebody may have moved it. NULL:
 * it has been removed. Caller frees.
 */
char *ct_output_find(const char *place, const char *path);

/* Gives the space back that was set aside: it is needed now. */
void ct_output_release(const char *place);

#endif
