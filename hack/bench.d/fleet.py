"""Measures the controller with a fleet: called by `hack/bench --fleet`, which builds the programs first.

The hub and every member are a recovery-sandbox of their own; every member gets the same Placements, and some of the members
are stopped in the end, so that they swallow whatever is sent to them. Prints one JSON object for each fleet."""
import argparse
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

GROUP = "recovery.tmc.io/v1alpha1"
SYSTEM = "tmc-recovery-system"
processes = []


def start(*command, log):
    process = subprocess.Popen(command, stdout=open(log, "w"), stderr=subprocess.STDOUT)
    processes.append(process)
    return process


def stop_all():
    """Ends what was started here, stopped ones included."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
    for process in processes:
        process.wait()
    processes.clear()


def until(condition, what, seconds):
    """Looks ten times a second; the time it took is known to a tenth of a second."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            sys.exit(f"hack/bench: {what} took more than {seconds} s; see {directory}")
        time.sleep(0.1)
    return round(time.monotonic() - begin, 1)


class Server:
    """An API server that speaks plain HTTP."""

    def __init__(self, name, *flags):
        self.kubeconfig = f"{directory}/{name}.kubeconfig"
        self.process = start(f"{programs}/recovery-sandbox", "--write-kubeconfig", self.kubeconfig, "--log-level", "error",
            *flags, log=f"{directory}/{name}.log")

    def wait(self):
        until(lambda: os.path.exists(self.kubeconfig), self.kubeconfig, 60)
        self.url = re.search(r"http://[\d.:]+", open(self.kubeconfig).read()).group()

    def request(self, method, path, body=None, kind="application/json"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def create(self, path, kind, name, **content):
        version = GROUP if path.startswith("/apis/recovery") else "v1"
        self.request("POST", path, {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content})


class Controller:
    """The program under test."""

    def __init__(self, hub, port):
        self.address = f"127.0.0.1:{port}"
        self.process = start(f"{programs}/recovery-controller", "--kubeconfig", hub.kubeconfig, "--metrics-bind-address",
            self.address, "--health-probe-bind-address", "0", "--log-level", "warning", log=f"{directory}/controller.log")

    def usage(self):
        pid = self.process.pid
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
        return {"cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            "rss_mib": round(int(status["VmRSS"].split()[0]) / 1024, 1),
            "peak_rss_mib": round(int(status["VmHWM"].split()[0]) / 1024, 1),
            "threads": int(status["Threads"]), "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}

    def requests(self, hub):
        """Requests so far: to the hub, to members."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = [re.match(r'rest_client_requests_total\{.*host="([^"]*)".*\} ([\d.e+]+)', line) for line in lines]
        counts = [(match[1], float(match[2])) for match in found if match]
        own = hub.url.removeprefix("http://")
        return (sum(n for host, n in counts if own in host), sum(n for host, n in counts if own not in host))


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rates(controller, hub, seconds):
    """What rest costs: requests per second to hub and members, and CPU in percent of one core."""
    before, cpu = controller.requests(hub), controller.usage()["cpu_s"]
    time.sleep(seconds)
    after = controller.requests(hub)
    return {"rest_hub_rps": round((after[0] - before[0]) / seconds, 2),
        "rest_members_rps": round((after[1] - before[1]) / seconds, 2),
        "rest_cpu_percent": round((controller.usage()["cpu_s"] - cpu) / seconds * 100, 2)}


def condition(item, name):
    return next((c["status"] for c in item.get("status", {}).get("conditions", []) if c["type"] == name), "")


def items(hub, path):
    return hub.request("GET", path)["items"]


MEMBERS = f"/apis/{GROUP}/memberclusters"
PLACEMENTS = f"/apis/{GROUP}/namespaces/{SYSTEM}/placements"


def register(hub, name, member, labels):
    data = base64.b64encode(open(member.kubeconfig, "rb").read()).decode()
    hub.create(f"/api/v1/namespaces/{SYSTEM}/secrets", "Secret", name, data={"kubeconfig": data})
    body = {"apiVersion": GROUP, "kind": "MemberCluster", "metadata": {"name": name, "labels": labels},
        "spec": {"kubeconfigSecretRef": {"name": name}}}
    hub.request("POST", MEMBERS, body)


def place(hub, name, clusters, selector=None):
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"},
        "data": {"text": "x" * 256}}
    spec = {"manifests": [manifest], "clusterCount": clusters}
    if selector:
        spec["clusterSelector"] = {"matchLabels": selector}
    hub.create(PLACEMENTS, "Placement", name, spec=spec)


def synced(hub, name, clusters):
    """Whether the copies are there, by the objects' own account."""
    entries = hub.request("GET", f"{PLACEMENTS}/{name}").get("status", {}).get("clusters", [])
    return sum(1 for entry in entries if entry.get("state") == "Synced") >= clusters


def measure(count, objects, holes, rest):
    """One fleet from nothing to its end."""
    hub = Server(f"hub-{count}", "--crds", "crds")
    members = [Server(f"member-{count}-{i}", "--simulate-workloads", "--nodes", "1") for i in range(count)]
    for server in [hub] + members:
        server.wait()
    hub.create("/api/v1/namespaces", "Namespace", SYSTEM)
    for i, member in enumerate(members):
        register(hub, f"member-{i}", member, {"hole": "true" if i < holes else "false"})
    controller = Controller(hub, free_port())
    result = {"members": count, "objects": count * objects}
    known = lambda: all(condition(item, "CapacityKnown") == "True" for item in items(hub, MEMBERS))
    result["ready_s"] = until(known, "registering the members", 300)
    result.update({f"ready_{key}": value for key, value in controller.usage().items()})
    if objects:
        for i in range(objects):
            place(hub, f"p-{i}", count)
        names = [f"p-{i}" for i in range(objects)]

        def all_synced():
            while names and synced(hub, names[-1], count):
                names.pop()
            return not names

        result["placed_s"] = until(all_synced, "placing the objects", 900)
    # Watches begin and last writes end within the interval of the probes.
    time.sleep(30)
    result.update(controller.usage())
    result.update(rates(controller, hub, rest))
    if holes:
        result.update(swallow(hub, controller, members, holes, objects))
    stop_all()
    return result


def swallow(hub, controller, members, holes, objects):
    """Stops some members in the middle of everything; what the others feel of it."""
    others, result = {"hole": "false"}, {}
    if objects:
        place(hub, "before", len(members) - holes, others)
        result["place_before_s"] = until(lambda: synced(hub, "before", len(members) - holes), "a placement", 120)
    for member in members[:holes]:
        member.process.send_signal(signal.SIGSTOP)
    lost = lambda: sum(condition(item, "Reachable") == "False" for item in items(hub, MEMBERS)) == holes
    result["holes_noticed_s"] = until(lost, "noticing the holes", 300)
    if objects:
        place(hub, "after", len(members) - holes, others)
        result["place_after_s"] = until(lambda: synced(hub, "after", len(members) - holes), "a placement", 120)
    well = sum(condition(item, "Ready") == "True" for item in items(hub, MEMBERS))
    return {**result, "holes": holes, "ready_beside_holes": well, "holes_threads": controller.usage()["threads"]}


parser = argparse.ArgumentParser(prog="hack/bench --fleet", description=__doc__)
parser.add_argument("programs", help=argparse.SUPPRESS)
parser.add_argument("--members", type=int, action="append", help="size of a fleet; may be repeated (50 and 100)")
parser.add_argument("--objects", type=int, default=50, help="Placements, each with one object on every member (50)")
parser.add_argument("--holes", type=int, default=10, help="members that are stopped in the end (10)")
parser.add_argument("--rest", type=int, default=60, help="seconds for which the fleet at rest is watched (60)")
options = parser.parse_args()
programs = options.programs
directory = tempfile.mkdtemp(prefix="fleet-bench-")
try:
    for count in options.members or [50, 100]:
        print(json.dumps(measure(count, options.objects, min(options.holes, count), options.rest)), flush=True)
    stop_all()
    shutil.rmtree(directory)
finally:
    stop_all()
