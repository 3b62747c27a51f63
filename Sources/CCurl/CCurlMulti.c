#include "CCurl.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

// curl_multi_perform looks at every transfer each time, and a fleet has hundreds of watches that are silent. So libcurl is
// told which socket has news instead: what a request costs does not depend on how many others are open.

#define NANOSECONDS_PER_SECOND 1000000000LL
#define NANOSECONDS_PER_MILLISECOND 1000000LL
#define EVENTS_AT_ONCE 64

struct ccurl_multi {
    CURLM *handle;
    int epoll;
    // Readable when another thread wants the poll to end.
    int wake;
    // When libcurl wants to be called, in nanoseconds of the monotonic clock; below zero, not at all.
    int64_t deadline;
    // What the latest poll has found, until it is performed.
    struct epoll_event events[EVENTS_AT_ONCE];
    int count;
    // A socket that could not be watched: nobody would ever hear of it again.
    bool isBlind;
};

static int64_t now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NANOSECONDS_PER_SECOND + time.tv_nsec;
}

static int watch(ccurl_multi *multi, int socket, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = socket};
    if (epoll_ctl(multi->epoll, EPOLL_CTL_MOD, socket, &event) == 0) return 0;
    return errno == ENOENT ? epoll_ctl(multi->epoll, EPOLL_CTL_ADD, socket, &event) : -1;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *unused) {
    ccurl_multi *multi = context;
    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE) {
        // It is not there when the socket was closed already.
        (void)epoll_ctl(multi->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    uint32_t events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    // A failure told to libcurl would end the multi handle for ever.
    if (watch(multi, socket, events) != 0) multi->isBlind = true;
    return 0;
}

static int on_timer(CURLM *handle, long milliseconds, void *context) {
    ccurl_multi *multi = context;
    (void)handle;
    multi->deadline = milliseconds < 0 ? -1 : now() + (int64_t)milliseconds * NANOSECONDS_PER_MILLISECOND;
    return 0;
}

static bool configure(ccurl_multi *multi) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = multi->wake};
    return multi->handle != NULL && multi->epoll >= 0 && multi->wake >= 0
        && epoll_ctl(multi->epoll, EPOLL_CTL_ADD, multi->wake, &event) == 0
        && curl_multi_setopt(multi->handle, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK
        && curl_multi_setopt(multi->handle, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK
        && curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK
        && curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi) == CURLM_OK
        && curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK
        && curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi) == CURLM_OK;
}

ccurl_multi *ccurl_multi_init(void) {
    ccurl_multi *multi = calloc(1, sizeof(ccurl_multi));
    if (multi == NULL) return NULL;
    multi->deadline = -1;
    multi->handle = curl_multi_init();
    multi->epoll = epoll_create1(EPOLL_CLOEXEC);
    multi->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (configure(multi)) return multi;
    ccurl_multi_cleanup(multi);
    return NULL;
}

void ccurl_multi_cleanup(ccurl_multi *multi) {
    // It fails only for a bad handle; it may call `on_socket`, so the rest goes afterwards.
    if (multi->handle != NULL) (void)curl_multi_cleanup(multi->handle);
    if (multi->epoll >= 0) (void)close(multi->epoll);
    if (multi->wake >= 0) (void)close(multi->wake);
    free(multi);
}

int ccurl_multi_add(ccurl_multi *multi, ccurl_easy *easy) { return (int)curl_multi_add_handle(multi->handle, (CURL *)easy); }

int ccurl_multi_remove(ccurl_multi *multi, ccurl_easy *easy) {
    return (int)curl_multi_remove_handle(multi->handle, (CURL *)easy);
}

static CURLMcode act(ccurl_multi *multi, const struct epoll_event *event) {
    // Already heard by the poll.
    if (event->data.fd == multi->wake) return CURLM_OK;
    int running = 0;
    int mask = ((event->events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0)
        | ((event->events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) | ((event->events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
    return curl_multi_socket_action(multi->handle, event->data.fd, mask, &running);
}

int ccurl_multi_perform(ccurl_multi *multi) {
    CURLMcode code = CURLM_OK;
    int running = 0;
    // An event may be about a socket that an earlier one of them has closed: libcurl ignores that.
    for (int i = 0; i < multi->count && code == CURLM_OK; i++) code = act(multi, &multi->events[i]);
    multi->count = 0;
    if (code == CURLM_OK && multi->deadline >= 0 && multi->deadline <= now()) {
        multi->deadline = -1;
        code = curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (code == CURLM_OK && multi->isBlind) code = CURLM_OUT_OF_MEMORY;
    multi->isBlind = false;
    return (int)code;
}

int ccurl_multi_poll(ccurl_multi *multi, int milliseconds) {
    int64_t wait = milliseconds < 0 ? 0 : milliseconds;
    if (multi->deadline >= 0) {
        // Rounded up: waking up too early would be for nothing.
        int64_t left = (multi->deadline - now() + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND;
        if (left < wait) wait = left < 0 ? 0 : left;
    }
    int count = epoll_wait(multi->epoll, multi->events, EVENTS_AT_ONCE, (int)wait);
    multi->count = count > 0 ? count : 0;
    for (int i = 0; i < multi->count; i++) {
        if (multi->events[i].data.fd != multi->wake) continue;
        // Here, before whoever polls looks for what it was woken for: read later, it would take the next wake-up away.
        uint64_t wakes;
        // That there is nothing to read means that it was read already.
        ssize_t size = read(multi->wake, &wakes, sizeof(wakes));
        (void)size;
    }
    return count < 0 && errno != EINTR ? (int)CURLM_UNRECOVERABLE_POLL : (int)CURLM_OK;
}

int ccurl_multi_wakeup(ccurl_multi *multi) {
    uint64_t one = 1;
    // A counter that is full wakes the poll as well.
    return write(multi->wake, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN ? 0 : (int)CURLM_WAKEUP_FAILURE;
}

ccurl_easy *ccurl_multi_next_done(ccurl_multi *multi, int *code) {
    int remaining = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi->handle, &remaining)) != NULL) {
        // There is one kind of message today.
        if (message->msg != CURLMSG_DONE) continue;
        *code = (int)message->data.result;
        return (ccurl_easy *)message->easy_handle;
    }
    return NULL;
}
