"""Tools of Java as peers: Maven fetches their JARs, once, into target/cache/tools."""

import os

from measure import ROOT, WORK, run

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
CACHED = os.environ.get("FLINKPACK_TEST_CACHE") or os.path.join(ROOT, "target/cache")
# Where Maven keeps what it fetches.
LOCAL = f"-Dmaven.repo.local={CACHED}/m2"


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text)
    return path


def pom(coordinates, files=()):
    """A project that needs these coordinates, and these files as they are."""
    parts = [coordinate.split(":") for coordinate in coordinates]
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        for group, artifact, version in parts
    )
    dependencies += "".join(
        f"<dependency><groupId>files</groupId><artifactId>file-{at}</artifactId><version>1</version>"
        f"<scope>system</scope><systemPath>{file}</systemPath></dependency>"
        for at, file in enumerate(files)
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>bench</artifactId>"
        f"<version>1</version><dependencies>{dependencies}</dependencies></project>\n"
    )


def class_path(coordinate):
    """The artifact's JAR, and those that it needs, as a class path."""
    _, artifact, version = coordinate.split(":")
    jars = os.path.join(CACHED, "tools", f"{artifact}-{version}")
    if not os.path.isdir(jars):
        folder = os.path.join(WORK, artifact)
        put(os.path.join(folder, "pom.xml"), pom([coordinate]))
        part = os.path.join(folder, "jars")
        run(["mvn", "-q", "-B", LOCAL, f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={part}"], cwd=folder)
        os.makedirs(os.path.dirname(jars), exist_ok=True)
        os.rename(part, jars)
    return os.path.join(jars, "*")
