// The installed header of libzip as a Swift module, with the macros that are not imported as constants.
#ifndef REELAY_CLIBZIP_SHIM_H
#define REELAY_CLIBZIP_SHIM_H

#include <zip.h>

enum {
    reelay_zip_guess_name = ZIP_FL_ENC_GUESS,
    reelay_zip_utf8_name = ZIP_FL_ENC_UTF_8,
    reelay_zip_unix = ZIP_OPSYS_UNIX,
};

#endif
