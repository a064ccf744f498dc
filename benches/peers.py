"""One job, built and pushed by each tool; images copied by each; and the floor, which
is curl with the bytes that have to move.

Each function takes a host to push to, and answers the seconds that it took.
"""

import hashlib
import json
import os
import shutil
import subprocess

from measure import FLINKPACK, MB, WORK, environment, fail, noise_jar, run

DOCKER = "/usr/bin/docker"
BIN = environment("FLINKPACK_TEST_BIN")
CRANE = os.path.join(BIN, "crane")
BUILDAH = f"buildah --root {WORK}/buildah --runroot {WORK}/buildah-run"
SKOPEO = 'skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$1" "docker://$2"'
NO_DAEMON = {"DOCKER_HOST": "unix:///nonexistent.sock"}
# Docker 28, whose daemon keeps images in containerd's store.
DOCKER28 = {
    "DOCKER_HOST": environment("FLINKPACK_TEST_DOCKER28_HOST"),
    "DOCKER_CONFIG": os.path.join(BIN, "docker-config"),
}
JAR = 30 * MB
LAYER = "application/vnd.oci.image.layer.v1.tar"
fresh = iter(range(10**9))


def check():
    if not shutil.which("buildah"):
        fail("buildah is not installed", "tests/env/install installs it")


def bare(script, *arguments, cwd=WORK, **variables):
    return run(["bash", "-ec", script, "bash", *arguments], cwd=cwd, **variables)[0]


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(host):
    """One a way to the registry: each has its lock file."""
    return f"flinkpack-{host.rpartition(':')[2]}.toml"


# A POST and a PUT: what one blob takes at least.
SEND = (
    'send() { at=$(curl -sfS -D - -o /dev/null -X POST "http://$1/v2/$2/blobs/uploads/" | '
    "tr -d '\\r' | sed -n 's/^[Ll]ocation: //p'); "
    'curl -sfS -o /dev/null -H "Content-Type: application/octet-stream" -T "$3" "$at&digest=sha256:$4"; }; '
)

# All that makes an image of them, too: what the registry has is mounted, from $5 on.
SEND_IMAGE = SEND + (
    'mounts=(); for blob in "${@:5}"; do '
    'mounts+=("http://$1/v2/$2/blobs/uploads/?mount=sha256:${blob%@*}&from=${blob#*@}"); done; '
    'curl -sfS -Z -X POST "${mounts[@]}" >/dev/null; '
    'send "$1" "$2" "$3" "$4" & send "$1" "$2" config.json $(sha256sum config.json | cut -c-64); wait $!; '
    'curl -sfS -T manifest.json -H "Content-Type: application/vnd.oci.image.manifest.v1+json" '
    '"http://$1/v2/$2/manifests/1"'
)


class Job:
    """A project with a JAR of its own and some that others have, too."""

    def __init__(self, shared=(), size=JAR):
        self.folder = os.path.join(WORK, f"job-{next(fresh)}")
        self.size = size
        self.shared = shared
        os.makedirs(self.folder)
        for jar in shared:
            os.link(jar, os.path.join(self.folder, os.path.basename(jar)))
        self.change()

    def change(self):
        path = os.path.join(self.folder, "job.jar")
        noise_jar(path, self.size)
        self.digest = digest_of(path)

    def names(self):
        return [*(os.path.basename(jar) for jar in self.shared), "job.jar"]

    def flinkpack(self, host, name, cache, tag="1"):
        sections = "".join(f'[udfs."{jar}"]\npath = "{jar}"\n' for jar in self.names())
        with open(os.path.join(self.folder, manifest(host)), "w") as out:
            out.write(f'[image]\nname = "{host}/{name}"\ntags = ["{tag}"]\nbase = "docker://{host}/base:1"\n{sections}')
        command = [FLINKPACK, "build", "--push", "--no-check", "--progress", "none", "--manifest", manifest(host)]
        return run(command, cwd=self.folder, cache=cache, **NO_DAEMON)[0]

    def dockerfile(self, host):
        copies = "".join(f"COPY --chown=9999:9999 {jar} /opt/flink/lib/\n" for jar in self.names())
        with open(os.path.join(self.folder, "Dockerfile"), "w") as out:
            out.write(f"FROM {host}/base:1\n{copies}")
        with open(os.path.join(self.folder, ".dockerignore"), "w") as out:
            out.write("*\n!*.jar\n")

    def docker(self, host, name):
        self.dockerfile(host)
        script = f'{DOCKER} build -q -t "$1" . >/dev/null; {DOCKER} push -q "$1"'
        return bare(script, f"{host}/{name}:1", cwd=self.folder, DOCKER_BUILDKIT="1")

    def buildx(self, host, name):
        self.dockerfile(host)
        script = '"$1"/docker28 buildx build -q --provenance=false --push -t "$2" . >/dev/null'
        return bare(script, BIN, f"{host}/{name}:1", cwd=self.folder, **DOCKER28)

    def buildah(self, host, name):
        self.dockerfile(host)
        script = (
            f'{BUILDAH} build -q --layers --pull-never --tls-verify=false -t "$1" . >/dev/null; '
            f'{BUILDAH} push -q --tls-verify=false "$1" "docker://$1"'
        )
        return bare(script, f"{host}/{name}:1", cwd=self.folder)

    def crane(self, host, name):
        script = (
            'args=(); for jar in "${@:4}"; do '
            'tar --owner=9999 --group=9999 --mtime=@1 --transform "s,^,opt/flink/lib/," -cf $jar.tar $jar; '
            'args+=(-f $jar.tar); done; "$1" append --insecure -b "$2" "${args[@]}" -t "$3" >/dev/null'
        )
        return bare(script, CRANE, f"{host}/base:1", f"{host}/{name}:1", *self.names(), cwd=self.folder)

    def floor(self, host, name):
        return bare(SEND + 'send "$@"', host, name, "job.jar", self.digest, cwd=self.folder)

    def image_floor(self, host, name, below, homes):
        """An image of the layers `below`, which are in the repositories `homes`, and the JAR."""
        jar = {"digest": f"sha256:{self.digest}", "size": self.size, "mediaType": LAYER}
        config = {
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in [*below, jar]]},
        }
        text = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": "sha256:" + hashlib.sha256(text).hexdigest(),
                "size": len(text),
            },
            "layers": [*below, jar],
        }
        for path, content in (("config.json", text), ("manifest.json", json.dumps(manifest).encode())):
            with open(os.path.join(self.folder, path), "wb") as out:
                out.write(content)
        mounts = [f"{bare_digest(layer)}@{home}" for layer, home in zip(below, homes)]
        return bare(SEND_IMAGE, host, name, "job.jar", self.digest, *mounts, cwd=self.folder)


