/* Whether this machine, and this user on it, can record: facts, and what they mean. */
#ifndef CTRACE_DOCTOR_MACHINE_H
#define CTRACE_DOCTOR_MACHINE_H

#include <glib.h>
#include <stdint.h>

struct ct_machine {
    char *kernel;   /* owned; its release, "6.1.0-13-amd64" */
    char *sessiond; /* owned; the path of LTTng's session daemon; NULL: it is not there */
    char *recorder; /* owned; of ctrace-record; NULL: it is not installed */
    gboolean is_root;
    gboolean has_btf;
    gboolean has_tracefs; /* it is mounted, and can be read */
    int perf_paranoid;    /* kernel.perf_event_paranoid; INT_MIN: there is none */
    gboolean has_shm;     /* /dev/shm is there, and files can be made in it */
    uint64_t shm_free;    /* bytes */
    uint64_t disk_free;   /* where recordings go: in this folder */
    gboolean can_write;   /* in it */
};

void ct_machine_read(struct ct_machine *machine);
void ct_machine_clear(struct ct_machine *machine);

/* All but what a trial tells better. */
void ct_doctor_add_machine(GPtrArray *advices, const struct ct_machine *machine);

#define CT_DOCTOR_MACHINE "machine"

#endif
