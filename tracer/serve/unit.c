#include "serve/unit.h"

#include <string.h>

/* In folders that systemd makes for the agent alone. That of a drop-in is no RuntimeDirectory: the
 * service may have one, which would become mode 0700, too. */
#define LISTEN         "unix:%t/%p/socket"
#define LISTEN_DROP_IN "unix:%C/%p-ctrace/socket"

/* The same of what is written. Where the unit is printed it could not, or not by its user. */
#define FOLDER         "%S/%p"
#define FOLDER_DROP_IN "%C/%p-ctrace"

#define STATE "StateDirectory=%p\nStateDirectoryMode=0700\n"

/* As systemd.service(5) wants a word of ExecStart=. */
static void append_word(GString *line, const char *word)
{
    gboolean is_plain =
        *word && strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-./:=,@+") == strlen(word);

    if (line->len > 0)
        g_string_append_c(line, ' ');
    if (!is_plain)
        g_string_append_c(line, '"');
    for (const char *at = word; *at; at++) {
        if (*at == '%' || *at == '$')
            g_string_append_c(line, *at);
        if (*at == '"' || *at == '\\')
            g_string_append_c(line, '\\');
        if ((guchar)*at < ' ' || *at == '\x7f')
            g_string_append_printf(line, "\\x%02x", (guchar)*at);
        else
            g_string_append_c(line, *at);
    }
    if (!is_plain)
        g_string_append_c(line, '"');
}

static void append_words(GString *line, const char *const *words)
{
    for (; words && *words; words++)
        append_word(line, *words);
}

static gboolean listens(const char *const *options)
{
    for (; options && *options; options++)
        if (g_str_has_prefix(*options, "--listen="))
            return TRUE;
    return FALSE;
}

static void append_folders(GString *line, const struct ct_unit_request *request)
{
    const char *folder = request->program ? FOLDER_DROP_IN : FOLDER;

    if (request->wants_profiles)
        g_string_append_printf(line, " --dir=%s/profiles", folder);
    if (request->wants_flight)
        g_string_append_printf(line, " --flight-dir=%s/flight", folder);
}

static char *command_of(const struct ct_unit_request *request)
{
    GString *line = g_string_new(NULL);

    append_word(line, request->ctrace);
    append_word(line, "serve");
    append_words(line, request->options);
    if (!listens(request->options))
        g_string_append_printf(line, " --listen=%s", request->program ? LISTEN_DROP_IN : LISTEN);
    append_folders(line, request);
    for (const char *const *word = request->words; word && *word; word++) {
        append_word(line, "-p");
        append_word(line, *word);
    }
    if (request->program)
        append_word(line, "--");
    append_words(line, request->program);
    return g_string_free(line, FALSE);
}

char *ct_unit_text(const struct ct_unit_request *request)
{
    g_autofree char *command = command_of(request);

    if (request->program)
        return g_strdup_printf("# A drop-in for the service: systemctl edit NAME.service\n"
                               "# Then: curl --unix-socket /var/cache/NAME-ctrace/socket "
                               "http://localhost/debug/pprof/\n"
                               "[Service]\n"
                               "CacheDirectory=%%p-ctrace\n"
                               "CacheDirectoryMode=0700\n"
                               "# With Type=notify, the program says when it is ready:\n"
                               "NotifyAccess=all\n"
                               "ExecStart=\n"
                               "ExecStart=%s\n",
                               command);
    return g_strdup_printf(
        "# A unit of its own: /etc/systemd/system/ctrace-serve.service\n"
        "# Then: curl --unix-socket /run/ctrace-serve/socket http://localhost/debug/pprof/\n"
        "[Unit]\n"
        "Description=Profiles of running programs, for go tool pprof\n"
        "Documentation=man:ctrace-serve(1)\n"
        "\n"
        "[Service]\n"
        "Type=notify\n"
        "RuntimeDirectory=%%p\n"
        "RuntimeDirectoryMode=0700\n"
        "%s"
        "ExecStart=%s\n"
        "Restart=on-failure\n"
        "ProtectSystem=full\n"
        "%s"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n",
        request->wants_profiles || request->wants_flight ? STATE : "", command,
        request->has_folder ? "" : "ProtectHome=read-only\n");
}
