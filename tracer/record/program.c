#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the kernel reads a script's first line. */
#define HEAD_SIZE 256

/* A script's interpreter may be a script, so often. */
#define MAX_INTERPRETERS 4

/* More segments than any real program has. */
#define MAX_SEGMENTS 256

static gboolean fail(GError **error, int code, const char *path, const char *why)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "cannot run %s: %s", path,
                why);
    return FALSE;
}

/* The path of an interpreter that a script names, or NULL. */
static char *script_interpreter(const char *head, size_t size)
{
    g_autofree char *line = g_strndup(head, size);

    if (!g_str_has_prefix(line, "#!"))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t")] = '\0';
    return g_strdup(start);
}

/* Does the file ask for a dynamic loader? Only that knows LD_PRELOAD. */
static gboolean is_dynamic(int fd)
{
    ElfW(Ehdr) header;

    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
        header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum > MAX_SEGMENTS)
        return FALSE;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        ElfW(Phdr) segment;
        off_t offset = (off_t)(header.e_phoff + i * sizeof(segment));
        if (pread(fd, &segment, sizeof(segment), offset) == sizeof(segment) &&
            segment.p_type == PT_INTERP)
            return TRUE;
    }
    return FALSE;
}

static const char *invisible_elf(int fd, const char *head, const struct stat *status)
{
    int own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

    if (head[EI_CLASS] != own_class)
        return "is built for another word size than ctrace";
    if (!is_dynamic(fd))
        return "is statically linked";
    if ((status->st_mode & S_ISUID && status->st_uid != geteuid()) ||
        (status->st_mode & S_ISGID && status->st_gid != getegid()))
        return "is setuid or setgid, and the loader ignores LD_PRELOAD for those";
    return NULL;
}

/* Looks at the file, and at its interpreter if it is a script. */
static gboolean inspect(const char *path, int depth, struct ct_program *program, GError **error)
{
    struct stat status;
    char head[HEAD_SIZE] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gboolean is_ok = TRUE;

    if (fd < 0) /* executable but not readable is no error */
        return TRUE;
    ssize_t size = read(fd, head, sizeof(head) - 1);
    g_autofree char *interpreter = script_interpreter(head, size > 0 ? (size_t)size : 0);
    if (size >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0 && fstat(fd, &status) == 0) {
        const char *why = invisible_elf(fd, head, &status);
        if (why != NULL)
            program->warning = g_strdup_printf("%s %s: the preload sees nothing of it", path, why);
    } else if (interpreter == NULL) {
        is_ok = fail(error, ENOEXEC, path, "it is neither an ELF program nor a script with #!");
    } else if (access(interpreter, X_OK) != 0) {
        g_autofree char *why =
            g_strdup_printf("its interpreter %s: %s", interpreter, g_strerror(errno));
        is_ok = fail(error, errno, path, why);
    } else if (depth < MAX_INTERPRETERS) {
        is_ok = inspect(interpreter, depth + 1, program, error);
    }
    close(fd);
    return is_ok;
}

gboolean ct_program_find(const char *name, struct ct_program *program, int *exit_status,
                         GError **error)
{
    struct stat status;

    *program = (struct ct_program){0};
    *exit_status = CT_EXIT_NOT_FOUND;
    program->path = strchr(name, '/') != NULL ? g_strdup(name) : g_find_program_in_path(name);
    if (program->path == NULL)
        return fail(error, ENOENT, name, "no such program in PATH");
    if (stat(program->path, &status) != 0)
        return fail(error, errno, name, g_strerror(errno));
    *exit_status = CT_EXIT_NOT_EXECUTABLE;
    if (S_ISDIR(status.st_mode))
        return fail(error, EISDIR, name, "it is a directory");
    if (access(program->path, X_OK) != 0)
        return fail(error, errno, name,
                    errno == EACCES ? "it is not executable (chmod +x?)" : g_strerror(errno));
    return inspect(program->path, 0, program, error);
}

void ct_program_clear(struct ct_program *program)
{
    g_free(program->path);
    g_free(program->warning);
}
