/* What is there already when a recording begins, as /proc tells it: of this test's own process. */
#include "files/tree.h"
#include "record/layers/perf/snapshot.h"
#include "schema/operations.h"
#include "spool/elf_file.h"
#include "spool/maps.h"
#include "spool/spool.h"
#include "system/procfs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_NS UINT64_C(123456789)

/* A recording's folder with a file of what is present. */
struct present {
    char *path;
    char *file;
    int fd;
    struct ct_spool *spool;
};

static struct present new_present(void)
{
    const struct ct_formats formats = {0};
    struct present present = {.path = g_dir_make_tmp("ctrace-present-XXXXXX", NULL)};

    present.file = g_build_filename(present.path, "present", NULL);
    present.fd = ct_spool_create_snapshot(present.path, CT_RINGS_MACHINE, &formats, 0);
    assert_true(present.fd >= 0);
    return present;
}

static void read_again(struct present *present)
{
    ct_spool_free(present->spool);
    present->spool = ct_spool_open(present->file);
    assert_non_null(present->spool);
    assert_int_equal(present->spool->head.cpu, CT_SPOOL_NO_CPU);
}

static void end(struct present *present)
{
    struct ct_raw_record record;

    read_again(present);
    while (ct_spool_read(present->spool, &record))
        assert_int_equal(record.time_ns, NOW_NS);
    assert_false(present->spool->is_cut_off);
    ct_spool_free(present->spool);
    close(present->fd);
    ct_tree_remove(present->path);
    g_free(present->file);
    g_free(present->path);
}

static gboolean write_processes(int fd, pid_t first, pid_t second)
{
    g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));

    g_array_append_val(pids, first);
    if (second != 0)
        g_array_append_val(pids, second);
    return ct_snapshot_write_processes(fd, NULL, pids, NOW_NS);
}

static void write_self(struct present *present)
{
    assert_true(write_processes(present->fd, getpid(), 0));
}

/* The only record of this kind that has the number `id` in the place that matters for it. */
static gboolean find(struct present *present, enum ct_raw_kind kind, int32_t id,
                     struct ct_raw_record *found)
{
    struct ct_raw_record record;
    guint count = 0;

    *found = (struct ct_raw_record){.kind = kind};
    read_again(present);
    while (ct_spool_read(present->spool, &record)) {
        gboolean is_it =
            record.kind == kind && (kind == CT_RAW_FORK      ? record.as.task.tid == id
                                    : kind == CT_RAW_NAME    ? record.as.name.tid == id
                                    : kind == CT_RAW_PROCESS ? record.as.process.of.pid == id
                                                             : record.as.fd.of.fd == id);
        if (is_it) {
            *found = record;
            count++;
        }
    }
    assert_true(count <= 1);
    return count == 1;
}

/* ---- Threads ---- */

struct helper {
    sem_t is_there;
    sem_t may_end;
    pid_t tid;
};

