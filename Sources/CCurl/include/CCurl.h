// libcurl behind functions that Swift can call: its own setopt and getinfo are variadic, and their argument types depend
// on the option. Here is one function for each shape of argument, and an enumeration of the options of that shape, so
// that a wrong type does not compile. <curl/curl.h> stays out of sight.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

typedef struct ccurl_easy ccurl_easy;
typedef struct ccurl_multi ccurl_multi;
typedef struct ccurl_share ccurl_share;
typedef struct ccurl_list ccurl_list;

#define CCURL_ENUM(name) enum __attribute__((enum_extensibility(closed))) name

// MARK: the library

// Initialises OpenSSL without its atexit handler, which would free what a transfer may still use, then libcurl.
// Not thread-safe: call it once. Returns a CURLcode.
int ccurl_global_init(void);

// The text of a CURLcode; static memory.
const char *ccurl_easy_text(int code);

// The text of a CURLMcode; static memory.
const char *ccurl_multi_text(int code);

// The version of the loaded libcurl as 0xXXYYZZ.
uint32_t ccurl_version(void);

// How a CURLcode is to be read; the numbers behind the names never change (curl's ABI promise).
typedef CCURL_ENUM(CCurlFailure){
    CCurlFailureRequest,     // the URL cannot be used
    CCurlFailureProxy,       // the proxy does not resolve or refused
    CCurlFailureNameResolution,         // the name does not resolve
    CCurlFailureConnect,     // no TCP connection
    CCurlFailureSecurity,         // no TLS
    CCurlFailureTimeout,     // a deadline passed
    CCurlFailureTransfer,    // connected, then sending, receiving or the answer failed
    CCurlFailureCallback,    // a callback of ours stopped it
    CCurlFailureLocal,       // memory, options, anything of this machine
} CCurlFailure;

CCurlFailure ccurl_classify(int code);

// MARK: easy handles

// The longest text that libcurl writes to the error buffer, its end included.
size_t ccurl_error_buffer_size(void);

ccurl_easy *ccurl_easy_init(void);
void ccurl_easy_cleanup(ccurl_easy *easy);

// What a body callback says.
typedef CCURL_ENUM(CCurlWriteResult){
    CCurlWriteResultTaken,   // the bytes were copied
    CCurlWriteResultPause,   // none was taken: offer them again after ccurl_easy_resume
    CCurlWriteResultAbort,   // end the transfer
} CCurlWriteResult;

// Called on the thread that drives the multi handle; all only copy and return.
typedef struct ccurl_callbacks {
    void *context;
    // Bytes of the body.
    CCurlWriteResult (*body)(void *context, const void *bytes, size_t count);
    // One header line with its end; zero ends the transfer.
    int (*header)(void *context, const void *bytes, size_t count);
    // A connection is there and the request is about to be sent on it; zero ends the transfer.
    int (*will_send)(void *context);
    // Whether a connection may be made to an address, given as inet_ntop writes it; zero refuses it.
    int (*may_connect)(void *context, const char *address);
    // Copies the next bytes of a mail to `bytes`, at most `room`, and returns how many; zero at its end.
    size_t (*read)(void *context, void *bytes, size_t room);
    // Set when a TLS handshake begins: libcurl's own times tell TCP and TLS apart only when both are done.
    int has_begun_tls;
} ccurl_callbacks;

// Sets the callbacks; the table must outlive the handle.
int ccurl_easy_set_callbacks(ccurl_easy *easy, ccurl_callbacks *callbacks);

// Options that never change here: no signals, HTTP/1.1 to http and https only, paths as they are, keepalive, no
// redirects, no waiting for resolver threads, no proxy answers among the headers, and an error buffer that must
// outlive the handle.
int ccurl_easy_set_defaults(ccurl_easy *easy, char *error_buffer);

// Makes a handle of its own kind, which can no longer be used for HTTP: it sends a mail by SMTP, with TLS by STARTTLS
// where the server offers it or, when it is required, not at all without.
int ccurl_easy_set_mail(ccurl_easy *easy, ccurl_callbacks *callbacks, int requires_tls);

// Options that take a long.
typedef CCURL_ENUM(CCurlLongOption){
    CCurlLongOptionConnectTimeoutMilliseconds,
    CCurlLongOptionTimeoutMilliseconds,
    CCurlLongOptionMaxIdleSeconds,
    CCurlLongOptionMaxLifetimeSeconds,
    CCurlLongOptionFreshConnect,
    CCurlLongOptionForbidReuse,
    CCurlLongOptionVerifyPeer,
    CCurlLongOptionVerifyHost,
    CCurlLongOptionNoBody,
    CCurlLongOptionGet,
    CCurlLongOptionPost,
    CCurlLongOptionReplySeconds,   // how long a mail server may take for one reply
} CCurlLongOption;

