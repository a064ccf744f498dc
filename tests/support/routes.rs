//! What the registry answers when nothing goes wrong (OCI distribution 1.1,
//! with the habits of Docker's registry).

use std::collections::HashMap;
use std::sync::Arc;

use flinkpack::image::Digest;

use super::http::{Request, Response};
use super::registry::{Broken, FaultRegistry, Locations};

/// What the registry holds.
#[derive(Default)]
pub struct State {
    /// By repository and digest.
    pub blobs: HashMap<(String, String), Arc<[u8]>>,
    /// By repository and tag or digest: media type and bytes.
    pub manifests: HashMap<(String, String), (String, Vec<u8>)>,
    /// By name: what came so far.
    pub uploads: HashMap<String, Vec<u8>>,
    /// Bytes of uploads that came and were kept.
    pub arrived: u64,
    opened: usize,
}

fn failed(status: u16, code: &str) -> Response {
    Response::new(status).body(format!(
        r#"{{"errors":[{{"code":"{code}","message":"as the test wants it"}}]}}"#
    ))
}

impl FaultRegistry {
    /// Keeps a part of an upload that broke off.
    pub fn keep(&self, request: &Request, part: &[u8]) {
        if let Some((_, name)) = request.path.split_once("/blobs/uploads/") {
            let name = name.split('?').next().unwrap_or_default();
            let broken = self.behaviour().broken;
            let mut state = self.state();
            let Some(upload) = state.uploads.get_mut(name) else {
                return;
            };
            match broken {
                Broken::Keeps => {
                    upload.extend_from_slice(part);
                    state.arrived += part.len() as u64;
                }
                Broken::Forgets => {}
                Broken::Loses => drop(state.uploads.remove(name)),
            }
        }
    }