static void *run_helper(void *data)
{
    struct helper *helper = data;

    pthread_setname_np(pthread_self(), "a (strange) one");
    helper->tid = gettid();
    sem_post(&helper->is_there);
    sem_wait(&helper->may_end);
    return NULL;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void threads_are_told_as_the_kernel_tells_of_new_ones(void **state)
{
    struct present present = new_present();
    struct ct_raw_record record;
    struct helper helper;
    pthread_t thread;

    (void)state;
    sem_init(&helper.is_there, 0, 0);
    sem_init(&helper.may_end, 0, 0);
    uint64_t before_ns = monotonic_ns();
    assert_int_equal(pthread_create(&thread, NULL, run_helper, &helper), 0);
    sem_wait(&helper.is_there);
    uint64_t after_ns = monotonic_ns();
    write_self(&present);

    assert_true(find(&present, CT_RAW_FORK, getpid(), &record));
    assert_int_equal(record.as.task.pid, getpid());
    assert_int_equal(record.as.task.parent_pid, getppid());
    assert_true(record.as.task.time_ns <= before_ns);
    assert_true(find(&present, CT_RAW_FORK, helper.tid, &record));
    assert_int_equal(record.as.task.pid, getpid());
    assert_int_equal(record.as.task.parent_pid, getpid());
    assert_int_equal(record.as.task.parent_tid, getpid());
    /* To a tick of the kernel's, as the two clocks may differ by what passed between readings. */
    assert_in_range(record.as.task.time_ns, before_ns - 100000000, after_ns + 1000000);
    assert_true(find(&present, CT_RAW_NAME, helper.tid, &record));
    assert_string_equal(record.as.name.name, "a (strange) one");
    assert_false(record.as.name.is_exec);
    sem_post(&helper.may_end);
    pthread_join(thread, NULL);
    end(&present);
}

/* Its numbers are those of what is mapped. */
static void a_call_comes_after_what_is_mapped(void **state)
{
    struct present present = new_present();
    struct ct_raw_record record;
    guint calls = 0;

    (void)state;
    write_self(&present);
    read_again(&present);
    while (ct_spool_read(present.spool, &record)) {
        calls += record.kind == CT_RAW_TASK;
        if (record.kind == CT_RAW_FORK || record.kind == CT_RAW_MAPPING)
            assert_int_equal(calls, 0);
    }
    assert_int_equal(calls, 1);
    end(&present);
}

static void a_process_is_described(void **state)
{
    struct present present = new_present();
    struct ct_raw_record record;
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *cwd = g_get_current_dir();

    (void)state;
    assert_true(ct_snapshot_write_description(present.fd, getpid(), NOW_NS));
    assert_true(find(&present, CT_RAW_PROCESS, getpid(), &record));
    assert_int_equal(record.as.process.of.ppid, getppid());
    assert_true(record.as.process.of.start_ns <= monotonic_ns());
    assert_string_equal(record.as.process.exe, exe);
    assert_string_equal(record.as.process.cwd, cwd);
    assert_non_null(strstr(record.as.process.args, "test_snapshot"));
    /* The kernel itself tells of the threads. */
    assert_false(find(&present, CT_RAW_FORK, getpid(), &record));
    end(&present);
}

/* ---- Mappings ---- */

static void code_is_mapped_where_it_is(void **state)
{
    struct present present = new_present();
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    struct ct_elf_file *file = ct_elf_file_read(exe);
    uint64_t code = (uintptr_t)code_is_mapped_where_it_is;
    struct ct_raw_record record;
    guint found = 0;

    (void)state;
    assert_non_null(file);
    write_self(&present);
    read_again(&present);
    while (ct_spool_read(present.spool, &record)) {
        if (record.kind != CT_RAW_MAPPING ||
            code - record.as.mapping.begin >= record.as.mapping.size)
            continue;
        uint64_t bias;

        assert_int_equal(record.as.mapping.pid, getpid());
        assert_string_equal(record.as.mapping.path, exe);
        assert_string_equal(record.as.mapping.build_id, file->build_id);
        assert_true(
            ct_elf_file_bias(file, record.as.mapping.begin, record.as.mapping.file_offset, &bias));
        assert_true(bias <= record.as.mapping.begin);
        found++;
    }
    assert_int_equal(found, 1);
    assert_true(ct_proc_has_mapped(getpid(), "test_snapshot"));
    assert_false(ct_proc_has_mapped(getpid(), "est_present"));
    ct_elf_file_free(file);
    end(&present);
}

/* Removed, and another file has its name: as after an upgrade. */
static void a_mapped_file_is_the_one_that_was_mapped(void **state)
{
    struct present present = new_present();
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *copy = g_build_filename(present.path, "copy", NULL);
    g_autofree char *content = NULL;
    struct ct_elf_file *file = ct_elf_file_read(exe);
    struct ct_raw_record record;
    guint found = 0;
    gsize size;

    (void)state;
    assert_true(g_file_get_contents(exe, &content, &size, NULL));
    assert_true(g_file_set_contents(copy, content, (gssize)size, NULL));
    int fd = open(copy, O_RDONLY);
    void *map = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    close(fd);
    unlink(copy);
    assert_true(g_file_set_contents(copy, "another", -1, NULL));
    write_self(&present);
    read_again(&present);
    while (ct_spool_read(present.spool, &record)) {
        if (record.kind != CT_RAW_MAPPING || record.as.mapping.begin != (uintptr_t)map)
            continue;
        assert_string_equal(record.as.mapping.path, copy);
        /* To see what is mapped takes a privilege; without it, there is none rather than a wrong
         * one. */
        assert_string_equal(record.as.mapping.build_id, geteuid() == 0 ? file->build_id : "");
        found++;
    }
    assert_int_equal(found, 1);
    munmap(map, size);
    ct_elf_file_free(file);
    end(&present);
}

/* ---- Descriptors ---- */

static void expect_fd(struct present *present, int fd, enum ct_fd_kind kind, const char *local,
                      const char *peer)
{
    struct ct_raw_record record;

    assert_true(find(present, CT_RAW_FD, fd, &record));
    assert_int_equal(record.as.fd.of.pid, getpid());
    assert_int_equal(record.as.fd.of.kind, kind);
    if (local != NULL)
        assert_string_equal(record.as.fd.local, local);
    assert_string_equal(record.as.fd.peer, peer);
}

static void kinds_are_what_the_preload_calls_them(void **state)
{
    struct present present = new_present();
    struct ct_raw_record record;
    sigset_t signals;
    int pipe_fds[2];

    (void)state;
    sigemptyset(&signals);
    assert_int_equal(pipe(pipe_fds), 0);
    g_autofree char *path = g_build_filename(present.path, "some file", NULL);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    int directory = open(present.path, O_RDONLY | O_DIRECTORY);
    int device = open("/dev/null", O_RDWR);
    int event = eventfd(0, 0);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    int signal_fd = signalfd(-1, &signals, 0);
    int inotify = inotify_init();
    int epoll = epoll_create1(0);
    g_autofree char *queue_name = g_strdup_printf("/ctrace-test-%d", getpid());
    mqd_t queue = mq_open(queue_name, O_RDWR | O_CREAT, 0600, NULL);
    struct epoll_event wanted = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fds[0], &wanted);
    epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted);

    assert_true(ct_snapshot_write_description(present.fd, getpid(), NOW_NS));
    expect_fd(&present, pipe_fds[1], CT_FD_KIND_PIPE, NULL, "");
    expect_fd(&present, file, CT_FD_KIND_FILE, path, "");
    expect_fd(&present, directory, CT_FD_KIND_DIRECTORY, present.path, "");
    expect_fd(&present, device, CT_FD_KIND_DEVICE, "/dev/null", "");
    expect_fd(&present, event, CT_FD_KIND_EVENTFD, "anon_inode:[eventfd]", "");
    expect_fd(&present, timer, CT_FD_KIND_TIMERFD, NULL, "");
    expect_fd(&present, signal_fd, CT_FD_KIND_SIGNALFD, NULL, "");
    expect_fd(&present, inotify, CT_FD_KIND_INOTIFY, NULL, "");
    expect_fd(&present, epoll, CT_FD_KIND_EPOLL, NULL, "");
    assert_true(find(&present, CT_RAW_FD, epoll, &record));
    assert_int_equal(record.as.fd.of.watched, 1U << CT_FD_KIND_PIPE | 1U << CT_FD_KIND_EVENTFD);
    if (queue >= 0) {
        expect_fd(&present, (int)queue, CT_FD_KIND_MQUEUE, queue_name, "");
        mq_unlink(queue_name);
        mq_close(queue);
    }
    const int fds[] = {pipe_fds[0], pipe_fds[1], file,      directory, device,
                       event,       timer,       signal_fd, inotify,   epoll};
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    end(&present);
}

