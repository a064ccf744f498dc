//! Just enough of an HTTP/1.1 server to do everything wrong on purpose.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// A request's head.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub length: u64,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries(name).into_iter().next()
    }

    pub fn queries(&self, name: &str) -> Vec<String> {
        let url = url::Url::parse(&format!("http://x{}", self.path)).unwrap();
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16) -> Response {
        Response {
            status,
            ..Response::default()
        }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Response {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.body = body.into();
        self
    }
}

impl Connection {
    pub fn new(stream: TcpStream) -> Connection {
        Connection {
            stream: BufReader::new(stream),
        }
    }

    /// The next request's head; `None` when the client is gone.
    pub async fn request(&mut self) -> io::Result<Option<Request>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_u8().await {
                // What servers do when they are spoken to in TLS.
                Ok(0x16) if head.is_empty() => {
                    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
                    self.stream.write_all(answer).await?;
                    return Ok(None);
                }
                Ok(byte) => head.push(byte),
                Err(_) if head.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_string(), value.trim().to_string()))
            .collect();
        let mut request = Request {
            method: first.next().unwrap_or_default().to_string(),
            path: first.next().unwrap_or_default().to_string(),
            headers,
            length: 0,
        };
        assert!(
            request.header("transfer-encoding").is_none(),
            "bodies have a length: {request:?}"
        );
        if let Some(length) = request.header("content-length") {
            request.length = length.parse().unwrap();
        }
        Ok(Some(request))
    }

    /// Reads up to `most` bytes of a body.
    pub async fn body(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        (&mut self.stream).take(most).read_to_end(&mut body).await?;
        Ok(body)
    }

    /// Answers; of the body only `limit` bytes where that is given.
    pub async fn answer(
        &mut self,
        request: &Request,
        response: &Response,
        limit: Option<usize>,
    ) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\n", response.status);
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let own = |name: &str| {
            response
                .headers
                .iter()
                .any(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        if !own("content-length") && response.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        if request.method != "HEAD" {
            let end = limit.unwrap_or(usize::MAX).min(response.body.len());
            self.stream.write_all(&response.body[..end]).await?;
        }
        self.stream.flush().await
    }

    /// Ends the connection the hard way.
    pub fn reset(self) {
        let stream = self.stream.into_inner();
        let _ = stream.set_zero_linger();
    }
}
