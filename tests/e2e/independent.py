#!/usr/bin/python3
"""independent.py - passerby.v1 spoken by a second implementation of WebSocket, Debian's python3-websockets.

Usage: independent.py [path of the passerby binary]   (default: $PASSERBY_BIN, then build/passerby)

Prints TAP and "N passed, N failed"; exits non-zero if anything failed. Works with websockets 10 (Debian 12) to 15
(Debian 13).
"""

import asyncio
import contextlib
import json
import os
import pathlib
import re
import sys
import traceback

import websockets

try:
    from websockets.asyncio.client import connect as open_websocket  # 13 and later
except ImportError:
    from websockets import connect as open_websocket

WAIT_S = float(os.environ.get("E2E_WAIT_MS", "30000")) / 1000
ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTENING = re.compile(r"(internal )?listening\b.*?\bport=(\d+)")


async def within(awaitable):
    """Bounds every wait; only a failing test ever reaches the bound."""
    return await asyncio.wait_for(awaitable, WAIT_S)


class Server:
    """A passerby process on free ports of 127.0.0.1."""

    def __init__(self, process):
        self.process = process
        self.port = None
        self.log = ""
        self.reader = None

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    async def read_log(self):
        """Collects the log until the process closes it, and finds the public port in it."""
        while line := await self.process.stderr.readline():
            text = line.decode(errors="replace")
            self.log += text
            found = LISTENING.search(text)
            if found and not found.group(1) and self.port is None:
                self.port = int(found.group(2))

    async def listening(self):
        while self.port is None:
            if self.reader.done():
                raise AssertionError("the server ended before it listened:\n" + self.log)
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def serving(*flags):
    """Starts the server, and asserts that it ends cleanly."""
    binary = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PASSERBY_BIN", str(ROOT / "build" / "passerby"))
    environment = {name: value for name, value in os.environ.items() if not re.match(r"PASSERBY_|PORT$", name)}
    process = await asyncio.create_subprocess_exec(
        binary, "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--drain-spread", "100ms",
        "--drain-timeout", "300ms", *flags, stderr=asyncio.subprocess.PIPE, env=environment)
    server = Server(process)
    server.reader = asyncio.ensure_future(server.read_log())
    try:
        await within(server.listening())
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            status = await within(process.wait())
        except asyncio.TimeoutError:
            process.kill()
            status = await process.wait()
        await server.reader
    assert status == 0, f"the server ended with status {status}:\n{server.log}"


class Person:
    """One connection that has heard `hello`."""

    def __init__(self, socket):
        self.socket = socket
        self.matched = None

    async def send(self, t, **fields):
        await self.socket.send(json.dumps({"t": t, **fields}))

    async def hear(self):
        return json.loads(await within(self.socket.recv()))

    async def expect(self, t, **fields):
        message = await self.hear()
        assert message["t"] == t, f"expected '{t}', got {message}"
        for name, value in fields.items():
            assert message.get(name) == value, f"expected {name} = {value!r}, got {message}"
        return message

    async def expect_match(self):
        message = await self.hear()
        if message["t"] == "waiting":
            message = await self.hear()
        assert message["t"] == "matched", message
        self.matched = message

    async def close_code(self):
        """Waits until the node closes the connection; returns the close code."""
        try:
            while True:
                await within(self.socket.recv())
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


class People(contextlib.AsyncExitStack):
    """Opens connections, and closes them all at the end."""

    def __init__(self, server):
        super().__init__()
        self.server = server

    async def join(self, **options):
        options.setdefault("subprotocols", ["passerby.v1"])
        socket = await within(self.enter_async_context(open_websocket(self.server.url, **options)))
        person = Person(socket)
        await person.expect("hello", v=1)
        return person

    async def pair(self, **find):
        first, second = await self.join(), await self.join()
        await first.send("find", **find)
        await first.expect("waiting")
        await second.send("find", **find)
        await second.expect_match()
        await first.expect_match()
        assert first.matched["chat"] == second.matched["chat"]
        return first, second

    async def resume(self, token):
        person = await self.join()
        await person.send("resume", token=token)
        return person


async def test_conversation():
    async with serving() as server, People(server) as people:
        first, second = await people.pair(topics=["Tea "], reliable=True)
        assert [topic.strip() for topic in first.matched["topics"]] == ["Tea"]
        assert first.matched["reliable"] is True
        for seq in range(1, 6):
            await first.send("msg", seq=seq, body=f"message {seq}")
            await second.expect("msg", seq=seq, body=f"message {seq}")
            await second.send("ack", seq=seq)
            await first.expect("ack", seq=seq)
        await second.send("typing", on=True)
        await first.expect("typing", on=True)
        await second.send("leave")
        await second.expect("ended", reason="you_left")
        await first.expect("ended", reason="left")
        await first.send("leave")
        await first.expect("idle")


