#include "programs.h"

#include "off_cpu.skel.h"
#include "record/layers/source.h"
#include "schema/capture_words.h"
#include "system/procfs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So often at most is asked again for those who found no room. */
#define ABSENT_ROUNDS_MAX 4096

struct ct_bpf_programs {
    struct off_cpu *object;     /* owned */
    struct ring_buffer *ring;   /* owned */
    struct bpf_link *adopting;  /* owned */
    struct bpf_link *absentees; /* owned */
    GByteArray *bytes;          /* borrowed; while records are taken */
    GArray *joined;             /* owned; struct ct_joined; not taken yet */
    gboolean has_lost;          /* some records found no room */
};

/* What libbpf has to say is for who writes programs. */
static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

static char *explain(int code)
{
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
        return g_strdup(CT_WHY_NO_BTF ", which says where its types have their members");
    if (code == EPERM)
        return g_strdup(geteuid() != 0 ? "it takes " CT_WHY_BPF
                                       : "bpf() is " CT_WHY_CONTAINER ": it takes "
                                         "CAP_BPF and CAP_PERFMON, and a seccomp profile that "
                                         "allows it");
    return g_strdup_printf("this kernel does not take the programs: %s", g_strerror(code));
}

/* Each of its threads may be told of. */
static void note_joined(struct ct_bpf_programs *programs, const struct ct_bpf_joined *record)
{
    const struct ct_joined joined = {.pid = record->pid, .time_ns = record->time_ns};

    for (guint i = 0; i < programs->joined->len; i++) {
        if (g_array_index(programs->joined, struct ct_joined, i).pid == joined.pid)
            return;
    }
    g_array_append_val(programs->joined, joined);
}

static int take_record(void *user, void *data, size_t size)
{
    struct ct_bpf_programs *programs = user;
    const struct ct_off_cpu_header *header = data;

    if (header->type == CT_BPF_JOINED)
        note_joined(programs, data);
    else
        g_byte_array_append(programs->bytes, data, (guint)size);
    return 0;
}

/* Where these cannot be had, why a task waits in none of the calls is known less often. */
static void find_functions(const struct ct_bpf_programs *programs)
{
    struct ct_bpf_range *functions = programs->object->bss->state.functions;
    LIBBPF_OPTS(bpf_test_run_opts, options);

    if (bpf_prog_test_run_opts(bpf_program__fd(programs->object->progs.find_functions), &options) !=
        0)
        return;
    for (int i = 0; i < CT_BPF_FUNCTIONS; i++) {
        const char *size = strrchr(functions[i].text, '/');

        if (size != NULL)
            functions[i].end = functions[i].begin + g_ascii_strtoull(size + 1, NULL, 16);
    }
}

/* 0, or errno. */
static int load(struct ct_bpf_programs *programs)
{
    struct stat namespace;

    programs->object = off_cpu__open();
    if (programs->object == NULL)
        return errno;
    if (libbpf_find_vmlinux_btf_id("cgroup_attach_task", BPF_TRACE_RAW_TP) < 0)
        bpf_program__set_autoload(programs->object->progs.on_join, false);
    if (off_cpu__load(programs->object) != 0)
        return errno;
    if (stat("/proc/self/ns/pid", &namespace) != 0)
        return errno;
    find_functions(programs);
    programs->object->bss->state.own_namespace = (uint32_t) namespace.st_ino;
    programs->ring =
        ring_buffer__new(bpf_map__fd(programs->object->maps.ring), take_record, programs, NULL);
    programs->adopting = bpf_program__attach_iter(programs->object->progs.adopt, NULL);
    programs->absentees = bpf_program__attach_iter(programs->object->progs.tell_absent, NULL);
    if (programs->ring == NULL || programs->adopting == NULL || programs->absentees == NULL ||
        off_cpu__attach(programs->object) != 0)
        return errno;
    return 0;
}

struct ct_bpf_programs *ct_bpf_programs_load(char **why_not)
{
    struct ct_bpf_programs *programs = g_new0(struct ct_bpf_programs, 1);

    programs->joined = g_array_new(FALSE, FALSE, sizeof(struct ct_joined));
    libbpf_set_print(say_nothing);
    int code = load(programs);

    if (code == 0)
        return programs;
    *why_not = explain(code);
    ct_bpf_programs_free(programs);
    return NULL;
}

void ct_bpf_programs_free(struct ct_bpf_programs *programs)
{
    if (programs == NULL)
        return;
    bpf_link__destroy(programs->adopting);
    bpf_link__destroy(programs->absentees);
    ring_buffer__free(programs->ring);
    off_cpu__destroy(programs->object);
    g_array_unref(programs->joined);
    g_free(programs);
}

