//! A registry in this process that can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use flinkpack::image::{Digest, Reference};
use tokio::net::{TcpListener, TcpStream};

use super::faults::{Action, Fault, Faults};
use super::http::{Connection, Request, Response};
use super::routes::State;
use super::tokens::{Auth, Tokens};

/// How the registry names upload sessions.
#[derive(Clone, Debug, Default)]
pub enum Locations {
    #[default]
    Relative,
    Absolute,
    /// On another server, which takes the upload without a login.
    On(String),
}

/// What becomes of an upload whose request broke off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broken {
    /// It has the bytes that came.
    #[default]
    Keeps,
    /// It has what it had before that request.
    Forgets,
    /// It is gone, as in Docker's registry.
    Loses,
}

/// What the registry does and does not do.
#[derive(Clone)]
pub struct Behaviour {
    pub auth: Auth,
    /// Whether blobs are mounted; else an upload is opened.
    pub mounts: bool,
    /// Longest body of a request.
    pub longest: Option<u64>,
    /// `OCI-Chunk-Min-Length`.
    pub least_chunk: Option<u64>,
    pub locations: Locations,
    pub broken: Broken,
    /// Whether a tag may move.
    pub immutable: bool,
    /// Whether it lists what refers to an image.
    pub referrers: bool,
    /// Takes tokens from here at `/token`.
    pub tokens: Option<Tokens>,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            auth: Auth::None,
            mounts: true,
            longest: None,
            least_chunk: None,
            locations: Locations::Relative,
            broken: Broken::Keeps,
            immutable: false,
            referrers: false,
            tokens: None,
        }
    }
}

pub struct Inner {
    pub address: String,
    pub behaviour: Mutex<Behaviour>,
    /// Shared with the servers beside it.
    state: Arc<Mutex<State>>,
    pub faults: Mutex<Faults>,
    pub requests: Mutex<Vec<Request>>,
    /// By method: requests under way, and how many those have been at most.
    busy: Mutex<HashMap<String, (usize, usize)>>,
}

/// The registry; clones are the same one.
#[derive(Clone)]
pub struct FaultRegistry(pub Arc<Inner>);

impl FaultRegistry {
    /// One that does everything right.
    pub async fn start() -> FaultRegistry {
        FaultRegistry::with(Behaviour::default()).await
    }

    pub async fn with(behaviour: Behaviour) -> FaultRegistry {
        FaultRegistry::of(behaviour, Arc::default()).await
    }

    /// Another server for the same content, which wants no login.
    pub async fn beside(&self) -> FaultRegistry {
        FaultRegistry::of(Behaviour::default(), Arc::clone(&self.0.state)).await
    }

