/* The BPF programs once they are in the kernel: who is followed, and what they tell. */
#ifndef CTRACE_RECORD_LAYERS_BPF_PROGRAMS_H
#define CTRACE_RECORD_LAYERS_BPF_PROGRAMS_H

#include "shared.h"

#include <glib.h>
#include <sys/types.h>

struct ct_bpf_programs;

/* Loads and attaches them; they follow nobody yet. NULL and why not. */
struct ct_bpf_programs *ct_bpf_programs_load(char **why_not);

/* Takes them out of the kernel. */
void ct_bpf_programs_free(struct ct_bpf_programs *programs);

/* What is set is what they go by from then on. Borrowed. */
struct ct_bpf_state *ct_bpf_programs_state(struct ct_bpf_programs *programs);

/* Follows all threads of these processes (pid_t), and what they make. FALSE and why not. */
gboolean ct_bpf_programs_follow(struct ct_bpf_programs *programs, const GArray *pids,
                                char **why_not);

/* Readable when there is much to take. */
int ct_bpf_programs_fd(const struct ct_bpf_programs *programs);

/* Appends all records there are by now to `bytes`; each is whole. Who has joined is not among them:
 * see the next one. */
void ct_bpf_programs_take(struct ct_bpf_programs *programs, uint64_t now_ns, GByteArray *bytes);

/* Moves to `joined` (struct ct_joined) who has joined since the last time, each once: they are yet
 * to be followed. */
void ct_bpf_programs_take_joined(struct ct_bpf_programs *programs, GArray *joined);

/* Whether it is told who comes into a cgroup. */
gboolean ct_bpf_programs_see_joining(const struct ct_bpf_programs *programs);

/* The same of those who left their CPU before `time_ns` and have not come back yet. */
void ct_bpf_programs_take_absent(struct ct_bpf_programs *programs, uint64_t time_ns,
                                 GByteArray *bytes);

#endif
