"""What deploy/kubernetes promises, read without a cluster."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from lakehouse import settings
from lakehouse.runtime import environment
from lakehouse.terminal.commands import by_mode, program

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.30", "1.37")
FILES = {file.name: [*yaml.safe_load_all(file.read_text())] for file in FOLDER.glob("*.yaml")}
KUSTOMIZATION = FILES.pop("kustomization.yaml")[0]
OBJECTS = [(file, one) for file, found in FILES.items() for one in found]
NAMES = [f"{file}-{one['kind']}-{one['metadata']['name']}" for file, one in OBJECTS]
SPARK = next(one["data"] for _, one in OBJECTS if one["metadata"]["name"] == "logpond-spark")
EXECUTOR = yaml.safe_load(SPARK["executor.yaml"])
IMAGE = "registry.example.com/logpond"


def pod_of(one: dict[str, Any]) -> dict[str, Any] | None:
    """What an object has pods made of; None where it makes none."""
    spec = one.get("spec", {})
    if one["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    found: dict[str, Any] | None = spec.get("template")
    return found


PODS = {one["metadata"]["name"]: pod for _, one in OBJECTS if (pod := pod_of(one))}
EACH_POD = pytest.mark.parametrize("pod", [*PODS.values(), EXECUTOR], ids=[*PODS, "executor"])


def properties(text: str) -> dict[str, str]:
    """The properties of a file of Spark's defaults."""
    lines = (line.split(None, 1) for line in text.splitlines() if line and line[0] not in "# ")
    return {name: value.strip() for name, value in lines}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", [one for _, one in OBJECTS] + [EXECUTOR], ids=[*NAMES, "executor"])
def test_an_object_fits_its_schema(one: dict[str, Any], version: str) -> None:
    """Of an older and of a newer Kubernetes; a field that it does not know is a fault."""
    # a template has no name, and Spark gives it the image
    checked = kubernetes_validate.validate({"metadata": {}, **one}, version, strict=True)
    assert checked == version


