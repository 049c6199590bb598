// The installed header of libnghttp2 as a Swift module. Nothing is declared here: the library's unnumbered functions
// (mem_recv, mem_send, submit_response) take plain pointers and lengths, so Swift can call them directly.
#ifndef REELAY_CNGHTTP2_SHIM_H
#define REELAY_CNGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

#endif
