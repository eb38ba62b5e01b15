/* healthcheck.c - `passerby healthcheck`: is the node ready? For images without a shell, and for scripts.
 *
 * Plain sockets will do: one request, of which only the status line matters (RFC 9112 section 4). */
#include "passerby/client.h"

#include "arguments.h"
#include "tcp.h"
#include "url.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, USUAL_TIMEOUT_MS = 2000, ADDRESS_CHARS = 300, LINE_CHARS = 256, ERROR_CHARS = 512 };

static const char usage[] = "Usage: passerby healthcheck [URL] [OPTION]...\n"
                            "\n"
                            "Asks a node whether it is ready: the one at URL (http; without a path, /readyz\n"
                            "is meant), or the one on this machine: at the address that --internal-listen,\n"
                            "PASSERBY_INTERNAL_LISTEN or the configuration file names, by default\n"
                            "http://127.0.0.1:9090/readyz.\n";

static const char status_text[] = "Exit status: 0 it answers 200; 1 it does not; 2 the command line is wrong.\n";

struct healthcheck {
    const char *url;
    const char *config_file;
    const char *internal_listen;
    uint32_t timeout_ms;
};

/* What listens on all addresses is asked at the loopback. */
static bool url_of(const char *address, struct url *out, char error[URL_ERROR_CHARS]) {
    const char *port = strrchr(address, ':');
    size_t length = port == NULL ? 0 : (size_t)(port - address);
    char text[ADDRESS_CHARS + 32];
    const char *host = NULL;
    if (length == 0 || strncmp(address, "0.0.0.0:", length + 1) == 0)
        host = "127.0.0.1";
    else if (strncmp(address, "[::]:", length + 1) == 0)
        host = "[::1]";
    if (host == NULL)
        snprintf(text, sizeof text, "http://%s/readyz", address);
    else
        snprintf(text, sizeof text, "http://%s%s/readyz", host, port == NULL ? "" : port);
    return url_read_http(text, out, error);
}

static bool find_url(const struct healthcheck *check, client_address_fn address_of, struct url *out) {
    char error[ERROR_CHARS] = "";
    char address[ADDRESS_CHARS];
    bool found = check->url != NULL ? url_read_http(check->url, out, error)
                                    : address_of(check->config_file, check->internal_listen, address, sizeof address,
                                                 error, sizeof error) &&
                                          url_of(address, out, error);
    if (!found)
        arguments_complain("healthcheck", "%s", error);
    return found;
}

/* Returns 0, or an error number. */
static int send_all(int fd, const char *bytes, size_t length, int64_t until_ms) {
    while (length > 0) {
        int why = tcp_wait(fd, POLLOUT, until_ms);
        if (why != 0)
            return why;
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return errno;
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

/* Reads until the first line is there. Returns 0, or an error number (EPROTO: it ended before). */
static int read_line(int fd, char line[LINE_CHARS], int64_t until_ms) {
    size_t length = 0;
    while (length + 1 < LINE_CHARS) {
        int why = tcp_wait(fd, POLLIN, until_ms);
        if (why != 0)
            return why;
        ssize_t more = recv(fd, line + length, LINE_CHARS - 1 - length, 0);
        if (more < 0 && errno != EAGAIN && errno != EINTR)
            return errno;
        if (more == 0)
            return EPROTO;
        length += more > 0 ? (size_t)more : 0;
        line[length] = '\0';
        if (strchr(line, '\n') != NULL)
            return 0;
    }
    return EPROTO;
}

/* Sends the request on a connected socket. Returns 0 and the first line of the answer, or an error number. */
static int ask(int fd, const struct url *url, char line[LINE_CHARS], int64_t until_ms) {
    char request[URL_PATH_CHARS + URL_HOST_CHARS + 128];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                          url->path, url->authority);
    int why = send_all(fd, request, (size_t)length, until_ms);
    return why != 0 ? why : read_line(fd, line, until_ms);
}

/* Returns the exit status. */
static int check_health(const struct url *url, uint32_t timeout_ms) {
    char error[ERROR_CHARS];
    char line[LINE_CHARS] = "";
    int64_t until_ms = tcp_now_ms() + timeout_ms;
    int fd = tcp_connect(url->host, url->port, until_ms, error, sizeof error);
    if (fd < 0) {
        arguments_complain("healthcheck", "%s", error);
        return EXIT_FAILURE;
    }
    int why = ask(fd, url, line, until_ms);
    close(fd);
    line[strcspn(line, "\r\n")] = '\0';
    const char *status = strncmp(line, "HTTP/1.", 7) == 0 && line[7] != '\0' ? line + 8 : NULL;
    if (why == 0 && status != NULL && strncmp(status, " 200", 4) == 0 && (status[4] == ' ' || status[4] == '\0'))
        return EXIT_SUCCESS;
    if (why != 0 && why != EPROTO)
        arguments_complain("healthcheck", "http://%s%s: %s", url->authority, url->path, strerror(why));
    else if (status == NULL)
        arguments_complain("healthcheck", "http://%s%s: no HTTP is spoken there", url->authority, url->path);
    else
        arguments_complain("healthcheck", "http://%s%s:%s", url->authority, url->path, status);
    return EXIT_FAILURE;
}

int client_healthcheck(int argc, char *const argv[], client_address_fn address) {
    struct healthcheck check = {.timeout_ms = USUAL_TIMEOUT_MS};
    const struct argument rows[] = {
        {ARGUMENT_TIME, "timeout", "TIME", &check.timeout_ms, "Give up after so long. Default: 2s."},
        {ARGUMENT_TEXT, "config", "FILE", &check.config_file, "The configuration file of the node."},
        {ARGUMENT_TEXT, "internal-listen", "HOST:PORT", &check.internal_listen, "As the node has it."},
    };
    const struct arguments arguments = {
        "healthcheck", usage, status_text, rows, sizeof rows / sizeof *rows, &check.url,
    };
    struct url url;
    enum arguments_result result = arguments_read(&arguments, argc, argv);
    if (result == ARGUMENTS_HELP)
        return EXIT_SUCCESS;
    if (result == ARGUMENTS_BAD || !find_url(&check, address, &url))
        return EXIT_USAGE;
    return check_health(&url, check.timeout_ms);
}
