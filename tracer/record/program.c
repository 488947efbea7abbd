#include "program.h"

#include "messages.h"
#include "system/own_loader.h"
#include "unpreloaded.h"

#define CT_IMAGE_SYSCALL syscall
#include "schema/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A script's interpreter may be a script, so often. */
#define MAX_INTERPRETERS 4

static gboolean fail(GError **error, int code, const char *path, const char *why)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "cannot run %s: %s", path,
                why);
    return FALSE;
}

static gboolean inspect_elf(const char *path, int fd, const ElfW(Ehdr) * header,
                            struct ct_program *program, GError **error)
{
    char own_loader[CT_LOADER_SIZE];
    struct ct_image_elf elf = {.loader = ""};

    ct_own_loader(own_loader, sizeof(own_loader));
    program->obstacle = ct_image_find_obstacle(dup(fd), own_loader);
    if (ct_image_is_of_own_machine(header))
        ct_image_read_elf(fd, header, true, &elf);
    if (elf.loader[0] != '\0' && access(elf.loader, F_OK) != 0) {
        /* The kernel would say that the program is not there. */
        g_autofree char *missing =
            g_strdup_printf("its loader %s: %s", elf.loader, g_strerror(errno));
        return fail(error, errno, path, missing);
    }
    if (program->obstacle != CT_OBSTACLE_NONE)
        program->why_unpreloaded =
            g_strdup_printf("%s is %s", path, ct_obstacle_words(program->obstacle));
    else if (elf.is_go)
        program->why_unpreloaded = g_strdup_printf(
            "%s is a Go program, and makes its system calls without the C library", path);
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
    union {
        char bytes[CT_IMAGE_HEAD_SIZE];
        ElfW(Ehdr) elf;
    } head;
    int fd = ct_image_open(path);
    gboolean is_ok;

    if (fd < 0) /* executable but not readable is no error */
        return TRUE;
    size_t size = ct_image_read_head(fd, head.bytes);
    const char *interpreter = ct_image_interpreter(head.bytes);
    if (ct_image_is_elf(head.bytes, size))
        is_ok = inspect_elf(path, fd, &head.elf, program, error);
    else if (interpreter != NULL)
        is_ok = inspect_script(path, interpreter, depth, program, error);
    else if (depth == 0 && memchr(head.bytes, '\0', size) == NULL)
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

void ct_program_clear(struct ct_program *program)
{
    g_free(program->path);
    g_strfreev(program->argv);
    g_free(program->why_unpreloaded);
}

void ct_program_tell_unpreloaded(const struct ct_program *program,
                                 struct ct_record_options *options)
{
    if (options->kernel_option == NULL)
        options->kernel.syscalls = TRUE;
    ct_message("ctrace: %s: the preload sees nothing of it%s", program->why_unpreloaded,
               options->kernel.syscalls ? "; its system calls are asked of the kernel"
               : options->kernel.sched  ? "; --kernel=syscalls would show what it waits for"
                                        : "");
}