struct ct_bpf_state *ct_bpf_programs_state(struct ct_bpf_programs *programs)
{
    return &programs->object->bss->state;
}

/* Has the program run for each task of the machine. FALSE and errno. */
static gboolean iterate(const struct bpf_link *link)
{
    int fd = bpf_iter_create(bpf_link__fd(link));
    char text[64];
    ssize_t size = -1;

    if (fd < 0)
        return FALSE;
    while ((size = read(fd, text, sizeof(text))) > 0 || (size < 0 && errno == EAGAIN))
        ;
    int code = errno;

    close(fd);
    errno = code;
    return size == 0;
}

static gboolean set_roots(const struct ct_bpf_programs *programs, const GArray *pids,
                          gboolean are_roots)
{
    int map = bpf_map__fd(programs->object->maps.roots);
    uint8_t is_root = 1;

    for (guint i = 0; i < pids->len; i++) {
        const pid_t *pid = &g_array_index(pids, pid_t, i);

        if (!are_roots)
            bpf_map_delete_elem(map, pid);
        else if (bpf_map_update_elem(map, pid, &is_root, BPF_ANY) != 0)
            return FALSE;
    }
    return TRUE;
}

/* What is made meanwhile by a thread that is not followed yet is followed as its process is a root:
 * at the second look, all are. */
gboolean ct_bpf_programs_follow(struct ct_bpf_programs *programs, const GArray *pids,
                                char **why_not)
{
    gboolean are_followed = set_roots(programs, pids, TRUE) && iterate(programs->adopting) &&
                            iterate(programs->adopting);

    if (!are_followed)
        *why_not = g_strdup_printf("the tasks cannot be looked at: %s", g_strerror(errno));
    else if (ct_bpf_programs_state(programs)->unfollowed > 0)
        *why_not = g_strdup("the kernel has no memory for the tasks");
    set_roots(programs, pids, FALSE);
    return *why_not == NULL;
}

int ct_bpf_programs_fd(const struct ct_bpf_programs *programs)
{
    return ring_buffer__epoll_fd(programs->ring);
}

void ct_bpf_programs_take_joined(struct ct_bpf_programs *programs, GArray *joined)
{
    g_array_append_vals(joined, programs->joined->data, programs->joined->len);
    g_array_set_size(programs->joined, 0);
}

gboolean ct_bpf_programs_see_joining(const struct ct_bpf_programs *programs)
{
    return bpf_program__autoload(programs->object->progs.on_join);
}

/* Those who found no room, by the CPUs that they had left. */
static void take_losses(struct ct_bpf_programs *programs, uint64_t now_ns, GByteArray *bytes)
{
    struct ct_bpf_loss *losses = programs->object->bss->state.losses;

    for (uint32_t cpu = 0; cpu < CT_BPF_CPUS_MAX; cpu++) {
        if (__atomic_load_n(&losses[cpu].count, __ATOMIC_RELAXED) == 0)
            continue;
        const struct ct_off_cpu_loss loss = {
            .header = {.type = CT_OFF_CPU_LOSS, .size = sizeof(loss)},
            .count = __atomic_exchange_n(&losses[cpu].count, 0, __ATOMIC_RELAXED),
            .since_ns = __atomic_exchange_n(&losses[cpu].since_ns, 0, __ATOMIC_RELAXED),
            .until_ns = now_ns,
            .cpu = cpu,
        };
        g_byte_array_append(bytes, (const void *)&loss, sizeof(loss));
        programs->has_lost = TRUE;
    }
}

void ct_bpf_programs_take(struct ct_bpf_programs *programs, uint64_t now_ns, GByteArray *bytes)
{
    programs->bytes = bytes;
    ring_buffer__consume(programs->ring);
    take_losses(programs, now_ns, bytes);
}

void ct_bpf_programs_take_absent(struct ct_bpf_programs *programs, uint64_t time_ns,
                                 GByteArray *bytes)
{
    struct ct_bpf_state *state = ct_bpf_programs_state(programs);
    uint32_t untold;
    guint rounds = 0;

    state->told_ns = time_ns;
    state->tells_again = time_ns == UINT64_MAX && programs->has_lost;
    programs->bytes = bytes;
    do {
        untold = state->untold;
        if (!iterate(programs->absentees))
            break;
        ring_buffer__consume(programs->ring);
    } while (state->untold != untold && ++rounds < ABSENT_ROUNDS_MAX);
}