    async fn of(behaviour: Behaviour, state: Arc<Mutex<State>>) -> FaultRegistry {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registry = FaultRegistry(Arc::new(Inner {
            address: listener.local_addr().unwrap().to_string(),
            behaviour: Mutex::new(behaviour),
            state,
            faults: Mutex::default(),
            requests: Mutex::default(),
            busy: Mutex::default(),
        }));
        let serving = registry.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let registry = serving.clone();
                tokio::spawn(async move { registry.serve(stream).await });
            }
        });
        registry
    }

    /// One that wants tokens, which it gives itself.
    pub async fn with_tokens(tokens: Tokens) -> FaultRegistry {
        let registry = FaultRegistry::start().await;
        let realm = format!("http://{}/token", registry.address());
        let mut behaviour = registry.behaviour();
        behaviour.auth = Auth::Bearer {
            realm,
            tokens: tokens.clone(),
        };
        behaviour.tokens = Some(tokens);
        drop(behaviour);
        registry
    }

    pub fn address(&self) -> &str {
        &self.0.address
    }

    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.0.behaviour.lock().unwrap()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub fn fault(&self, fault: Fault) {
        self.0.faults.lock().unwrap().add(fault);
    }

    pub fn reference(&self, name: &str) -> Reference {
        format!("{}/{name}", self.address()).parse().unwrap()
    }

    pub fn add_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let key = (repository.to_string(), digest.to_string());
        self.state().blobs.insert(key, bytes.to_vec().into());
        digest
    }

    pub fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        let key = (repository.to_string(), digest.to_string());
        self.state().blobs.contains_key(&key)
    }

    /// `METHOD path` of all requests, those for tokens not counted.
    pub fn log(&self) -> Vec<String> {
        let requests = self.0.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| !request.path.starts_with("/token"))
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.0.requests.lock().unwrap().clone()
    }

    pub fn clear_log(&self) {
        self.0.requests.lock().unwrap().clear();
    }

    /// Requests of this method that were under way at once.
    pub fn most_at_once(&self, method: &str) -> usize {
        let busy = self.0.busy.lock().unwrap();
        busy.get(method).map_or(0, |(_, most)| *most)
    }

    fn begin(&self, method: &str) {
        let mut busy = self.0.busy.lock().unwrap();
        let (now, most) = busy.entry(method.to_string()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self, method: &str) {
        if let Some((now, _)) = self.0.busy.lock().unwrap().get_mut(method) {
            *now -= 1;
        }
    }

    /// Requests of this method whose path holds `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        let log = self.log();
        log.iter()
            .filter(|line| line.starts_with(method) && line.contains(part))
            .count()
    }

    async fn serve(&self, stream: TcpStream) {
        let mut connection = Connection::new(stream);
        while let Ok(Some(request)) = connection.request().await {
            self.0.requests.lock().unwrap().push(request.clone());
            let action = self.0.faults.lock().unwrap().take(&request);
            let longest = self.behaviour().longest;
            let too_long = longest.is_some_and(|longest| request.length > longest);
            let action = match action {
                None if too_long => Some(Action::Early(Response::new(413))),
                action => action,
            };
            self.begin(&request.method);
            let outcome = self.one(&mut connection, &request, action).await;
            self.end(&request.method);
            match outcome {
                Ok(true) => {}
                Ok(false) => return connection.reset(),
                Err(_) => return,
            }
        }
    }

    /// Serves one request; `false` ends the connection by a reset.
    async fn one(
        &self,
        connection: &mut Connection,
        request: &Request,
        action: Option<Action>,
    ) -> std::io::Result<bool> {
        match action {
            Some(Action::Early(response)) => {
                let response = response.with("Connection", "close");
                connection.answer(request, &response, None).await?;
                // Gives the answer time before what was not read resets it.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Ok(false);
            }
            Some(Action::ResetAfter(bytes)) => {
                let part = connection.body(bytes.min(request.length)).await?;
                self.keep(request, &part);
                return Ok(false);
            }
            Some(Action::HoldAfter(bytes)) => {
                let part = connection.body(bytes.min(request.length)).await?;
                self.keep(request, &part);
                std::future::pending::<()>().await;
            }
            Some(Action::Stall) => {
                std::future::pending::<()>().await;
            }
            _ => {}
        }
        let body = match action {
            Some(Action::Slow(part, wait)) => {
                let mut body = Vec::new();
                while (body.len() as u64) < request.length {
                    let left = request.length - body.len() as u64;
                    body.extend(connection.body(part.min(left)).await?);
                    tokio::time::sleep(wait).await;
                }
                body
            }
            _ => connection.body(request.length).await?,
        };
        if (body.len() as u64) < request.length {
            self.keep(request, &body);
            return Ok(false);
        }
        if let Some(Action::Answer(response)) = action {
            connection.answer(request, &response, None).await?;
            return Ok(true);
        }
        if let Some(Action::Redirect(status, base)) = action {
            let there = Response::new(status).with("Location", base + &request.path);
            connection.answer(request, &there, None).await?;
            return Ok(true);
        }
        let mut response = self.answer(request, body);
        match action {
            Some(Action::ResetAfterwards) => return Ok(false),
            Some(Action::Cut(bytes)) => {
                connection.answer(request, &response, Some(bytes)).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Ok(false);
            }
            Some(Action::Hang(bytes)) => {
                connection.answer(request, &response, Some(bytes)).await?;
                std::future::pending::<()>().await;
            }
            Some(Action::Corrupt) => {
                if let Some(byte) = response.body.first_mut() {
                    *byte ^= 1;
                }
            }
            Some(Action::Header(name, value)) => {
                response
                    .headers
                    .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                if let Some(value) = value {
                    response = response.with(name, value);
                }
            }
            _ => {}
        }
        connection.answer(request, &response, None).await?;
        Ok(true)
    }
}
