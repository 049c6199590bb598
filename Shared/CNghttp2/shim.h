// The installed header of libnghttp2 as a Swift module. Nothing is declared here: the library's un-numbered
// functions (mem_recv, mem_send, submit_response) carry plain pointers and lengths, which Swift can call as they are.
#ifndef REELAY_CNGHTTP2_SHIM_H
#define REELAY_CNGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

#endif
