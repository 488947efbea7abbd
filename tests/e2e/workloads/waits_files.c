/*
 * Waits that know the answer: calls on files, which are as slow as the file system that they are
 * on. Here it is one of our own, by FUSE, in another process. Where it cannot be mounted, no
 * scenario runs, and each has a count of 0.
 */
#define FUSE_USE_VERSION 312
#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* ---- The file system: every name is a file of this size, and every change takes its time. ---- */

enum { FILE_SIZE = 1 << 20, SERVERS = 64 };

/* Files of such names can be mapped; of others, no page is ever cached. */
#define MAPPED "mapped"

/*
 * This one keeps what is written to it, at once but for the first time after `is_slow` was set: it
 * is for a file system inside, since calls that write out all of one do not wait for one by FUSE.
 */
#define DISK "/" MAPPED "-disk"

enum { DISK_SIZE = 4 << 20 };

static struct disk {
    atomic_bool is_slow;
    char content[DISK_SIZE];
} * disk; /* shared with the server */

static int is_disk(const char *path)
{
    return strcmp(path, DISK) == 0;
}

static int get_attributes(const char *path, struct stat *status, struct fuse_file_info *file)
{
    (void)file;
    memset(status, 0, sizeof *status);
    status->st_mode = strcmp(path, "/") == 0 ? S_IFDIR | 0700 : S_IFREG | 0600;
    status->st_nlink = 1;
    status->st_size = is_disk(path) ? DISK_SIZE : FILE_SIZE;
    status->st_uid = getuid();
    status->st_gid = getgid();
    return 0;
}

static int open_slow(const char *path, struct fuse_file_info *file)
{
    file->direct_io = strstr(path, MAPPED) == NULL;
    return 0;
}

static int read_slow(const char *path, char *buffer, size_t size, off_t offset,
                     struct fuse_file_info *file)
{
    (void)file;
    if (is_disk(path)) {
        memcpy(buffer, disk->content + offset, size);
        return (int)size;
    }
    sleep_ms(WAIT_MS);
    memset(buffer, 'x', size);
    return (int)size;
}

static int write_slow(const char *path, const char *buffer, size_t size, off_t offset,
                      struct fuse_file_info *file)
{
    (void)file;
    if (is_disk(path))
        memcpy(disk->content + offset, buffer, size);
    if (!is_disk(path) || atomic_exchange(&disk->is_slow, 0))
        sleep_ms(WAIT_MS);
    return (int)size;
}

static int sync_slow(const char *path, int is_data_only, struct fuse_file_info *file)
{
    (void)is_data_only, (void)file;
    if (!is_disk(path))
        sleep_ms(WAIT_MS);
    return 0;
}

static int allocate_slow(const char *path, int mode, off_t offset, off_t size,
                         struct fuse_file_info *file)
{
    (void)mode, (void)offset, (void)size, (void)file;
    if (is_disk(path))
        return -EOPNOTSUPP;
    sleep_ms(WAIT_MS);
    return 0;
}

static int truncate_slow(const char *path, off_t size, struct fuse_file_info *file)
{
    (void)path, (void)size, (void)file;
    sleep_ms(WAIT_MS);
    return 0;
}

static int unlink_slow(const char *path)
{
    (void)path;
    sleep_ms(WAIT_MS);
    return 0;
}

static int rename_slow(const char *from, const char *to, unsigned flags)
{
    (void)from, (void)to, (void)flags;
    sleep_ms(WAIT_MS);
    return 0;
}

static ssize_t copy_slow(const char *from, struct fuse_file_info *from_file, off_t from_offset,
                         const char *to, struct fuse_file_info *to_file, off_t to_offset,
                         size_t size, int flags)
{
    (void)from, (void)from_file, (void)from_offset;
    (void)to, (void)to_file, (void)to_offset, (void)flags;
    sleep_ms(WAIT_MS);
    return (ssize_t)size;
}

static int control_slow(const char *path, unsigned command, void *argument,
                        struct fuse_file_info *file, unsigned flags, void *data)
{
    (void)command, (void)argument, (void)file, (void)flags, (void)data;
    if (is_disk(path))
        return -ENOTTY;
    sleep_ms(WAIT_MS);
    return 0;
}

/* A file that is deleted while it is open is not to be renamed instead. */
static void *set_up(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->hard_remove = 1;
    return NULL;
}

static const struct fuse_operations slow = {
    .init = set_up,
    .getattr = get_attributes,
    .open = open_slow,
    .read = read_slow,
    .write = write_slow,
    .fsync = sync_slow,
    .fallocate = allocate_slow,
    .truncate = truncate_slow,
    .unlink = unlink_slow,
    .rename = rename_slow,
    .copy_file_range = copy_slow,
    .ioctl = control_slow,
};

