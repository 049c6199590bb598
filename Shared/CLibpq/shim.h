// What Swift's Glibc module lacks (epoll, eventfd), and libpq's character macros, which are not imported as constants.
#ifndef REELAY_CLIBPQ_SHIM_H
#define REELAY_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum {
    reelay_diag_severity = PG_DIAG_SEVERITY_NONLOCALIZED,
    reelay_diag_sqlstate = PG_DIAG_SQLSTATE,
    reelay_diag_message = PG_DIAG_MESSAGE_PRIMARY,
    reelay_diag_table = PG_DIAG_TABLE_NAME,
    reelay_diag_constraint = PG_DIAG_CONSTRAINT_NAME,
};

enum {
    reelay_epoll_cloexec = EPOLL_CLOEXEC,
    reelay_eventfd_flags = EFD_CLOEXEC | EFD_NONBLOCK,
    reelay_epoll_in = EPOLLIN,
    reelay_epoll_out = EPOLLOUT,
};

#endif
