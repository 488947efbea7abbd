/* ctrace recover: finishes a recording whose recorder was killed. */
#include "home.h"
#include "messages.h"
#include "options.h"
#include "options/parse.h"
#include "output.h"
#include "shed.h"
#include "sigbus.h"
#include "summary.h"

#include <signal.h>

#define USAGE_STATUS 2

/* TRUE if the recording can be read now. An error if nothing was done. */
static gboolean recover(const char *name, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(name, NULL);
    struct ct_recording *recording = NULL;
    struct ct_private_mounts mounts = CT_NO_PRIVATE_MOUNTS;
    gboolean is_readable = FALSE;

    /* First: a directory that is locked is no wonder while its recorder lives. */
    struct ct_session_directory *directory = ct_session_directory_adopt(path, error);
    struct ct_output *output = directory != NULL && ct_home_hide_others(&mounts, error)
                                   ? ct_output_open(path, error)
                                   : NULL;
    if (output != NULL)
        recording = ct_recording_adopt(output, directory, error);
    else if (directory != NULL)
        ct_session_directory_keep(directory);
    if (recording != NULL) {
        is_readable = ct_summary_finish(recording, -1) && !ct_recording_is_unfinished(recording);
        ct_recording_free(recording);
    }
    ct_output_free(output);
    return is_readable;
}

int main(int argc, char **argv)
{
    ct_shed_preloads(argv);
    gboolean wants_version = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) arguments = g_strdupv(argv);
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &wants_version, "Print the version and exit", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, NULL, "[DIR]"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    (void)argc;
    ct_messages_init();
    ct_sigbus_survive(NULL);
    g_set_prgname("ctrace recover");
    g_option_context_set_summary(
        context, "Finishes the recording in DIR (" CT_DEFAULT_OUTPUT ") whose recorder was killed: "
                 "stops tracing and\nadds the stacks, threads and open waits, without which it "
                 "cannot be read.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!ct_options_parse(context, entries, &arguments, &error) ||
        (directories != NULL && directories[0] != NULL && directories[1] != NULL)) {
        ct_message("ctrace recover: %s",
                   error != NULL ? error->message : "only one directory can be given");
        ct_message("Try: ctrace recover --help");
        return USAGE_STATUS;
    }
    if (wants_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN); /* the session daemon may go away while it is spoken to */
    if (recover(directories != NULL ? directories[0] : CT_DEFAULT_OUTPUT, &error))
        return 0;
    if (error != NULL)
        ct_message("ctrace recover: %s", error->message);
    return 1;
}