static char mount_point[] = "/tmp/ctrace-waits-XXXXXX";

/* However this program ends, what root mounts here ends with it, and with it the loop device. */
static void keep_mounts_to_ourselves(void)
{
    if (unshare(CLONE_NEWNS) == 0)
        require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
}

/* Mounts it and serves it until SIGTERM; writes a byte to `mounted` when it is there. */
static int serve(int mounted)
{
    char *words[] = {(char *)"slow", NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, words);

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct fuse *fuse = fuse_new(&args, &slow, sizeof slow, NULL);
    if (fuse == NULL || fuse_mount(fuse, mount_point) != 0)
        return 1;
    fuse_set_signal_handlers(fuse_get_session(fuse));
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, SERVERS);
    require(write(mounted, "x", 1) == 1, "write");
    fuse_loop_mt(fuse, config);
    fuse_unmount(fuse);
    return 0;
}

/* The process that serves; 0 where mounting is not allowed. */
static pid_t start_server(void)
{
    char byte;
    int ends[2];

    require(pipe(ends) == 0, "pipe");
    pid_t server = fork();
    require(server >= 0, "fork");
    if (server == 0)
        _exit(serve(ends[1]));
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        return server;
    waitpid(server, NULL, 0);
    return 0;
}

/* ---- The file system inside, where this may be mounted. ---- */

static char inner_mount_point[] = "/tmp/ctrace-disk-XXXXXX";
static int inner_fd = -1; /* of a file there */

static int tool_succeeds(const char *const *words)
{
    int status;
    pid_t tool = fork();

    require(tool >= 0, "fork");
    if (tool == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        execvp(words[0], (char *const *)words);
        _exit(127);
    }
    require(waitpid(tool, &status, 0) == tool, "waitpid");
    return status == 0;
}

static void mount_disk(void)
{
    char image[sizeof mount_point + sizeof DISK];
    char file[sizeof inner_mount_point + 8];

    snprintf(image, sizeof image, "%s%s", mount_point, DISK);
    require(mkdtemp(inner_mount_point) != NULL, "mkdtemp");
    if (!tool_succeeds((const char *[]){"mke2fs", "-q", "-F", "-t", "ext2", image, NULL}) ||
        !tool_succeeds((const char *[]){"mount", "-o", "loop", image, inner_mount_point, NULL}))
        return;
    snprintf(file, sizeof file, "%s/file", inner_mount_point);
    inner_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(inner_fd >= 0, "open");
}

static void unmount_disk(void)
{
    if (inner_fd >= 0) {
        close(inner_fd);
        tool_succeeds((const char *[]){"umount", inner_mount_point, NULL});
    }
    rmdir(inner_mount_point);
}

/* ---- The calls. ---- */

struct file {
    char path[64];
    int fd;
    char *mapped; /* its first page */
};

static struct file *open_named(const char *name)
{
    static atomic_int count;
    struct file *file = calloc(1, sizeof *file);

    snprintf(file->path, sizeof file->path, "%s/%s%d", mount_point, name,
             atomic_fetch_add(&count, 1));
    file->fd = open(file->path, O_RDWR | O_CLOEXEC);
    require(file->fd >= 0, "open");
    return file;
}

static void *begin_file(void)
{
    return open_named("file");
}

static void *begin_mapped(void)
{
    struct file *file = open_named(MAPPED);

    file->mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    require(file->mapped != MAP_FAILED, "mmap");
    return file;
}

static int fd_of(void *file)
{
    return ((struct file *)file)->fd;
}

static int wait_pread(void *file)
{
    char byte;

    return pread(fd_of(file), &byte, 1, 0) == 1;
}

static int wait_pwrite(void *file)
{
    return pwrite(fd_of(file), "x", 1, 0) == 1;
}

static int wait_preadv(void *file)
{
    char byte;

    return preadv(fd_of(file), &(struct iovec){&byte, 1}, 1, 0) == 1;
}

static int wait_pwritev(void *file)
{
    char byte = 'x';

    return pwritev(fd_of(file), &(struct iovec){&byte, 1}, 1, 0) == 1;
}

static int wait_writev(void *file)
{
    char byte = 'x';

    return writev(fd_of(file), &(struct iovec){&byte, 1}, 1) == 1;
}

static int wait_fsync(void *file)
{
    return fsync(fd_of(file)) == 0;
}

static int wait_fdatasync(void *file)
{
    return fdatasync(fd_of(file)) == 0;
}