/* Of the socket's own end, or of the other one. Caller frees. */
static char *address_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[INET6_ADDRSTRLEN];

    assert_int_equal(get(fd, (struct sockaddr *)&address, &size), 0);
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        return g_strdup_printf("%s:%d", host, ntohs(in->sin_port));
    }
    const struct sockaddr_in6 *in6 = (const void *)&address;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
    return g_strdup_printf("[%s]:%d", host, ntohs(in6->sin6_port));
}

/* Three sockets: one that listens, and both ends of a connection to it. FALSE: not on this host. */
static gboolean connect_pair(const struct sockaddr *address, socklen_t size, int fds[3])
{
    struct sockaddr_storage bound;
    socklen_t bound_size = sizeof(bound);

    fds[0] = socket(address->sa_family, SOCK_STREAM, 0);
    if (fds[0] < 0 || bind(fds[0], address, size) != 0) {
        close(fds[0]);
        return FALSE;
    }
    assert_int_equal(listen(fds[0], 1), 0);
    getsockname(fds[0], (struct sockaddr *)&bound, &bound_size);
    fds[1] = socket(address->sa_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[1], (const struct sockaddr *)&bound, bound_size), 0);
    fds[2] = accept(fds[0], NULL, NULL);
    assert_true(fds[2] >= 0);
    return TRUE;
}

