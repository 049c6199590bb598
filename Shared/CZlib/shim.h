// The installed header of zlib as a Swift module. Nothing is declared here: what its macros do (inflateInit2) Swift calls
// by the functions behind them.
#ifndef REELAY_CZLIB_SHIM_H
#define REELAY_CZLIB_SHIM_H

#include <zlib.h>

#endif
