/*
 * Between the server and those that read recordings for it: they parse what strangers wrote, so
 * they are other processes, confined (see cli/worker.h). One question at a time goes to a reader,
 * and its answer comes back. A reader says when it is ready; if it says so again, it had to begin
 * anew, and the question it had is lost.
 */
#ifndef CTRACE_VIEW_WIRE_H
#define CTRACE_VIEW_WIRE_H

#include <stdint.h>

/* A question: its size, then as many bytes, "NAME" or "NAME?PARAMETERS" as in a URL. */
#define CT_VIEW_QUESTION_MAX 16384

enum ct_view_kind { CT_VIEW_READY, CT_VIEW_JSON, CT_VIEW_BINARY };

/* Before the bytes of an answer. */
struct ct_view_head {
    uint32_t kind;   /* enum ct_view_kind */
    uint32_t status; /* of HTTP: 200, or what is wrong with the question. READY: 0 */
    uint64_t size;
};
_Static_assert(sizeof(struct ct_view_head) == 16, "it has no holes");

/* More is no answer. */
#define CT_VIEW_ANSWER_MAX (UINT64_C(1) << 28)

#endif
