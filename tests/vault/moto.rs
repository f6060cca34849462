//! moto, which stands in for AWS: STS, IAM, KMS and S3.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The program; none, said loudly, where it is not there.
pub(crate) fn program() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let found = assets.map(|assets| assets.join("moto_server"));
    let found = found.filter(|program| program.is_file());
    if found.is_none() {
        eprintln!(
            "!! absent: moto_server in KUBEBUILDER_ASSETS (tests/servers/build.sh): NOT RUN with an AWS"
        );
    }
    found
}

/// The account of the first users' estate.
pub(crate) const ACCOUNT: &str = "941892620273";

/// A running AWS.
pub(crate) struct Moto {
    child: Child,
    port: u16,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start(program: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_ACCOUNT_ID", ACCOUNT)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..1200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            child,
            port,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// A request to a service, and its answer.
    pub(crate) fn call(
        &self,
        service: &str,
        (method, path): (&str, &str),
        headers: &str,
        body: &str,
    ) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // Which service is meant is told by the scope of a signature that nobody checks.
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {service}.us-east-1.amazonaws.com\r\nconnection: close\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{service} {path} {body}: {answer}"
        );
        answer
    }

    /// A request of the Query protocol.
    pub(crate) fn query(&self, service: &str, body: &str) -> String {
        let headers = "content-type: application/x-www-form-urlencoded\r\n";
        self.call(service, ("POST", "/"), headers, body)
    }

    /// The keys of somebody who acts as a role, as variables of an environment.
    pub(crate) fn assume(&self, role: &str) -> [(&'static str, String); 3] {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let answer = self.query(
            "sts",
            &format!("Action=AssumeRole&Version=2011-06-15&RoleArn={arn}&RoleSessionName=s"),
        );
        let element = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        [
            ("AWS_ACCESS_KEY_ID", element("AccessKeyId")),
            ("AWS_SECRET_ACCESS_KEY", element("SecretAccessKey")),
            ("AWS_SESSION_TOKEN", element("SessionToken")),
        ]
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
