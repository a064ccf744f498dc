#!/usr/bin/env python3
"""A Maven repository on loopback, as far away as one on another continent.

Usage: benches/repository.py FOLDER [UPSTREAM]

Serves the files of FOLDER over HTTP/1.1 with keep-alive, each answer 20 ms late,
and prints its port. Under /sums/ it sends the headers with checksums that
repository managers send, under /bare/ none. Beside each file it has .sha1 and
.md5. What FOLDER lacks is fetched from UPSTREAM, until /-/close is asked for.
/-/take answers the paths that were asked for, each with its count, and forgets
them.
"""

import asyncio
import email.utils
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request

LATENCY = 0.02
FOLDER = sys.argv[1]
ABSENT = ".absent"
SUMS = ("sha1", "md5")

upstream = sys.argv[2].rstrip("/") if len(sys.argv) > 2 else None
asked = {}
known = {}
filling = {}


def get(path):
    """What the upstream has there; None where it has nothing."""
    for attempt in range(5):
        try:
            with urllib.request.urlopen(f"{upstream}/{path}", timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            if attempt == 4:
                raise


def fill(path):
    """Fetches a file, once for all runs to come."""
    file = os.path.join(FOLDER, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    content = get(path)
    if content is None:
        open(file + ABSENT, "w").close()
        return
    said = get(path + ".sha1")
    if said and hashlib.sha1(content).hexdigest() != said.decode().split()[0].lower():
        raise ValueError(f"{path} is not what its .sha1 says")
    with open(file + ".part", "wb") as out:
        out.write(content)
    os.rename(file + ".part", file)


async def found(path):
    """Path, size, time and sums of a file; None where there is none."""
    if path in known:
        return known[path]
    file = os.path.join(FOLDER, path)
    if upstream and not os.path.exists(file) and not os.path.exists(file + ABSENT):
        if path not in filling:
            filling[path] = asyncio.ensure_future(asyncio.to_thread(fill, path))
        await filling[path]
    known[path] = None
    if os.path.isfile(file):
        with open(file, "rb") as content:
            content = content.read()
        sums = {kind: hashlib.new(kind, content).hexdigest() for kind in SUMS}
        stat = os.stat(file)
        known[path] = (file, stat.st_size, email.utils.formatdate(stat.st_mtime, usegmt=True), sums)
    return known[path]


def control(command):
    global upstream
    if command == "close":
        upstream = None
    answer = json.dumps(asked).encode()
    if command == "take":
        asked.clear()
    return answer


def header(status, size, *more):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *more, "", ""]
    return "\r\n".join(lines).encode()


async def answer(writer, method, target):
    _, mode, path = target.split("?")[0].split("/", 2)
    if mode == "-":
        content = control(path)
        writer.write(header("200 OK", len(content)) + content)
        return
    asked[path] = asked.get(path, 0) + 1
    name, _, kind = path.rpartition(".")
    of_sum = kind in SUMS
    file = await found(name if of_sum else path)
    await asyncio.sleep(LATENCY)
    if file is None:
        writer.write(header("404 Not Found", 0))
        return
    place, size, modified, sums = file
    if of_sum:
        content = sums[kind].encode()
        writer.write(header("200 OK", len(content)) + (content if method == "GET" else b""))
        return
    more = [f"X-Checksum-{kind.upper()}: {value}" for kind, value in sums.items()] if mode == "sums" else []
    writer.write(header("200 OK", size, f"Last-Modified: {modified}", *more))
    if method != "GET":
        return
    with open(place, "rb") as content:
        if size <= 1 << 16:
            writer.write(content.read())
        else:
            await writer.drain()
            await asyncio.get_running_loop().sendfile(writer.transport, content)


async def connection(reader, writer):
    try:
        while True:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = request.split("\r\n", 1)[0].split(" ")
            await answer(writer, method, target)
            await writer.drain()
            if "connection: close" in request.lower():
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
