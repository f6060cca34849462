//! A real `OpenBao`, from its wheel.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The program; none, said loudly, where it is not there.
pub(crate) fn program() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let found = assets.map(|assets| assets.join("bao"));
    let found = found.filter(|program| program.is_file());
    if found.is_none() {
        eprintln!(
            "!! absent: bao in KUBEBUILDER_ASSETS (tests/servers/build.sh): NOT RUN against OpenBao"
        );
    }
    found
}

/// A running server.
pub(crate) struct Bao {
    child: Child,
    pub(crate) url: String,
    start: (PathBuf, PathBuf, String, u16),
}

impl Bao {
    /// Starts it with its storage (raft) and its log in a folder, listening on a loopback address. `more` is
    /// added to its configuration; a line that begins with `listener:` goes into its listener.
    pub(crate) fn start(program: &Path, folder: &Path, ip: &str, port: u16, more: &str) -> Self {
        fs::create_dir_all(folder.join("raft")).unwrap();
        let (inside, outside): (Vec<&str>, Vec<&str>) = more
            .lines()
            .partition(|line| line.trim().starts_with("listener:"));
        let inside = inside.join("\n").replace("listener:", "");
        let config = format!(
            "storage \"raft\" {{\n path = \"{raft}\"\n node_id = \"{ip}\"\n}}\n\
             listener \"tcp\" {{\n address = \"{ip}:{port}\"\n tls_disable = true\n{inside}\n}}\n\
             api_addr = \"http://{ip}:{port}\"\ncluster_addr = \"https://{ip}:{cluster}\"\n{}\n",
            outside.join("\n"),
            raft = folder.join("raft").display(),
            cluster = port + 1,
        );
        fs::write(folder.join("bao.hcl"), config).unwrap();
        let child = run(program, folder);
        wait_for(ip, port, folder);
        Self {
            child,
            url: format!("http://{ip}:{port}"),
            start: (program.into(), folder.into(), ip.to_owned(), port),
        }
    }

    /// Ends it at once and starts it again, as when its container is replaced.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let (program, folder, ip, port) = &self.start;
        self.child = run(program, folder);
        wait_for(ip, *port, folder);
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(program: &Path, folder: &Path) -> Child {
    let log = fs::File::create(folder.join("bao.log")).unwrap();
    Command::new(program)
        .args(["server", "-config"])
        .arg(folder.join("bao.hcl"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn wait_for(ip: &str, port: u16, folder: &Path) {
    for _ in 0..600 {
        if TcpStream::connect((ip, port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = fs::read_to_string(folder.join("bao.log")).unwrap_or_default();
    unreachable!("OpenBao does not listen:\n{log}");
}

/// A port that is free, with the next one, on every loopback address.
pub(crate) fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
