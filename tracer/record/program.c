#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* What of an ELF file matters to us. */
struct elf {
    char *loader; /* owned; the dynamic loader that it asks for, or NULL: only that knows LD_PRELOAD
                   */
    gboolean is_go; /* built by Go's compiler */
};

static void read_loader(int fd, const ElfW(Phdr) * segment, struct elf *elf)
{
    char loader[PATH_MAX] = "";

    if (segment->p_filesz < sizeof(loader) && elf->loader == NULL &&
        pread(fd, loader, segment->p_filesz, (off_t)segment->p_offset) > 0)
        elf->loader = g_strdup(loader);
}

/* Go's linker leaves a note of its own with the build's id. */
static void read_note(int fd, const ElfW(Phdr) * segment, struct elf *elf)
{
    static const char owner[] = "Go";
    struct {
        ElfW(Nhdr) header;
        char name[sizeof(owner)];
    } note;

    if (pread(fd, &note, sizeof(note), (off_t)segment->p_offset) == sizeof(note) &&
        note.header.n_namesz >= sizeof(owner) && memcmp(note.name, owner, sizeof(owner)) == 0)
        elf->is_go = TRUE;
}

static void read_elf(int fd, struct elf *elf)
{
    ElfW(Ehdr) header;

    if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
        header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum > MAX_SEGMENTS)
        return;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        ElfW(Phdr) segment;
        off_t offset = (off_t)(header.e_phoff + i * sizeof(segment));
        if (pread(fd, &segment, sizeof(segment), offset) != sizeof(segment))
            return;
        if (segment.p_type == PT_INTERP)
            read_loader(fd, &segment, elf);
        else if (segment.p_type == PT_NOTE)
            read_note(fd, &segment, elf);
    }
}

static const char *invisible_elf(const struct elf *elf, const char *head, const struct stat *status)
{
    int own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

    if (head[EI_CLASS] != own_class)
        return "is built for another word size than ctrace";
    if (elf->loader == NULL)
        return "is statically linked";
    if (elf->is_go)
        return "is a Go program, and makes its system calls without the C library";
    if ((status->st_mode & S_ISUID && status->st_uid != geteuid()) ||
        (status->st_mode & S_ISGID && status->st_gid != getegid()))
        return "is setuid or setgid, and the loader ignores LD_PRELOAD for those";
    return NULL;
}

static gboolean inspect_elf(const char *path, int fd, const char *head, struct ct_program *program,
                            GError **error)
{
    struct elf elf = {0};
    struct stat status;

    if (fstat(fd, &status) != 0)
        return TRUE;
    read_elf(fd, &elf);
    g_autofree char *loader = elf.loader;
    const char *why = invisible_elf(&elf, head, &status);
    if (why != NULL) {
        program->hidden = g_strdup_printf("%s %s", path, why);
    } else if (loader != NULL && access(loader, F_OK) != 0) {
        /* The kernel would say that the program is not there. */
        g_autofree char *missing = g_strdup_printf("its loader %s: %s", loader, g_strerror(errno));
        return fail(error, errno, path, missing);
    }
    return TRUE;
}

static gboolean inspect(const char *path, int depth, struct ct_program *program, GError **error);

static gboolean inspect_script(const char *path, const char *interpreter, int depth,
                               struct ct_program *program, GError **error)
{
    if (access(interpreter, X_OK) != 0) {
        g_autofree char *why =
            g_strdup_printf("its interpreter %s: %s", interpreter, g_strerror(errno));
        return fail(error, errno, path, why);
    }
    return depth >= MAX_INTERPRETERS || inspect(interpreter, depth + 1, program, error);
}

static const char *hand_to_shell(struct ct_program *program)
{
    GPtrArray *argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_strdup(CT_SHELL));
    g_ptr_array_add(argv, g_steal_pointer(&program->path));
    for (char **argument = program->argv + 1; *argument != NULL; argument++)
        g_ptr_array_add(argv, g_strdup(*argument));
    g_ptr_array_add(argv, NULL);
    g_strfreev(program->argv);
    program->argv = (char **)g_ptr_array_free(argv, FALSE);
    program->path = g_strdup(CT_SHELL);
    return CT_SHELL;
}

/* Looks at the file, and at its interpreter if it is a script. */
static gboolean inspect(const char *path, int depth, struct ct_program *program, GError **error)
{
    char head[HEAD_SIZE] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gboolean is_ok;

    if (fd < 0) /* executable but not readable is no error */
        return TRUE;
    ssize_t count = read(fd, head, sizeof(head) - 1);
    size_t size = count > 0 ? (size_t)count : 0;
    g_autofree char *interpreter = script_interpreter(head, size);
    if (size >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0)
        is_ok = inspect_elf(path, fd, head, program, error);
    else if (interpreter != NULL)
        is_ok = inspect_script(path, interpreter, depth, program, error);
    else if (depth == 0 && memchr(head, '\0', size) == NULL)
        is_ok = inspect(hand_to_shell(program), depth + 1, program, error);
    else
        is_ok = fail(error, ENOEXEC, path, "it is neither an ELF program nor a script");
    close(fd);
    return is_ok;
}

gboolean ct_program_find(char **argv, struct ct_program *program, int *exit_status, GError **error)
{
    const char *name = argv[0];
    struct stat status;

    *program = (struct ct_program){.argv = g_strdupv(argv)};
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

char *ct_program_command_line(char **argv)
{
    GString *line = g_string_new(NULL);

    for (; *argv != NULL; argv++) {
        gboolean is_plain =
            **argv != '\0' && strpbrk(*argv, " \t\n'\"\\$&|;<>()*?[]#~`!{}") == NULL;
        g_autofree char *quoted = is_plain ? g_strdup(*argv) : g_shell_quote(*argv);
        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", quoted);
    }
    return g_string_free(line, FALSE);
}

void ct_program_clear(struct ct_program *program)
{
    g_free(program->path);
    g_strfreev(program->argv);
    g_free(program->hidden);
}