async def test_plain():
    async with serving() as server, People(server) as people:
        first, second = await people.pair()
        for seq in range(1, 6):
            await first.send("msg", body=f"message {seq}")
            assert await second.hear() == {"t": "msg", "seq": seq, "body": f"message {seq}"}
        await second.send("msg", body="and back")
        assert await first.hear() == {"t": "msg", "seq": 1, "body": "and back"}


async def test_unicode():
    bodies = ["naïve", "日本語", "\U0001f469\u200d\U0001f680", "\0", "\u2028\u2029", "\U0010ffff", '"\\/', "e\u0301",
              "\ufeff"]
    async with serving() as server, People(server) as people:
        first, second = await people.pair(topics=["ΟΔΥΣΣΕΥΣ"])
        for ensure_ascii in (True, False):
            for body in bodies:
                await first.socket.send(json.dumps({"t": "msg", "body": body}, ensure_ascii=ensure_ascii))
                await second.expect("msg", body=body)


async def test_fragments():
    async with serving() as server, People(server) as people:
        first, second = await people.pair()
        body = "in pieces: naïve 日本語 \U0001f600" * 10
        text = json.dumps({"t": "msg", "body": body}, ensure_ascii=False)
        for size in (1, 3, 64, 500):
            await first.socket.send([text[at:at + size] for at in range(0, len(text), size)])
            await second.expect("msg", body=body)


async def test_ping():
    async with serving() as server, People(server) as people:
        person = await people.join()
        pong = await person.socket.ping("are you there?")
        await within(pong)


async def test_compression_is_off():
    async with serving() as server, People(server) as people:
        person = await people.join(compression="deflate")
        extensions = getattr(person.socket, "extensions", None)
        if extensions is None:
            extensions = person.socket.protocol.extensions
        assert not extensions, extensions
        await person.send("leave")
        await person.expect("idle")


async def test_resume():
    async with serving() as server, People(server) as people:
        first, second = await people.pair(reliable=True)
        await first.send("msg", seq=1, body="before")
        await second.expect("msg", seq=1)
        await second.socket.close()
        away = await first.expect("away")
        assert 0 < away["grace_ms"] <= 60000
        await first.send("msg", seq=2, body="meanwhile")
        again = await people.resume(second.matched["resume"])
        resumed = await again.expect("resumed", chat=second.matched["chat"], peer="here", reliable=True)
        await first.expect("back")
        for seq, body in ((1, "before"), (2, "meanwhile")):
            await first.send("msg", seq=seq, body=body)
            await again.expect("msg", seq=seq, body=body)
        newest = await people.resume(resumed["resume"])
        await newest.expect("resumed", peer="here")
        assert await again.close_code() == 4501


async def test_bad_token():
    async with serving() as server, People(server) as people:
        first, second = await people.pair()
        token = second.matched["resume"]
        for bad in (token[:-2], token[::-1], "x", token + "AA"):
            forger = await people.resume(bad)
            await forger.expect("ended", reason="expired")
        await first.send("msg", body="undisturbed")
        await second.expect("msg", body="undisturbed")


async def test_close_codes():
    async with serving() as server, People(server) as people:
        for data, code in ((b"{}", 1003), ("x" * 20000, 1009)):
            person = await people.join()
            await person.socket.send(data)
            assert await person.close_code() == code, code
        person = await people.join()
        for _ in range(10):
            await person.socket.send("no json")
        assert await person.close_code() == 4503


async def test_subprotocol():
    async with serving() as server, People(server) as people:
        assert (await people.join()).socket.subprotocol == "passerby.v1"
        assert (await people.join(subprotocols=None)).socket.subprotocol is None
        try:
            await people.join(subprotocols=["passerby.v2"])
        except websockets.InvalidHandshake as refused:
            response = getattr(refused, "response", None)
            status = response.status_code if response is not None else refused.status_code
            assert status == 400, status
        else:
            raise AssertionError("passerby.v2 was accepted")


async def test_drain():
    async with serving() as server, People(server) as people:
        first, second = await people.pair()
        server.process.terminate()
        for person in (first, second):
            assert (await person.expect("reconnect"))["after_ms"] >= 0
        for person in (first, second):
            assert await person.close_code() == 1012


def main():
    tests = [(name[len("test_"):], test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            asyncio.run(test())
        except Exception:  # a test may fail in any way; the next one runs all the same
            failed += 1
            print(f"not ok {number} - {name}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
        else:
            print(f"ok {number} - {name}")
        sys.stdout.flush()
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
