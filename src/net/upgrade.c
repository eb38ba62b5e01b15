/* upgrade.c - may this request become a WebSocket connection? (RFC 6455 section 4.2 and PROTOCOL.md) */
#include "net_priv.h"

#include "admission.h"
#include "origin.h"

#include <string.h>
#include <strings.h>

enum {
    MAX_LIST_CHARS = 126,       /* of the subprotocols; lws takes no more */
    MAX_FORWARDED_CHARS = 2048, /* of X-Forwarded-For and Forwarded */
    KEY_CHARS = 24,             /* base64 of 16 bytes */
    FULL_RETRY_S = 5,
};

/* Is `token` an element of the comma-separated list? */
static bool list_has(const char *list, const char *token, bool any_case) {
    size_t length = strlen(token);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t element = strcspn(list, ", \t");
        if (element == length && (any_case ? strncasecmp(list, token, length) == 0 : strncmp(list, token, length) == 0))
            return true;
        list += element;
    }
    return false;
}

/* Does the request offer our subprotocol, or none? */
static bool subprotocol_fits(struct lws *wsi) {
    char list[MAX_LIST_CHARS + 1];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) == 0)
        return true;
    return http_header(wsi, WSI_TOKEN_PROTOCOL, list, sizeof list) && list_has(list, ws_protocol_name, false);
}

static bool key_fits(struct lws *wsi) {
    char key[KEY_CHARS + 1];
    return http_header(wsi, WSI_TOKEN_KEY, key, sizeof key) && strlen(key) == KEY_CHARS &&
           strcmp(key + KEY_CHARS - 2, "==") == 0;
}

static bool connection_fits(struct lws *wsi) {
    char list[MAX_LIST_CHARS + 1];
    return http_header(wsi, WSI_TOKEN_CONNECTION, list, sizeof list) && list_has(list, "upgrade", true);
}

static bool origin_fits(struct conn *conn, struct lws *wsi) {
    char origin[MAX_HOST_CHARS + 16];
    char host[MAX_HOST_CHARS + 8];
    if (!http_has_header(wsi, WSI_TOKEN_ORIGIN))
        return true;
    bool has_host = http_header(wsi, WSI_TOKEN_HOST, host, sizeof host);
    return http_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) &&
           origin_allowed(origin, has_host ? host : NULL, conn->net->options.allowed_origins);
}

/* The one Forwarded line; "" if there are several, of which lws shows only the first: that may be the client's, and the
 * proxy's the last. NULL if there is none. False if it is too long. */
static bool read_forwarded(const struct conn *conn, struct lws *wsi, char *buffer, int size, const char **list) {
    static const char name[] = "forwarded:";
    int length = lws_hdr_custom_length(wsi, name, sizeof name - 1);
    *list = NULL;
    if (length < 0 && conn->tap.forwarded == 0)
        return true;
    *list = buffer;
    buffer[0] = '\0';
    if (conn->tap.forwarded != 1 || length <= 0)
        return true;
    return lws_hdr_custom_copy(wsi, buffer, size, name, sizeof name - 1) > 0;
}

/* Several lines of X-Forwarded-For are one list. NULL if there is none. False if it is too long. */
static bool read_x_forwarded_for(struct lws *wsi, char *buffer, int size, const char **list) {
    *list = NULL;
    if (!http_has_header(wsi, WSI_TOKEN_X_FORWARDED_FOR))
        return true;
    *list = buffer;
    buffer[0] = '\0';
    return lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) == 0 ||
           http_header(wsi, WSI_TOKEN_X_FORWARDED_FOR, buffer, size);
}

/* Whose request is it, as far as the limits go? False if its proxy says more than we read: what is cut off would be the
 * part that the proxy wrote. A header that is there, whatever it says, keeps the client from speaking through the
 * other. */
static bool client_key(const struct conn *conn, struct lws *wsi, uint64_t *key) {
    struct net_address peer = {0};
    const struct net *net = conn->net;
    if (http_peer(wsi, &peer) && address_trusted(&peer, net->trusted, net->trusted_count)) {
        char buffer[MAX_FORWARDED_CHARS];
        const char *listed;
        const char *forwarded = NULL;
        if (!read_x_forwarded_for(wsi, buffer, sizeof buffer, &listed) ||
            (listed == NULL && !read_forwarded(conn, wsi, buffer, sizeof buffer, &forwarded)))
            return false;
        peer = address_client(peer, net->trusted, net->trusted_count, listed, forwarded);
    }
    *key = address_key(&peer);
    return true;
}

/* Is there a place for it? Otherwise the request is answered. */
static bool admit(struct conn *conn, struct lws *wsi) {
    struct net *net = conn->net;
    uint64_t key;
    uint32_t retry_ms = 0;
    char headers[64];
    if (!client_key(conn, wsi, &key)) {
        http_refuse(wsi, 400, "", "The list of proxies is too long.\n");
        return false;
    }
    switch (admission_enter(net->options.admission, key, (int64_t)(uv_hrtime() / 1000), &retry_ms)) {
    case ADMITTED:
        conn->address_key = key;
        conn->phase = CONN_ADMITTED;
        wiretap_granted(&conn->tap);
        return true;
    case ADMISSION_FULL:
        net_count_refused(net, REFUSED_FULL);
        snprintf(headers, sizeof headers, "Retry-After: %d\r\n", FULL_RETRY_S);
        http_refuse(wsi, 503, headers, "This server is full. Try again later.\n");
        return false;
    case ADMISSION_CROWD:
    case ADMISSION_HASTE:
        net_count_refused(net, REFUSED_ADDRESS);
        snprintf(headers, sizeof headers, "Retry-After: %u\r\n", (retry_ms + 999) / 1000);
        http_refuse(wsi, 429, headers, "Too many connections from your address. Try again later.\n");
        return false;
    }
    return false;
}

bool upgrade_check(struct conn *conn, struct lws *wsi, const char *protocol) {
    char version[8];
    char *path;
    int path_length;
    int method = lws_http_get_uri_and_method(wsi, &path, &path_length);
    bool known_version = http_header(wsi, WSI_TOKEN_VERSION, version, sizeof version) && strcmp(version, "13") == 0;
    if (conn->internal || method < 0 || strcmp(path, "/ws") != 0) {
        http_refuse(wsi, 404, "", "Not found. WebSocket is spoken at /ws.\n");
    } else if (strcasecmp(protocol, "websocket") != 0) {
        http_refuse(wsi, 400, "", "The only upgrade here is to websocket.\n");
    } else if (method != LWSHUMETH_GET) {
        http_refuse(wsi, 405, "Allow: GET\r\n", "Method not allowed.\n");
    } else if (!connection_fits(wsi) || !key_fits(wsi) || lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0) {
        http_refuse(wsi, 400, "", "Not a WebSocket handshake (RFC 6455 section 4.1).\n");
    } else if (!known_version) {
        http_refuse(wsi, 426, "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n", "WebSocket version 13 only.\n");
    } else if (!origin_fits(conn, wsi)) {
        net_count_refused(conn->net, REFUSED_ORIGIN);
        http_refuse(wsi, 403, "", "Pages of this origin may not connect.\n");
    } else if (!subprotocol_fits(wsi)) {
        http_refuse(wsi, 400, "", "The subprotocol here is passerby.v1.\n");
    } else {
        return admit(conn, wsi);
    }
    return false;
}
