/*
 * What other commands of ctrace answer better than a page could: reports, queries, profiles,
 * exports, pictures. Each is that command, run for a part of a recording; what it writes is the
 * answer. For one thread, which has a main loop. Parameters: from, to, lanes (all), and
 *
 *   findings, table     the report as JSON, as its schema says
 *   query               sql; the answer as JSON, as its schema says
 *   download            what (pprof, folded, speedscope, perfetto, chrome, csv, json, svg, png,
 * pdf), profile (of the first three); a file
 */
#ifndef CTRACE_VIEW_JOB_H
#define CTRACE_VIEW_JOB_H

#include <gio/gio.h>

struct ct_view_job;

/* Those that run. */
struct ct_view_jobs;
struct ct_view_jobs *ct_view_jobs_new(void);
/* Ends them, and waits for that. Nobody is called back any more. */
void ct_view_jobs_free(struct ct_view_jobs *jobs);

struct ct_view_job_request {
    const char *folder;    /* where the commands are */
    const char *directory; /* of the recording: an absolute path */
    const char *name;      /* what is asked: "table" */
    GHashTable *params;    /* name -> value, both text */
    const char *tids;      /* of these threads, with "," between; NULL: of all */
};

struct ct_view_job_result {
    guint status;     /* of HTTP */
    const char *type; /* borrowed, as is all of it */
    const char *file; /* a name for the answer as a file; NULL: it is for the page */
    GBytes *body;
};

typedef void ct_view_job_done(void *user, const struct ct_view_job_result *result);

/* Is it asked of a command? */
gboolean ct_view_job_is(const char *name);

/* `done` is called once, and then the job is gone; not before this has returned. NULL: an error,
 * whose code is a status of HTTP. */
struct ct_view_job *ct_view_job_start(struct ct_view_jobs *jobs,
                                      const struct ct_view_job_request *request,
                                      ct_view_job_done *done, void *user, GError **error);
/* Ends it: `done` is not called any more. */
void ct_view_job_cancel(struct ct_view_job *job);

#endif
