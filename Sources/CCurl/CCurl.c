#include "CCurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define KEEPALIVE_IDLE_SECONDS 30L
#define KEEPALIVE_INTERVAL_SECONDS 10L
#define NAMES_KEPT_SECONDS 10L
#define UNACKNOWLEDGED_MILLISECONDS 30000U

// OpenSSL's headers need not be installed; the value is part of its ABI.
#define OPENSSL_NO_ATEXIT 0x00080000ULL

int ccurl_global_init(void) {
    // libcurl is linked to OpenSSL, so the symbol is there before libcurl uses it; another TLS library has no such handler.
    int (*init)(uint64_t, const void *) = (int (*)(uint64_t, const void *))dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");
    if (init != NULL) init(OPENSSL_NO_ATEXIT, NULL);
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}

const char *ccurl_easy_text(int code) { return curl_easy_strerror((CURLcode)code); }
const char *ccurl_multi_text(int code) { return curl_multi_strerror((CURLMcode)code); }
uint32_t ccurl_version(void) { return curl_version_info(CURLVERSION_NOW)->version_num; }

CCurlFailure ccurl_classify(int code) {
    switch ((CURLcode)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return CCurlFailureRequest;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return CCurlFailureProxy;
    case CURLE_COULDNT_RESOLVE_HOST:
        return CCurlFailureNameResolution;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        return CCurlFailureConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return CCurlFailureSecurity;
    case CURLE_OPERATION_TIMEDOUT:
        return CCurlFailureTimeout;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return CCurlFailureTransfer;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
        return CCurlFailureCallback;
    default:
        return CCurlFailureLocal;
    }
}

size_t ccurl_error_buffer_size(void) { return CURL_ERROR_SIZE; }
ccurl_easy *ccurl_easy_init(void) { return (ccurl_easy *)curl_easy_init(); }
void ccurl_easy_cleanup(ccurl_easy *easy) { curl_easy_cleanup((CURL *)easy); }

static size_t on_body(char *bytes, size_t size, size_t count, void *table) {
    const ccurl_callbacks *callbacks = table;
    // `size` is always 1. A write that takes less than it was offered ends the transfer, and zero bytes are never offered.
    switch (callbacks->body(callbacks->context, bytes, size * count)) {
    case CCurlWriteResultTaken:
        return size * count;
    case CCurlWriteResultPause:
        return CURL_WRITEFUNC_PAUSE;
    case CCurlWriteResultAbort:
        break;
    }
    return 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *table) {
    const ccurl_callbacks *callbacks = table;
    return callbacks->header(callbacks->context, bytes, size * count) ? size * count : 0;
}

static size_t on_read(char *bytes, size_t size, size_t count, void *table) {
    const ccurl_callbacks *callbacks = table;
    return callbacks->read(callbacks->context, bytes, size * count);
}

