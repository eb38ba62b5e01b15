#!/usr/bin/env python3
"""memory.py - how much memory does a person cost who is in a chat and silent?

Usage: memory.py BINARY [PEOPLE]      (10000 people, in pairs that have each exchanged a message)

Prints the server's own anonymous memory for each, all of it and without what it had before anybody came, and fails when all of it
is above what this release of Debian was seen to take, and a little. Run it on the release build, on Debian 13 for its figure.
"""
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys

# By VERSION_ID of os-release. The goals are 2,048 and 2,560. Where the kernel makes huge pages of all there is ("always"), the last of
# the C library's heap comes on top: up to 210 of each.
MOST_BYTES = {"12": 2400, "13": 2900}
MASK = b"\x01\x02\x03\x04"


def start(binary):
    server = subprocess.Popen(
        [binary, "--listen", "127.0.0.1:0", "--internal-listen", "off"], stderr=subprocess.PIPE, text=True
    )
    for line in server.stderr:
        port = re.search(r"listening.* port=(\d+)", line)
        if port:
            return server, int(port.group(1))
    sys.exit("memory.py: the server did not start")


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    hear(peer, b'"hello"')
    return peer


def hear(peer, word):
    heard = b""
    while word not in heard:
        more = peer.recv(4096)
        if not more:
            sys.exit(f"memory.py: closed while waiting for {word}, after {heard}")
        heard += more


def say(peer, message):
    text = json.dumps(message).encode()
    head = struct.pack("!BB", 0x81, 0x80 | len(text)) if len(text) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(text))
    peer.sendall(head + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(text)))


def anonymous_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read()).group(1)) * 1024


def meet(port):
    first, second = connect(port), connect(port)
    for peer in (first, second):
        say(peer, {"t": "find", "reliable": True})
    for peer in (first, second):
        hear(peer, b'"matched"')
    say(first, {"t": "msg", "seq": 1, "body": "is it raining where you are?"})
    hear(second, b'"msg"')
    say(second, {"t": "ack", "seq": 1})
    hear(first, b'"ack"')
    return [first, second]


def most_bytes():
    with open("/etc/os-release", encoding="ascii", errors="replace") as release:
        version = re.search(r'^VERSION_ID="?([^"\n]*)', release.read(), re.MULTILINE)
    return MOST_BYTES.get(version.group(1) if version else "", max(MOST_BYTES.values()))


def main():
    binary = sys.argv[1]
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server, port = start(binary)
    try:
        before = anonymous_bytes(server.pid)
        peers = []
        while len(peers) < people:
            peers += meet(port)
        now = anonymous_bytes(server.pid)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        server.stderr.close()
    most = most_bytes()
    good = now <= most * people
    print(f"{people} people in a chat: {now / people:.0f} bytes of the server's memory each (at most {most}), "
          f"{(now - before) / people:.0f} of them since they came")
    print(f"{int(good)} passed, {int(not good)} failed")
    os._exit(0 if good else 1)  # thousands of sockets are closed faster by the kernel


if __name__ == "__main__":
    main()
