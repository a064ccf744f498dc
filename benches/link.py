#!/usr/bin/env python3
"""A port on loopback that leads to another address, and counts what passes.

Usage: benches/link.py HOST PORT

Prints its port. `GET /-/take` answers requests and bytes each way since the last
time, as JSON. `GET /-/line/MILLISECONDS/MBIT` makes it a slow line, with that latency
there and back: all connections share the rate. A request is a piece that begins with a request line: the clients
wait for each answer.
"""

import asyncio
import json
import re
import sys

HOST, PORT = sys.argv[1], int(sys.argv[2])
REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) /\S* HTTP/1\.[01]\r\n")
counts = {"requests": 0, "up": 0, "down": 0}
free_at = {"up": 0, "down": 0}


class Line:
    one_way = 0
    rate = 0
    piece = 256 << 10

    @classmethod
    def slow(cls, milliseconds, mbit):
        cls.one_way, cls.rate, cls.piece = milliseconds / 2000, mbit * 125_000, 32 << 10


async def told(first, writer):
    words = first.split(b" ")[1].decode().split("/")
    if words[2] == "line":
        Line.slow(int(words[3]), int(words[4]))
    body = json.dumps(counts).encode()
    for name in counts:
        counts[name] = 0
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


def arrives(way, size):
    """When a piece that is sent now is at the other end."""
    if not Line.rate:
        return 0
    now = asyncio.get_running_loop().time()
    free_at[way] = max(free_at[way], now) + size / Line.rate
    return free_at[way] + Line.one_way


async def send(reader, line, way, piece):
    try:
        while piece := piece or await reader.read(Line.piece):
            counts[way] += len(piece)
            if way == "up" and REQUEST.match(piece):
                counts["requests"] += 1
            await line.put((arrives(way, len(piece)), piece))
            piece = b""
    except ConnectionError:
        pass
    await line.put((arrives(way, 0), b""))


async def pipe(reader, writer, way, piece=b""):
    line = asyncio.Queue(32)
    sender = asyncio.create_task(send(reader, line, way, piece))
    try:
        while True:
            at, piece = await line.get()
            wait = at - asyncio.get_running_loop().time() if at else 0
            if wait > 0:
                await asyncio.sleep(wait)
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        sender.cancel()
        writer.close()


async def connection(reader, writer):
    first = await reader.read(Line.piece)
    if first.startswith(b"GET /-/"):
        await told(first, writer)
        writer.close()
    elif first:
        # A handshake takes the way there and back.
        await asyncio.sleep(2 * Line.one_way)
        far, to = await asyncio.open_connection(HOST, PORT, limit=256 << 10)
        await asyncio.gather(pipe(reader, to, "up", first), pipe(far, writer, "down"))
    else:
        writer.close()


async def main():
    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=512, limit=256 << 10)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