static int on_will_send(void *table, char *remote, char *local, int remote_port, int local_port) {
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    const ccurl_callbacks *callbacks = table;
    return callbacks->will_send(callbacks->context) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static CURLcode on_tls(CURL *easy, void *context, void *table) {
    (void)easy, (void)context;
    ((ccurl_callbacks *)table)->has_begun_tls = 1;
    return CURLE_OK;
}

// Child processes must not keep connections open, and bytes that nobody acknowledges must end a connection:
// keepalive alone sees only a peer that is silent while nothing is on its way.
static int on_socket(void *context, curl_socket_t socket, curlsocktype purpose) {
    (void)context, (void)purpose;
    unsigned int limit = UNACKNOWLEDGED_MILLISECONDS;
    // Neither call fails on a fresh TCP socket; on any other kind its absence does no harm.
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    return CURL_SOCKOPT_OK;
}

// Asked for each address that the name has, before anything is sent: who may be asked is not the name's to say.
static curl_socket_t on_open(void *table, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    const ccurl_callbacks *callbacks = table;
    char text[NI_MAXHOST];
    if (getnameinfo(&address->addr, (socklen_t)address->addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0
        || !callbacks->may_connect(callbacks->context, text))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(handle, option, value)                                                      \
    do {                                                                                \
        CURLcode set_code = curl_easy_setopt((CURL *)(handle), (option), (value));      \
        if (set_code != CURLE_OK) return (int)set_code;                                 \
    } while (0)

int ccurl_easy_set_callbacks(ccurl_easy *easy, ccurl_callbacks *callbacks) {
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, callbacks);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, callbacks);
    SET(easy, CURLOPT_PREREQFUNCTION, on_will_send);
    SET(easy, CURLOPT_PREREQDATA, callbacks);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(easy, CURLOPT_OPENSOCKETDATA, callbacks);
    SET(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(easy, CURLOPT_SSL_CTX_DATA, callbacks);
    return CURLE_OK;
}

int ccurl_easy_set_defaults(ccurl_easy *easy, char *error_buffer) {
    SET(easy, CURLOPT_ERRORBUFFER, error_buffer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    // Without it the variable no_proxy would take even a proxy away that the caller asked for.
    SET(easy, CURLOPT_NOPROXY, "");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
    SET(easy, CURLOPT_DNS_CACHE_TIMEOUT, NAMES_KEPT_SECONDS);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
    SET(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS);
    SET(easy, CURLOPT_TCP_NODELAY, 1L);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    return CURLE_OK;
}

int ccurl_easy_set_mail(ccurl_easy *easy, ccurl_callbacks *callbacks, int requires_tls) {
    SET(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(easy, CURLOPT_USE_SSL, (long)(requires_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    SET(easy, CURLOPT_UPLOAD, 1L);
    SET(easy, CURLOPT_READFUNCTION, on_read);
    SET(easy, CURLOPT_READDATA, callbacks);
    return CURLE_OK;
}

int ccurl_easy_set_long(ccurl_easy *easy, CCurlLongOption option, long value) {
    static const CURLoption options[] = {
        [CCurlLongOptionConnectTimeoutMilliseconds] = CURLOPT_CONNECTTIMEOUT_MS,
        [CCurlLongOptionTimeoutMilliseconds] = CURLOPT_TIMEOUT_MS,
        [CCurlLongOptionMaxIdleSeconds] = CURLOPT_MAXAGE_CONN,
        [CCurlLongOptionMaxLifetimeSeconds] = CURLOPT_MAXLIFETIME_CONN,
        [CCurlLongOptionFreshConnect] = CURLOPT_FRESH_CONNECT,
        [CCurlLongOptionForbidReuse] = CURLOPT_FORBID_REUSE,
        [CCurlLongOptionVerifyPeer] = CURLOPT_SSL_VERIFYPEER,
        [CCurlLongOptionVerifyHost] = CURLOPT_SSL_VERIFYHOST,
        [CCurlLongOptionNoBody] = CURLOPT_NOBODY,
        [CCurlLongOptionGet] = CURLOPT_HTTPGET,
        [CCurlLongOptionPost] = CURLOPT_POST,
        // Its newer name came with 7.85; the number is the same.
        [CCurlLongOptionReplySeconds] = CURLOPT_FTP_RESPONSE_TIMEOUT,
    };
    SET(easy, options[option], value);
    return CURLE_OK;
}

int ccurl_easy_set_string(ccurl_easy *easy, CCurlStringOption option, const char *value) {
    static const CURLoption options[] = {
        [CCurlStringOptionTargetURL] = CURLOPT_URL,
        [CCurlStringOptionMethod] = CURLOPT_CUSTOMREQUEST,
        [CCurlStringOptionAcceptEncoding] = CURLOPT_ACCEPT_ENCODING,
        [CCurlStringOptionProxy] = CURLOPT_PROXY,
        [CCurlStringOptionAuthorityPath] = CURLOPT_CAPATH,
        [CCurlStringOptionUserName] = CURLOPT_USERNAME,
        [CCurlStringOptionPassword] = CURLOPT_PASSWORD,
        [CCurlStringOptionMailSender] = CURLOPT_MAIL_FROM,
    };
    SET(easy, options[option], value);
    return CURLE_OK;
}

int ccurl_easy_set_list(ccurl_easy *easy, CCurlListOption option, ccurl_list *list) {
    static const CURLoption options[] = {
        [CCurlListOptionHeader] = CURLOPT_HTTPHEADER,
        [CCurlListOptionConnectTo] = CURLOPT_CONNECT_TO,
        [CCurlListOptionMailRecipients] = CURLOPT_MAIL_RCPT,
    };
    SET(easy, options[option], (struct curl_slist *)list);
    return CURLE_OK;
}

int ccurl_easy_set_blob(ccurl_easy *easy, CCurlBlobOption option, const void *bytes, size_t count) {
    static const CURLoption options[] = {
        [CCurlBlobOptionAuthority] = CURLOPT_CAINFO_BLOB,
        [CCurlBlobOptionCertificate] = CURLOPT_SSLCERT_BLOB,
        [CCurlBlobOptionKey] = CURLOPT_SSLKEY_BLOB,
    };
    // libcurl does not write to it; its field only lacks the const.
    struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_NOCOPY};
    SET(easy, options[option], &blob);
    return CURLE_OK;
}

int ccurl_easy_set_body(ccurl_easy *easy, const void *bytes, int64_t count) {
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    SET(easy, CURLOPT_COPYPOSTFIELDS, bytes);
    return CURLE_OK;
}

int ccurl_easy_set_share(ccurl_easy *easy, ccurl_share *share) {
    SET(easy, CURLOPT_SHARE, (CURLSH *)share);
    return CURLE_OK;
}

int ccurl_easy_resume(ccurl_easy *easy) { return (int)curl_easy_pause((CURL *)easy, CURLPAUSE_CONT); }

long ccurl_easy_get_long(ccurl_easy *easy, CCurlLongInfo info) {
    static const CURLINFO infos[] = {
        [CCurlLongInfoNewConnections] = CURLINFO_NUM_CONNECTS,
        [CCurlLongInfoProxyStatus] = CURLINFO_HTTP_CONNECTCODE,
        [CCurlLongInfoErrno] = CURLINFO_OS_ERRNO,
    };
    long value = -1;
    return curl_easy_getinfo((CURL *)easy, infos[info], &value) == CURLE_OK ? value : -1;
}

int64_t ccurl_easy_get_time(ccurl_easy *easy, CCurlTimeInfo info) {
    static const CURLINFO infos[] = {
        [CCurlTimeInfoResolved] = CURLINFO_NAMELOOKUP_TIME_T,
        [CCurlTimeInfoConnected] = CURLINFO_CONNECT_TIME_T,
        [CCurlTimeInfoSecured] = CURLINFO_APPCONNECT_TIME_T,
        [CCurlTimeInfoFirstByte] = CURLINFO_STARTTRANSFER_TIME_T,
        [CCurlTimeInfoTotal] = CURLINFO_TOTAL_TIME_T,
    };
    curl_off_t value = 0;
    return curl_easy_getinfo((CURL *)easy, infos[info], &value) == CURLE_OK ? (int64_t)value : 0;
}

const char *ccurl_easy_system_authority_file(ccurl_easy *easy) {
    char *path = NULL;
    return curl_easy_getinfo((CURL *)easy, CURLINFO_CAINFO, &path) == CURLE_OK ? path : NULL;
}

ccurl_list *ccurl_list_append(ccurl_list *list, const char *line) {
    return (ccurl_list *)curl_slist_append((struct curl_slist *)list, line);
}

void ccurl_list_free(ccurl_list *list) { curl_slist_free_all((struct curl_slist *)list); }

ccurl_share *ccurl_share_init(void) {
    CURLSH *share = curl_share_init();
    if (share == NULL) return NULL;
    if (curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK
        && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK)
        return (ccurl_share *)share;
    // A fresh share has no users, so this cannot fail.
    (void)curl_share_cleanup(share);
    return NULL;
}

void ccurl_share_cleanup(ccurl_share *share) {
    // It fails only while handles use the share; every handle keeps its share alive until it is freed itself.
    (void)curl_share_cleanup((CURLSH *)share);
}
