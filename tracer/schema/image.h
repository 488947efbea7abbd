/*
 * Whether an executable file will load the preload library, found out as the kernel will: what
 * decides is the file's interpreter, or its interpreter's. Of recorder and preload. Nothing is
 * allocated, and all that is called is async-signal-safe; who includes it says by CT_IMAGE_SYSCALL
 * how system calls are made.
 */
#ifndef CTRACE_SCHEMA_IMAGE_H
#define CTRACE_SCHEMA_IMAGE_H

#include "board.h"
#include "obstacles.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As the kernel reads a file's beginning, and follows interpreters that are scripts. */
#define CT_IMAGE_HEAD_SIZE        256
#define CT_IMAGE_MAX_INTERPRETERS 5

/* More segments than any real program has; so many are read at a time. */
#define CT_IMAGE_MAX_SEGMENTS     256
#define CT_IMAGE_SEGMENTS_AT_ONCE 4

/* What of an ELF file matters. */
struct ct_image_elf {
    char loader[CT_LOADER_SIZE]; /* the dynamic loader that it asks for; "" if none */
    bool is_go;                  /* built by Go's compiler, if that was asked for */
};

/* Go's linker leaves a note of its own with the build's id. */
static inline bool ct_image_is_go_note(int fd, const ElfW(Phdr) * segment)
{
    static const char owner[] = "Go";
    struct {
        ElfW(Nhdr) header;
        char name[sizeof(owner)];
    } note;

    return CT_IMAGE_SYSCALL(SYS_pread64, fd, &note, sizeof(note), segment->p_offset) ==
               (long)sizeof(note) &&
           note.header.n_namesz >= sizeof(owner) && memcmp(note.name, owner, sizeof(owner)) == 0;
}

static inline void ct_image_read_segment(int fd, const ElfW(Phdr) * segment, bool asks_for_go,
                                         struct ct_image_elf *elf)
{
    if (segment->p_type == PT_NOTE && asks_for_go)
        elf->is_go = elf->is_go || ct_image_is_go_note(fd, segment);
    if (segment->p_type != PT_INTERP || segment->p_filesz >= sizeof(elf->loader) ||
        elf->loader[0] != '\0')
        return;
    long size =
        CT_IMAGE_SYSCALL(SYS_pread64, fd, elf->loader, segment->p_filesz, segment->p_offset);
    elf->loader[size > 0 ? size : 0] = '\0';
}

/* Of an ELF file that our own machine runs, by its header. False: it cannot be read. */
static inline bool ct_image_read_elf(int fd, const ElfW(Ehdr) * header, bool asks_for_go,
                                     struct ct_image_elf *elf)
{
    ElfW(Phdr) segments[CT_IMAGE_SEGMENTS_AT_ONCE];

    *elf = (struct ct_image_elf){.is_go = false};
    if (header->e_phentsize != sizeof(segments[0]) || header->e_phnum > CT_IMAGE_MAX_SEGMENTS)
        return false;
    for (unsigned i = 0; i < header->e_phnum && (asks_for_go || elf->loader[0] == '\0'); i++) {
        unsigned at = i % CT_IMAGE_SEGMENTS_AT_ONCE;
        if (at == 0 &&
            CT_IMAGE_SYSCALL(SYS_pread64, fd, segments, sizeof(segments),
                             header->e_phoff + i * sizeof(segments[0])) < (long)sizeof(segments[0]))
            return false;
        ct_image_read_segment(fd, &segments[at], asks_for_go, elf);
    }
    return true;
}

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static inline bool ct_image_is_elf(const char *head, size_t size)
{
    return size >= sizeof(ElfW(Ehdr)) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* Word size, order of bytes and machine are those of the file that this is a part of. */
static inline bool ct_image_is_of_own_machine(const ElfW(Ehdr) * header)
{
    return header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
           header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
           header->e_machine == __ehdr_start.e_machine;
}

/*
 * The C library that we are built for has its loader under several names, and is installed in
 * several places by some systems, but nobody else's has the last part of its name.
 */
static inline bool ct_image_is_loader(const char *loader, const char *own_loader)
{
    const char *name = strrchr(loader, '/');
    const char *own_name = strrchr(own_loader, '/');

    return own_name == NULL || (name != NULL && strcmp(name, own_name) == 0);
}

/* The kernel will say AT_SECURE, and the loader not load what anybody wishes. */
static inline bool ct_image_is_privileged(int fd)
{
    struct stat status;
    struct statfs place;
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (fstat(fd, &status) != 0)
        return false;
    bool has_capabilities = getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
    bool is_setid = (status.st_mode & (S_ISUID | S_ISGID)) != 0;
    if ((has_capabilities || is_setid) &&
        CT_IMAGE_SYSCALL(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 0 &&
        fstatfs(fd, &place) == 0 && (place.f_flags & ST_NOSUID) == 0) {
        if (has_capabilities)
            return true;
        if (status.st_mode & S_ISUID)
            uid = status.st_uid;
        if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
            gid = status.st_gid;
    }
    return uid != getuid() || gid != getgid();
}

/* The interpreter that a script's first line names, in `head` itself; or NULL. */
static inline char *ct_image_interpreter(char *head)
{
    if (head[0] != '#' || head[1] != '!')
        return NULL;
    char *start = head + 2 + strspn(head + 2, " \t");
    start[strcspn(start, " \t\n")] = '\0';
    return start[0] != '\0' ? start : NULL;
}

/* Its length; terminated. */
static inline size_t ct_image_read_head(int fd, char head[CT_IMAGE_HEAD_SIZE])
{
    long size = CT_IMAGE_SYSCALL(SYS_pread64, fd, head, CT_IMAGE_HEAD_SIZE - 1, 0);

    head[size > 0 ? size : 0] = '\0';
    return size > 0 ? (size_t)size : 0;
}

static inline int ct_image_open(const char *path)
{
    return (int)CT_IMAGE_SYSCALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/*
 * What keeps the library, which was built for `own_loader`, out of an image of this file; NONE also
 * if that is not known. Closes `fd`. The head is aligned for an ELF header.
 */
static inline enum ct_obstacle ct_image_find_obstacle(int fd, const char *own_loader)
{
    union {
        char bytes[CT_IMAGE_HEAD_SIZE];
        ElfW(Ehdr) elf;
    } head;
    enum ct_obstacle obstacle = CT_OBSTACLE_NONE;
    struct ct_image_elf elf;

    for (int i = 0; i <= CT_IMAGE_MAX_INTERPRETERS && fd >= 0; i++) {
        size_t size = ct_image_read_head(fd, head.bytes);
        const char *interpreter = ct_image_interpreter(head.bytes);
        if (interpreter != NULL) {
            CT_IMAGE_SYSCALL(SYS_close, fd);
            fd = ct_image_open(interpreter);
            continue;
        }
        if (!ct_image_is_elf(head.bytes, size))
            break;
        if (ct_image_is_privileged(fd))
            obstacle = CT_OBSTACLE_PRIVILEGED;
        else if (!ct_image_is_of_own_machine(&head.elf))
            obstacle = CT_OBSTACLE_OTHER_MACHINE;
        else if (ct_image_read_elf(fd, &head.elf, false, &elf))
            obstacle = elf.loader[0] == '\0'                         ? CT_OBSTACLE_STATIC
                       : !ct_image_is_loader(elf.loader, own_loader) ? CT_OBSTACLE_OTHER_LOADER
                                                                     : CT_OBSTACLE_NONE;
        break;
    }
    if (fd >= 0)
        CT_IMAGE_SYSCALL(SYS_close, fd);
    return obstacle;
}

#endif
