#include "view/server/change.h"

#include "view/notes/notes.h"

#include <string.h>

static gboolean is_json(const char *type)
{
    static const char json[] = "application/json";

    return type && g_ascii_strncasecmp(type, json, strlen(json)) == 0 &&
           (type[strlen(json)] == '\0' || type[strlen(json)] == ';');
}

static guint refuse(guint status, const char *words, const char **why)
{
    *why = words;
    return status;
}

guint ct_view_change_check(const struct ct_view_change *change, const char **why)
{
    if (strcmp(change->name, "api/notes") != 0)
        return refuse(405, "this is only read from: GET or HEAD", why);
    if (!change->origin)
        return refuse(403, "what changes anything is sent by the page, with its origin", why);
    if (!is_json(change->type))
        return refuse(415, "what is sent must be application/json", why);
    if (change->size < 0)
        return refuse(411, "what is sent must say its length", why);
    if (change->size > CT_VIEW_CHANGE_MAX)
        return refuse(413, "what is sent is too large: a note has room for 4,000 bytes", why);
    return 0;
}
