// The installed header of zlib as a Swift module. Nothing is declared here: instead of its macros (inflateInit2), Swift
// calls the functions behind them.
#ifndef REELAY_CZLIB_SHIM_H
#define REELAY_CZLIB_SHIM_H

#include <zlib.h>

#endif