    pub fn answer(&self, request: &Request, body: Vec<u8>) -> Response {
        let behaviour = self.behaviour().clone();
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/token" {
            return match &behaviour.tokens {
                Some(tokens) => tokens.answer(request, &body),
                None => Response::new(404),
            };
        }
        let Some(rest) = path.strip_prefix("/v2/") else {
            return Response::new(404);
        };
        let parts = [
            ("/blobs/uploads/", 0),
            ("/blobs/", 1),
            ("/manifests/", 2),
            ("/referrers/", 3),
        ];
        for (part, kind) in parts {
            let Some((repository, name)) = rest.split_once(part) else {
                continue;
            };
            let action = match request.method.as_str() {
                "GET" | "HEAD" => "pull",
                // Docker's registry wants this for uploads, too.
                "DELETE" => "delete",
                _ => "push",
            };
            let mut wanted = vec![format!("repository:{repository}:{action}")];
            if let Some(from) = request.query("from") {
                wanted.push(format!("repository:{from}:pull"));
            }
            if let Some(refusal) = behaviour.auth.refuses(request, &wanted) {
                return refusal;
            }
            return match kind {
                0 => self.upload(request, repository, name, body),
                1 => self.blob(request, repository, name),
                3 => self.referrers(repository, name),
                _ => self.manifest(request, repository, name, body),
            };
        }
        Response::new(404)
    }

    fn blob(&self, request: &Request, repository: &str, digest: &str) -> Response {
        let key = (repository.to_string(), digest.to_string());
        let Some(bytes) = self.state().blobs.get(&key).cloned() else {
            return failed(404, "BLOB_UNKNOWN");
        };
        let response = Response::new(200).with("Docker-Content-Digest", digest);
        let Some(range) = request.header("range") else {
            let response = match request.method.as_str() {
                "HEAD" => response.with("Content-Length", bytes.len()),
                _ => response,
            };
            return response.body(bytes.to_vec());
        };
        let (first, last) = range["bytes=".len()..].split_once('-').unwrap();
        let first: usize = first.parse().unwrap();
        let size = bytes.len();
        let last = last.parse().unwrap_or(size - 1);
        Response::new(206)
            .with("Content-Range", format!("bytes {first}-{last}/{size}"))
            .body(&bytes[first..=last])
    }

    fn upload(&self, request: &Request, repository: &str, name: &str, body: Vec<u8>) -> Response {
        let behaviour = self.behaviour().clone();
        let mut state = self.state();
        if request.method == "POST" {
            if let (Some(digest), Some(from)) = (request.query("mount"), request.query("from")) {
                let held = state.blobs.get(&(from, digest.clone())).cloned();
                if let Some(bytes) = held.filter(|_| behaviour.mounts) {
                    state.blobs.insert((repository.to_string(), digest), bytes);
                    return Response::new(201);
                }
            }
            state.opened += 1;
            let name = format!("session-{}", state.opened);
            state.uploads.insert(name.clone(), Vec::new());
            return self.session(202, repository, &name, 0);
        }
        if request.method == "DELETE" && state.uploads.remove(name).is_some() {
            return Response::new(204);
        }
        let Some(upload) = state.uploads.get_mut(name) else {
            return failed(404, "BLOB_UPLOAD_UNKNOWN");
        };
        // Like Docker's registry: a session's address ends with the request
        // that answered with it.
        if request.query("state") != Some(upload.len().to_string()) && request.method != "GET" {
            return failed(416, "RANGE_INVALID");
        }
        let first = request
            .header("content-range")
            .and_then(|range| range.split_once('-')?.0.parse().ok());
        if request.method == "PATCH" && first != Some(upload.len()) {
            return failed(416, "RANGE_INVALID");
        }
        let came = body.len() as u64;
        let answer = match request.method.as_str() {
            "GET" => self.session(204, repository, name, upload.len()),
            "PATCH" => {
                upload.extend_from_slice(&body);
                self.session(202, repository, name, upload.len())
            }
            "PUT" => {
                upload.extend_from_slice(&body);
                let bytes = std::mem::take(upload);
                state.uploads.remove(name);
                state.arrived += came;
                let digest = Digest::of(&bytes).to_string();
                if request.query("digest").as_ref() != Some(&digest) {
                    return failed(400, "DIGEST_INVALID");
                }
                let key = (repository.to_string(), digest.clone());
                state.blobs.insert(key, bytes.into());
                return Response::new(201).with("Docker-Content-Digest", digest);
            }
            _ => Response::new(405),
        };
        if request.method == "PATCH" {
            state.arrived += came;
        }
        answer
    }

    fn session(&self, status: u16, repository: &str, name: &str, has: usize) -> Response {
        let behaviour = self.behaviour().clone();
        let base = match &behaviour.locations {
            Locations::Relative => String::new(),
            Locations::Absolute => format!("http://{}", self.address()),
            Locations::On(base) => base.clone(),
        };
        let location = format!("{base}/v2/{repository}/blobs/uploads/{name}?state={has}");
        let response = Response::new(status)
            .with("Location", location)
            .with("Range", format!("0-{}", has.saturating_sub(1)));
        match behaviour.least_chunk {
            Some(least) => response.with("OCI-Chunk-Min-Length", least),
            None => response,
        }
    }

    fn referrers(&self, repository: &str, subject: &str) -> Response {
        if !self.behaviour().referrers {
            return failed(404, "NOT_FOUND");
        }
        let state = self.state();
        let mut manifests = Vec::new();
        for ((place, name), (kind, bytes)) in &state.manifests {
            let manifest: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            let refers = manifest["subject"]["digest"].as_str() == Some(subject);
            if place == repository && name.starts_with("sha256:") && refers {
                manifests.push(serde_json::json!({
                    "mediaType": kind,
                    "digest": name,
                    "size": bytes.len(),
                    "artifactType": manifest["artifactType"],
                }));
            }
        }
        let kind = flinkpack::image::media::OCI_INDEX;
        let index =
            serde_json::json!({"schemaVersion": 2, "mediaType": kind, "manifests": manifests});
        Response::new(200)
            .with("Content-Type", kind)
            .body(index.to_string())
    }

    fn manifest(&self, request: &Request, repository: &str, name: &str, body: Vec<u8>) -> Response {
        let immutable = self.behaviour().immutable;
        let lists = self.behaviour().referrers;
        let mut state = self.state();
        let key = (repository.to_string(), name.to_string());
        if request.method == "PUT" {
            let manifest: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let layers = manifest["layers"].as_array().into_iter().flatten();
            let config = Some(&manifest["config"]).filter(|config| config.is_object());
            for blob in layers.chain(config) {
                let digest = blob["digest"].as_str().unwrap().to_string();
                if !state.blobs.contains_key(&(repository.to_string(), digest)) {
                    return failed(400, "MANIFEST_BLOB_UNKNOWN");
                }
            }
            if immutable && state.manifests.contains_key(&key) {
                return failed(400, "TAG_IMMUTABLE");
            }
            let kind = request.header("content-type").unwrap().to_string();
            let digest = Digest::of(&body).to_string();
            let by_digest = (repository.to_string(), digest.clone());
            state.manifests.insert(key, (kind.clone(), body.clone()));
            state.manifests.insert(by_digest, (kind, body));
            let response = Response::new(201).with("Docker-Content-Digest", digest);
            return match manifest["subject"]["digest"].as_str() {
                Some(subject) if lists => response.with("OCI-Subject", subject),
                _ => response,
            };
        }
        match state.manifests.get(&key) {
            Some((kind, bytes)) => Response::new(200)
                .with("Content-Type", kind)
                .with("Content-Length", bytes.len())
                .with("Docker-Content-Digest", Digest::of(bytes))
                .body(bytes.clone()),
            None => failed(404, "MANIFEST_UNKNOWN"),
        }
    }
}
