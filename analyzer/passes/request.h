/* A request that was served, and where its time went. */
#ifndef CTRACE_PASSES_REQUEST_H
#define CTRACE_PASSES_REQUEST_H

#include "store/store.h"

/* How it is known which thread worked on it when. */
enum ct_request_link {
    CT_REQUEST_ONE_THREAD, /* that served no other at the time */
    CT_REQUEST_SHARED,   /* one thread, which had others open: what it did may have been for them */
    CT_REQUEST_IN_LOOP,  /* the same, but what it read and wrote tells for whom it worked when */
    CT_REQUEST_WOKEN,    /* its reader woke who answered it, and answered nothing else until then */
    CT_REQUEST_FOLLOWED, /* who answered it had answered another before, and waited for nobody
                            since: it is likely to have taken this one then */
    CT_REQUEST_UNLINKED, /* none of these */
    CT_REQUEST_LINK_COUNT
};

/* "one thread", "shared thread", "event loop", "woken", "next in line" and "unlinked". */
const char *ct_request_link_name(enum ct_request_link link);

/* What the time went to. */
enum ct_request_state {
    CT_REQUEST_RUNNING, /* or in a wait that was too short to be recorded */
    CT_REQUEST_RUNNABLE,
    CT_REQUEST_WAITING,
    CT_REQUEST_QUEUED,  /* read, and nobody worked on it: in a loop, behind another one */
    CT_REQUEST_CALLING, /* it had asked a peer, and the thread had not read the answer */
    CT_REQUEST_EITHER,  /* its thread worked on it, or on another that it had read before */
    CT_REQUEST_UNKNOWN, /* who worked on it, or what that did, is not known */
    CT_REQUEST_STATE_COUNT
};

/* How far what is told of it may be relied on: "certain", "likely", "possible" or "unknown". */
const char *ct_request_link_confidence(enum ct_request_link link);

/* "running", "runnable", "waiting", "queued", "calling", "either" and "unknown". */
const char *ct_request_state_name(enum ct_request_state state);

struct ct_request_part {
    enum ct_request_state state;
    enum ct_class class; /* of WAITING, as the next two, and of what EITHER, or QUEUED in a loop,
                            was behind */
    enum ct_op op;       /* NONE: in no call */
    char *object;        /* owned; what for, as a text; or behind whom, or whom it called; or "" */
    uint64_t ns;
};

/* A piece of its time, of which one thing is told. Of texts, it has its own once it is kept. */
struct ct_request_stretch {
    struct ct_request_part what;
    const struct ct_thread *thread; /* borrowed; that did so; NULL: not known, or nobody */
    uint64_t object;   /* of WAITING, what its operation was for: an address, or a number */
    uint32_t stack_id; /* where the thread was, in its process; 0: not known */
    char *peer;        /* the other end of a connection that it waited for; or "" */
    uint32_t rest;     /* it stands for so many, which are not kept; 0: for itself */
};

/* Of one request; those that come later are one. */
#define CT_REQUEST_STRETCHES_MAX 8192

/* Calls inside of it to one peer: by its one thread, for it. */
struct ct_request_call {
    char *address; /* owned */
    double count;
    uint64_t ns;
};

struct ct_request {
    struct ct_thread *reader; /* borrowed; NULL: not known */
    struct ct_thread *writer; /* borrowed */
    uint64_t begin_ns;
    uint64_t last_ns; /* the last of it was read */
    uint64_t end_ns;
    double weight;
    int32_t fd_number;
    char *server; /* owned; the connection's own end, and the other one; "": not known */
    char *client; /* owned */
    enum ct_request_link link;
    guint others;       /* requests that were open in its one thread, too */
    uint64_t taken_ns;  /* when its writer began with it; WOKEN and FOLLOWED */
    GArray *parts;      /* owned; struct ct_request_part, the most time first: they add up to it */
    GArray *stretches;  /* owned; struct ct_request_stretch, by time: one after the other, they are
                           all of it. NULL: not asked for */
    uint64_t unread_ns; /* so long at most it may have come before it was read; 0: not known */
    GArray *unread_parts; /* owned; the same, of that time */
    GArray *calls;        /* owned; struct ct_request_call, the most time first */
};

struct ct_request *ct_request_new(const struct ct_turn *turn);
void ct_request_free(void *request);

/* Before it is taken apart: it keeps its stretches, too. */
void ct_request_keep_stretches(struct ct_request *request);

/* Where what is told goes, in order of time. */
struct ct_request_account {
    GArray *parts;     /* borrowed, as the next */
    GArray *stretches; /* or NULL */
};

struct ct_request_account ct_request_account(const struct ct_request *request);

/* What comes next. Its texts stay the caller's. */
void ct_request_tell(const struct ct_request_account *account,
                     const struct ct_request_stretch *stretch);
void ct_request_tell_state(const struct ct_request_account *account, enum ct_request_state state,
                           const struct ct_thread *thread, uint64_t ns);
/* What the request waited for itself, or was ready to run: `wait` says for what and by which class;
 * its state is told by that. */
void ct_request_tell_wait(const struct ct_request_account *account,
                          const struct ct_request_stretch *wait);
void ct_request_parts_sort(GArray *parts);

/* `count` calls to that peer. */
void ct_request_add_call(struct ct_request *request, const char *address, double count,
                         uint64_t ns);

#endif
