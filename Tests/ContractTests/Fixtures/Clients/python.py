"""An ordinary day of a controller in Python, on the cluster that $KUBECONFIG names; its workloads have to run."""

import threading

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException

config.load_kube_config()
core, apps, custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
extensions, coordination = client.ApiextensionsV1Api(), client.CoordinationV1Api()


def fails(status, reason, call):
    try:
        call()
    except ApiException as error:
        assert error.status == status and reason in str(error.body), (error.status, error.body)
    else:
        raise AssertionError(f"{reason} was expected")


assert client.VersionApi().get_code().major == "1"
core.create_namespace({"metadata": {"name": "py"}})
seen = []
watcher = watch.Watch()


def follow():
    for event in watcher.stream(core.list_namespaced_config_map, "py", label_selector="w", timeout_seconds=30):
        seen.append((event["type"], event["object"].metadata.name))
        if event["type"] == "DELETED":
            watcher.stop()


thread = threading.Thread(target=follow)
thread.start()
made = core.create_namespaced_config_map("py", {"metadata": {"name": "c", "labels": {"w": "1"}}, "data": {"k": "1"}})
fails(409, "AlreadyExists", lambda: core.create_namespaced_config_map("py", {"metadata": {"name": "c"}}))
fails(404, "NotFound", lambda: core.read_namespaced_config_map("none", "py"))
changed = core.patch_namespaced_config_map("c", "py", {"data": {"j": "2"}})
assert changed.data == {"k": "1", "j": "2"}, changed.data
made.data = {"k": "9"}
fails(409, "Conflict", lambda: core.replace_namespaced_config_map("c", "py", made))
changed.data = {"k": "9"}
core.replace_namespaced_config_map("c", "py", changed)
core.delete_namespaced_config_map("c", "py")
thread.join()
assert seen[-1] == ("DELETED", "c") and ("ADDED", "c") in seen[:1] and len(seen) in (3, 4), seen

for number in range(7):
    core.create_namespaced_secret("py", {"metadata": {"name": f"s{number}"}, "string_data": {"a": "b"}})
names, token = [], None
while True:
    page = core.list_namespaced_secret("py", limit=3, _continue=token)
    names += [item.metadata.name for item in page.items]
    token = page.metadata._continue
    if not token:
        break
assert names == [f"s{number}" for number in range(7)], names

labels = {"app": "web"}
container = {"name": "c", "image": "example/web:1"}
utils.create_from_dict(
    client.ApiClient(),
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "py"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    },
)
for event in watch.Watch().stream(apps.list_namespaced_deployment, "py", timeout_seconds=60):
    if event["object"].status.available_replicas == 2:
        break
else:
    raise AssertionError("the Deployment did not become available")
assert all(pod.status.phase == "Running" for pod in core.list_namespaced_pod("py", label_selector="app=web").items)
scale = apps.read_namespaced_deployment_scale("web", "py")
scale.spec.replicas = 1
assert apps.replace_namespaced_deployment_scale("web", "py", scale).spec.replicas == 1

extensions.create_custom_resource_definition(
    {
        "metadata": {"name": "boats.py.example.io"},
        "spec": {
            "group": "py.example.io",
            "scope": "Namespaced",
            "names": {"plural": "boats", "kind": "Boat"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "properties": {"sails": {"type": "integer", "default": 1}}},
                                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            },
                        }
                    },
                }
            ],
        },
    }
)
for event in watch.Watch().stream(extensions.list_custom_resource_definition, timeout_seconds=60):
    definition = event["object"]
    if definition.metadata.name == "boats.py.example.io" and any(
        condition.type == "Established" and condition.status == "True"
        for condition in definition.status.conditions or []
    ):
        break
boat = {"apiVersion": "py.example.io/v1", "kind": "Boat", "metadata": {"name": "b"}, "spec": {}}
assert custom.create_namespaced_custom_object("py.example.io", "v1", "py", "boats", boat)["spec"] == {"sails": 1}
status = {"status": {"phase": "Afloat"}}
custom.patch_namespaced_custom_object_status("py.example.io", "v1", "py", "boats", "b", status)
resources = dynamic.DynamicClient(client.ApiClient()).resources
assert resources.get(api_version="py.example.io/v1", kind="Boat").get(name="b", namespace="py").status.phase == "Afloat"

lease = coordination.create_namespaced_lease("py", {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}})
lease.spec.holder_identity = "you"
assert coordination.replace_namespaced_lease("l", "py", lease).spec.holder_identity == "you"
review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "py"}}}
assert client.AuthorizationV1Api().create_self_subject_access_review(review).status.allowed
assert core.create_namespaced_service_account_token("default", "py", {"spec": {}}).status.token
core.delete_namespace("py")
print("python: all done")
