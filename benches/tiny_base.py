"""A base image as small as one can be, with no registry and no daemon."""

import hashlib
import io
import json
import os
import tarfile


def make(folder):
    """An image that looks like Flink to flinkpack, as an OCI layout."""
    blobs = os.path.join(folder, "blobs/sha256")
    os.makedirs(blobs)

    def blob(kind, content):
        digest = hashlib.sha256(content).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as out:
            out.write(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for path, content in (
            ("usr/lib/jvm/jre/release", b'JAVA_VERSION="17.0.9"\n'),
            ("opt/flink/conf/config.yaml", b"jobmanager:\n  rpc:\n    address: localhost\n"),
            ("opt/flink/lib/flink-dist-1.20.1.jar", b"PK\x05\x06" + bytes(18)),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    layer = blob("layer.v1.tar", layer.getvalue())
    config = blob("config.v1+json", json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["FLINK_HOME=/opt/flink", "JAVA_HOME=/usr/lib/jvm/jre"], "User": "9999:9999"},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }).encode())
    manifest = blob("manifest.v1+json", json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    }).encode())
    for name, content in (
        ("index.json", {"schemaVersion": 2, "manifests": [manifest]}),
        ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
    ):
        with open(os.path.join(folder, name), "w") as out:
            json.dump(content, out)