def flinkpack_copy(source, host, name):
    """The base, as one that only flinkpack's labels are put on."""
    folder = os.path.join(WORK, f"copy-{next(fresh)}")
    os.makedirs(folder)
    with open(os.path.join(folder, "flinkpack.toml"), "w") as out:
        out.write(f'[image]\nname = "{host}/{name}"\ntags = ["1"]\nbase = "docker://{source}"\n')
    command = [FLINKPACK, "build", "--push", "--no-check", "--progress", "none"]
    seconds = run(command, cwd=folder, cache=os.path.join(folder, "cache"), **NO_DAEMON)[0]
    shutil.rmtree(folder)
    return seconds


def crane_copy(source, target):
    return bare('"$1" copy --insecure "$2" "$3"', CRANE, source, target)


def skopeo_copy(source, target):
    return bare(SKOPEO, source, target)


def skopeo_copy_anew(source, target):
    """Without what it knows of registries from before."""
    script = 'mkdir -p /var/lib/containers/cache; mount -t tmpfs tmpfs /var/lib/containers/cache; ' + SKOPEO
    return bare('unshare -m bash -ec "$@"', script, "bash", source, target)


def docker_copy(source, target):
    return bare(f'{DOCKER} tag "$1" "$2"; {DOCKER} push -q "$2"', source, target)


def layers_of(image):
    out = subprocess.run([CRANE, "manifest", "--insecure", image], capture_output=True, text=True, check=True).stdout
    return json.loads(out)["layers"]


def bare_digest(layer):
    """Without its kind."""
    return layer["digest"].partition(":")[2]


def floor_copy(source, layers, host, name):
    """All layers at once, each from one curl to another."""
    place, _, repository = source.rpartition(":")[0].partition("/")
    script = SEND + (
        'for digest in "${@:5}"; do '
        'curl -sfS "http://$1/v2/$2/blobs/sha256:$digest" | send "$3" "$4" - "$digest" & jobs+=($!); done; '
        'for job in "${jobs[@]}"; do wait $job; done'
    )
    return bare(script, place, repository, host, name, *map(bare_digest, layers))


def prepare(host):
    """What every tool has of the base before it is measured."""
    name = f"{host}/base:1"
    bare(f'{DOCKER} pull -q "$1"', name)
    bare('"$1"/docker28 pull -q "$2"', BIN, name, **DOCKER28)
    bare(f'{BUILDAH} pull -q --tls-verify=false "$1"', name)


def clean(hosts):
    """Takes the names of these hosts out of daemons that others use. By name: an ID would
    take the base's own name with it."""
    names = "grep -F " + " ".join(f"-e {host}/" for host in hosts)
    remove = f'"$1" images --format "{{{{.Repository}}}}:{{{{.Tag}}}}" | {names} | xargs -r "$1" rmi'
    for program, variables in ((DOCKER, {}), (os.path.join(BIN, "docker28"), DOCKER28)):
        subprocess.run(["bash", "-c", remove, "bash", program], env={**os.environ, **variables}, capture_output=True)
