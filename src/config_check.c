/* config_check.c - what a single value can't show: forms of addresses, files that must be there, options that belong
 * together. */
#include "config_table.h"

#include "base/memory.h"
#include "base/redis_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_SECRET_CHARS = 16,
    GREATEST_SECRET_CHARS = 4096,
    FRAME_OVERHEAD_BYTES = 256, /* the members of a `msg` around its body */
    GREATEST_HOST_CHARS = 253,  /* RFC 1035 section 2.3.4 */
};

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* Reads all of the text as a number of at most five digits. */
static bool read_number(const char *text, long greatest, long *out) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    *out = strtol(text, NULL, 10);
    return *out <= greatest;
}

static bool is_ip(int family, const char *text) {
    unsigned char bytes[16];
    return inet_pton(family, text, bytes) == 1;
}

/* A host name or an IPv4 address. */
static bool is_name(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length > GREATEST_HOST_CHARS)
        return false;
    if (strspn(text, "0123456789.") == length)
        return is_ip(AF_INET, text);
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("-._", *text) == NULL)
            return false;
    return true;
}

/* Splits "host:port", "[v6]:port", "host" and "[v6]" in place. *port is NULL where there is none. */
static bool split_host(char *text, char **host, char **port, bool *is_v6) {
    *port = NULL;
    *host = text;
    *is_v6 = *text == '[';
    char *end = *is_v6 ? strchr(text, ']') : strchr(text, ':');
    if (*is_v6) {
        if (end == NULL)
            return false;
        *host = text + 1;
        *end++ = '\0';
    }
    if (end == NULL || *end == '\0')
        return true;
    if (*end != ':')
        return false;
    *end = '\0';
    *port = end + 1;
    return true;
}

/* A host with or without a port. */
static bool is_host(const char *text, bool port_needed, bool host_needed) {
    char *copy = memory_string(text);
    char *host, *port;
    bool is_v6;
    long number;
    bool good = split_host(copy, &host, &port, &is_v6);
    if (good && port == NULL)
        good = !port_needed;
    else if (good)
        good = read_number(port, 65535, &number);
    if (good && (host_needed || *host != '\0' || is_v6))
        good = is_v6 ? is_ip(AF_INET6, host) : is_name(host);
    free(copy);
    return good;
}

static bool is_address(const char *text) {
    return is_host(text, true, false);
}

static bool is_origin(const char *text) {
    return strcmp(text, "*") == 0 || is_host(text, false, true);
}

/* "192.0.2.0/24", "2001:db8::/32", or one address. */
static bool is_cidr(const char *text) {
    char *copy = memory_string(text);
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    bool is_v6 = is_ip(AF_INET6, copy);
    long bits;
    bool good = (is_v6 || is_ip(AF_INET, copy)) && (slash == NULL || read_number(slash + 1, is_v6 ? 128 : 32, &bits));
    free(copy);
    return good;
}

static bool check_each(struct config_reader *reader, const struct config_option *option, char *const *list,
                       bool (*is_good)(const char *text), const char *what) {
    for (; *list != NULL; list++)
        if (!is_good(*list))
            return config_complain_of(reader, option, "\"%.80s\" is not %s", *list, what);
    return true;
}

