#include "CCurl.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

// libcurl says which descriptors and which time it waits for, and is told of those that are ready: the cost of a round
// is that of what is ready. curl_multi_perform would ask the system about the descriptor of every transfer each time.
struct ccurl_multi {
    CURLM *multi;
    int epoll;
    int wakeup;
    // When libcurl wants to be called, in nanoseconds of CLOCK_MONOTONIC; negative for never.
    int64_t due;
    int ready_count;
    struct epoll_event ready[64];
};

static int64_t now(void) {
    struct timespec time;
    // It fails only for an unknown clock or a bad pointer.
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int on_timer(CURLM *handle, long milliseconds, void *context) {
    (void)handle;
    ccurl_multi *multi = context;
    multi->due = milliseconds < 0 ? -1 : now() + (int64_t)milliseconds * 1000000;
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t descriptor, int interest, void *context, void *unused) {
    (void)easy;
    (void)unused;
    ccurl_multi *multi = context;
    struct epoll_event event = {.data.fd = descriptor};
    if (interest == CURL_POLL_REMOVE) {
        // A descriptor that was closed before has left by itself.
        (void)epoll_ctl(multi->epoll, EPOLL_CTL_DEL, descriptor, &event);
        return 0;
    }
    if (interest & CURL_POLL_IN) event.events |= EPOLLIN;
    if (interest & CURL_POLL_OUT) event.events |= EPOLLOUT;
    // What libcurl thinks to be new may be known under its number, and the other way round.
    if (epoll_ctl(multi->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0) return 0;
    if (errno == EEXIST && epoll_ctl(multi->epoll, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    return -1;
}

static bool set_up(ccurl_multi *multi) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = multi->wakeup};
    return multi->multi != NULL && multi->epoll >= 0 && multi->wakeup >= 0
        && epoll_ctl(multi->epoll, EPOLL_CTL_ADD, multi->wakeup, &event) == 0
        && curl_multi_setopt(multi->multi, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK
        && curl_multi_setopt(multi->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK
        && curl_multi_setopt(multi->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK
        && curl_multi_setopt(multi->multi, CURLMOPT_SOCKETDATA, multi) == CURLM_OK
        && curl_multi_setopt(multi->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK
        && curl_multi_setopt(multi->multi, CURLMOPT_TIMERDATA, multi) == CURLM_OK;
}

ccurl_multi *ccurl_multi_init(void) {
    ccurl_multi *multi = calloc(1, sizeof(ccurl_multi));
    if (multi == NULL) return NULL;
    multi->due = -1;
    multi->multi = curl_multi_init();
    multi->epoll = epoll_create1(EPOLL_CLOEXEC);
    multi->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set_up(multi)) return multi;
    ccurl_multi_cleanup(multi);
    return NULL;
}

void ccurl_multi_cleanup(ccurl_multi *multi) {
    // It fails only for a bad handle; it calls back for what it closes.
    if (multi->multi != NULL) (void)curl_multi_cleanup(multi->multi);
    if (multi->epoll >= 0) (void)close(multi->epoll);
    if (multi->wakeup >= 0) (void)close(multi->wakeup);
    free(multi);
}

int ccurl_multi_add(ccurl_multi *multi, ccurl_easy *easy) {
    return (int)curl_multi_add_handle(multi->multi, (CURL *)easy);
}

int ccurl_multi_remove(ccurl_multi *multi, ccurl_easy *easy) {
    return (int)curl_multi_remove_handle(multi->multi, (CURL *)easy);
}

// A descriptor that is no longer libcurl's, or another's by now, does no harm: nothing is read but what is there.
static CURLMcode serve(ccurl_multi *multi, const struct epoll_event *event) {
    if (event->data.fd == multi->wakeup) {
        uint64_t count;
        // It fails only when there is nothing to read.
        (void)!read(multi->wakeup, &count, sizeof(count));
        return CURLM_OK;
    }
    int mask = 0, running = 0;
    if (event->events & EPOLLIN) mask |= CURL_CSELECT_IN;
    if (event->events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    // Reading or writing then tells what is wrong.
    if (event->events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
    return curl_multi_socket_action(multi->multi, event->data.fd, mask, &running);
}

int ccurl_multi_perform(ccurl_multi *multi) {
    CURLMcode code = CURLM_OK;
    for (int i = 0; i < multi->ready_count && code == CURLM_OK; i++) code = serve(multi, &multi->ready[i]);
    multi->ready_count = 0;
    if (code != CURLM_OK || multi->due < 0 || multi->due > now()) return (int)code;
    // libcurl sets the next one only when it is another.
    multi->due = -1;
    int running = 0;
    return (int)curl_multi_socket_action(multi->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

int ccurl_multi_poll(ccurl_multi *multi, int milliseconds) {
    if (multi->due >= 0) {
        int64_t left = multi->due - now();
        // Rounded up: it would be called in vain before.
        left = left <= 0 ? 0 : (left + 999999) / 1000000;
        if (left < milliseconds) milliseconds = (int)left;
    }
    int count = epoll_wait(multi->epoll, multi->ready, sizeof(multi->ready) / sizeof(multi->ready[0]), milliseconds);
    multi->ready_count = count < 0 ? 0 : count;
    return (int)(count < 0 && errno != EINTR ? CURLM_INTERNAL_ERROR : CURLM_OK);
}

int ccurl_multi_wakeup(ccurl_multi *multi) {
    uint64_t one = 1;
    // A counter that is full wakes as well.
    return (int)(write(multi->wakeup, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN ? CURLM_OK : CURLM_WAKEUP_FAILURE);
}

ccurl_easy *ccurl_multi_next_done(ccurl_multi *multi, int *code) {
    int remaining = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi->multi, &remaining)) != NULL) {
        // There is one kind of message today.
        if (message->msg != CURLMSG_DONE) continue;
        *code = (int)message->data.result;
        return (ccurl_easy *)message->easy_handle;
    }
    return NULL;
}
