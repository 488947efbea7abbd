#include "doctor/machine.h"

#include "cli/sibling.h"
#include "doctor/advice.h"
#include "model/format.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What the boards of a program of a hundred threads, and LTTng's buffers for them, take. */
#define SHM_LEAST ((uint64_t)64 << 20)
/* A recording ends before its disk is full; with less than this it ends soon. */
#define DISK_LEAST ((uint64_t)256 << 20)

#define SHM_FOLDER "/dev/shm"

static uint64_t free_bytes(const char *folder)
{
    struct statvfs status;

    return statvfs(folder, &status) == 0 ? (uint64_t)status.f_bavail * status.f_frsize : 0;
}

static int read_number(const char *path)
{
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? atoi(text) : INT_MIN;
}

void ct_machine_read(struct ct_machine *machine)
{
    struct utsname name = {0};

    uname(&name);
    *machine = (struct ct_machine){
        .kernel = g_strdup(name.release),
        .sessiond = g_find_program_in_path("lttng-sessiond"),
        .recorder = ct_sibling_find("record"),
        .is_root = geteuid() == 0,
        .has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0,
        .has_tracefs = access("/sys/kernel/tracing/events/sched", R_OK | X_OK) == 0,
        .perf_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid"),
        .has_shm = access(SHM_FOLDER, W_OK | X_OK) == 0,
        .shm_free = free_bytes(SHM_FOLDER),
        .disk_free = free_bytes("."),
        .can_write = access(".", W_OK | X_OK) == 0,
    };
}

void ct_machine_clear(struct ct_machine *machine)
{
    g_free(machine->kernel);
    g_free(machine->sessiond);
    g_free(machine->recorder);
}

static void add(GPtrArray *advices, enum ct_advice_kind kind, const char *topic, const char *text,
                const char *todo)
{
    ct_advices_add(advices, kind, CT_DOCTOR_MACHINE, topic, text, todo);
}

static void add_programs(GPtrArray *advices, const struct ct_machine *machine)
{
    g_autofree char *versions =
        g_strdup_printf("ctrace %s, Linux %s", CTRACE_VERSION, machine->kernel);

    add(advices, CT_ADVICE_FINE, "versions", versions, NULL);
    if (!machine->recorder)
        add(advices, CT_ADVICE_WRONG, "recorder",
            "ctrace-record is not installed: nothing can be "
            "recorded here, only read",
            "install the package ctrace-recorder");
    if (!machine->sessiond)
        add(advices, CT_ADVICE_WRONG, "session daemon",
            "lttng-sessiond is not in $PATH: it writes what is recorded",
            "install it (on Debian: apt install lttng-tools); sbin folders may lack in $PATH");
    else
        add(advices, CT_ADVICE_FINE, "session daemon", machine->sessiond, NULL);
}

static void add_room(GPtrArray *advices, const struct ct_machine *machine)
{
    g_autofree char *shm = ct_format_size(machine->shm_free);
    g_autofree char *disk = ct_format_size(machine->disk_free);
    g_autofree char *text =
        g_strdup_printf("%s free in %s, %s on the disk of this folder", shm, SHM_FOLDER, disk);
    gboolean is_fine = TRUE;

    if (!machine->has_shm || machine->shm_free < SHM_LEAST) {
        g_autofree char *why =
            machine->has_shm
                ? g_strdup_printf("only %s are free in " SHM_FOLDER ", where recorded programs "
                                  "leave what they did",
                                  shm)
                : g_strdup(SHM_FOLDER " is not there, or cannot be written to");

        is_fine = FALSE;
        add(advices, CT_ADVICE_WRONG, "/dev/shm", why,
            "as root: mount -o remount,size=1G /dev/shm; of a container: docker run --shm-size=1g");
    }
    if (!machine->can_write || machine->disk_free < DISK_LEAST) {
        g_autofree char *why = machine->can_write
                                   ? g_strdup_printf("only %s are free for recordings here", disk)
                                   : g_strdup("recordings cannot be written in this folder");

        is_fine = FALSE;
        add(advices, CT_ADVICE_WRONG, "disk", why, "name another place: ctrace record -o DIR ...");
    }
    if (is_fine)
        add(advices, CT_ADVICE_FINE, "room", text, NULL);
}

static void add_kernel(GPtrArray *advices, const struct ct_machine *machine)
{
    g_autofree char *paranoid =
        g_strdup_printf("kernel.perf_event_paranoid is %d", machine->perf_paranoid);

    if (machine->perf_paranoid == INT_MIN)
        add(advices, CT_ADVICE_LESS, "perf", "this kernel has no perf events, or hides them",
            "use a kernel with CONFIG_PERF_EVENTS; of a container, see what the trial says");
    else if (machine->perf_paranoid > 2 && !machine->is_root)
        add(advices, CT_ADVICE_LESS, "perf", paranoid,
            "as root: sysctl kernel.perf_event_paranoid=2; until then there are neither CPU "
            "profiles nor run queues for ordinary users");
    else
        add(advices, CT_ADVICE_FINE, "perf", paranoid, NULL);
    if (!machine->has_btf)
        add(advices, CT_ADVICE_LESS, "BPF", "this kernel has no /sys/kernel/btf/vmlinux",
            "use a kernel with CONFIG_DEBUG_INFO_BTF; until then perf events stand in, at a cost "
            "for each system call");
    if (!machine->has_tracefs && machine->is_root)
        add(advices, CT_ADVICE_LESS, "tracefs", "/sys/kernel/tracing is not mounted",
            "mount -t tracefs nodev /sys/kernel/tracing");
    if (!machine->is_root)
        add(advices, CT_ADVICE_LESS, "privilege",
            "you are not root: root would add who woke whom and who ran instead, time in the "
            "kernel, why threads were off the CPU, programs that run already (-p, --cgroup, "
            "--all), and static ones",
            "sudo ctrace record ...");
}

void ct_doctor_add_machine(GPtrArray *advices, const struct ct_machine *machine)
{
    add_programs(advices, machine);
    add_room(advices, machine);
    add_kernel(advices, machine);
}