static void expect_addresses(const struct sockaddr *address, socklen_t size)
{
    struct present present = new_present();
    int fds[3] = {-1, -1, -1};

    if (connect_pair(address, size, fds)) {
        assert_true(ct_snapshot_write_description(present.fd, getpid(), NOW_NS));
        for (size_t i = 0; i < 3; i++) {
            g_autofree char *local = address_of(fds[i], getsockname);
            g_autofree char *peer = i == 0 ? g_strdup("") : address_of(fds[i], getpeername);

            expect_fd(&present, fds[i], CT_FD_KIND_SOCKET_INET, local, peer);
            close(fds[i]);
        }
    }
    end(&present);
}

static void connections_have_both_addresses(void **state)
{
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    (void)state;
    expect_addresses((const struct sockaddr *)&in, sizeof(in));
    expect_addresses((const struct sockaddr *)&in6, sizeof(in6));
}

static void sockets_without_an_address_have_their_kind(void **state)
{
    struct present present = new_present();
    int pair[2];

    (void)state;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    int udp = socket(AF_INET6, SOCK_DGRAM, 0);
    int netlink = socket(AF_NETLINK, SOCK_RAW, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(ct_snapshot_write_description(present.fd, getpid(), NOW_NS));
    expect_fd(&present, tcp, CT_FD_KIND_SOCKET_INET, "", "");
    if (udp >= 0)
        expect_fd(&present, udp, CT_FD_KIND_SOCKET_INET, "", "");
    expect_fd(&present, netlink, CT_FD_KIND_SOCKET_OTHER, "", "");
    expect_fd(&present, pair[0], CT_FD_KIND_SOCKET_UNIX, "", "");
    const int fds[] = {tcp, udp, netlink, pair[0], pair[1]};
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    end(&present);
}

static void unix_sockets_have_their_path(void **state)
{
    struct present present = new_present();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sockaddr_un hidden = {.sun_family = AF_UNIX};
    int fds[3] = {-1, -1, -1};

    (void)state;
    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/a socket", present.path);
    assert_true(connect_pair((const struct sockaddr *)&address, sizeof(address), fds));
    int size =
        g_snprintf(hidden.sun_path + 1, sizeof(hidden.sun_path) - 1, "ctrace-test-%d", getpid());
    int abstract = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(abstract, (const struct sockaddr *)&hidden,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)),
                     0);
    g_autofree char *name = g_strdup_printf("@%s", hidden.sun_path + 1);
    assert_true(ct_snapshot_write_description(present.fd, getpid(), NOW_NS));
    expect_fd(&present, fds[0], CT_FD_KIND_SOCKET_UNIX, address.sun_path, "");
    expect_fd(&present, fds[2], CT_FD_KIND_SOCKET_UNIX, address.sun_path, "");
    expect_fd(&present, abstract, CT_FD_KIND_SOCKET_UNIX, name, "");
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    close(abstract);
    end(&present);
}

