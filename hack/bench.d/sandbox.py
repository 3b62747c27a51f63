#!/usr/bin/env python3
"""Measures a recovery-sandbox at the size that it is made for; hack/bench --sandbox runs it.

  hack/bench.d/sandbox.py PROGRAM [-n 100000] [--watchers 200] [--writes 5000]

Fills the server with N pods over HTTP, then lets watchers follow all of them while some pods change. Prints one JSON
object: what a pod costs in memory, writes and events a second, and the server's CPU time for each. The same changes are
made once with one watcher and once with all: an event is encoded once, so every further watcher costs only its sending.
Client and server share the machine, so the rates are what both reach together.
"""
import argparse
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time

PORTION = 100  # requests that are on their way at a time on one connection
WRITERS = 8  # connections that write


def pod(number):
    labels = {"app": f"app-{number % 100}", "pod-template-hash": "6d4cf56db6"}
    container = {"name": "main", "image": "registry.example/team/app:1.2.3", "env": [
        {"name": f"SETTING_{index}", "value": "some value of a usual length"} for index in range(4)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}, "ports": [{"containerPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}", "labels": labels},
            "spec": {"containers": [container], "automountServiceAccountToken": False}}


class Server:
    """The process, its address, and what it has used so far."""

    def __init__(self, program, directory):
        kubeconfig = f"{directory}/kubeconfig"
        self.process = subprocess.Popen([program, "--write-kubeconfig", kubeconfig, "--log-level", "error"])
        while not os.path.exists(kubeconfig):
            if self.process.poll() is not None:
                sys.exit("the sandbox ended before it answered")
            time.sleep(0.05)
        line = next(line for line in open(kubeconfig) if "server:" in line)
        host, port = line.split("http://")[1].strip().strip('"').split(":")
        self.address = (host, int(port))

    def resident(self):
        lines = open(f"/proc/{self.process.pid}/status").read().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connect(self):
        connection = socket.create_connection(self.address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path):
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: sandbox\r\n\r\n".encode())
            head, body = b"".join(iter(lambda: connection.recv(1 << 20), b"")).split(b"\r\n\r\n", 1)
        if b" 200 " not in head.split(b"\r\n")[0]:
            sys.exit(f"GET {path}: {head.decode()}")
        return json.loads(body)


def request(method, path, body, kind="application/json"):
    data = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def send_all(server, requests):
    """Sends requests over WRITERS connections and checks that each succeeds."""
    failures = []

    def work(own):
        try:
            send(server, own)
        except Exception as error:  # told by the main thread
            failures.append(error)

    writers = [threading.Thread(target=work, args=(requests[first::WRITERS],)) for first in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    if failures:
        sys.exit(f"a write failed: {failures[0]}")


def send(server, requests):
    with server.connect() as connection:
        stream = connection.makefile("rb")
        for start in range(0, len(requests), PORTION):
            portion = requests[start:start + PORTION]
            connection.sendall(b"".join(portion))
            for _ in portion:
                status = stream.readline()
                length = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = stream.read(length)
                if b" 200 " not in status and b" 201 " not in status:
                    raise RuntimeError(f"{status.decode()}{body.decode()[:500]}")


def timed(server, work):
    started, cpu = time.monotonic(), server.cpu()
    work()
    return time.monotonic() - started, server.cpu() - cpu


class Watchers:
    """Watches of all pods that count what they get; HTTP/1.0, so that a line is an event."""

    def __init__(self, server, count, revision):
        self.expected = 0
        self.received = 0
        self.bytes = 0
        self.poll = select.epoll()
        self.connections = {}
        for _ in range(count):
            connection = server.connect()
            path = f"/api/v1/pods?watch=1&resourceVersion={revision}"
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: sandbox\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            if b" 200 " not in head:
                sys.exit(f"watch: {head.decode()}")
            self.connections[connection.fileno()] = connection
            self.poll.register(connection, select.EPOLLIN)

    def read_until(self, expected):
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        while self.received < expected:
            for descriptor, _ in self.poll.poll():
                count = self.connections[descriptor].recv_into(buffer)
                if count == 0:
                    sys.exit("a watch ended")
                self.bytes += count
                self.received += bytes(view[:count]).count(b"\n")

    def close(self):
        for connection in self.connections.values():
            connection.close()


def follow(server, watchers, writes, namespace, mark):
    """Changes pods while watchers follow; what that took."""
    revision = server.get("/api/v1/pods?limit=1")["metadata"]["resourceVersion"]
    following = Watchers(server, watchers, revision)
    patch = {"metadata": {"annotations": {"mark": mark}}}
    path = f"/api/v1/namespaces/{namespace}/pods/pod-"
    changes = [request("PATCH", f"{path}{n}", patch, "application/merge-patch+json") for n in range(writes)]
    expected = watchers * writes

    def work():
        writer = threading.Thread(target=send_all, args=(server, changes))
        writer.start()
        following.read_until(expected)
        writer.join()

    wall, cpu = timed(server, work)
    following.close()
    return wall, cpu, following.bytes / expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--writes", type=int, default=5_000)
    options = parser.parse_args()
    if options.writes > options.n:
        parser.error("no more writes than pods")
    with tempfile.TemporaryDirectory() as directory:
        server = Server(options.program, directory)
        try:
            measure(server, options)
        finally:
            server.process.terminate()
            status = server.process.wait()
    sys.exit(status)


def measure(server, options):
    namespace = "default"
    path = f"/api/v1/namespaces/{namespace}/pods"
    before = server.resident()
    requests = [request("POST", path, pod(number)) for number in range(options.n)]
    fill_wall, fill_cpu = timed(server, lambda: send_all(server, requests))
    del requests
    size = len(json.dumps(server.get(f"{path}/pod-0"), separators=(",", ":")))
    memory = (server.resident() - before) / options.n
    one_wall, one_cpu, _ = follow(server, 1, options.writes, namespace, "one")
    wall, cpu, event = follow(server, options.watchers, options.writes, namespace, "all")
    events = options.watchers * options.writes
    further = (cpu - one_cpu) / (events - options.writes) if options.watchers > 1 else 0
    print(json.dumps({
        "pods": options.n, "watchers": options.watchers, "pod_json_bytes": size, "memory_bytes_per_pod": round(memory),
        "creates_per_s": round(options.n / fill_wall), "cpu_us_per_create": round(fill_cpu / options.n * 1e6, 1),
        "changes_per_s_one_watcher": round(options.writes / one_wall),
        "events": events, "event_bytes": round(event), "events_per_s": round(events / wall),
        "cpu_us_per_change_one_watcher": round(one_cpu / options.writes * 1e6, 1),
        "cpu_us_per_further_event": round(further * 1e6, 2)}))


main()
