/* address.h - internet addresses, ranges of them, and what proxies say about them. Pure. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* An IPv6 address, or an IPv4 address in its mapped form (::ffff:a.b.c.d). */
struct net_address {
    uint8_t bytes[16];
};

/* A CIDR range. */
struct net_range {
    struct net_address base;
    uint8_t bits; /* of the 128: an IPv4 /8 is 104 */
};

/* "192.0.2.1", "2001:db8::1"; `length` bytes, no brackets, no port. */
bool address_parse(const char *text, size_t length, struct net_address *out) __attribute__((warn_unused_result));

/* A node of X-Forwarded-For or Forwarded (RFC 7239 section 6): an address, IPv6 with or without brackets, with or
 * without a port. False for "unknown", obfuscated nodes, and garbage. */
bool address_parse_node(const char *text, size_t length, struct net_address *out) __attribute__((warn_unused_result));

/* "10.0.0.0/8", "2001:db8::/32", or a single address. */
bool address_parse_range(const char *text, struct net_range *out) __attribute__((warn_unused_result));

/* 127.0.0.1 or ::1. Not the rest of 127.0.0.0/8: from there a proxy beside us may speak for others (Istio's: 127.0.0.6). */
bool address_is_localhost(const struct net_address *address);

bool address_in_range(const struct net_address *address, const struct net_range *range);

/* Is it in one of the ranges? */
bool address_trusted(const struct net_address *address, const struct net_range *trusted, size_t count);

/* AF_INET and AF_INET6; false for anything else. */
bool address_from_socket(const struct sockaddr *socket_address, struct net_address *out)
    __attribute__((warn_unused_result));

/* What limits per address count by: the whole of an IPv4 address, the /64 of an IPv6 address. Never 0. */
uint64_t address_key(const struct net_address *address);

/* The client behind a peer. If the peer is trusted, the list of X-Forwarded-For (or of Forwarded, when the first is
 * absent; one that is empty is not) is walked from the right, past those that are trusted, to the first that is not;
 * a node that is no address ends the walk at the one before it. Either header may be NULL. */
struct net_address address_client(struct net_address peer, const struct net_range *trusted, size_t trusted_count,
                                  const char *x_forwarded_for, const char *forwarded);

#endif