static bool check_addresses(struct config_reader *reader) {
    static const char address[] = "an address; use e.g. 0.0.0.0:8080, [::]:8080 or localhost:8080";
    struct config *config = reader->config;
    if (config->listen[0] == NULL)
        return config_complain_of(reader, &config_options[OPTION_listen], "is empty; use e.g. 0.0.0.0:8080");
    if (config->internal_listen != NULL && strcmp(config->internal_listen, "off") == 0) {
        free(config->internal_listen);
        config->internal_listen = NULL;
    }
    char *const internal[] = {config->internal_listen, NULL};
    return check_each(reader, &config_options[OPTION_listen], config->listen, is_address, address) &&
           check_each(reader, &config_options[OPTION_internal_listen], internal, is_address, address) &&
           check_each(reader, &config_options[OPTION_allowed_origins], config->allowed_origins, is_origin,
                      "a host; use e.g. chat.example.org or chat.example.org:8443, without https://, or *") &&
           check_each(reader, &config_options[OPTION_trusted_proxies], config->trusted_proxies, is_cidr,
                      "a network; use e.g. 10.0.0.0/8 or 2001:db8::/32");
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool check_readable(struct config_reader *reader, const struct config_option *option, const char *path) {
    const size_t greatest_pem_bytes = 1 << 20;
    size_t length;
    char *content = config_file_load(path, greatest_pem_bytes, &length);
    if (content == NULL)
        return config_complain_of(reader, option, "can't read \"%.200s\": %s", path, strerror(errno));
    explicit_bzero(content, length);
    free(content);
    return true;
}

static bool check_tls(struct config_reader *reader) {
    const struct config_option *cert = &config_options[OPTION_tls_cert];
    const struct config_option *key = &config_options[OPTION_tls_key];
    const struct config *config = reader->config;
    if (config->tls_cert == NULL && config->tls_key == NULL)
        return true;
    if (config->tls_key == NULL)
        return config_complain_of(reader, cert, "needs the certificate's key too; use --tls-key");
    if (config->tls_cert == NULL)
        return config_complain_of(reader, key, "needs the key's certificate too; use --tls-cert");
    return check_readable(reader, cert, config->tls_cert) && check_readable(reader, key, config->tls_key);
}

/* Moves what secret_file holds, but for a newline at its end, to secret. */
static bool read_secret_file(struct config_reader *reader) {
    const struct config_option *option = &config_options[OPTION_secret_file];
    struct config *config = reader->config;
    if (config->secret != NULL)
        return config_complain_of(reader, option, "the secret is given twice; use --secret-file or --secret");
    size_t length;
    char *content = config_file_load(config->secret_file, GREATEST_SECRET_CHARS, &length);
    if (content == NULL)
        return config_complain_of(reader, option, "can't read \"%.200s\": %s", config->secret_file, strerror(errno));
    config->secret = content;
    if (length > 0 && content[length - 1] == '\n')
        content[--length] = '\0';
    if (length > 0 && content[length - 1] == '\r')
        content[--length] = '\0';
    if (strlen(content) != length)
        return config_complain_of(reader, option, "\"%.200s\" holds a NUL byte; use text", config->secret_file);
    return true;
}

/* A URL may hold a password: no message quotes it. */
static bool check_redis_url(struct config_reader *reader, const struct config_option *option, const char *text,
                            bool relay) {
    struct redis_url url;
    const char *wrong;
    if (redis_url_parse(text, &url, &wrong))
        wrong = NULL;
    redis_url_fini(&url);
    if (relay && strstr(text, "+sentinel://") != NULL)
        wrong = "a relay keeps nothing that a failover could save; use redis://, rediss:// or unix:";
    return wrong == NULL || config_complain_of(reader, option, "%s", wrong);
}

static bool check_redis(struct config_reader *reader) {
    const struct config *config = reader->config;
    const struct config_option *relay = &config_options[OPTION_redis_relay];
    const struct config_option *ca = &config_options[OPTION_redis_ca];
    if (config->redis == NULL && config->redis_relay[0] != NULL)
        return config_complain_of(reader, relay, "needs a Redis to join the nodes, too; use --redis");
    if (config->redis == NULL && config->redis_ca != NULL)
        return config_complain_of(reader, ca, "needs a Redis to trust; use --redis");
    if (config->redis != NULL && !check_redis_url(reader, &config_options[OPTION_redis], config->redis, false))
        return false;
    for (char *const *url = config->redis_relay; *url != NULL; url++)
        if (!check_redis_url(reader, relay, *url, true))
            return false;
    return config->redis_ca == NULL || check_readable(reader, ca, config->redis_ca);
}

static bool check_secret(struct config_reader *reader) {
    const struct config *config = reader->config;
    bool from_file = config->secret_file != NULL;
    if (from_file && !read_secret_file(reader))
        return false;
    if (config->secret != NULL && strlen(config->secret) < LEAST_SECRET_CHARS)
        return config_complain_of(reader, &config_options[from_file ? OPTION_secret_file : OPTION_secret],
                                  "the secret has %zu characters; use at least %d", strlen(config->secret),
                                  LEAST_SECRET_CHARS);
    if (config->redis != NULL && config->secret == NULL)
        return config_complain_of(
            reader, &config_options[OPTION_redis],
            "all nodes of a cluster need the same secret; make one with \"openssl rand -base64 32\" "
            "and give it to each as PASSERBY_SECRET or --secret-file");
    return true;
}

/* --- limits that depend on each other ----------------------------------------------------------------------------- */

static bool check_limits(struct config_reader *reader) {
    struct config *config = reader->config;
    if (config->max_frame_bytes < config->max_body_bytes + FRAME_OVERHEAD_BYTES)
        return config_complain_of(reader, &config_options[OPTION_max_frame_bytes],
                                  "is too small for --max-body; use at least %zu",
                                  (size_t)config->max_body_bytes + FRAME_OVERHEAD_BYTES);
    if (config->dead_after_ms <= config->ping_interval_ms)
        return config_complain_of(reader, &config_options[OPTION_dead_after_ms],
                                  "is not longer than --ping-interval; use more than %ums", config->ping_interval_ms);
    if (!config->rate_limits)
        config->message_rate = config->find_rate = config->connect_rate = (struct rate){0};
    return true;
}

bool config_check(struct config_reader *reader) {
    return check_addresses(reader) && check_tls(reader) && check_redis(reader) && check_secret(reader) &&
           check_limits(reader);
}