def test_a_field_that_is_misspelt_is_a_fault() -> None:
    """So that the test before can fail."""
    wrong = {**EXECUTOR, "spec": {**EXECUTOR["spec"], "securitycontext": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_file_is_applied_but_the_example_of_secrets() -> None:
    """`kubectl apply -k` takes the others, and no Secret is among them."""
    assert {*KUSTOMIZATION["resources"]} == {*FILES} - {"secrets.example.yaml"}
    assert {file for file, one in OBJECTS if one["kind"] == "Secret"} == {"secrets.example.yaml"}


@EACH_POD
def test_a_pod_is_bound(pod: dict[str, Any]) -> None:
    """No root, no way to it, no system call that is unusual, no file system but its volumes."""
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
    drives = pod["metadata"]["labels"].get("spark") == "driver"
    assert spec.get("automountServiceAccountToken", True) is drives
    assert all(of["emptyDir"]["sizeLimit"] for of in spec["volumes"] if "emptyDir" in of)


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_program_is_ours_and_has_limits(pod: dict[str, Any]) -> None:
    """Its image is the one that the kustomization names; memory asked for is memory given."""
    for container in pod["spec"]["containers"]:
        assert container["image"] == IMAGE == KUSTOMIZATION["images"][0]["name"]
        resources = container["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]
        assert {*resources["limits"]} == {"cpu", "memory"}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_each_variable_is_a_setting(pod: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is misspelt would be refused at the start; files are mounted where they are named."""
    shared = FILES["settings.yaml"][0]["data"]
    (container,) = pod["spec"]["containers"]
    own = {of["name"]: of.get("value", "a" * 32) for of in container.get("env", ())}
    assert container["envFrom"] == [{"configMapRef": {"name": "logpond-settings"}}]
    for name, value in {**shared, **own}.items():
        monkeypatch.setenv(name, value)
    assert settings.load().lake == shared["LOGPOND_LAKE"]
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    files = [value for name, value in shared.items() if name.endswith("_FILE") and value]
    assert all(str(Path(file).parent) in mounts for file in files)


def test_executors_have_what_their_connection_to_kafka_names() -> None:
    """Its certificates, by the path that their driver has; not its password."""
    (container,) = EXECUTOR["spec"]["containers"]
    (volume,) = [of["secret"] for of in EXECUTOR["spec"]["volumes"] if "secret" in of]
    (at,) = [of["mountPath"] for of in container["volumeMounts"] if of["name"] == "kafka"]
    files = {f"{at}/{item['path']}" for item in volume["items"]}
    shared = FILES["settings.yaml"][0]["data"]
    named = {v for k, v in shared.items() if re.fullmatch("LOGPOND_KAFKA_.*_FILE", k)}
    assert files - {registry()["LOGPOND_REGISTRY_CA_FILE"]} == named - {
        shared["LOGPOND_KAFKA_PASSWORD_FILE"]
    }


def registry() -> dict[str, str]:
    """What docs/kubernetes.md says of a schema registry."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    (block,) = re.findall(r"```yaml\n(LOGPOND_REGISTRY.*?)```", text, re.DOTALL)
    found: dict[str, str] = yaml.safe_load(block)
    return found


def test_a_registry_is_told_as_the_guide_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is one of settings.yaml, and its files are keys of the Secret."""
    shared, told = FILES["settings.yaml"][0]["data"], registry()
    assert {name for name in shared if "REGISTRY" in name} == {*told}
    for name, value in {**shared, **told}.items():
        monkeypatch.setenv(name, value)
    assert settings.load().registry.url == told["LOGPOND_REGISTRY_URL"]
    secrets = {one["metadata"]["name"]: one["stringData"] for one in FILES["secrets.example.yaml"]}
    files = [Path(value) for name, value in told.items() if name.endswith("_FILE")]
    assert {str(file.parent) for file in files} == {"/secrets/kafka"}
    assert {file.name for file in files} <= {*secrets["logpond-kafka"]}


def commands() -> dict[str, list[str]]:
    """Every command that a container or a probe runs."""
    found = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}
    probes = {
        f"{name} {kind}": of[kind]["exec"]["command"]
        for name, of in found.items()
        for kind in ("startupProbe", "livenessProbe")
        if "exec" in of.get(kind, {})
    }
    return {**{name: of["command"] for name, of in found.items()}, **probes}


@pytest.mark.parametrize("command", commands().values(), ids=commands())
def test_each_command_exists(command: list[str]) -> None:
    """With the options that it is given."""
    words = command[2:] if command[:2] == ["python", "-m"] else command
    room = "" if words[0] == "logpond" else words[0]
    name, *options = by_mode(words[1:]) or ["stream"]
    group = program(room or "logpond")
    group.room = room
    found = group.get_command(click.Context(group), name)
    assert found
    known = {opt for param in found.params for opt in param.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_probes_ask_what_answers() -> None:
    """By a name that the server is known by: another one is refused."""
    for name in ("web", "gateway"):
        (container,) = PODS[name]["spec"]["containers"]
        gets = [container[kind]["httpGet"] for kind in container if kind.endswith("Probe")]
        hosts = {header["value"] for get in gets for header in get["httpHeaders"]}
        own = {of["name"]: of.get("value", "") for of in container["env"]}
        assert hosts <= {*own[f"LOGPOND_{name.upper()}_HOSTS"].split(",")}
        assert {get["path"] for get in gets} == {"/healthz", "/readyz"}


def test_each_secret_that_is_mounted_is_in_the_example() -> None:
    """With the keys by which settings name its files."""
    secrets = {one["metadata"]["name"]: one["stringData"] for one in FILES["secrets.example.yaml"]}
    named = re.findall(
        r"secretKeyRef: \{name: ([\w-]+), key: ([\w.-]+)\}|secretKeyRef\.\w+ +([\w-]+):([\w.-]+)",
        "".join(file.read_text() for file in FOLDER.glob("*.yaml")),
    )
    assert named
    for found in named:
        secret, key = [part for part in found if part]
        assert key in secrets[secret]
    for pod in PODS.values():
        mounted = [of["secret"]["secretName"] for of in pod["spec"]["volumes"] if "secret" in of]
        assert {*mounted} <= {*secrets}
    assert {of for pod in PODS.values() for of in str(pod).split("'") if of == "CHANGE-ME"} == set()


def test_the_pages_have_keys_that_only_read() -> None:
    """And the gateway, which reads no table."""
    for name in ("web", "gateway"):
        volumes = {of["name"]: of for of in PODS[name]["spec"]["volumes"]}
        assert volumes["storage"]["secret"]["secretName"] == "logpond-storage-read"


def test_sparks_defaults_are_those_of_the_image_and_more() -> None:
    """All lines of conf/spark-defaults.conf; the image of the executors is that of the programs."""
    here = properties(SPARK["spark-defaults.conf"])
    image = properties((ROOT / "conf" / "spark-defaults.conf").read_text())
    assert image.items() <= here.items(), "copy the line to deploy/kubernetes/spark.yaml too"
    tag = KUSTOMIZATION["images"][0]["newTag"]
    assert here["spark.kubernetes.container.image"] == f"{IMAGE}:{tag}"
    assert here["spark.kubernetes.namespace"] == KUSTOMIZATION["namespace"]
    assert here["spark.authenticate"] == here["spark.network.crypto.enabled"] == "true"


def test_the_ports_of_spark_are_let_through() -> None:
    """Those that its properties fix, and no others between drivers and executors."""
    here = properties(SPARK["spark-defaults.conf"])
    fixed = {int(value) for name, value in here.items() if name.endswith(".port")}
    policies = {one["metadata"]["name"]: one["spec"] for one in FILES["network.yaml"]}
    rules = [*policies["drivers"]["ingress"], *policies["executors"]["ingress"]]
    assert {port["port"] for rule in rules for port in rule["ports"]} == fixed
    assert policies["nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_script_of_executors_starts_a_class_with_options_that_it_knows() -> None:
    """Which are in the jar of pyspark."""
    script = SPARK["executor.sh"]
    subprocess.run(["bash", "-n", "-c", script], check=True)
    (backend,) = re.findall(r"org\.apache\.spark\.[\w.]+Backend", script)
    (jar,) = (environment.spark_home() / "jars").glob("spark-kubernetes_*.jar")
    with zipfile.ZipFile(jar) as classes:
        code = b"".join(
            classes.read(name)
            for name in classes.namelist()
            if name.startswith(backend.replace(".", "/"))
        )
    options = re.findall(r"(--[a-zA-Z-]+) ", script)
    assert [option for option in options if option.encode() not in code] == []
