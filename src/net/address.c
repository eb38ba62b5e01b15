/* address.c - internet addresses, ranges of them, and what proxies say about them. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct net_address *address) {
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static void map_v4(struct net_address *out, const void *four_bytes) {
    memcpy(out->bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(out->bytes + sizeof mapped_prefix, four_bytes, 4);
}

bool address_parse(const char *text, size_t length, struct net_address *out) {
    char copy[INET6_ADDRSTRLEN];
    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    struct in_addr v4;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        map_v4(out, &v4);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

/* Is [at, end) a ':' and a port? */
static bool is_port(const char *at, const char *end) {
    if (at == end || *at != ':' || end - at < 2 || end - at > 6)
        return false;
    for (at++; at < end; at++)
        if (*at < '0' || *at > '9')
            return false;
    return true;
}

bool address_parse_node(const char *text, size_t length, struct net_address *out) {
    const char *end = text + length;
    if (length > 0 && *text == '[') {
        const char *bracket = memchr(text, ']', length);
        if (bracket == NULL || (bracket + 1 != end && !is_port(bracket + 1, end)))
            return false;
        text++;
        /* Brackets are for IPv6 alone. */
        return memchr(text, ':', (size_t)(bracket - text)) != NULL &&
               address_parse(text, (size_t)(bracket - text), out);
    }
    const char *colon = memchr(text, ':', length);
    if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
        if (!is_port(colon, end))
            return false;
        end = colon;
    }
    return address_parse(text, (size_t)(end - text), out);
}

bool address_is_localhost(const struct net_address *address) {
    static const struct net_address v4 = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    static const struct net_address v6 = {{[15] = 1}};
    return memcmp(address, &v4, sizeof v4) == 0 || memcmp(address, &v6, sizeof v6) == 0;
}

bool address_parse_range(const char *text, struct net_range *out) {
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (!address_parse(text, length, &out->base))
        return false;
    bool v4 = is_mapped(&out->base) && memchr(text, ':', length) == NULL;
    unsigned long most = v4 ? 32 : 128;
    unsigned long bits = most;
    if (slash != NULL) {
        char *end;
        if (slash[1] < '0' || slash[1] > '9')
            return false;
        bits = strtoul(slash + 1, &end, 10);
        if (*end != '\0' || bits > most)
            return false;
    }
    out->bits = (uint8_t)(bits + 128 - most);
    return true;
}

bool address_in_range(const struct net_address *address, const struct net_range *range) {
    size_t whole = range->bits / 8;
    if (memcmp(address->bytes, range->base.bytes, whole) != 0)
        return false;
    unsigned rest = range->bits % 8;
    if (rest == 0)
        return true;
    unsigned mask = 0xff00u >> rest & 0xffu;
    return ((address->bytes[whole] ^ range->base.bytes[whole]) & mask) == 0;
}

bool address_from_socket(const struct sockaddr *socket_address, struct net_address *out) {
    if (socket_address->sa_family == AF_INET) {
        map_v4(out, &((const struct sockaddr_in *)(const void *)socket_address)->sin_addr);
        return true;
    }
    if (socket_address->sa_family != AF_INET6)
        return false;
    memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_addr, sizeof out->bytes);
    return true;
}

uint64_t address_key(const struct net_address *address) {
    /* The last eight bytes of a mapped address are 0000ffff and the IPv4 address; as the first eight of an IPv6 address
     * that would be in 0000::/16, which nobody is given. */
    const uint8_t *eight = is_mapped(address) ? address->bytes + 8 : address->bytes;
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | eight[i];
    return key == 0 ? UINT64_MAX : key;
}

bool address_trusted(const struct net_address *address, const struct net_range *trusted, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (address_in_range(address, &trusted[i]))
            return true;
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Cuts the last element off a comma-separated list: *end moves to the comma before it, or to the list's start. Quotes
 * hold commas together (they are opened and closed in pairs, so that walking from the right is as good as from the
 * left). */
static const char *last_element(const char *list, const char **end, size_t *length) {
    const char *at = *end;
    bool quoted = false;
    while (at > list && (quoted || at[-1] != ',')) {
        at--;
        if (*at == '"')
            quoted = !quoted;
    }
    const char *first = at;
    const char *behind = *end;
    *end = at > list ? at - 1 : NULL;
    while (first < behind && is_blank(*first))
        first++;
    while (behind > first && is_blank(behind[-1]))
        behind--;
    *length = (size_t)(behind - first);
    return first;
}

/* The value of `for` in an element of Forwarded, without its quotes; NULL if there is none. */
static const char *forwarded_for(const char *element, size_t *length) {
    const char *end = element + *length;
    while (element < end) {
        while (element < end && (is_blank(*element) || *element == ';'))
            element++;
        bool is_for = end - element > 4 && strncasecmp(element, "for=", 4) == 0;
        const char *semicolon = element;
        bool quoted = false;
        while (semicolon < end && (quoted || *semicolon != ';')) {
            quoted ^= *semicolon == '"';
            semicolon++;
        }
        if (is_for) {
            element += 4;
            while (semicolon > element && is_blank(semicolon[-1]))
                semicolon--;
            if (semicolon - element >= 2 && *element == '"' && semicolon[-1] == '"') {
                element++;
                semicolon--;
            }
            *length = (size_t)(semicolon - element);
            return element;
        }
        element = semicolon;
    }
    return NULL;
}

struct net_address address_client(struct net_address peer, const struct net_range *trusted, size_t trusted_count,
                                  const char *x_forwarded_for, const char *forwarded) {
    const char *list = x_forwarded_for != NULL ? x_forwarded_for : forwarded;
    const char *end = list == NULL ? NULL : list + strlen(list);
    struct net_address client = peer;
    while (end != NULL && address_trusted(&client, trusted, trusted_count)) {
        size_t length;
        const char *node = last_element(list, &end, &length);
        if (x_forwarded_for == NULL)
            node = forwarded_for(node, &length);
        struct net_address next;
        if (node == NULL || !address_parse_node(node, length, &next))
            break;
        client = next;
    }
    return client;
}
