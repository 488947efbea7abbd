#include "assemble/version.h"

#include "schema/events.h"
#include "source/error.h"

gboolean ct_is_known_version(uint32_t version)
{
    return version >= CT_SCHEMA_VERSION_MIN && version <= CT_SCHEMA_VERSION_PARTS;
}

gboolean ct_check_version(uint32_t version, GError **error)
{
    if (ct_is_known_version(version))
        return TRUE;
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_VERSION,
                "it was recorded by %s ctrace (format %u, this one reads %d to %d): "
                "read it with the ctrace that recorded it",
                version > CT_SCHEMA_VERSION ? "a newer" : "an older", version,
                CT_SCHEMA_VERSION_MIN, CT_SCHEMA_VERSION_PARTS);
    return FALSE;
}