int ccurl_easy_set_long(ccurl_easy *easy, CCurlLongOption option, long value);

// Options that take a string, which libcurl copies; NULL restores the default.
typedef CCURL_ENUM(CCurlStringOption){
    CCurlStringOptionTargetURL,
    CCurlStringOptionMethod,
    CCurlStringOptionAcceptEncoding,   // "" asks for all that this libcurl can undo, NULL for none
    CCurlStringOptionProxy,            // "" is none, also when the environment names one
    CCurlStringOptionAuthorityPath,
    CCurlStringOptionUserName,
    CCurlStringOptionPassword,
    CCurlStringOptionMailSender,
} CCurlStringOption;

int ccurl_easy_set_string(ccurl_easy *easy, CCurlStringOption option, const char *value);

// Options that take a list, which must outlive the transfer.
typedef CCURL_ENUM(CCurlListOption){
    CCurlListOptionHeader,
    CCurlListOptionConnectTo,
    CCurlListOptionMailRecipients,
} CCurlListOption;

int ccurl_easy_set_list(ccurl_easy *easy, CCurlListOption option, ccurl_list *list);

// Options that take PEM from memory, which is not copied and must outlive the handle.
typedef CCURL_ENUM(CCurlBlobOption){
    CCurlBlobOptionAuthority,
    CCurlBlobOptionCertificate,
    CCurlBlobOptionKey,
} CCurlBlobOption;

int ccurl_easy_set_blob(ccurl_easy *easy, CCurlBlobOption option, const void *bytes, size_t count);

// The body to send, which libcurl copies; NULL frees the copy. It makes the request a POST; a method set apart is kept.
int ccurl_easy_set_body(ccurl_easy *easy, const void *bytes, int64_t count);

// The connection and TLS sessions to use.
int ccurl_easy_set_share(ccurl_easy *easy, ccurl_share *share);

// Goes on with a transfer that a body callback paused.
int ccurl_easy_resume(ccurl_easy *easy);

// Facts that are a long; negative when libcurl does not say.
typedef CCURL_ENUM(CCurlLongInfo){
    CCurlLongInfoNewConnections,
    CCurlLongInfoProxyStatus,
    CCurlLongInfoErrno,
} CCurlLongInfo;

long ccurl_easy_get_long(ccurl_easy *easy, CCurlLongInfo info);

// Facts that are microseconds since the start; zero when that did not happen.
typedef CCURL_ENUM(CCurlTimeInfo){
    CCurlTimeInfoResolved,
    CCurlTimeInfoConnected,
    CCurlTimeInfoSecured,
    CCurlTimeInfoFirstByte,
    CCurlTimeInfoTotal,
} CCurlTimeInfo;

int64_t ccurl_easy_get_time(ccurl_easy *easy, CCurlTimeInfo info);

// The built-in file of trusted certificates; NULL when there is none. Belongs to the handle.
const char *ccurl_easy_system_authority_file(ccurl_easy *easy);

// MARK: lists

// Appends a copy of `line` and returns the list's head, NULL when memory is short (`list` is untouched then).
ccurl_list *ccurl_list_append(ccurl_list *list, const char *line);
void ccurl_list_free(ccurl_list *list);

// MARK: shares

// Holds connections and TLS sessions for handles of one thread (so there are no locks).
ccurl_share *ccurl_share_init(void);
void ccurl_share_cleanup(ccurl_share *share);

// MARK: multi handles

// A multi handle that keeps at most one unused connection in each share; NULL when memory or descriptors are short.
ccurl_multi *ccurl_multi_init(void);
void ccurl_multi_cleanup(ccurl_multi *multi);
int ccurl_multi_add(ccurl_multi *multi, ccurl_easy *easy);
int ccurl_multi_remove(ccurl_multi *multi, ccurl_easy *easy);
int ccurl_multi_perform(ccurl_multi *multi);

// Waits for work, a wake-up or the end of the time.
int ccurl_multi_poll(ccurl_multi *multi, int milliseconds);

// Ends the current or next poll; the only call that other threads may make.
int ccurl_multi_wakeup(ccurl_multi *multi);

// The next handle that is done, with its CURLcode; NULL when there is none.
ccurl_easy *ccurl_multi_next_done(ccurl_multi *multi, int *code);

#endif