static int wait_fallocate(void *file)
{
    return fallocate(fd_of(file), 0, 0, FILE_SIZE) == 0;
}

static int wait_posix_fallocate(void *file)
{
    return posix_fallocate(fd_of(file), 0, FILE_SIZE) == 0;
}

static int wait_ftruncate(void *file)
{
    return ftruncate(fd_of(file), FILE_SIZE) == 0;
}

static int wait_ioctl(void *file)
{
    return ioctl(fd_of(file), _IO('c', 1)) == 0;
}

static int wait_unlink(void *file)
{
    return unlink(((struct file *)file)->path) == 0;
}

static int wait_rename(void *file)
{
    char other[sizeof mount_point + 8];

    snprintf(other, sizeof other, "%s/other", mount_point);
    return rename(((struct file *)file)->path, other) == 0;
}

static int wait_copy_file_range(void *file)
{
    off64_t from = 0, to = FILE_SIZE / 2;

    return copy_file_range(fd_of(file), &from, fd_of(file), &to, 1, 0) == 1;
}

static void run_msync(struct scenario *scenario)
{
    struct file *file = begin_mapped();

    for (int i = 0; i < REPEATS; i++) {
        file->mapped[0]++;
        MEASURED(scenario, msync(file->mapped, 4096, MS_SYNC) == 0);
    }
}

static void run_sync_file_range(struct scenario *scenario)
{
    struct file *file = begin_mapped();

    for (int i = 0; i < REPEATS; i++) {
        file->mapped[0]++;
        MEASURED(scenario,
                 sync_file_range(file->fd, 0, 4096,
                                 SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    }
}

/* Something is to be written out, and takes its time: once, so it is for one of them at a time. */
static void run_on_disk(struct scenario *scenario, int (*write_out)(void))
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    for (int i = 0; i < REPEATS && inner_fd >= 0; i++) {
        pthread_mutex_lock(&lock);
        require(pwrite(inner_fd, "x", 1, 0) == 1, "pwrite");
        atomic_store(&disk->is_slow, 1);
        MEASURED(scenario, write_out());
        pthread_mutex_unlock(&lock);
    }
}

static int write_out_all(void)
{
    sync();
    return 1;
}

static int write_out_one(void)
{
    return syncfs(inner_fd) == 0;
}

static void run_sync(struct scenario *scenario)
{
    run_on_disk(scenario, write_out_all);
}

static void run_syncfs(struct scenario *scenario)
{
    run_on_disk(scenario, write_out_one);
}

#define ON_FILE(n, o, w)                                                       \
    {                                                                          \
        .name = n, .op = o, .class = "syscall", .begin = begin_file, .wait = w \
    }

static struct scenario scenarios[] = {
    ON_FILE("pread", "pread", wait_pread),
    ON_FILE("pwrite", "pwrite", wait_pwrite),
    ON_FILE("preadv", "preadv", wait_preadv),
    ON_FILE("pwritev", "pwritev", wait_pwritev),
    ON_FILE("writev", "writev", wait_writev),
    ON_FILE("fsync", "fsync", wait_fsync),
    ON_FILE("fdatasync", "fdatasync", wait_fdatasync),
    ON_FILE("fallocate", "fallocate", wait_fallocate),
    ON_FILE("posix_fallocate", "fallocate", wait_posix_fallocate),
    ON_FILE("ftruncate", "ftruncate", wait_ftruncate),
    ON_FILE("ioctl", "ioctl", wait_ioctl),
    ON_FILE("unlink", "unlink", wait_unlink),
    ON_FILE("rename", "rename", wait_rename),
    ON_FILE("copy_file_range", "copy_file_range", wait_copy_file_range),
    {.name = "msync", .op = "msync", .class = "syscall", .run = run_msync},
    {.name = "sync_file_range",
     .op = "sync_file_range",
     .class = "syscall",
     .run = run_sync_file_range},
    {.name = "sync", .op = "sync", .class = "syscall", .run = run_sync},
    {.name = "syncfs", .op = "syncfs", .class = "syscall", .run = run_syncfs},
};

int main(void)
{
    int count = sizeof scenarios / sizeof *scenarios;

    disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(disk != MAP_FAILED, "mmap");
    keep_mounts_to_ourselves();
    require(mkdtemp(mount_point) != NULL, "mkdtemp");
    pid_t server = start_server();
    if (server != 0) {
        mount_disk();
        run_scenarios(scenarios, count);
        unmount_disk();
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    } else {
        print_answers(scenarios, count);
    }
    rmdir(mount_point);
    return 0;
}
