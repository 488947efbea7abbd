#include "collect/index.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

/* Somebody may be reading it. */
enum { BUSY_MS = 1000 };

#define VERSION 1

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS profiles(folder TEXT NOT NULL, kind TEXT NOT NULL,"
    " level INTEGER NOT NULL, from_s INTEGER NOT NULL, until_s INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY(folder, kind));"
    "CREATE INDEX IF NOT EXISTS profiles_by_time ON profiles(from_s);"
    "CREATE TABLE IF NOT EXISTS gaps(from_s INTEGER NOT NULL, until_s INTEGER NOT NULL,"
    " kind TEXT NOT NULL, why TEXT NOT NULL);"
    "PRAGMA user_version = " G_STRINGIFY(VERSION) ";";

struct ct_index {
    const struct ct_archive *archive; /* borrowed */
    sqlite3 *database;                /* owned */
    gboolean is_newer;                /* than we know */
};

/* ---- SQL ---- */

/* A value of a statement: a text, or a number if there is none. */
struct value {
    const char *text;
    gint64 number;
};

/* Without its rows. `result`: the first value of the first, if there is any. */
static gboolean ask(struct ct_index *index, const char *sql, const struct value *values, int count,
                    gint64 *result)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(index->database, sql, -1, &statement, NULL);

    for (int i = 0; code == SQLITE_OK && i < count; i++)
        code = values[i].text
                   ? sqlite3_bind_text(statement, i + 1, values[i].text, -1, SQLITE_STATIC)
                   : sqlite3_bind_int64(statement, i + 1, values[i].number);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && result)
        *result = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static gboolean run(struct ct_index *index, const char *sql)
{
    return sqlite3_exec(index->database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- What it holds ---- */

static guint64 size_of(const struct ct_index *index, const char *folder, const char *kind)
{
    g_autofree char *file = g_strconcat(kind, ".pb.gz", NULL);
    g_autofree char *path = g_build_filename(ct_archive_path(index->archive), folder, file, NULL);
    GStatBuf status;

    return g_stat(path, &status) == 0 ? (guint64)status.st_size : 0;
}

static gboolean add_kinds(struct ct_index *index, const char *folder, guint level, gint64 from_s,
                          gint64 until_s)
{
    g_auto(GStrv) kinds = ct_archive_kinds(index->archive, folder);

    for (char **kind = kinds; *kind; kind++) {
        const struct value values[] = {
            {.text = folder},
            {.text = *kind},
            {.number = ct_rotation_length_s(level)},
            {.number = from_s},
            {.number = until_s},
            {.number = (gint64)size_of(index, folder, *kind)},
        };

        if (!ask(index, "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?, ?, ?)", values,
                 G_N_ELEMENTS(values), NULL))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_index_remove(struct ct_index *index, const char *folder)
{
    const struct value value = {.text = folder};

    return !index || ask(index, "DELETE FROM profiles WHERE folder = ?", &value, 1, NULL);
}

gboolean ct_index_add(struct ct_index *index, const char *folder, guint level, gint64 from_s,
                      gint64 until_s)
{
    if (!index)
        return TRUE;
    gboolean is_good = run(index, "BEGIN") && ct_index_remove(index, folder) &&
                       add_kinds(index, folder, level, from_s, until_s);

    return run(index, is_good ? "COMMIT" : "ROLLBACK") && is_good;
}

gboolean ct_index_add_gap(struct ct_index *index, const struct ct_index_gap *gap, gint64 join_s)
{
    const struct value values[] = {
        {.number = gap->from_s}, {.number = gap->until_s},         {.text = gap->kind},
        {.text = gap->why},      {.number = gap->from_s - join_s},
    };

    if (!index)
        return TRUE;
    return ask(index,
               "UPDATE gaps SET until_s = max(until_s, ?2)"
               " WHERE kind = ?3 AND why = ?4 AND until_s >= ?5 AND from_s <= ?1",
               values, 5, NULL) &&
           (sqlite3_changes(index->database) > 0 ||
            ask(index, "INSERT INTO gaps VALUES (?, ?, ?, ?)", values, 4, NULL));
}

gboolean ct_index_forget(struct ct_index *index, gint64 before_s)
{
    const struct value value = {.number = before_s};

    return !index || ask(index, "DELETE FROM gaps WHERE until_s < ?", &value, 1, NULL);
}

gint64 ct_index_known_until_s(struct ct_index *index)
{
    gint64 until_s = 0;

    if (index)
        ask(index,
            "SELECT max(coalesce((SELECT max(until_s) FROM profiles), 0),"
            " coalesce((SELECT max(until_s) FROM gaps WHERE kind = ''), 0))",
            NULL, 0, &until_s);
    return until_s;
}

/* ---- Its begin ---- */

/* What the folders have that it does not know, as far as their names say. */
static gboolean take_folders(struct ct_index *index)
{
    const GArray *folders = ct_archive_folders(index->archive);

    for (guint i = 0; i < folders->len; i++) {
        const struct ct_rotation_folder *folder =
            &g_array_index(folders, struct ct_rotation_folder, i);
        const struct value value = {.text = folder->name};
        gint64 count = 0;

        if (!ask(index, "SELECT count(*) FROM profiles WHERE folder = ?", &value, 1, &count) ||
            (count == 0 && !add_kinds(index, folder->name, folder->level, folder->from_s,
                                      folder->from_s + ct_rotation_length_s(folder->level))) ||
            !ask(index, "INSERT OR IGNORE INTO there VALUES (?)", &value, 1, NULL))
            return FALSE;
    }
    return TRUE;
}

static gboolean catch_up(struct ct_index *index)
{
    gboolean is_good =
        run(index, "BEGIN") && run(index, "CREATE TEMP TABLE there(folder TEXT PRIMARY KEY)") &&
        take_folders(index) && run(index, "DELETE FROM profiles WHERE folder NOT IN there") &&
        run(index, "DROP TABLE there");

    return run(index, is_good ? "COMMIT" : "ROLLBACK") && is_good;
}

static gboolean begin(struct ct_index *index, const char *path)
{
    gint64 version = 0;

    if (sqlite3_open(path, &index->database) != SQLITE_OK)
        return FALSE;
    sqlite3_busy_timeout(index->database, BUSY_MS);
    /* What a lost power takes of it is made anew from the folders. */
    if (!run(index, "PRAGMA synchronous = NORMAL") ||
        !ask(index, "PRAGMA user_version", NULL, 0, &version))
        return FALSE;
    index->is_newer = version > VERSION;
    return !index->is_newer && run(index, schema) && catch_up(index);
}

/* Not because somebody reads it, or the disk is full: then it is not the database's fault. */
static gboolean is_broken(const struct ct_index *index)
{
    int code = sqlite3_errcode(index->database);

    return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR;
}

struct ct_index *ct_index_open(const struct ct_archive *archive, GError **error)
{
    struct ct_index *index = g_new0(struct ct_index, 1);
    g_autofree char *path = g_build_filename(ct_archive_path(archive), CT_INDEX_FILE, NULL);
    g_autofree char *aside = g_strconcat(path, ".broken", NULL);

    index->archive = archive;
    if (begin(index, path))
        return index;
    if (is_broken(index) && g_rename(path, aside) == 0) {
        sqlite3_close(index->database);
        if (begin(index, path))
            return index;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot keep %s: %s", path,
                index->is_newer ? "a newer ctrace made it" : sqlite3_errmsg(index->database));
    ct_index_free(index);
    return NULL;
}

void ct_index_free(struct ct_index *index)
{
    if (!index)
        return;
    sqlite3_close(index->database);
    g_free(index);
}