/* ---- Trees ---- */

/* One that waits to be ended. */
static pid_t start_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_tree_has_all_descendants_if_they_are_followed(void **state)
{
    g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));
    const pid_t nobody = 0x3fffffff;

    (void)state;
    pid_t child = start_child();
    pid_t other = start_child();
    g_array_append_val(roots, nobody);
    g_array_append_val(roots, child);
    g_array_append_val(roots, other);
    g_array_append_val(roots, child);
    g_autoptr(GArray) alone = ct_proc_list_tree(roots, FALSE);
    assert_int_equal(alone->len, 2);
    assert_int_equal(g_array_index(alone, pid_t, 0), child);
    assert_int_equal(g_array_index(alone, pid_t, 1), other);
    pid_t parent = getppid();
    g_autoptr(GArray) parents = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_array_append_val(parents, parent);
    g_autoptr(GArray) tree = ct_proc_list_tree(parents, TRUE);
    for (guint i = 0; i < tree->len; i++) /* who looks is none of them, nor what it started */
        assert_true(g_array_index(tree, pid_t, i) != getpid() &&
                    g_array_index(tree, pid_t, i) != child);
    end_child(child);
    end_child(other);
}

static void a_child_has_mapped_what_it_has_and_not_what_its_parent_has(void **state)
{
    struct present present = new_present();
    struct ct_maps *maps = ct_maps_new(NULL);
    struct ct_address_space space;
    struct ct_raw_record record;

    (void)state;
    pid_t child = start_child();
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    int fd = open(exe, O_RDONLY);
    void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    close(fd);
    assert_true(write_processes(present.fd, getpid(), child));
    read_again(&present);
    while (ct_spool_read(present.spool, &record))
        ct_maps_add(maps, &record);
    assert_true(ct_maps_get(maps, getpid(), &space));
    assert_non_null(ct_address_space_find(&space, (uintptr_t)map));
    assert_true(ct_maps_get(maps, child, &space));
    assert_null(ct_address_space_find(&space, (uintptr_t)map));
    assert_non_null(ct_address_space_find(&space, (uintptr_t)start_child));
    assert_true(find(&present, CT_RAW_FORK, child, &record));
    assert_int_equal(record.as.task.parent_pid, getpid());
    munmap(map, 4096);
    ct_maps_free(maps);
    end_child(child);
    end(&present);
}

static void a_process_that_is_gone_leaves_nothing(void **state)
{
    struct present present = new_present();
    struct ct_raw_record record;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_true(write_processes(present.fd, child, 0));
    read_again(&present);
    assert_false(ct_spool_read(present.spool, &record));
    end(&present);
}

static void a_full_disk_is_told(void **state)
{
    int full = open("/dev/full", O_WRONLY);

    (void)state;
    assert_false(write_processes(full, getpid(), 0));
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_told_as_the_kernel_tells_of_new_ones),
        cmocka_unit_test(a_call_comes_after_what_is_mapped),
        cmocka_unit_test(a_process_is_described),
        cmocka_unit_test(code_is_mapped_where_it_is),
        cmocka_unit_test(a_mapped_file_is_the_one_that_was_mapped),
        cmocka_unit_test(kinds_are_what_the_preload_calls_them),
        cmocka_unit_test(connections_have_both_addresses),
        cmocka_unit_test(sockets_without_an_address_have_their_kind),
        cmocka_unit_test(unix_sockets_have_their_path),
        cmocka_unit_test(a_tree_has_all_descendants_if_they_are_followed),
        cmocka_unit_test(a_child_has_mapped_what_it_has_and_not_what_its_parent_has),
        cmocka_unit_test(a_process_that_is_gone_leaves_nothing),
        cmocka_unit_test(a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
