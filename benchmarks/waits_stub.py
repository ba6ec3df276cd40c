"""A SageMaker that answers Describe and List of inference experiments fast, and counts its calls.

`python benchmarks/waits_stub.py COUNT [CONCLUDED]` serves that many running experiments, and newer
ones that have concluded, on a free port of loopback, which it prints, until its standard input
ends. `POST /control` takes JSON: `end` (names that are Completed from now on), `latency` (seconds
before an answer), `silent` (answer no more), `throttled` (refuse all calls); each answer tells the
calls so far.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

PAGE = 100
START = 1_800_000_000.0


class Stub:
    """Experiments `wait-00000` and on, created one second after the other."""

    def __init__(self, count: int, concluded: int = 0) -> None:
        running = {f"wait-{number:05}": ("Running", START) for number in range(count)}
        done = {f"done-{number:06}": ("Completed", START) for number in range(concluded)}
        self.status = running | done
        self.created = {name: START + number for number, name in enumerate(self.status)}
        self.newest = {"Running": [*reversed(running)], "Completed": [*reversed(done)]}
        self.calls: Counter[str] = Counter()
        self.latency, self.silent, self.throttled = 0.0, False, False

    def row(self, name: str) -> dict[str, Any]:
        """Return a row of a list."""
        status, modified = self.status[name]
        return {
            "Name": name,
            "Type": "ShadowMode",
            "Status": status,
            "CreationTime": self.created[name],
            "LastModifiedTime": modified,
        }

    def describe(self, name: str) -> dict[str, Any]:
        """Return a description."""
        return {
            **self.row(name),
            "Arn": f"arn:aws:sagemaker:us-east-1:123456789012:inference-experiment/{name}",
            "EndpointMetadata": {"EndpointName": f"endpoint-{name}", "EndpointStatus": "InService"},
            "ModelVariants": [],
        }

    def listed(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of one status, the newest first."""
        first = int(request.get("NextToken") or 0)
        after = request.get("CreationTimeAfter", 0.0)
        names = self.newest.get(request["StatusEquals"], [])
        rows = [
            self.row(name) for name in names[first : first + PAGE] if self.created[name] > after
        ]
        more = {"NextToken": str(first + PAGE)} if first + PAGE < len(names) else {}
        return {"InferenceExperiments": rows, **more}

    def end(self, names: list[str]) -> None:
        """Let experiments be Completed from now on."""
        for name in names:
            self.status[name] = ("Completed", time.time())
            self.newest["Running"].remove(name)

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one call, or do what the benchmark wants."""
        if operation == "control":
            self.end(request.get("end", []))
            self.latency = request.get("latency", self.latency)
            self.silent = request.get("silent", self.silent)
            self.throttled = request.get("throttled", self.throttled)
            return {"calls": dict(self.calls), "now": time.time()}
        self.calls[operation] += 1
        if self.throttled:
            return {"__type": "ThrottlingException", "message": "Rate exceeded"}
        if operation == "ListInferenceExperiments":
            return self.listed(request)
        return self.describe(request["Name"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                is_control = lines[0].startswith("POST /control")
                operation = "control" if is_control else lines_target(lines)
                if not is_control and (self.silent or self.latency):
                    await asyncio.sleep(3600 if self.silent else self.latency)
                answer = self.answer(operation, json.loads(body or b"{}"))
                text = json.dumps(answer).encode()
                writer.write(
                    (b"HTTP/1.1 400 Bad Request" if "__type" in answer else b"HTTP/1.1 200 OK")
                    + b"\r\nContent-Type: application/x-amz-json-1.1\r\n"
                    + b"Content-Length: %d\r\n\r\n" % len(text)
                    + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def lines_target(lines: list[str]) -> str:
    """Return the operation that a request names."""
    target = next(line for line in lines if line.lower().startswith("x-amz-target"))
    return target.rsplit(".", 1)[-1]


async def main() -> None:
    """Serve until standard input ends."""
    stub = Stub(*map(int, sys.argv[1:]))
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
